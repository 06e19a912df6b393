"""Which conversation a message belongs to, and which rooms may be given it: a Route or a Held.

Rules kept here (docs/architecture.md, invariants 1 to 3):

1. A message is never treated below its conversation's floor.
2. Precise evidence that a message is above its room's tier stops it there; softer evidence lets
   it go and asks its author.
3. What names no conversation goes by its tier to the one conversation of that tier, else to the
   one of the next stricter tier; never to a weaker one, and never by a guess between two.
4. A room that does not fit is never replaced by a weaker one: the message is held. Only its own
   alternate takes its place, where that holds all that the room promises and exactly its people;
   never both, and never after something may have arrived in the room.
5. Each person has one seat in a conversation: an account of his in two of its rooms holds it, the
   alternate of a room aside.
6. What the tier's policy does not let be mirrored goes nowhere while its conversation has several
   primary rooms.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tiers.conversation import Conversation, Place, RoomBinding
from tiers.decision import Decision, Effect, Reason, all_of
from tiers.guarantees import Demand, Evidence, Holding
from tiers.ids import AccountId, PersonId, RuleId
from tiers.people import Roster
from tiers.policy import (
    Policy,
    RecipientFacts,
    RoomFacts,
    clock_decision,
    decide_members,
    decide_room,
)
from tiers.tier import Strength, Tier


@dataclass(frozen=True, slots=True)
class Placed:
    """A message's conversation and the tier it is treated as.

    Attributes:
        asked: it is, on soft evidence, above the conversation: its author is asked.

    Raises:
        ValueError: it would be treated below its conversation's floor.
    """

    conversation: Conversation
    as_tier: Tier
    asked: bool = False

    def __post_init__(self) -> None:
        if self.as_tier < self.conversation.floor:
            raise ValueError("a message is never treated below its conversation's floor")


@dataclass(frozen=True, slots=True)
class Held:
    """A message that goes nowhere until a person settles it.

    Attributes:
        decision: why.
        tier: what it is treated as while it waits.
        conversation: where its author put it, None for the intake.
        choices: conversations that its author may send it to.
    """

    decision: Decision
    tier: Tier
    conversation: Conversation | None
    choices: tuple[Conversation, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A room as it was last read whole, however long ago: what an alternate is measured by.

    Attributes:
        holdings: what it promised.
        accounts: who was in it, our own account left out.
    """

    holdings: tuple[Holding, ...]
    accounts: frozenset[AccountId]


@dataclass(frozen=True, slots=True)
class RoomView:
    """One room of a conversation as read back.

    Attributes:
        recipients: its members, our own account left out.
        origin: the message was written in this very room, so that it need not be sent there.
        known: its last whole reading; None where there was none.
        still: nothing goes out on its channel now.
        spare: an account of ours that stands by in it; it reads too, and is nobody's seat.
    """

    binding: RoomBinding
    facts: RoomFacts
    recipients: tuple[RecipientFacts, ...]
    origin: bool = False
    known: Known | None = None
    still: bool = False
    spare: frozenset[AccountId] = frozenset()

    def accounts(self) -> frozenset[AccountId]:
        """Who is in it as far as anybody knows: as read now, else as it was last read whole."""
        if self.facts.members_at is None and self.known is not None:
            return self.known.accounts
        return frozenset(r.account for r in self.recipients)


@dataclass(frozen=True, slots=True)
class Leg:
    """One room that is given the message, and the accounts that will read it there."""

    binding: RoomBinding
    readers: frozenset[AccountId]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes. No legs: everybody has it from its author's own hand."""

    placed: Placed
    legs: tuple[Leg, ...]
    decision: Decision


def place(
    bound: Conversation | None, tier: Tier, strength: Strength, choices: Iterable[Conversation]
) -> Placed | Held:
    """Finds the conversation of a message.

    Args:
        bound: the conversation its room, reply, prefix or sender names; None for the intake.
        tier: what the classifier says.
        strength: how hard it says so.
        choices: the conversations that its author may write to, of the only deal and
            compartment that are in question.
    """
    if bound is not None:
        return _in_bound(bound, tier, strength, tuple(choices))
    return _by_tier(tier, tuple(choices))


def _in_bound(
    bound: Conversation, tier: Tier, strength: Strength, choices: tuple[Conversation, ...]
) -> Placed | Held:
    above = tier > bound.floor
    if above and strength is Strength.HOLD:
        because = f"it touches {tier.value}, and this conversation is for {bound.floor.value}"
        stricter = tuple(c for c in choices if c.floor >= tier and c != bound)
        return Held(_no("tier", because), tier, bound, stricter)
    return Placed(bound, bound.floor, asked=above and strength is Strength.ASK)


