"""`bench plan`: what planning over a whole deal costs here, and how it grows with its seats.

How: people with an account on each of two networks, every room seating everybody; in each room one
in fifty is missing, one in two hundred is in who is cleared no more, and one stranger sits there.
Measured is what a plan does once its rooms are read: desired seats, drift, remedy, the document
and its hash. Reading the rooms is the networks' time and not in it; what was read is in the memory.

Rule kept here: a figure is of a plan whose acts were counted and are those that were planted.
"""

import gc
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from orchestrator.clock import DAY, now
from orchestrator.config.policy import default_text, read_policy, to_policy
from orchestrator.deals.book import DealView
from orchestrator.rooms.planned import Planned, planned
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.guarantees import Evidence, Holding, Source
from tiers.ids import (
    AccountId,
    ConnectorName,
    ConversationId,
    DealId,
    PersonId,
    RoomId,
    SideId,
)
from tiers.membership import Found, Intent, Observed, Standard, desired, drift
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.policy import MembershipPolicy, TierPolicy
from tiers.remedy import Ability, ActKind, Case, remedy
from tiers.tier import Tier
from tiers.trust import KeyState

OURS, STRANGER = AccountId("us"), AccountId("stranger")
CHANNELS = (ConnectorName("one"), ConnectorName("other"))
MISSING, GONE = 50, 200
"""One in so many is not in, and one in so many is in and cleared no more."""
SIZES = ((50, 10), (500, 10), (5_000, 10))
"""People and rooms: 500, 5,000 and 50,000 seats."""
LARGEST = (5_000, 40)
MANY = MembershipPolicy(most=1_000_000, one_in=1)
MEGABYTE = 1024 * 1024


class NotPlanned(RuntimeError):
    """The plan is not the one that was planted."""


@dataclass(frozen=True, slots=True)
class World:
    """A deal with its rooms as they were read."""

    deal: DealView
    intents: tuple[Intent, ...]
    rooms: dict[Place, Observed]
    planted: int
    at: int


def plan_report(rounds: int) -> dict[str, object]:
    """Measures and returns one object; seconds are medians of ``rounds``, memory is of one more.

    Raises:
        NotPlanned: a plan did not hold what was planted.
    """
    found: dict[str, object] = {}
    per_seat: dict[int, float] = {}
    for people, rooms in (*SIZES, LARGEST):
        seconds, peak, acts = _measured(people, rooms, rounds)
        seats = people * rooms
        per_seat[seats] = 1_000_000 * seconds / seats
        found[f"seats_{seats}"] = {
            "people": people,
            "rooms": rooms,
            "acts": acts,
            "seconds": round(seconds, 4),
            "peak_mb": round(peak, 1),
            "us_per_seat": round(per_seat[seats], 3),
        }
    first, *_, last = (per_seat[people * rooms] for people, rooms in SIZES)
    found["per_seat_500_to_50000"] = round(last / first, 2)
    return found


def _measured(people: int, rooms: int, rounds: int) -> tuple[float, float, int]:
    """Seconds, megabytes with the deal and its readings, and acts of a plan."""
    world, took = _world(people, rooms), []
    for _ in range(rounds):
        gc.collect()
        began = time.perf_counter()
        _planned(world)
        took.append(time.perf_counter() - began)
    del world
    tracemalloc.start()
    world = _world(people, rooms)
    plan = _planned(world)
    peak = tracemalloc.get_traced_memory()[1] / MEGABYTE
    tracemalloc.stop()
    acts = sum(act.kind in {ActKind.REMOVE, ActKind.INVITE} for act in plan.acts)
    if acts != world.planted:
        raise NotPlanned(f"{acts} acts were planned, {world.planted} planted")
    return median(took), peak, acts


def _planned(world: World) -> Planned:
    cases = tuple(_cases(world, world.at))  # all at once, as a plan has them
    return planned(world.deal, remedy(cases, world.at))


def _cases(world: World, at: int) -> Iterator[Case]:
    deal = world.deal
    able = Ability(members=True, settings=True, keys=True)
    noted = frozenset({STRANGER})
    for intent in world.intents:
        conversation = intent.conversation
        tier = deal.policy.tiers[conversation.floor]
        seats = desired(intent, deal.roster, CHANNELS, (), at)
        for binding in intent.rooms:
            place = binding.place
            standard = Standard(conversation, tier, seats.of[place], limits=MANY)
            observed = world.rooms[place]
            found = drift(standard, observed, deal.roster, at)
            yield Case(standard, observed, found, able, noted, frozenset({OURS}))


def _world(people: int, rooms: int) -> World:
    at = now()
    roster = _roster(people, at)
    policy = to_policy(read_policy(default_text()), made_up=True)
    tier = policy.tiers[Tier.COORDINATION]
    intents = tuple(_intent(n) for n in range(rooms))
    read = {i.rooms[0].place: _observed(i.rooms[0], roster, tier, at) for i in intents}
    bound = {i.conversation.conversation_id: i.rooms for i in intents}
    talks = {i.conversation.conversation_id: i.conversation for i in intents}
    deal = DealView(DealId("deal_bench"), "BENCH", True, roster, "0" * 64, policy, talks, bound)  # noqa: FBT003 - in the order of the class
    wrong = len(range(0, people, MISSING)) + len(range(1, people, GONE)) + 1
    return World(deal, intents, read, rooms * wrong, at)


def _roster(people: int, at: int) -> Roster:
    side = Side(SideId("one"), "One", Party.ACQUIRER)
    listed = tuple(_person(n, side.side_id) for n in range(people))
    ends = dict.fromkeys(range(1, people, GONE), at - DAY)
    grants = tuple(
        Grant(p.person_id, DEAL, Tier.OPERATIONS, Span(0, ends.get(n)))
        for n, p in enumerate(listed)
    )
    return Roster(side.side_id, (side,), listed, grants)


def _person(n: int, side: SideId) -> Person:
    accounts = {channel: AccountId(f"@{n}:{channel}") for channel in CHANNELS}
    name, profile = f"Person {n}", Profile.ORGANISATIONAL
    return Person(PersonId(f"person-{n}"), name, side, "member", profile, accounts)


def _intent(n: int) -> Intent:
    cid, channel = ConversationId(f"conv-{n}"), CHANNELS[n % 2]
    made = Conversation(cid, DealId("deal_bench"), f"talk-{n}", Tier.COORDINATION, DEAL)
    binding = RoomBinding(channel, RoomId(f"!{n}"), cid, SideId("one"))
    owners = {binding.place: frozenset({PersonId("person-2")})}
    return Intent(made, (binding,), owners=owners)


def _observed(binding: RoomBinding, roster: Roster, tier: TierPolicy, at: int) -> Observed:
    keys = (KeyState.PINNED,)
    channel = binding.connector
    inside = tuple(
        Found(p.accounts[channel], joined=True, admin=n == 2, devices=keys)  # noqa: PLR2004 - the owner
        for n, p in enumerate(roster.people)
        if n % MISSING
    )
    ours = Found(OURS, joined=True, admin=True)
    members = (ours, Found(STRANGER, joined=True, admin=False), *inside)
    held = tuple(
        Holding(d.guarantee, Evidence.VERIFIED, Source.SERVER, at, d.at_most) for d in tier.demands
    )
    can = frozenset(holding.guarantee for holding in held)
    return Observed(
        binding.place,
        OURS,
        members,
        complete=True,
        members_at=at,
        holdings=held,
        gate=False,
        can=can,
    )
