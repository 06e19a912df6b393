"""Which phase a deal is in: what its chain's newest word says, and planning before any.

Rules kept here:

1. There is no table: a phase stands because an entry states it, with the phase that it followed.
2. Any phase may follow any other, as deals do not always go forward. What that gives anybody is
   for whoever states it to have agreed to first.
3. A deal that was closed for good is in its last phase, and nobody is cleared for anything of it.
"""

from collections.abc import Iterable

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.store.unit import Tx
from tiers.ids import DealId
from tiers.people import Phase

FIRST = Phase.PLANNING


def phase_of(entries: Iterable[Stated]) -> Phase:
    """The phase that a deal's entries, in their order, come to; closed for good is closed."""
    named = [
        entry.body["phase"]
        for entry in entries
        if entry.kind in {Kind.DEAL_PHASE, Kind.DEAL_CLOSED}
    ]
    return Phase(named[-1]) if named else FIRST


def closed_at(entries: Iterable[Stated]) -> int | None:
    """When a deal was closed for good, microseconds UTC; None: it is open."""
    closed = (entry.at for entry in entries if entry.kind == Kind.DEAL_CLOSED)
    return next(closed, None)


def state_closed(
    tx: Tx, deal_id: DealId, before: Phase, dropped: int, *, at: int, actor: str
) -> None:
    """States that a deal is closed for good; nothing takes that back.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        before: the phase that it was in.
        dropped: messages that were dropped in this unit, since they waited.
        at: microseconds UTC.
        actor: who closes it.
    """
    row = commitment("closed", deal_id, before.value, at)
    body: dict[str, Json] = {"before": before.value, "phase": Phase.CLOSED.value, "at": at}
    body |= {"count": dropped, "row": row}
    append(tx, deal_id, Kind.DEAL_CLOSED, body, at=at, actor=actor)


def state_phase(
    tx: Tx,
    deal_id: DealId,
    before: Phase,
    phase: Phase,
    *,
    at: int,
    actor: str,
    request: str | None = None,
) -> None:
    """States that a deal is in another phase from now on.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        before: the phase that it was in.
        phase: the phase that it is in now.
        at: microseconds UTC.
        actor: who says so.
        request: of a founded deal: under which people agreed to it.
    """
    row = commitment("phase", deal_id, before.value, phase.value, at)
    body: dict[str, Json] = {"phase": phase.value, "before": before.value, "at": at, "row": row}
    if request is not None:
        body["request"] = request
    append(tx, deal_id, Kind.DEAL_PHASE, body, at=at, actor=actor)
