"""Random rosters with everything that a roster can say, and a search that shares nothing with it.

Rule kept here: ``reads`` asks line by line, at one instant and in one phase, as a person with the
list on paper would; it builds no index and joins no spans.
"""

from dataclasses import replace
from random import Random

from tests.tiers.deals import CHANNELS, COMPARTMENTS, DAY, START
from tiers.ids import AccountId, CompartmentId, PersonId, SideId
from tiers.people import (
    Delegation,
    Grant,
    Party,
    Person,
    Phase,
    Phases,
    Profile,
    Roster,
    Side,
    Span,
    Wall,
)
from tiers.tier import Tier

ORDER = ("coordination", "operations", "valuation")
LAST = 8
"""Days after the start at which nothing begins or ends any more."""
NOTICES = ("Keep it to yourself.", "Tell nobody.")
INSTANTS = tuple(START + n * DAY // 2 for n in range(-1, 2 * LAST + 3))
"""Each edge that a span can have, and an instant between each two of them."""


def random_roster(rng: Random, people: int = 4) -> Roster:
    """A roster of ``people`` with random grants, walls, phases and delegations."""
    sides = tuple(
        Side(
            SideId(f"side-{n}"),
            f"Side {n}",
            rng.choice(list(Party)),
            rng.choice((None, None, *NOTICES)),
        )
        for n in range(3)
    )
    listed = tuple(_person(rng, n, sides) for n in range(people))
    ids = [p.person_id for p in listed]
    grants = [
        Grant(rng.choice(ids), _compartment(rng), _tier(rng), _span(rng), _phases(rng))
        for _ in range(rng.randint(0, 2 * people))
    ]
    walls = [
        Wall(one, other, _span(rng), _phases(rng))
        for one, other in (rng.sample(COMPARTMENTS, 2) for _ in range(rng.randint(0, 2)))
    ]
    lent = [
        Delegation(one, other, _tier(rng), _span(rng))
        for one, other in (rng.sample(ids, 2) for _ in range(rng.randint(0, 3)))
    ]
    host = rng.choice(sides).side_id
    return Roster(host, sides, listed, tuple(grants), tuple(walls), tuple(lent))


def changed(rng: Random, roster: Roster) -> Roster:
    """The same roster with one to three things changed."""
    for _ in range(rng.randint(1, 3)):
        other = random_roster(rng, len(roster.people))
        n = rng.randrange(len(roster.people))
        people = (*roster.people[:n], other.people[n], *roster.people[n + 1 :])
        roster = rng.choice(
            (
                replace(roster, host=other.host),
                replace(roster, people=people),
                replace(roster, grants=other.grants),
                replace(roster, walls=other.walls),
                replace(roster, delegations=other.delegations),
                replace(roster, grants=tuple(g for g in roster.grants if rng.random() < 0.7)),
                replace(roster, walls=roster.walls[1:], delegations=roster.delegations[1:]),
            )
        )
    return roster


def reads(
    roster: Roster, phase: Phase, person: PersonId, compartment: CompartmentId, tier: Tier, at: int
) -> bool:
    """Whether a person may read a place at ``at`` in ``phase``, by going through the list."""
    here = _highest(roster, phase, person, compartment, at)
    if here is None or here < ORDER.index(tier.value):
        return False
    for wall in roster.walls:
        if _now(wall.span, at) and _when(wall.phases, phase):
            for near, far in ((wall.one, wall.other), (wall.other, wall.one)):
                if near == compartment and _highest(roster, phase, person, far, at) is not None:
                    return False
    return True


def _highest(
    roster: Roster, phase: Phase, person: PersonId, compartment: CompartmentId, at: int
) -> int | None:
    found = [_own(roster, phase, person, compartment, at)]
    for d in roster.delegations:
        if d.delegate == person and _now(d.span, at):
            theirs = _own(roster, phase, d.principal, compartment, at)
            found.append(None if theirs is None else min(theirs, ORDER.index(d.highest.value)))
    return max((n for n in found if n is not None), default=None)


def _own(
    roster: Roster, phase: Phase, person: PersonId, compartment: CompartmentId, at: int
) -> int | None:
    found = [
        ORDER.index(g.highest.value)
        for g in roster.grants
        if (g.person_id, g.compartment) == (person, compartment)
        and _now(g.span, at)
        and _when(g.phases, phase)
    ]
    return max(found, default=None)


def _now(span: Span, at: int) -> bool:
    return span.start <= at and (span.end is None or at < span.end)


def _when(phases: Phases, phase: Phase) -> bool:
    return phases is None or phase in phases


def _person(rng: Random, n: int, sides: tuple[Side, ...]) -> Person:
    accounts = {c: AccountId(f"@{n}-{rng.randint(0, 1)}:{c}") for c in CHANNELS}
    kept = {c: a for c, a in accounts.items() if rng.random() < 0.7}
    side = rng.choice(sides).side_id
    return Person(PersonId(f"person-{n}"), f"P {n}", side, "", Profile.ORGANISATIONAL, kept)


def _compartment(rng: Random) -> CompartmentId:
    return rng.choice(COMPARTMENTS[:3])


def _tier(rng: Random) -> Tier:
    return rng.choice(list(Tier))


def _span(rng: Random) -> Span:
    start = rng.randint(0, LAST - 1)
    end = rng.choice((None, rng.randint(start + 1, LAST)))
    return Span(START + start * DAY, None if end is None else START + end * DAY)


def _phases(rng: Random) -> Phases:
    if rng.random() < 0.6:
        return None
    return frozenset(rng.sample(list(Phase), rng.randint(1, 3)))
