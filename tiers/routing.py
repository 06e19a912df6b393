"""Which conversation a message belongs to, and which rooms may be given it: a Route or a Held.

Rules kept here (docs/architecture.md, invariants 1 to 3):

1. A message is never treated below its conversation's floor.
2. Precise evidence that a message is above its room's tier stops it there; softer evidence lets
   it go and asks its author.
3. What names no conversation goes by its tier to the one conversation of that tier, else to the
   one of the next stricter tier; never to a weaker one, and never by a guess between two.
4. A room that does not fit is never replaced by a weaker one: the message is held.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tiers.conversation import Conversation, RoomBinding
from tiers.decision import Decision, Effect, Reason, all_of
from tiers.ids import AccountId, RuleId
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
class RoomView:
    """One room of a conversation as read back.

    Attributes:
        recipients: its members, our own account left out.
        origin: the message was written in this very room, so that it need not be sent there.
    """

    binding: RoomBinding
    facts: RoomFacts
    recipients: tuple[RecipientFacts, ...]
    origin: bool = False


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
        because = f"{tier.value} does not belong in a conversation of {bound.floor.value}"
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
) -> Route | Held:
    """Chooses the rooms of a placed message, all of them or none.

    Args:
        placed: the conversation and the tier.
        rooms: every room of that conversation as read back.
        roster: in force.
        policy: in force.
        at: now, microseconds UTC.
        clock_trusted: whether time may permit anything.
    """
    views = tuple(rooms)
    if not views:
        return Held(
            _no("room", "the conversation has no room"), placed.as_tier, placed.conversation
        )
    away = tuple(v for v in views if not v.origin)
    decisions = [
        decide_leg(v, placed, roster, policy, at=at, clock_trusted=clock_trusted) for v in away
    ]
    decision = all_of(decisions) if decisions else _yes("origin", "written in the room itself")
    if not decision:
        return Held(decision, placed.as_tier, placed.conversation)
    legs = tuple(Leg(v.binding, frozenset(r.account for r in v.recipients)) for v in away)
    return Route(placed, legs, decision)


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
