"""Who may see what: sides, people, grants, compartments and walls, as one adopted roster says it.

Rules kept here:

1. A grant speaks for one person, one compartment, up to one tier, within one span of time. No
   grant, no access: nothing is inherited, implied or guessed.
2. A wall says that two compartments never share a reader. Whoever holds grants on both sides of a
   wall that stands may read in neither.
3. A roster is a value. A change is another roster, adopted later (the second of the two times);
   what was known at an instant is the roster that was in force then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
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


@dataclass(frozen=True, slots=True)
class Side:
    """One obliged entity: acquirer, target, a law firm, a bank, an auditor."""

    side_id: SideId
    name: str
    party: Party


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


@dataclass(frozen=True, slots=True)
class Grant:
    """One person may read one compartment up to one tier, within a span."""

    person_id: PersonId
    compartment: CompartmentId
    highest: Tier
    span: Span


@dataclass(frozen=True, slots=True)
class Wall:
    """Two compartments that never share a reader while it stands."""

    one: CompartmentId
    other: CompartmentId
    span: Span

    def faces(self, compartment: CompartmentId) -> CompartmentId | None:
        """The compartment on the far side of the wall from ``compartment``, None if it has none."""
        if compartment == self.one:
            return self.other
        return self.one if compartment == self.other else None


@dataclass(frozen=True)
class Roster:
    """Everybody on a deal, with an index so that one decision costs no search.

    Raises:
        ValueError: an account belongs to two people, or a line names somebody who is not listed.
    """

    host: SideId
    sides: tuple[Side, ...]
    people: tuple[Person, ...]
    grants: tuple[Grant, ...]
    walls: tuple[Wall, ...] = ()
    _people: Mapping[PersonId, Person] = field(init=False, repr=False, compare=False)
    _accounts: Mapping[tuple[ConnectorName, AccountId], Person] = field(
        init=False, repr=False, compare=False
    )
    _grants: Mapping[PersonId, tuple[Grant, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_people", MappingProxyType({p.person_id: p for p in self.people}))
        object.__setattr__(self, "_accounts", MappingProxyType(_by_account(self.people)))
        object.__setattr__(self, "_grants", MappingProxyType(_by_person(self.grants)))
        if len(self._people) != len(self.people):
            raise ValueError("two lines of the roster have the same person id")
        if len({s.side_id for s in self.sides}) != len(self.sides):
            raise ValueError("two lines of the roster have the same side id")
        sideless = sorted({p.side for p in self.people} - {s.side_id for s in self.sides})
        if sideless:
            raise ValueError(f"people name sides that are not listed: {', '.join(sideless)}")
        strangers = sorted(set(self._grants) - set(self._people))
        if strangers:
            raise ValueError(f"grants name people who are not listed: {', '.join(strangers)}")

    def person(self, person_id: PersonId) -> Person | None:
        """The person of that id."""
        return self._people.get(person_id)

    def owner(self, connector: ConnectorName, account: AccountId) -> Person | None:
        """The person an account belongs to; None means unknown, which never means allowed."""
        return self._accounts.get((connector, account))

    def grants_of(self, person_id: PersonId, at: int) -> tuple[Grant, ...]:
        """A person's grants that are valid at ``at``."""
        return tuple(g for g in self._grants.get(person_id, ()) if g.span.holds(at))

    def may_see(self, person_id: PersonId, compartment: CompartmentId, tier: Tier, at: int) -> bool:
        """Whether a grant valid at ``at`` covers ``tier`` of ``compartment``, walls aside."""
        return any(
            g.compartment == compartment and g.highest >= tier and g.span.holds(at)
            for g in self._grants.get(person_id, ())
        )

    def walled_off(self, person_id: PersonId, compartment: CompartmentId, at: int) -> bool:
        """Whether a wall stands between ``compartment`` and something the person may also read."""
        beyond = {w.faces(compartment) for w in self.walls if w.span.holds(at)}
        return any(
            g.compartment in beyond and g.span.holds(at) for g in self._grants.get(person_id, ())
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


def _by_account(people: Iterable[Person]) -> dict[tuple[ConnectorName, AccountId], Person]:
    index: dict[tuple[ConnectorName, AccountId], Person] = {}
    for person in people:
        for key in person.accounts.items():
            if key in index:
                raise ValueError(f"{key[0]} account {key[1]} belongs to two people of the roster")
            index[key] = person
    return index


def _by_person(grants: Iterable[Grant]) -> dict[PersonId, tuple[Grant, ...]]:
    index: dict[PersonId, list[Grant]] = {}
    for grant in grants:
        index.setdefault(grant.person_id, []).append(grant)
    return {person: tuple(held) for person, held in index.items()}
