"""Random deals in which everything is in order, so that one thing at a time can be put wrong.

Rule kept here: ``sound`` builds by the invariants, not by the rules under test: whoever sits in a
room was given a grant, whatever a tier demands was read back. The same builder serves hypothesis
(small deals that shrink) and seeded generators (deals of thousands).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from tiers.conversation import Conversation, RoomBinding
from tiers.guarantees import Demand, Evidence, Guarantee, Holding, Source
from tiers.ids import (
    AccountId,
    CompartmentId,
    ConnectorName,
    ConversationId,
    DealId,
    DeviceId,
    PersonId,
    RoomId,
    SideId,
)
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span, Wall
from tiers.policy import DeviceFact, Grade, Policy, RecipientFacts, RoomFacts, TierPolicy
from tiers.routing import Known, Placed, RoomView
from tiers.tier import Tier
from tiers.trust import KeyState

SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 1_760_000_000 * SECOND
COMPARTMENTS = (DEAL, *(CompartmentId(name) for name in ("clean-team", "financing", "hr")))
CHANNELS = tuple(ConnectorName(name) for name in ("matrix", "memory"))


@dataclass(frozen=True)
class Case:
    """Everything that a routing decision is made from."""

    placed: Placed
    rooms: tuple[RoomView, ...]
    roster: Roster
    policy: Policy
    at: int
    clock_trusted: bool = True

    @property
    def conversation(self) -> Conversation:
        return self.placed.conversation

    @property
    def away(self) -> tuple[RoomView, ...]:
        return tuple(view for view in self.rooms if not view.origin)

    @property
    def demands(self) -> tuple[Demand, ...]:
        return self.policy.tiers[self.placed.as_tier].demands


def sound(rng: Random, people: int) -> Case:
    """A deal of ``people``, and a message that every rule lets through."""
    at = START + rng.randint(0, 400) * DAY + rng.randint(0, DAY)
    sides = tuple(_side(n) for n in range(rng.randint(2, 6)))
    placed = _placed(rng, sides)
    walls = _walls(rng, at)
    policy = _policy(rng)
    seated = frozenset(n for n in range(people) if n == 0 or rng.random() < 0.7)
    own = [s for s in sides if s.side_id == placed.conversation.side] or list(sides)
    listed = tuple(_person(n, rng.choice(own if n in seated else sides)) for n in range(people))
    members = tuple(listed[n] for n in sorted(seated))
    grants = (
        *(
            g
            for n, p in enumerate(listed)
            for g in _spare(rng, p, placed, walls, at, seated=n in seated)
        ),
        *(_needed(rng, p, placed, at) for p in members),
    )
    roster = Roster(sides[0].side_id, sides, listed, grants, walls)
    seats = _seats(rng, members)
    rooms = tuple(_room(rng, n, placed, policy, here, at) for n, here in enumerate(seats))
    return Case(placed, rooms, roster, policy, at)


def cases(most: int = 7) -> st.SearchStrategy[Case]:
    """Sound deals of 2 to ``most`` people that shrink."""
    return st.builds(sound, st.randoms(use_true_random=False), st.integers(2, most))


def seeded(seed: int, people: int) -> Case:
    """A sound deal of any size, the same for the same seed."""
    return sound(Random(seed), people)  # noqa: S311 - examples, not secrets


def spans(at: int) -> Mapping[str, Span]:
    """Spans by how they lie to ``at``; each end is tried to the microsecond."""
    return {
        "over": Span(at - DAY, None),
        "just begun": Span(at, at + 1),
        "about to end": Span(at - DAY, at + 1),
        "ended": Span(at - DAY, at),
        "not yet": Span(at + 1, None),
    }


def covering(rng: Random, at: int) -> Span:
    """A span that holds ``at``."""
    return spans(at)[rng.choice(("over", "just begun", "about to end"))]


def elsewhere(rng: Random, at: int) -> Span:
    """A span that does not hold ``at``."""
    return spans(at)[rng.choice(("ended", "not yet"))]


def at_least(rng: Random, tier: Tier) -> Tier:
    return rng.choice(list(Tier)[list(Tier).index(tier) :])


def _side(n: int) -> Side:
    return Side(SideId(f"side-{n}"), f"Side {n}", list(Party)[n % 2])


def _person(n: int, side: Side) -> Person:
    accounts = {channel: AccountId(f"@{n}:{channel}") for channel in CHANNELS}
    name = f"Person {n}"
    return Person(PersonId(f"person-{n}"), name, side.side_id, "", Profile.ORGANISATIONAL, accounts)


def _placed(rng: Random, sides: tuple[Side, ...]) -> Placed:
    own = rng.choice(sides).side_id if rng.random() < 0.4 else None
    conversation = Conversation(
        ConversationId("conv-1"),
        DealId("deal-1"),
        "label",
        rng.choice(list(Tier)),
        rng.choice(COMPARTMENTS),
        own,
    )
    return Placed(conversation, at_least(rng, conversation.floor), rng.random() < 0.1)


def _walls(rng: Random, at: int) -> tuple[Wall, ...]:
    pairs = [rng.sample(COMPARTMENTS, 2) for _ in range(rng.randint(0, 3))]
    return tuple(Wall(one, other, rng.choice(list(spans(at).values()))) for one, other in pairs)


def _seats(rng: Random, members: tuple[Person, ...]) -> list[tuple[Person, ...]]:
    """Each member in exactly one of one to three rooms, none of them empty."""
    shuffled = rng.sample(members, len(members))
    count = min(rng.randint(1, 3), len(members))
    return [tuple(shuffled[n::count]) for n in range(count)]


def _needed(rng: Random, person: Person, placed: Placed, at: int) -> Grant:
    highest = at_least(rng, placed.as_tier)
    return Grant(person.person_id, placed.conversation.compartment, highest, covering(rng, at))


def _spare(
    rng: Random, person: Person, placed: Placed, walls: tuple[Wall, ...], at: int, *, seated: bool
) -> list[Grant]:
    """Grants that change nothing: whoever sits in the room holds none beyond one of its walls."""
    here = placed.conversation.compartment
    beyond = {c for w in walls if here in {w.one, w.other} for c in (w.one, w.other)} - {here}
    free = [c for c in COMPARTMENTS if not (seated and c in beyond)]
    times = list(spans(at).values())
    return [
        Grant(person.person_id, rng.choice(free), rng.choice(list(Tier)), rng.choice(times))
        for _ in range(rng.randint(0, 2))
    ]


def _policy(rng: Random) -> Policy:
    tiers = {tier: _tier_policy(rng) for tier in Tier}
    return Policy("sha256:made-up", tiers, {}, DAY, lab_allowed=rng.random() < 0.3)


def _tier_policy(rng: Random) -> TierPolicy:
    chosen = [g for g in Guarantee if rng.random() < 0.7]
    return TierPolicy(
        demands=tuple(_demand(rng, g) for g in chosen),
        fresh_for=rng.choice((30, 300, 900)) * SECOND,
        grade=rng.choice(list(Grade)),
        changed_key_holds=rng.random() < 0.5,
        repeat_unknown=False,
        body_for=DAY,
        record_class="deal",
        keep_for=DAY,
        poison_blocks=True,
        mirrored=True,
    )


def _demand(rng: Random, guarantee: Guarantee) -> Demand:
    bound = 7 * DAY if guarantee is Guarantee.TIMER else None
    return Demand(guarantee, rng.choice(list(Evidence)), bound)


def _room(
    rng: Random, n: int, placed: Placed, policy: Policy, members: tuple[Person, ...], at: int
) -> RoomView:
    channel = rng.choice(CHANNELS)
    tier = policy.tiers[placed.as_tier]
    host = placed.conversation.side or SideId("side-0")
    binding = RoomBinding(channel, RoomId(f"!{n}"), placed.conversation.conversation_id, host)
    least = Grade.LAB if policy.lab_allowed else tier.grade
    facts = RoomFacts(
        holdings=tuple(_holding(rng, demand, at) for demand in tier.demands),
        posture_at=at - rng.choice((0, 1, tier.fresh_for)),
        members_at=at - rng.choice((0, 1, tier.fresh_for)),
        complete=True,
        paused=None,
        grade=rng.choice([grade for grade in Grade if grade >= least]),
        journal_ready=True,
        host=host,
    )
    readers = tuple(
        RecipientFacts(channel, p.accounts[channel], p, _devices(rng, tier)) for p in members
    )
    known = Known(facts.holdings, frozenset(r.account for r in readers))
    return RoomView(binding, facts, readers, rng.random() < 0.2, known)


def _holding(rng: Random, demand: Demand, at: int) -> Holding:
    evidence = rng.choice([e for e in Evidence if e >= max(demand.least, Evidence.ATTESTED)])
    value = rng.choice((1, DAY, 7 * DAY)) if demand.at_most else None
    if evidence is Evidence.VERIFIED:
        read = at - rng.choice((0, SECOND, DAY))
        return Holding(demand.guarantee, evidence, Source.SERVER, read, value)
    seen = at - rng.choice((0, DAY, 30 * DAY))
    return Holding(demand.guarantee, evidence, Source.PERSON, seen, value, by="person-0")


def _devices(rng: Random, tier: TierPolicy) -> tuple[DeviceFact, ...] | None:
    if any(d.guarantee is Guarantee.DEVICES_VERIFIED for d in tier.demands):
        good: list[KeyState | None] = [KeyState.VERIFIED]
    elif not tier.changed_key_holds and rng.random() < 0.3:
        return None
    else:
        good = [KeyState.PINNED, KeyState.VERIFIED]
        if not tier.changed_key_holds:
            good += [KeyState.SEEN, KeyState.SUPERSEDED, None]
    return tuple(
        DeviceFact(DeviceId(f"device-{n}"), rng.choice(good)) for n in range(rng.randint(1, 2))
    )