def _by_tier(tier: Tier, choices: tuple[Conversation, ...]) -> Placed | Held:
    if len({(c.deal_id, c.compartment) for c in choices}) > 1:
        because = "its author may write in more than one deal or compartment"
        return Held(_no("which", because), tier, None, choices)
    for floor in Tier:
        if floor < tier:
            continue
        fitting = [c for c in choices if c.floor is floor]
        if len(fitting) == 1:
            return Placed(fitting[0], floor)
        if fitting:
            because = f"{len(fitting)} conversations are of the tier {floor.value}"
            return Held(_no("which", because), tier, None, tuple(fitting))
    because = f"no conversation of the tier {tier.value} or above is open to its author"
    return Held(_no("which", because), tier, None)


def route(
    placed: Placed,
    rooms: Iterable[RoomView],
    roster: Roster,
    policy: Policy,
    *,
    at: int,
    clock_trusted: bool,
    had: frozenset[Place] = frozenset(),
) -> Route | Held:
    """Chooses the rooms of a placed message: one for each seat, all of them or none.

    Args:
        placed: the conversation and the tier.
        rooms: every room of that conversation as read back.
        roster: in force.
        policy: in force.
        at: now, microseconds UTC.
        clock_trusted: whether time may permit anything.
        had: rooms that were sent it before, or may have been: no alternate takes their place.
    """
    views = tuple(rooms)
    primaries = tuple(v for v in views if v.binding.alternate_of is None)
    if not primaries:
        return Held(
            _no("room", "the conversation has no room"), placed.as_tier, placed.conversation
        )

    def decide(view: RoomView) -> Decision:
        return decide_leg(view, placed, roster, policy, at=at, clock_trusted=clock_trusted)

    chosen = [_leg(v, _spares(v, views), roster, decide, at=at, had=had) for v in primaries]
    decision = all_of((decide_together(views, placed, roster, policy), *(d for _, d in chosen)))
    if not decision:
        return Held(decision, placed.as_tier, placed.conversation)
    legs = tuple(Leg(v.binding, v.accounts()) for v, _ in chosen if v is not None)
    return Route(placed, legs, decision)


def _spares(primary: RoomView, views: Iterable[RoomView]) -> tuple[RoomView, ...]:
    return tuple(v for v in views if v.binding.alternate_of == primary.binding.place)


def _leg(
    primary: RoomView,
    spares: tuple[RoomView, ...],
    roster: Roster,
    decide: Callable[[RoomView], Decision],
    *,
    at: int,
    had: frozenset[Place],
) -> tuple[RoomView | None, Decision]:
    """The room in which the people of a primary room are given a message; None: they have it."""
    origin = next((v for v in (primary, *spares) if v.origin), None)
    if origin is not None:
        return None, _covered(origin, primary, roster)
    begun = next((v for v in (primary, *spares) if v.binding.place in had), None)
    if begun is not None:
        return begun, decide(begun)
    against = [decide(primary)]
    if against[0] and not primary.still:
        return primary, against[0]
    for spare in spares:
        found = all_of((decide(spare), stands_in(spare, primary, roster, at=at)))
        if found and not spare.still:
            return spare, found
        against.append(found)
    return primary, against[0] or all_of(against)


def _covered(origin: RoomView, primary: RoomView, roster: Roster) -> Decision:
    """Whoever sits in a primary room has what was written in it, or in a room with its people."""
    if origin is primary:
        return _yes("origin", "written in the room itself")
    return _same_people(origin, primary, roster)


def stands_in(spare: RoomView, primary: RoomView, roster: Roster, *, at: int) -> Decision:
    """Whether an alternate may take the place of its primary room: same or stricter.

    It must be proven to hold, at ``at``, all that the primary room was ever last seen to promise,
    at least as surely, and exactly the people who sit there. Its own fitness says ``decide_leg``.
    """
    if primary.known is None:
        return _no("alternate", "nobody knows what the room promised that it would stand in for")
    promised = {h for h in (*primary.known.holdings, *primary.facts.holdings) if _counts(h)}
    demands = (Demand(h.guarantee, h.evidence, h.value) for h in promised)
    less = {d.guarantee for d in demands if not d.met_by(spare.facts.holdings, at)}
    weaker = sorted(guarantee.value for guarantee in less)
    found = [_no("alternate", f"the alternate room promises less: {name}") for name in weaker]
    return all_of((_same_people(spare, primary, roster), *found))


