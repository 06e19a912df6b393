"""Random deals whose rooms drifted, a network to act on, and an oracle in the constitution's words.

Rule kept here: the oracle calls nothing of ``tiers.membership``, ``tiers.remedy`` or a roster: it
searches the lines of the roster by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random

from hypothesis import strategies as st

from tests.tiers.deals import COMPARTMENTS, DAY, SECOND, START
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.guarantees import Demand, Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, PersonId, RoomId, SideId
from tiers.membership import (
    Difference,
    DriftKind,
    Found,
    Intent,
    Observed,
    Standard,
    desired,
    drift,
)
from tiers.people import (
    Delegation,
    Grant,
    Party,
    Person,
    Phase,
    Profile,
    Roster,
    Side,
    Span,
    Wall,
)
from tiers.policy import Grade, MembershipPolicy, TierPolicy
from tiers.remedy import Ability, Act, ActKind, Case, Remedy, remedy
from tiers.tier import Tier
from tiers.trust import KeyState

CHANNELS = tuple(ConnectorName(name) for name in ("matrix", "signal"))
OURS, STANDBY = AccountId("@us"), AccountId("@spare")
WEEK = 7 * DAY
HELD = (Guarantee.INVITE_ONLY, Guarantee.NO_PUBLIC_LINK, Guarantee.TIMER)


@dataclass
class Member:
    """Somebody in a room of the made-up network."""

    admin: bool = False
    joined: bool = True


@dataclass
class FarRoom:
    """A room as the made-up network has it."""

    members: dict[AccountId, Member]
    settings: dict[Guarantee, int | None]
    complete: bool = True
    read_at: int | None = None


@dataclass
class World:
    """A deal with its rooms.

    Attributes:
        adopted: the roster of all phases.
        noted: strangers of whom a finding stands.
    """

    adopted: Roster
    phase: Phase
    intents: tuple[Intent, ...]
    rooms: dict[Place, FarRoom]
    at: int
    limits: MembershipPolicy = field(default_factory=MembershipPolicy)
    noted: set[AccountId] = field(default_factory=set)
    paused: frozenset[PersonId] = frozenset()
    verified: bool = False
    _in_force: tuple[Roster, Phase, Roster] | None = None

    @property
    def roster(self) -> Roster:
        """In force: as it counts in this phase."""
        kept = self._in_force
        if kept is None or kept[0] is not self.adopted or kept[1] is not self.phase:
            in_force = self.adopted.in_phase(self.phase)
            kept = self._in_force = (self.adopted, self.phase, in_force)
        return kept[2]

    @property
    def tier(self) -> TierPolicy:
        proven = Evidence.VERIFIED
        bound = {Guarantee.TIMER: WEEK}
        more = (Demand(Guarantee.DEVICES_VERIFIED, proven),) if self.verified else ()
        return TierPolicy(
            demands=(*(Demand(g, proven, bound.get(g)) for g in HELD), *more),
            fresh_for=30 * SECOND,
            grade=Grade.LAB,
            changed_key_holds=True,
            repeat_unknown=False,
            body_for=DAY,
            record_class="deal",
            keep_for=DAY,
            poison_blocks=True,
            mirrored=True,
            channels=CHANNELS,
        )

    def observed(self, place: Place) -> Observed:
        """The room as it is read now."""
        room = self.rooms[place]
        keys = (KeyState.VERIFIED,)
        members = tuple(Found(a, m.joined, m.admin, keys) for a, m in room.members.items())
        now = self.at if room.read_at is None else room.read_at
        holdings = tuple(
            Holding(g, Evidence.VERIFIED, Source.SERVER, now, value)
            for g, value in room.settings.items()
        )
        can = frozenset(HELD)
        return Observed(place, OURS, members, room.complete, now, holdings, gate=False, can=can)

    def cases(self) -> tuple[Case, ...]:
        """Every room with its drift, by the code under test."""
        return tuple(c for intent in self.intents for c in self._of(intent))

    def _of(self, intent: Intent) -> Iterable[Case]:
        seats = desired(intent, self.roster, CHANNELS, (), self.at)
        for binding in intent.rooms:
            standard = Standard(
                intent.conversation,
                self.tier,
                seats.of[binding.place],
                STANDBY,
                paused=self.paused,
                strict=intent.open,
                limits=self.limits,
            )
            observed = self.observed(binding.place)
            able = Ability(members=True, settings=True, keys=True)
            noted, ours = frozenset(self.noted), frozenset({OURS, STANDBY})
            found = drift(standard, observed, self.roster, self.at)
            yield Case(standard, observed, found, able, noted, ours)

    def plan(self) -> Remedy:
        """What is to be done now."""
        return remedy(self.cases(), self.at)

    def differences(self) -> list[Difference]:
        """All that differs."""
        return [d for case in self.cases() for d in case.drift.differences]

    def note(self) -> None:
        """A reading: whoever is unknown has a finding from now on."""
        found = (d.account for d in self.differences() if d.kind is DriftKind.UNKNOWN)
        self.noted |= {account for account in found if account is not None}

    def do(self, act: Act) -> None:
        """The network does as it is asked."""
        room = self.rooms[act.place]
        if act.kind is ActKind.HARDEN:
            room.settings = _sound()
        if act.account is None:
            return
        if act.kind is ActKind.REMOVE:
            room.members.pop(act.account, None)
        elif act.kind is ActKind.INVITE:
            room.members.setdefault(act.account, Member())
        elif act.account in room.members and act.kind in {ActKind.PROMOTE, ActKind.DEMOTE}:
            room.members[act.account].admin = act.kind is ActKind.PROMOTE

    def settle(self, most: int = 2_000) -> int:
        """Plans and applies until a plan is empty; returns how many runs did something."""
        for run in range(most):
            self.note()
            acts = self.plan().acts
            if not acts:
                return run
            for act in acts:
                self.do(act)
        raise AssertionError("the plans do not come to an end")


def _sound() -> dict[Guarantee, int | None]:
    return {g: WEEK if g is Guarantee.TIMER else None for g in HELD}


# The oracle.

RANK = {"coordination": 0, "operations": 1, "valuation": 2}


class Oracle:
    """Who may read what, by a search over the lines of the roster of all phases."""

    def __init__(self, world: "World") -> None:
        roster, at, phase = world.adopted, world.at, world.phase

        def now(span: Span) -> bool:
            return span.start <= at and not (span.end is not None and span.end <= at)

        def counts(line: Grant | Wall) -> bool:
            return now(line.span) and (line.phases is None or phase in line.phases)

        self.owner = {(c, a): p for p in roster.people for c, a in p.accounts.items()}
        own = [
            (g.person_id, g.compartment, RANK[g.highest.value]) for g in roster.grants if counts(g)
        ]
        lent = [
            (d.delegate, compartment, min(tier, RANK[d.highest.value]))
            for d in roster.delegations
            if now(d.span)
            for who, compartment, tier in own
            if who == d.principal
        ]
        self.reads: dict[str, list[tuple[str, int]]] = {}
        for who, compartment, tier in (*own, *lent):
            self.reads.setdefault(who, []).append((compartment, tier))
        self.walls = [(w.one, w.other) for w in roster.walls if counts(w)]

    def may(self, person: Person, conversation: Conversation) -> bool:
        """Cleared for compartment and tier, behind no wall, of the right side."""
        lines = self.reads.get(person.person_id, [])
        here, needed = conversation.compartment, RANK[conversation.floor.value]
        if not [tier for name, tier in lines if name == here and tier >= needed]:
            return False
        for one, other in self.walls:
            if here == one and other in [name for name, _ in lines]:
                return False
            if here == other and one in [name for name, _ in lines]:
                return False
        return conversation.side is None or conversation.side == person.side

    def beyond(self, world: World) -> list[tuple[Place, AccountId]]:
        """Accounts that sit where they may not, ours and the standby's aside."""
        return [
            (binding.place, account)
            for intent in world.intents
            for binding in intent.rooms
            for account in world.rooms[binding.place].members
            if account not in {"@us", "@spare"}
            and not self._belongs(intent, binding.connector, account)
        ]

    def _belongs(self, intent: Intent, channel: ConnectorName, account: AccountId) -> bool:
        person = self.owner.get((channel, account))
        if person is None or not self.may(person, intent.conversation):
            return False
        return intent.named is None or person.person_id in intent.named

    def seatless(self, world: World) -> list[tuple[str, str]]:
        """People who are to sit in a conversation, could, and sit in none of its rooms."""
        found: list[tuple[str, str]] = []
        for intent in world.intents:
            here = {
                (binding.connector, account)
                for binding in intent.rooms
                if binding.alternate_of is None
                for account in world.rooms[binding.place].members
            }
            channels = {b.connector for b in intent.rooms if b.alternate_of is None}
            for person in {p.person_id: p for p in self.owner.values()}.values():
                on = {(c, a) for c, a in person.accounts.items() if c in channels}
                named = intent.named is None or person.person_id in intent.named
                if on and named and self.may(person, intent.conversation) and not on & here:
                    found.append((intent.conversation.conversation_id, person.person_id))
        return found

    def twice(self, world: World) -> list[tuple[str, str]]:
        """People who sit in two primary rooms of one conversation."""
        found: list[tuple[str, str]] = []
        for intent in world.intents:
            seen: set[str] = set()
            for binding in (b for b in intent.rooms if b.alternate_of is None):
                for account in world.rooms[binding.place].members:
                    person = self.owner.get((binding.connector, account))
                    if person is not None and person.person_id in seen:
                        found.append((intent.conversation.conversation_id, person.person_id))
                    seen |= {person.person_id} if person is not None else set()
        return found


