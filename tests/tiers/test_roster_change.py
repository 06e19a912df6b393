"""Gains and losses are what a search of every instant, phase, person and place finds."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiers.deals import COMPARTMENTS, DAY, START
from tests.tiers.planted import caught, counterexample
from tests.tiers.rosters import INSTANTS, changed, random_roster, reads
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.people import (
    DEAL,
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
from tiers.roster_change import Gain, gains, losses, widens
from tiers.tier import Tier

PLACES = [(c, t) for c in COMPARTMENTS for t in Tier]
Pair = tuple[Roster, Roster]


def pair(rng: Random) -> Pair:
    before = random_roster(rng, rng.randint(2, 4))
    return before, changed(rng, before)


PAIRS = st.builds(pair, st.randoms(use_true_random=False))


def searched(before: Roster | None, after: Roster) -> set[tuple[object, ...]]:
    """Every (person, place, phase, instant) at which ``after`` lets read and ``before`` did not."""
    return {
        (p.person_id, c, t, phase, at)
        for p in after.people
        for c, t in PLACES
        for phase in Phase
        for at in INSTANTS
        if reads(after, phase, p.person_id, c, t, at)
        and not (
            before is not None
            and known(before, after, p)
            and reads(before, phase, p.person_id, c, t, at)
        )
    }


def known(before: Roster, after: Roster, person: Person) -> bool:
    """Whether somebody is who he was: accounts, side, its party, and whose host carries it."""
    for earlier in before.people:
        if earlier.person_id == person.person_id:
            parties = [
                s.party
                for roster, who in ((before, earlier), (after, person))
                for s in roster.sides
                if s.side_id == who.side
            ]
            return (
                all(earlier.accounts.get(c) == a for c, a in person.accounts.items())
                and earlier.side == person.side
                and parties[0] == parties[1]
                and before.host == after.host
            )
    return False


def sampled(found: tuple[Gain, ...]) -> set[tuple[object, ...]]:
    return {
        (g.person_id, g.compartment, g.tier, phase, at)
        for g in found
        for phase in (Phase if g.phases is None else g.phases)
        for at in INSTANTS
        if g.span.start <= at and (g.span.end is None or at < g.span.end)
    }


def check(two: Pair) -> None:
    before, after = two
    assert sampled(gains(before, after)) == searched(before, after)
    assert sampled(losses(before, after)) == searched(after, before)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_gains_and_losses_are_what_a_search_finds(two: Pair) -> None:
    check(two)


def test_the_search_finds_nothing() -> None:
    assert counterexample(check, pair, tries=80) is None


BLIND: dict[str, Callable[[Roster], Roster]] = {
    "without delegates": lambda r: replace(r, delegations=()),
    "without walls": lambda r: replace(r, walls=()),
    "without phases": lambda r: r.in_phase(Phase.PLANNING),
    "without accounts": lambda r: replace(
        r, people=tuple(replace(p, accounts={}) for p in r.people)
    ),
    "without the host": lambda r: replace(r, host=SideId("side-0")),
}


@pytest.mark.parametrize("blind", BLIND.values(), ids=BLIND.keys())
def test_the_search_sees_a_gain_that_is_missed(blind: Callable[[Roster], Roster]) -> None:
    def less(two: Pair) -> None:
        assert sampled(gains(blind(two[0]), blind(two[1]))) == searched(*two)

    assert caught(less, pair)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_the_first_roster_gives_all_that_it_lets_read(two: Pair) -> None:
    assert sampled(gains(None, two[0])) == searched(None, two[0])
    assert gains(two[0], two[0]) == ()
    assert not widens(two[0], two[0])
    assert gains(two[0], None) == ()
    assert widens(None, two[0])


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_whatever_is_gained_widens(two: Pair) -> None:
    assert widens(*two) or not searched(*two)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_gains_are_few_and_do_not_overlap(two: Pair) -> None:
    found = gains(*two)
    for one in found:
        for other in found:
            same = (one.person_id, one.compartment, one.tier, one.phases) == (
                other.person_id,
                other.compartment,
                other.tier,
                other.phases,
            )
            if one is not other and same:
                assert one.span.common(other.span) is None
                assert one.span.end != other.span.start


KESTREL = Side(SideId("kestrel"), "Kestrel", Party.ACQUIRER)
ASH = PersonId("ash")
BO = PersonId("bo")
CLEAN = CompartmentId("clean-team")
MATRIX = ConnectorName("matrix")
ALWAYS = Span(START)


def _person(name: PersonId) -> Person:
    accounts = {MATRIX: AccountId(f"@{name}:k")}
    return Person(name, name.title(), KESTREL.side_id, "", Profile.ORGANISATIONAL, accounts)


PLAIN = Roster(
    KESTREL.side_id,
    (KESTREL, Side(SideId("osprey"), "Osprey", Party.TARGET, "Keep it.", (BO,))),
    (_person(ASH), replace(_person(BO), side=SideId("osprey"))),
    (
        Grant(ASH, DEAL, Tier.OPERATIONS, ALWAYS),
        Grant(BO, DEAL, Tier.COORDINATION, Span(START, START + DAY)),
    ),
    (Wall(DEAL, CLEAN, ALWAYS),),
)


def _people(change: Callable[[Person], Person]) -> Roster:
    return replace(PLAIN, people=(change(PLAIN.people[0]), *PLAIN.people[1:]))


def _osprey(change: Callable[[Side], Side]) -> Roster:
    return replace(PLAIN, sides=(KESTREL, change(PLAIN.sides[1])))


WIDER = {
    "a grant": replace(PLAIN, grants=(*PLAIN.grants, Grant(BO, DEAL, Tier.VALUATION, ALWAYS))),
    "a longer grant": replace(
        PLAIN, grants=(PLAIN.grants[0], replace(PLAIN.grants[1], span=ALWAYS))
    ),
    "a delegate": replace(PLAIN, delegations=(Delegation(ASH, BO, Tier.OPERATIONS, ALWAYS),)),
    "a wall gone": replace(PLAIN, walls=()),
    "a wall cut short": replace(PLAIN, walls=(Wall(DEAL, CLEAN, Span(START, START + DAY)),)),
    "a wall of some phases": replace(
        PLAIN, walls=(Wall(DEAL, CLEAN, ALWAYS, frozenset({Phase.DILIGENCE})),)
    ),
    "another account": _people(lambda p: replace(p, accounts={MATRIX: AccountId("@new:k")})),
    "one more account": _people(
        lambda p: replace(p, accounts={**p.accounts, ConnectorName("signal"): AccountId("x")})
    ),
    "an account gone, whose place one bound by a code takes": _people(
        lambda p: replace(p, accounts={})
    ),
    "another side": _people(lambda p: replace(p, side=SideId("osprey"))),
    "another role": _people(lambda p: replace(p, role="deal owner")),
    "another name": _people(lambda p: replace(p, name="Robin Ash")),
    "another host": replace(PLAIN, host=SideId("osprey")),
    "somebody new": replace(PLAIN, people=(*PLAIN.people, _person(PersonId("cy")))),
    "a notice gone": _osprey(lambda s: replace(s, notice=None)),
    "another notice": _osprey(lambda s: replace(s, notice="Tell nobody.")),
    "a control room gone": _osprey(lambda s: replace(s, control_room=())),
    "another party": _osprey(lambda s: replace(s, party=Party.ACQUIRER)),
}
NARROWER = {
    "a grant gone": replace(PLAIN, grants=PLAIN.grants[:1]),
    "a lower grant": replace(
        PLAIN, grants=(replace(PLAIN.grants[0], highest=Tier.COORDINATION), PLAIN.grants[1])
    ),
    "a grant of some phases": replace(
        PLAIN,
        grants=(replace(PLAIN.grants[0], phases=frozenset({Phase.PLANNING})), PLAIN.grants[1]),
    ),
    "a further wall": replace(
        PLAIN, walls=(*PLAIN.walls, Wall(DEAL, CompartmentId("tax"), ALWAYS))
    ),
    "a wall turned": replace(PLAIN, walls=(Wall(CLEAN, DEAL, ALWAYS),)),
    "a person gone": replace(PLAIN, people=PLAIN.people[1:], grants=PLAIN.grants[1:]),
    "a side more": replace(PLAIN, sides=(*PLAIN.sides, Side(SideId("bank"), "Bank", Party.TARGET))),
    "a notice": replace(
        PLAIN, sides=(replace(KESTREL, notice="Keep it.", control_room=(ASH,)), PLAIN.sides[1])
    ),
}


@pytest.mark.parametrize("after", WIDER.values(), ids=WIDER.keys())
def test_what_gives_anything_widens(after: Roster) -> None:
    assert widens(PLAIN, after)


@pytest.mark.parametrize("after", NARROWER.values(), ids=NARROWER.keys())
def test_what_only_takes_away_does_not_widen(after: Roster) -> None:
    assert not widens(PLAIN, after)
    assert gains(PLAIN, after) == ()


def test_a_phase_that_begins_is_a_change_like_any_other() -> None:
    """Both rosters as they count in their phases: the same question."""
    only = frozenset({Phase.SIGNING})
    roster = replace(PLAIN, grants=(Grant(ASH, DEAL, Tier.COORDINATION, ALWAYS, only),), walls=())
    begun = gains(roster.in_phase(Phase.DILIGENCE), roster.in_phase(Phase.SIGNING))
    assert begun == (Gain(ASH, DEAL, Tier.COORDINATION, ALWAYS),)
    assert not gains(roster.in_phase(Phase.SIGNING), roster.in_phase(Phase.CLOSED))
    (told,) = gains(None, roster)
    assert told.phases == only
