"""Since when each side demands the notice, and has the control room, that it has now.

Rule kept here: it is read from the rosters that were adopted, each checked to have the hash that
its audit entry names, from the newest backwards. Where one cannot be read, nothing is known of the
time before it, and nothing is assumed in anybody's favour.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.roster.adoption import history
from orchestrator.roster.document import document_hash, from_document
from orchestrator.roster.read import RosterInvalid
from orchestrator.store.unit import Tx
from tiers.ids import DealId, SideId
from tiers.people import Roster, Side

Adopted = tuple[int, Roster | None]
"""When a roster came into force, microseconds UTC, and the roster; None: it cannot be read."""


@dataclass(frozen=True, slots=True)
class Since:
    """Instants in microseconds UTC; 0: nobody knows, so that no delay may begin with it.

    Attributes:
        notice: when the present wording came into force, without a break since.
        control_room: likewise the control room; None: the side has none.
    """

    notice: int
    control_room: int | None


def since(tx: Tx, deal_id: DealId, roster: Roster, until: int | None = None) -> dict[SideId, Since]:
    """For each side of the roster in force, since when its demands stand.

    Args:
        tx: a unit of work.
        deal_id: the deal.
        roster: as adopted, in force.
        until: what was adopted later counts for nothing, microseconds UTC; None: all counts.
    """
    adopted = tuple(adopted_rosters(tx, deal_id))
    before = adopted if until is None else tuple(a for a in adopted if a[0] <= until)
    return {side.side_id: _since(side, before) for side in roster.sides}


def _since(side: Side, before: Sequence[Adopted]) -> Since:
    wording = _run(side, before, lambda then: then.notice_hash == side.notice_hash)
    room = _run(side, before, lambda then: bool(then.control_room))
    return Since(wording, room if side.control_room else None)


def _run(side: Side, before: Sequence[Adopted], same: Callable[[Side], bool]) -> int:
    """When the unbroken run of rosters began, from the newest backwards, that say the same."""
    began = 0
    for at, roster in before:
        if roster is None:
            return 0
        then = roster.side(side.side_id)
        if then is None or not same(then):
            break
        began = at
    return began


def adopted_rosters(tx: Tx, deal_id: DealId) -> Iterable[Adopted]:
    """Adopted rosters from the newest, with their instants."""
    for at, digest, _ in history(tx, deal_id, "roster"):
        row = tx.one(
            "SELECT document FROM adoption WHERE deal_id = ? AND kind = 'roster' AND hash = ?",
            (deal_id, digest),
        )
        yield at, _read(row[0], digest) if row is not None else None


def _read(document: str, digest: str) -> Roster | None:
    if document_hash(document) != digest:
        return None
    try:
        return from_document(document)
    except RosterInvalid:
        return None