# Random worlds.


def people(rng: Random, count: int, sides: tuple[Side, ...]) -> tuple[Person, ...]:
    """People with accounts on one or both channels."""
    made = []
    for n in range(count):
        on = rng.choice(((CHANNELS[0],), (CHANNELS[1],), CHANNELS, CHANNELS))
        accounts = {c: AccountId(f"@{n}:{c}") for c in on}
        side, profile = rng.choice(sides).side_id, Profile.ORGANISATIONAL
        made.append(Person(PersonId(f"p{n}"), f"Person {n}", side, "", profile, accounts))
    return tuple(made)


def _span(rng: Random, at: int) -> Span:
    spans = (Span(at - DAY), Span(at - DAY, at + DAY), Span(at - DAY, at), Span(at + 1), Span(at))
    return rng.choice((spans[0], spans[1], *spans))


def _phases(rng: Random) -> frozenset[Phase] | None:
    """In which phases something counts: mostly in each, else in some."""
    return None if rng.random() < 0.6 else frozenset(rng.sample(list(Phase), 3))


def _delegation(rng: Random, listed: tuple[Person, ...], at: int) -> Delegation:
    principal, delegate = rng.sample(listed, 2)
    highest = rng.choice(list(Tier))
    return Delegation(principal.person_id, delegate.person_id, highest, _span(rng, at))


