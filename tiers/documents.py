"""A formal document to named advisers: who gets a copy, and who does not, with all reasons.

Rules kept here (docs/product.md section 3, FORMAL DOCUMENT; invariants 1, 3 and 7):

1. Each reader has a room of his own, in which nobody else reads. Every copy is decided by itself:
   one that is refused stops no other, and goes nowhere else instead.
2. A copy goes only to a pinned and verified key, of a reader cleared for tier and compartment, on a
   channel whose proof is enough; all of it as read back, fresh.
3. What is VALUATION goes only to sides that the policy names, and never at one person's word.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tiers.decision import Decision, Effect, Reason, all_of
from tiers.ids import PersonId, RuleId
from tiers.people import Roster
from tiers.policy import (
    DocumentPolicy,
    Policy,
    RecipientFacts,
    clock_decision,
    decide_members,
    decide_room,
)
from tiers.routing import Placed, RoomView
from tiers.tier import Tier


@dataclass(frozen=True, slots=True)
class Copy:
    """One reader's copy.

    Attributes:
        number: from 1, in the order in which the sender named the readers.
        decision: whether it may go, with all reasons.
        room: his own room; None where he has none, or more than one.
    """

    number: int
    reader: PersonId
    decision: Decision
    room: RoomView | None


def address(
    placed: Placed,
    readers: Iterable[PersonId],
    rooms: Iterable[RoomView],
    roster: Roster,
    policy: Policy,
    *,
    at: int,
    clock_trusted: bool,
) -> tuple[Copy, ...]:
    """Decides each reader's copy.

    Args:
        placed: the conversation, and the tier that the document is treated as.
        readers: whom the sender named, in his order; a name said twice is one reader.
        rooms: every room of that conversation as read back.
        roster: in force.
        policy: in force.
        at: now, microseconds UTC.
        clock_trusted: whether time may permit anything.
    """
    own = _own_rooms(rooms)
    return tuple(
        Copy(
            number,
            reader,
            _decide(
                reader,
                own.get(reader, ()),
                placed,
                roster,
                policy,
                at=at,
                clock_trusted=clock_trusted,
            ),
            own[reader][0] if len(own.get(reader, ())) == 1 else None,
        )
        for number, reader in enumerate(dict.fromkeys(readers), 1)
    )


def _decide(
    reader: PersonId,
    rooms: tuple[RoomView, ...],
    placed: Placed,
    roster: Roster,
    policy: Policy,
    *,
    at: int,
    clock_trusted: bool,
) -> Decision:
    if len(rooms) != 1:
        because = f"{_name(roster, reader)} has {len(rooms) or 'no'} room of his own here"
        return Decision((_no("copy", because, reader),))
    return decide_copy(reader, rooms[0], placed, roster, policy, at=at, clock_trusted=clock_trusted)


def decide_copy(
    reader: PersonId,
    room: RoomView,
    placed: Placed,
    roster: Roster,
    policy: Policy,
    *,
    at: int,
    clock_trusted: bool,
) -> Decision:
    """Decides one copy in one room; the guard does so again before the wire. See ``address``."""
    documents = policy.documents
    if documents is None:
        return Decision((_no("documents", "the policy says nothing of documents"),))
    conversation, rules = placed.conversation, documents.rules
    return all_of(
        (
            clock_decision(trusted=clock_trusted),
            decide_room(room.facts, conversation, rules, lab_allowed=policy.lab_allowed, at=at),
            decide_members(
                room.recipients, roster, conversation, rules, as_tier=placed.as_tier, at=at
            ),
            _alone(reader, room, placed, roster),
            _named_side(reader, placed, roster, documents),
        )
    )


def needs_second_person(placed: Placed) -> bool:
    """Whether a document waits until a second person agrees."""
    return placed.as_tier is Tier.VALUATION


def _own_rooms(rooms: Iterable[RoomView]) -> Mapping[PersonId, tuple[RoomView, ...]]:
    """By reader, the primary rooms in which he alone reads."""
    found: dict[PersonId, tuple[RoomView, ...]] = {}
    for room in rooms:
        reader = _only_reader(room)
        if reader is not None and room.binding.alternate_of is None:
            found[reader] = (*found.get(reader, ()), room)
    return found


def _only_reader(room: RoomView) -> PersonId | None:
    people: tuple[RecipientFacts, ...] = room.recipients
    if len(people) != 1 or people[0].person is None:
        return None
    return people[0].person.person_id


def _alone(reader: PersonId, room: RoomView, placed: Placed, roster: Roster) -> Decision:
    of_this = room.binding.conversation_id == placed.conversation.conversation_id
    bound = (room.binding.host, room.binding.paused) == (room.facts.host, room.facts.paused)
    if of_this and bound and _only_reader(room) == reader:
        return Decision((Reason(RuleId("copy"), Effect.ALLOW, "checked"),))
    because = f"the room is not {_name(roster, reader)}'s alone any more"
    return Decision((_no("copy", because, reader),))


def _named_side(
    reader: PersonId, placed: Placed, roster: Roster, documents: DocumentPolicy
) -> Decision:
    person = roster.person(reader)
    side = person.side if person is not None else None
    if placed.as_tier is not Tier.VALUATION or side in documents.valuation_to:
        return Decision((Reason(RuleId("side"), Effect.ALLOW, "checked"),))
    because = f"the policy lets no valuation document go to the side of {_name(roster, reader)}"
    return Decision((_no("valuation_to", because, reader),))


def _name(roster: Roster, reader: PersonId) -> str:
    person = roster.person(reader)
    return person.name if person is not None else reader


def _no(rule: str, because: str, subject: str = "") -> Reason:
    return Reason(RuleId(rule), Effect.HOLD, because, subject)
