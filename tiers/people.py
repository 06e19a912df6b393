"""Who may see what: sides, people, grants, compartments and walls, as one adopted roster says it.

Rules kept here:

1. A grant speaks for one person, one compartment, up to one tier, within one span of time. No
   grant, no access: nothing is implied or guessed.
2. A delegate reads at most what his principal was granted himself, up to one tier, within one span.
   Nothing passes on further: a delegate's delegate reads nothing of it.
3. A wall says that two compartments never share a reader. Whoever reads on both sides of a wall
   that stands, be it for somebody else, may read in neither.
4. Grants and walls may depend on the deal's phase. Until the phase is said (``in_phase``), such a
   grant gives nothing, counts behind a wall all the same, and such a wall stands.
5. A roster is a value. A change is another roster, adopted later (the second of the two times);
   what was known at an instant is the roster that was in force then.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import sha256
from types import MappingProxyType

from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.tier import Tier

DEAL = CompartmentId("deal")
"""The compartment that every deal has."""


class Party(Enum):
    """The two parties of a deal; each side serves one."""

    ACQUIRER = "acquirer"
    TARGET = "target"


class Profile(Enum):
    """How a person works; sets defaults, never rights."""

    HIGH_VALUE = "high_value"
    ORGANISATIONAL = "organisational"
    HIGHLY_AWARE = "highly_aware"


class Phase(Enum):
    """Where a deal stands; in the order in which most deals go through them."""

    PLANNING = "planning"
    APPROACHED = "approached"
    DILIGENCE = "diligence"
    SIGNING = "signing"
    ANTITRUST_CLEAN_TEAM = "antitrust_clean_team"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Side:
    """One obliged entity: acquirer, target, a law firm, a bank, an auditor.

    Attributes:
        notice: wording of its insider notice; None: it demands none.
        control_room: its people of whom one agrees before another of its people is crossed; empty:
            it has no control room.
    """

    side_id: SideId
    name: str
    party: Party
    notice: str | None = field(default=None, repr=False)
    control_room: tuple[PersonId, ...] = ()

    @property
    def notice_hash(self) -> str | None:
        """The sha256 of the notice's wording (UTF-8), hexadecimal: what is acknowledged."""
        return None if self.notice is None else sha256(self.notice.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Person:
    """A person, bound to account ids, not phone numbers."""

    person_id: PersonId
    name: str
    side: SideId
    role: str
    profile: Profile
    accounts: Mapping[ConnectorName, AccountId]


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open time: from ``start`` up to, not including, ``end`` (None: without end)."""

    start: int
    end: int | None = None

    def holds(self, at: int) -> bool:
        """Whether ``at`` (microseconds UTC) lies within."""
        return self.start <= at and (self.end is None or at < self.end)

    def common(self, other: "Span") -> "Span | None":
        """The time that both cover; None if there is none."""
        ends = [end for end in (self.end, other.end) if end is not None]
        start, end = max(self.start, other.start), min(ends, default=None)
        return Span(start, end) if end is None or start < end else None


Phases = frozenset[Phase] | None
"""The phases in which something counts; None: in each."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One person may read one compartment up to one tier, within a span."""

    person_id: PersonId
    compartment: CompartmentId
    highest: Tier
    span: Span
    phases: Phases = None


@dataclass(frozen=True, slots=True)
class Wall:
    """Two compartments that never share a reader while it stands."""

    one: CompartmentId
    other: CompartmentId
    span: Span
    phases: Phases = None

    def faces(self, compartment: CompartmentId) -> CompartmentId | None:
        """The compartment on the far side of the wall from ``compartment``, None if it has none."""
        if compartment == self.one:
            return self.other
        return self.one if compartment == self.other else None


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody reads for somebody else, such as an executive's assistant."""

    principal: PersonId
    delegate: PersonId
    highest: Tier
    span: Span


@dataclass(frozen=True, slots=True)
class Held:
    """What a person reads, and by what.

    Attributes:
        grant: what it comes to for him.
        by: the line of the roster that it rests on; the principal's, where it was delegated.
        through: the delegation; None where the line is his own.
    """

    grant: Grant
    by: Grant
    through: Delegation | None = None


@dataclass(frozen=True)
class Roster:
    """Everybody on a deal, with an index so that one decision costs no search.

    Raises:
        ValueError: an account belongs to two people, a line names somebody who is not listed, or
            something counts in no phase, or somebody is his own delegate or in another side's
            control room.
    """

    host: SideId
    sides: tuple[Side, ...]
    people: tuple[Person, ...]
    grants: tuple[Grant, ...]
    walls: tuple[Wall, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    attested: Mapping[tuple[ConnectorName, AccountId], int] = field(default_factory=dict)
    """Accounts that are their people's by the word of their counsel alone, and until when it
    counts (microseconds UTC). No adopted roster has any."""
    _people: Mapping[PersonId, Person] = field(init=False, repr=False, compare=False)
    _accounts: Mapping[tuple[ConnectorName, AccountId], Person] = field(
        init=False, repr=False, compare=False
    )
    _held: Mapping[PersonId, tuple[Held, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_people", MappingProxyType({p.person_id: p for p in self.people}))
        object.__setattr__(self, "_accounts", MappingProxyType(_by_account(self.people)))
        object.__setattr__(self, "_held", MappingProxyType(_held(self.grants, self.delegations)))
        if wrong := next(self._mistakes(), None):
            raise ValueError(wrong)

    def _mistakes(self) -> Iterator[str]:
        if len(self._people) != len(self.people):
            yield "two lines of the roster have the same person id"
        if len({s.side_id for s in self.sides}) != len(self.sides):
            yield "two lines of the roster have the same side id"
        if sideless := sorted({p.side for p in self.people} - {s.side_id for s in self.sides}):
            yield f"people name sides that are not listed: {', '.join(sideless)}"
        pairs = {name for d in self.delegations for name in (d.principal, d.delegate)}
        named = {g.person_id for g in self.grants} | pairs
        if strangers := sorted(named - set(self._people)):
            yield f"grants name people who are not listed: {', '.join(strangers)}"
        limits = [*(g.phases for g in self.grants), *(w.phases for w in self.walls)]
        if frozenset() in limits:
            yield "a grant or a wall names no phase at all"
        if any(d.principal == d.delegate for d in self.delegations):
            yield "somebody is listed as his own delegate"
        for side in self.sides:
            own = {p for p in side.control_room if p in self._people}
            if any(self._people[p].side != side.side_id for p in own) or len(own) < len(
                side.control_room
            ):
                yield f"the control room of {side.side_id} names somebody who is not of that side"

    def person(self, person_id: PersonId) -> Person | None:
        """The person of that id."""
        return self._people.get(person_id)

    def owner(self, connector: ConnectorName, account: AccountId) -> Person | None:
        """The person an account belongs to; None means unknown, which never means allowed."""
        return self._accounts.get((connector, account))

    def side(self, side_id: SideId) -> Side | None:
        """The side of that id."""
        return next((s for s in self.sides if s.side_id == side_id), None)

    def held_by(self, person_id: PersonId) -> tuple[Held, ...]:
        """All that a person reads at any time, walls aside: by his own grants and for others."""
        return self._held.get(person_id, ())

    def grants_of(self, person_id: PersonId, at: int) -> tuple[Grant, ...]:
        """What a person reads at ``at``, walls aside: by his own grants and for others."""
        return tuple(h.grant for h in self.held_by(person_id) if _counts(h.grant, at))

    def may_see(self, person_id: PersonId, compartment: CompartmentId, tier: Tier, at: int) -> bool:
        """Whether what a person reads at ``at`` covers ``tier`` of ``compartment``, walls aside."""
        for held in self.held_by(person_id):  # a loop: this is asked for each reader of a message
            grant = held.grant
            if grant.compartment == compartment and grant.highest >= tier and _counts(grant, at):
                return True
        return False

    def walled_off(self, person_id: PersonId, compartment: CompartmentId, at: int) -> bool:
        """Whether a wall stands between ``compartment`` and something the person also reads."""
        if not self.walls:
            return False
        beyond = {w.faces(compartment) for w in self.walls if w.span.holds(at)}
        return any(
            h.grant.compartment in beyond and h.grant.span.holds(at)
            for h in self.held_by(person_id)
        )

    def cleared(
        self, compartment: CompartmentId, tier: Tier, side: SideId | None, at: int
    ) -> tuple[Person, ...]:
        """Everybody who may read ``tier`` of ``compartment``, of one ``side`` if one is given."""
        return tuple(
            p
            for p in self.people
            if (side is None or p.side == side)
            and self.may_see(p.person_id, compartment, tier, at)
            and not self.walled_off(p.person_id, compartment, at)
        )

    def in_phase(self, phase: Phase) -> "Roster":
        """The same roster as it counts in ``phase``; nothing in it depends on phases any more."""
        if all(g.phases is None for g in self.grants) and all(w.phases is None for w in self.walls):
            return self
        return replace(
            self,
            grants=tuple(replace(g, phases=None) for g in self.grants if _within(g.phases, phase)),
            walls=tuple(replace(w, phases=None) for w in self.walls if _within(w.phases, phase)),
        )

    def without(self, barred: AbstractSet[PersonId]) -> "Roster":
        """The same people, of whom those who are ``barred`` read nothing, nor anybody for them."""
        if not barred:
            return self
        return replace(
            self,
            grants=tuple(g for g in self.grants if g.person_id not in barred),
            delegations=tuple(
                d for d in self.delegations if not {d.principal, d.delegate} & barred
            ),
        )

    def counting(self, at: int, *, attested: bool) -> "Roster":
        """The same roster without accounts for which counsel's word does not do at ``at``.

        Args:
            at: microseconds UTC.
            attested: whether it does at all, while it has not lapsed.
        """
        gone = {key for key, until in self.attested.items() if not attested or at >= until}
        if not gone:
            return self
        people = (
            replace(p, accounts={c: a for c, a in p.accounts.items() if (c, a) not in gone})
            for p in self.people
        )
        left = {key: until for key, until in self.attested.items() if key not in gone}
        return replace(self, people=tuple(people), attested=left)

    def edges(self) -> tuple[int, ...]:
        """The instants at which something begins or ends, in order."""
        lines: tuple[Grant | Wall | Delegation, ...] = (
            *self.grants,
            *self.walls,
            *self.delegations,
        )
        spans = [line.span for line in lines]
        return tuple(sorted({e for s in spans for e in (s.start, s.end) if e is not None}))


def _within(phases: Phases, phase: Phase) -> bool:
    return phases is None or phase in phases


def _counts(grant: Grant, at: int) -> bool:
    return grant.phases is None and grant.span.holds(at)


def _by_account(people: Iterable[Person]) -> dict[tuple[ConnectorName, AccountId], Person]:
    index: dict[tuple[ConnectorName, AccountId], Person] = {}
    for person in people:
        for key in person.accounts.items():
            if key in index:
                raise ValueError(f"{key[0]} account {key[1]} belongs to two people of the roster")
            index[key] = person
    return index


def _held(
    grants: Iterable[Grant], delegations: Iterable[Delegation]
) -> dict[PersonId, tuple[Held, ...]]:
    own: dict[PersonId, list[Held]] = {}
    for grant in grants:
        own.setdefault(grant.person_id, []).append(Held(grant, grant))
    index = {person: list(held) for person, held in own.items()}
    for delegation in delegations:
        for held in own.get(delegation.principal, ()):
            if (lent := _lent(held.grant, delegation)) is not None:
                index.setdefault(delegation.delegate, []).append(lent)
    return {person: tuple(held) for person, held in index.items()}


def _lent(grant: Grant, delegation: Delegation) -> Held | None:
    """What a delegation makes of one of the principal's own grants."""
    span = grant.span.common(delegation.span)
    if span is None:
        return None
    highest = min(grant.highest, delegation.highest)
    mine = replace(grant, person_id=delegation.delegate, highest=highest, span=span)
    return Held(mine, grant, delegation)