def drifted(rng: Random, count: int, conversations: int = 3) -> World:
    """A deal, each room of which holds some of whom it should, and some others."""
    at = START + rng.randint(0, 400) * DAY
    sides = tuple(Side(SideId(f"s{n}"), f"Side {n}", list(Party)[n % 2]) for n in range(3))
    listed = people(rng, count, sides)
    grants = tuple(
        Grant(
            *(p.person_id, rng.choice(COMPARTMENTS), rng.choice(list(Tier))),
            *(_span(rng, at), _phases(rng)),
        )
        for p in listed
        for _ in range(rng.randint(0, 3))
    )
    pairs = [rng.sample(COMPARTMENTS, 2) for _ in range(rng.randint(0, 3))]
    walls = tuple(Wall(one, other, _span(rng, at), _phases(rng)) for one, other in pairs)
    lent = tuple(_delegation(rng, listed, at) for _ in range(count // 3))
    roster = Roster(sides[0].side_id, sides, listed, grants, walls, lent)
    rooms: dict[Place, FarRoom] = {}
    intents = tuple(_intent(rng, n, roster, rooms) for n in range(conversations))
    return World(roster, rng.choice(list(Phase)), intents, rooms, at)


def _intent(rng: Random, n: int, roster: Roster, rooms: dict[Place, FarRoom]) -> Intent:
    cid, ids = ConversationId(f"c{n}"), [p.person_id for p in roster.people]
    side = rng.choice((None, None, roster.sides[0].side_id))
    floor, compartment = rng.choice(list(Tier)), rng.choice(COMPARTMENTS)
    conversation = Conversation(cid, DealId("deal"), "label", floor, compartment, side)
    channels = rng.sample(CHANNELS, rng.randint(1, 2))
    bindings = [RoomBinding(c, RoomId(f"!{n}:{c}"), cid, roster.host) for c in channels]
    if len(channels) == 1 and rng.random() < 0.5:
        other = next(c for c in CHANNELS if c != channels[0])
        beside = RoomBinding(other, RoomId(f"!{n}:b"), cid, roster.host)
        bindings.append(replace(beside, alternate_of=bindings[0].place))
    owners = {}
    for binding in bindings:
        rooms[binding.place] = _far_room(rng, binding, roster)
        owners[binding.place] = frozenset(rng.sample(ids, min(2, len(ids))))
    named = frozenset(rng.sample(ids, rng.randint(0, len(ids)))) if rng.random() < 0.4 else None
    sits = {p: rng.choice(bindings).place for p in ids if rng.random() < 0.5}
    return Intent(conversation, tuple(bindings), named, owners=owners, sits=sits)


def _far_room(rng: Random, binding: RoomBinding, roster: Roster) -> FarRoom:
    channel = binding.connector
    accounts = [p.accounts[channel] for p in roster.people if channel in p.accounts]
    inside = [a for a in accounts if rng.random() < 0.5]
    strangers = [AccountId(f"@odd{n}:{channel}") for n in range(rng.choice((0, 0, 1, 3)))]
    members = {a: Member(rng.random() < 0.2, rng.random() < 0.9) for a in (*inside, *strangers)}
    settings = {g: v for g, v in _sound().items() if rng.random() < 0.8}
    if rng.random() < 0.2:
        settings[Guarantee.TIMER] = rng.choice((None, WEEK + 1))
    return FarRoom({OURS: Member(admin=True), STANDBY: Member(admin=True), **members}, settings)


def worlds(most: int = 9) -> st.SearchStrategy[World]:
    """Small deals that shrink."""
    return st.builds(drifted, st.randoms(use_true_random=False), st.integers(1, most))
