"""Who may see what is what a plain search of the roster says, at each instant."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.deals import CHANNELS, COMPARTMENTS, DAY, START, Case, seeded, sound, spans
from tests.tiers.planted import caught, counterexample
from tiers.ids import AccountId, ConnectorName, PersonId, SideId
from tiers.people import Grant, Party, Person, Profile, Roster, Side, Span, Wall
from tiers.tier import Tier

ORDER = ("coordination", "operations", "valuation")


def crowded(rng: Random) -> Case:
    """A deal with many grants and walls, on either side of now."""
    case = sound(rng, rng.randint(2, 6))
    times = list(spans(case.at).values())
    grants = tuple(
        Grant(p.person_id, rng.choice(COMPARTMENTS), rng.choice(list(Tier)), rng.choice(times))
        for p in case.roster.people
        for _ in range(rng.randint(0, 4))
    )
    pairs = [rng.sample(COMPARTMENTS, 2) for _ in range(rng.randint(0, 3))]
    walls = tuple(Wall(one, other, rng.choice(times)) for one, other in pairs)
    return replace(case, roster=replace(case.roster, grants=grants, walls=walls))


CROWDED = st.builds(crowded, st.randoms(use_true_random=False))


def stands(span: Span, at: int) -> bool:
    return span.start <= at and (span.end is None or at < span.end)


def check_search(case: Case) -> None:
    roster = case.roster
    for at in (case.at - DAY, case.at, case.at + 1):
        valid = [g for g in roster.grants if stands(g.span, at)]
        for person in roster.people:
            own = [g for g in valid if g.person_id == person.person_id]
            assert list(roster.grants_of(person.person_id, at)) == own
            for here in COMPARTMENTS:
                _check_one(roster, person, here, own, at)


def _check_one(roster: Roster, person: Person, here: Any, own: list[Grant], at: int) -> None:
    for wanted, name in enumerate(ORDER):
        reaches = [
            g for g in own if g.compartment == here and ORDER.index(g.highest.value) >= wanted
        ]
        assert roster.may_see(person.person_id, here, Tier(name), at) == bool(reaches)
    walls = [w for w in roster.walls if stands(w.span, at)]
    far = {w.other for w in walls if w.one == here} | {w.one for w in walls if w.other == here}
    walled = any(g.compartment in far for g in own)
    assert roster.walled_off(person.person_id, here, at) == walled


@given(CROWDED)
def test_clearance_and_walls_are_a_plain_search(case: Case) -> None:
    check_search(case)


def test_the_search_finds_nothing() -> None:
    assert counterexample(check_search, crowded, tries=1_000) is None


@given(CROWDED, st.sampled_from(Tier), st.sampled_from(COMPARTMENTS), st.booleans())
def test_the_cleared_are_those_one_by_one(case: Case, tier: Tier, here: Any, private: bool) -> None:
    side = case.roster.sides[0].side_id if private else None
    assert list(case.roster.cleared(here, tier, side, case.at)) == [
        p
        for p in case.roster.people
        if case.roster.may_see(p.person_id, here, tier, case.at)
        and not case.roster.walled_off(p.person_id, here, case.at)
        and side in {None, p.side}
    ]


@given(CROWDED)
def test_a_wall_never_lets_anybody_read_on_both_sides(case: Case) -> None:
    for wall in case.roster.walls:
        if stands(wall.span, case.at):
            one = case.roster.cleared(wall.one, Tier.COORDINATION, None, case.at)
            other = case.roster.cleared(wall.other, Tier.COORDINATION, None, case.at)
            assert not {p.person_id for p in one} & {p.person_id for p in other}


@given(CROWDED)
def test_what_is_not_valid_now_counts_for_nothing_now(case: Case) -> None:
    valid = tuple(g for g in case.roster.grants if stands(g.span, case.at))
    walls = tuple(w for w in case.roster.walls if stands(w.span, case.at))
    only = replace(case.roster, grants=valid, walls=walls)
    for here in COMPARTMENTS:
        for tier in Tier:
            told = [r.cleared(here, tier, None, case.at) for r in (case.roster, only)]
            assert told[0] == told[1]


@given(CROWDED)
def test_a_later_roster_leaves_the_earlier_as_it_was(case: Case) -> None:
    """The second of the two times: what was in force is a value, and stays what it was."""
    before = case.roster.cleared(COMPARTMENTS[0], Tier.COORDINATION, None, case.at)
    later = replace(case.roster, grants=())
    assert later.cleared(COMPARTMENTS[0], Tier.COORDINATION, None, case.at) == ()
    assert case.roster.cleared(COMPARTMENTS[0], Tier.COORDINATION, None, case.at) == before


@given(CROWDED)
def test_an_account_has_one_owner(case: Case) -> None:
    roster = case.roster
    for person in roster.people:
        assert roster.person(person.person_id) is person
        for connector, account in person.accounts.items():
            assert roster.owner(connector, account) is person
            assert roster.owner(ConnectorName("elsewhere"), account) is None
    assert roster.owner(CHANNELS[0], AccountId("@nobody")) is None
    assert roster.person(PersonId("nobody")) is None


def test_five_thousand_people_are_found_alike() -> None:
    case = seeded(5, 5_000)
    here, tier = case.conversation.compartment, case.placed.as_tier
    cleared = {p.person_id for p in case.roster.cleared(here, tier, None, case.at)}
    valid = [g for g in case.roster.grants if stands(g.span, case.at)]
    reach = {g.person_id for g in valid if g.compartment == here and g.highest >= tier}
    walls = [w for w in case.roster.walls if stands(w.span, case.at)]
    far = {w.other for w in walls if w.one == here} | {w.one for w in walls if w.other == here}
    assert cleared == reach - {g.person_id for g in valid if g.compartment in far}
    assert len(cleared) > 1_000


def _for_ever(self: Roster, person_id: object, here: object, tier: Tier, _at: int) -> bool:
    found = (g for g in self.grants if (g.person_id, g.compartment) == (person_id, here))
    return any(g.highest >= tier for g in found)


def _inherits(self: Roster, person_id: PersonId, _here: object, tier: Tier, at: int) -> bool:
    return any(g.highest >= tier for g in self.grants_of(person_id, at))


def _one_way(self: Roster, person_id: PersonId, here: object, at: int) -> bool:
    held = {g.compartment for g in self.grants_of(person_id, at)}
    return any(w.span.holds(at) and w.one == here and w.other in held for w in self.walls)


def _closed(self: Span, at: int) -> bool:
    return self.start <= at and (self.end is None or at <= self.end)


PLANTED: dict[str, tuple[type, str, Callable[..., bool]]] = {
    "grants never end": (Roster, "may_see", _for_ever),
    "one compartment opens the others": (Roster, "may_see", _inherits),
    "a wall has one side": (Roster, "walled_off", _one_way),
    "the last instant counts twice": (Span, "holds", _closed),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[name])
    assert caught(check_search, crowded)


SIDE = Side(SideId("side-a"), "A", Party.ACQUIRER)


def _named(person_id: str, account: str, side: str = "side-a") -> Person:
    accounts = {CHANNELS[0]: AccountId(account)}
    return Person(PersonId(person_id), "N", SideId(side), "", Profile.HIGHLY_AWARE, accounts)


@pytest.mark.parametrize(
    ("people", "grants", "sides", "says"),
    [
        ([_named("a", "@1"), _named("b", "@1")], [], [SIDE], "belongs to two people"),
        ([_named("a", "@1"), _named("a", "@2")], [], [SIDE], "same person id"),
        ([_named("a", "@1")], ["b"], [SIDE], "grants name people who are not listed: b"),
        ([_named("a", "@1", "side-z")], [], [SIDE], "sides that are not listed: side-z"),
        ([_named("a", "@1")], [], [SIDE, SIDE], "same side id"),
    ],
)
def test_a_roster_that_contradicts_itself_is_refused(
    people: list[Person], grants: list[str], sides: list[Side], says: str
) -> None:
    lines = tuple(
        Grant(PersonId(g), COMPARTMENTS[0], Tier.COORDINATION, Span(START)) for g in grants
    )
    with pytest.raises(ValueError, match=says):
        Roster(SIDE.side_id, tuple(sides), tuple(people), lines)
