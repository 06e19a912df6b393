"""Formal documents: each named reader's copy is addressed, decided and marked by itself.

Rules kept here (tiers/documents.py has the rules of who may have one):

1. A document is sent by a person to readers whom he names. What it reads like raises its tier as
   surely as what its conversation is; nothing softens that.
2. A copy that is refused is written down with its reasons and goes nowhere; the others go.
3. Each copy begins with a covering page: its number, its one reader, who sent it.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock, iso
from orchestrator.deals.book import DealView
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation, RoomBinding
from tiers.decision import Decision, Effect, Reason, all_of
from tiers.documents import Copy, address, needs_second_person
from tiers.ids import PersonId, RuleId
from tiers.policy import TierPolicy
from tiers.routing import Held, Leg, Placed, RoomView, Route
from tiers.tier import Tier

ACTOR = "wallcross"
COPY_REFUSED = "copy_refused"
"""Rule of the finding that a reader has no copy; ``orchestrator.flow.losses`` ends it."""
SECOND_PERSON = RuleId("second_person")
"""The reason of a document that waits until a second person agrees."""

ReadRoom = Callable[[DealView, RoomBinding, int], Awaitable[RoomView]]
"""Reads a room back, at the instant given or later."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A document's way: where its copies go, and those that do not."""

    outcome: Route | Held
    copies: tuple[Copy, ...] = ()


async def addressed(
    deal: DealView,
    conversation: Conversation,
    tier: Tier,
    readers: Sequence[PersonId],
    read: ReadRoom,
    now: Clock,
    *,
    clock_trusted: bool,
    agreed: bool = False,
) -> Addressed:
    """Decides every copy of a document.

    Args:
        deal: in force.
        conversation: where its sender put it.
        tier: what the document reads like.
        readers: whom its sender named.
        read: reads a room back.
        now: the clock.
        clock_trusted: whether time may permit anything.
        agreed: two people signed that it may go, where that is needed.
    """
    placed = Placed(conversation, max(conversation.floor, tier))
    rules = rules_of(deal)
    began = now()
    not_before = began - (rules.fresh_for // 2 if rules is not None else 0)
    bindings = deal.rooms.get(conversation.conversation_id, ())
    rooms = [await read(deal, binding, not_before) for binding in bindings]
    copies = address(
        placed, readers, rooms, deal.roster, deal.policy, at=now(), clock_trusted=clock_trusted
    )
    return Addressed(_outcome(placed, copies, agreed=agreed), copies)


def rules_of(deal: DealView) -> TierPolicy | None:
    """What the policy in force demands of a document's rooms."""
    return deal.policy.documents.rules if deal.policy.documents is not None else None


def _outcome(placed: Placed, copies: tuple[Copy, ...], *, agreed: bool) -> Route | Held:
    going = [copy for copy in copies if copy.decision and copy.room is not None]
    if not going:
        refused = all_of(copy.decision for copy in copies) if copies else Decision()
        return Held(refused, placed.as_tier, placed.conversation)
    if needs_second_person(placed) and not agreed:
        because = "a valuation document goes only once a second person agrees"
        wait = Decision((Reason(SECOND_PERSON, Effect.HOLD, because),))
        return Held(wait, placed.as_tier, placed.conversation)
    legs = tuple(
        Leg(copy.room.binding, copy.room.accounts()) for copy in going if copy.room is not None
    )
    return Route(placed, legs, all_of(copy.decision for copy in going))


class _OfMessage(Protocol):
    @property
    def deal_id(self) -> str: ...
    @property
    def message_id(self) -> str: ...


def write_copies(tx: Tx, row: _OfMessage, found: Addressed, owner: str | None, at: int) -> None:
    """Writes what was decided of each copy, in the unit that routes or holds the document."""
    deal_id, message_id = row.deal_id, row.message_id
    tx.run("DELETE FROM document_copy WHERE message_id = ?", (message_id,))
    goes = isinstance(found.outcome, Route)
    for copy in found.copies:
        place = copy.room.binding.place if goes and copy.decision and copy.room else (None, None)
        told = json.dumps([[r.rule, r.because, r.subject] for r in copy.decision.against])
        tx.run(
            "INSERT INTO document_copy VALUES (?, ?, ?, ?, ?, ?)",
            (message_id, copy.number, copy.reader, *place, told),
        )
    body: dict[str, Json] = {"message": message_id, "copies": [_stated(c) for c in found.copies]}
    append(tx, deal_id, Kind.DOCUMENT_ADDRESSED, body, at=at, actor=ACTOR)
    refused = [copy for copy in found.copies if not copy.decision]
    for copy in refused if goes else ():
        subject = subject_of_copy(message_id, copy.reader)
        raise_finding(tx, deal_id, subject, _refused(copy, owner, message_id), at)


def subject_of_copy(message_id: str, reader: str) -> str:
    """What a finding about one reader's copy is about."""
    return f"{message_id}/{reader}"


def _stated(copy: Copy) -> dict[str, Json]:
    rules: list[Json] = [*sorted({r.rule for r in copy.decision.against})]
    return {"number": copy.number, "reader": copy.reader, "refused": rules}


def _refused(copy: Copy, owner: str | None, message_id: str) -> Raised:
    reasons = dict.fromkeys(r.because for r in copy.decision.against)
    told = (f"{copy.reader} has no copy: {'; '.join(reasons)}",)
    then = f"wallcross doc status {message_id}; then send it to {copy.reader} again"
    return Raised(COPY_REFUSED, "medium", told, then, owner)


@dataclass(frozen=True, slots=True)
class Marked:
    """A copy on its way, as its covering page names it. ``recalled``: a person called it back."""

    number: int
    of: int
    reader: PersonId
    recalled: bool = False


def marked(tx: Tx, message_id: str, connector: str, room: str) -> Marked | None:
    """The copy that a delivery carries; None for what is no document."""
    row = tx.one(
        "SELECT number, reader, (SELECT count(*) FROM document_copy a WHERE a.message_id = "
        "c.message_id), EXISTS (SELECT 1 FROM document_recall r WHERE r.message_id = c.message_id "
        "AND r.reader = c.reader) "
        "FROM document_copy c WHERE message_id = ? AND connector = ? AND room = ?",
        (message_id, connector, room),
    )
    return None if row is None else Marked(row[0], row[2], PersonId(row[1]), bool(row[3]))


def covering_page(deal: DealView, copy: Marked, sender: str, sent_at: int) -> str:
    """What stands before the text of a copy; every line of it is ours."""
    person = deal.roster.person(copy.reader)
    name = person.name if person is not None else str(copy.reader)
    side = _side(deal, person.side if person is not None else None)
    return "\n".join(
        (
            f"COPY {copy.number} OF {copy.of}",
            f"For {name}{side}, and nobody else. This copy is recorded under that name.",
            f"Sent by {sender} on {iso(sent_at)[:10]} (UTC).",
            "It does not expire by itself: keep it where only you can read it.",
        )
    )


def _side(deal: DealView, side_id: str | None) -> str:
    found = next((s.name for s in deal.roster.sides if s.side_id == side_id), None)
    return f" ({found})" if found is not None else ""
