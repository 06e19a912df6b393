"""A plan: what would be done to a deal's rooms, named by its hash.

Rules kept here:

1. A plan holds ids and codes alone, and no instant: of an unchanged world it is the same plan.
2. What is carried out is what was shown. Where the roster, the policy or a room has moved since,
   nothing is done and what moved is said. What a reading shows to be so already is no move; what
   is only asked for no more is one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from orchestrator.audit.body import canonical_of
from orchestrator.clock import DAY
from orchestrator.deals.book import DealView
from orchestrator.store.unit import Tx
from tiers.conversation import Place
from tiers.ids import AccountId, ConnectorName, PersonId, RoomId
from tiers.membership import Difference, Observed
from tiers.remedy import Act, ActKind, HeldAct, Remedy

Line = list[str | None]
KEPT_FOR = 30 * DAY


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan.

    Attributes:
        document: canonical JSON.
        hash: its sha256, hexadecimal.
        right: seats that are as they should be.
        unread: rooms that could not be read.
        unlisted: rooms whose members were not read whole: of nobody there is it known that he is
            out or in.
        unset: rooms whose settings were not read.
    """

    document: str
    hash: str
    acts: tuple[Act, ...]
    held: tuple[HeldAct, ...]
    left: tuple[Difference, ...] = ()
    right: int = 0
    unread: int = 0
    unlisted: frozenset[Place] = frozenset()
    unset: frozenset[Place] = frozenset()


def planned(deal: DealView, remedy: Remedy) -> Planned:
    """The plan that a remedy is, of a deal as it is in force."""
    body = {
        "v": 1,
        "deal": deal.deal_id,
        "roster": deal.roster_hash,
        "policy": deal.policy.hash,
        "acts": [_line(act) for act in remedy.acts],
        "held": [[*_line(h.act), h.reason] for h in remedy.held],
    }
    document = canonical_of(body).decode()
    named = sha256(document.encode()).hexdigest()
    return Planned(document, named, remedy.acts, remedy.held, remedy.left)


def read_plan(document: str) -> Planned:
    """A plan that was kept.

    Raises:
        ValueError: it is none.
    """
    try:
        body = json.loads(document)
        acts = tuple(map(_act, body["acts"]))
        held = tuple(HeldAct(_act(line[:-1]), str(line[-1])) for line in body["held"])
    except (KeyError, TypeError, IndexError, ValueError):
        raise ValueError("it is no plan") from None
    return Planned(document, sha256(document.encode()).hexdigest(), acts, held)


def moved(
    deal: DealView, shown: Planned, now: Planned, rooms: Mapping[Place, Observed]
) -> Iterator[tuple[str, Act | None]]:
    """What changed since a plan was shown, as codes; nothing where it may be carried out.

    Args:
        deal: in force.
        shown: the plan.
        now: what would be planned now.
        rooms: as they were read for ``now``.
    """
    body: Mapping[str, Any] = json.loads(shown.document)
    if body.get("deal") != deal.deal_id:
        yield "another_deal", None
        return
    if body.get("roster") != deal.roster_hash:
        yield "roster", None
    if body.get("policy") != deal.policy.hash:
        yield "policy", None
    known = {*map(_key, shown.acts), *(_key(h.act) for h in shown.held)}
    for act in _telling(now.acts):
        if _key(act) not in known:
            yield "new", act
    waiting = {_key(h.act): h.reason for h in now.held if h.reason != "cap"}
    for act in _telling(shown.acts):
        blind = now.unset if act.kind is ActKind.HARDEN else now.unlisted
        if act.place in blind:
            yield "incomplete", act  # that nothing shows it is no sign that it is so already
        elif _key(act) in waiting:
            yield waiting[_key(act)], act
    yield from (("unwanted", act) for act in _unwanted(shown, now, rooms))


def _unwanted(shown: Planned, now: Planned, rooms: Mapping[Place, Observed]) -> Iterator[Act]:
    """Acts that are asked for no more, and that no reading shows to be so."""
    due = _due(now)
    for act in _telling(shown.acts):
        read = act.place not in (now.unset if act.kind is ActKind.HARDEN else now.unlisted)
        if read and _key(act) not in due and not _is_so(act, rooms.get(act.place)):
            yield act


def _is_so(act: Act, room: Observed | None) -> bool:
    """Whether a reading shows what an act was to bring about; a room that is gone shows nothing."""
    if room is None or act.kind is ActKind.HARDEN:
        return room is not None  # that its settings do not differ is told by the reading alone
    member = next((m for m in room.members or () if m.account == act.account), None)
    if act.kind is ActKind.REMOVE:
        return member is None
    if act.kind is ActKind.DEMOTE:
        return member is None or not member.admin
    return member is not None and (member.admin or act.kind is ActKind.INVITE)


def still_due(shown: Planned, now: Planned) -> Iterator[tuple[Act, bool]]:
    """The acts of a plan, each with whether it is still to be done; else it is so already."""
    due = _due(now)
    removed = {a.place for a in shown.acts if a.kind is ActKind.REMOVE and _key(a) in due}
    for act in shown.acts:
        yield act, act.place in removed if act.kind is ActKind.ROTATE else _key(act) in due


def _due(now: Planned) -> set[tuple[ActKind, str, str, str | None]]:
    return {*map(_key, now.acts), *(_key(h.act) for h in now.held)}


def keep(tx: Tx, deal: DealView, plan: Planned, at: int) -> None:
    """Keeps a plan, so that it can be carried out by its name; older ones go after a month."""
    tx.run("DELETE FROM plan WHERE at < ?", (at - KEPT_FOR,))
    row = (plan.hash, deal.deal_id, plan.document, at)
    tx.run("INSERT OR REPLACE INTO plan VALUES (?, ?, ?, ?)", row)


def kept(tx: Tx, deal: DealView, name: str) -> list[str]:
    """The plans of a deal whose hash begins with ``name``."""
    rows = tx.all("SELECT hash, document FROM plan WHERE deal_id = ?", (deal.deal_id,))
    return [document for found, document in rows if found.startswith(name)]


def _telling(acts: Iterable[Act]) -> Iterator[Act]:
    """What follows from nothing else: a key is thrown away where somebody is put out."""
    return (act for act in acts if act.kind is not ActKind.ROTATE)


def _key(act: Act) -> tuple[ActKind, str, str, str | None]:
    return act.kind, *act.place, act.account


def _line(act: Act) -> Line:
    return [act.kind.value, *act.place, act.account, act.person, act.because]


def _act(line: Line) -> Act:
    kind, connector, room, account, person, because = line
    return Act(
        ActKind(kind),
        ConnectorName(str(connector)),
        RoomId(str(room)),
        None if account is None else AccountId(account),
        None if person is None else PersonId(person),
        str(because),
    )