def _counts(holding: Holding) -> bool:
    """What was only asked for is no promise that anybody relied upon."""
    return holding.evidence is not Evidence.REQUESTED


def _same_people(spare: RoomView, primary: RoomView, roster: Roster) -> Decision:
    lists = [primary.accounts(), *([primary.known.accounts] if primary.known is not None else [])]
    expected = {_people(primary, accounts, roster) for accounts in lists}
    found = _people(spare, spare.accounts(), roster)
    if found and expected == {found}:
        return _yes("alternate", "the same people")
    return _no("alternate", "the alternate room does not hold exactly the people of its room")


def _people(
    view: RoomView, accounts: Iterable[AccountId], roster: Roster
) -> frozenset[PersonId | None]:
    """Who owns the accounts; None stands for whoever is on no list."""
    owners = (roster.owner(view.binding.connector, account) for account in accounts)
    people = frozenset(p.person_id if p is not None else None for p in owners)
    return people if None not in people else frozenset()


def decide_together(
    views: Iterable[RoomView], placed: Placed, roster: Roster, policy: Policy
) -> Decision:
    """What only all the rooms of a conversation together tell; the guard asks it again."""
    rooms = tuple(views)
    primaries = {v.binding.place for v in rooms if v.binding.alternate_of is None}
    against = [
        *_unmirrored(len(primaries), placed, policy),
        *_loose(rooms, primaries),
        *_twice_seated(rooms, roster),
    ]
    return Decision(tuple(against)) if against else _yes("seat", "one seat for each person")


def _unmirrored(rooms: int, placed: Placed, policy: Policy) -> Iterator[Reason]:
    tier = placed.as_tier
    if rooms > 1 and not policy.tiers[tier].mirrored:
        because = f"the policy lets no {tier.value} conversation be mirrored, and it has {rooms}"
        yield Reason(RuleId("mirrored"), Effect.HOLD, f"{because} rooms")


def _loose(rooms: tuple[RoomView, ...], primaries: set[Place]) -> Iterator[Reason]:
    for view in rooms:
        if view.binding.alternate_of is not None and view.binding.alternate_of not in primaries:
            because = "an alternate room stands in for no room of this conversation"
            yield Reason(RuleId("alternate"), Effect.HOLD, because)


def _twice_seated(rooms: tuple[RoomView, ...], roster: Roster) -> Iterator[Reason]:
    """Whoever would be given a message in more than one room; a room and its alternate are one."""
    seats: defaultdict[PersonId, dict[Place, Place]] = defaultdict(dict)
    for view in rooms:
        primary = view.binding.alternate_of or view.binding.place
        for account in view.accounts():
            person = roster.owner(view.binding.connector, account)
            if person is not None:
                seats[person.person_id][primary] = view.binding.place
    for person_id, found in seats.items():
        if len(found) > 1:
            owner = roster.person(person_id)
            name = owner.name if owner is not None else person_id
            where = " and ".join(f"{connector} {room}" for connector, room in found.values())
            because = f"{name} sits in more than one room of this conversation: {where}"
            yield Reason(RuleId("seat"), Effect.HOLD, because, person_id)


def decide_leg(
    view: RoomView,
    placed: Placed,
    roster: Roster,
    policy: Policy,
    *,
    at: int,
    clock_trusted: bool,
) -> Decision:
    """Decides for one room and each of its members; the guard does so again before the wire."""
    tier = policy.tiers[placed.as_tier]
    return all_of(
        (
            clock_decision(trusted=clock_trusted),
            decide_room(
                view.facts, placed.conversation, tier, lab_allowed=policy.lab_allowed, at=at
            ),
            decide_members(
                view.recipients,
                roster,
                placed.conversation,
                tier,
                as_tier=placed.as_tier,
                at=at,
            ),
            _same_room(view, placed.conversation),
        )
    )


def _same_room(view: RoomView, conversation: Conversation) -> Decision:
    """The facts are of a room of this conversation, and of that room as it is bound now."""
    binding, facts = view.binding, view.facts
    of_this = binding.conversation_id == conversation.conversation_id
    if of_this and (binding.host, binding.paused) == (facts.host, facts.paused):
        return _yes("binding", "checked")
    return _no("binding", "what was read is not of a room that this conversation is bound to")


def _no(rule: str, because: str) -> Decision:
    return Decision((Reason(RuleId(rule), Effect.HOLD, because),))


def _yes(rule: str, because: str) -> Decision:
    return Decision((Reason(RuleId(rule), Effect.ALLOW, because),))
