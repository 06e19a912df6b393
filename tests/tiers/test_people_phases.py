"""Delegates, phases and control rooms: what a search of the list finds, and nothing by default."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiers.deals import COMPARTMENTS, DAY, START
from tests.tiers.rosters import INSTANTS, random_roster, reads
from tiers.ids import CompartmentId, PersonId, SideId
from tiers.people import DEAL, Delegation, Grant, Phase, Roster, Span, Wall
from tiers.tier import Tier

ROSTERS = st.builds(random_roster, st.randoms(use_true_random=False), st.integers(2, 4))
ALWAYS = Span(START)
CLEAN = CompartmentId("clean-team")
ONE, TWO, THREE = (PersonId(f"person-{n}") for n in range(3))


def plain() -> Roster:
    found = random_roster(Random(1), 3)  # noqa: S311 - an example, not a secret
    return replace(found, grants=(), walls=(), delegations=())


@settings(max_examples=40, deadline=None)
@given(ROSTERS, st.sampled_from(Phase), st.sampled_from(INSTANTS))
def test_who_reads_is_what_a_search_finds(roster: Roster, phase: Phase, at: int) -> None:
    now = roster.in_phase(phase)
    for here in COMPARTMENTS:
        for tier in Tier:
            expected = [
                p.person_id
                for p in roster.people
                if reads(roster, phase, p.person_id, here, tier, at)
            ]
            assert [p.person_id for p in now.cleared(here, tier, None, at)] == expected


@settings(max_examples=40, deadline=None)
@given(ROSTERS, st.sampled_from(Phase), st.sampled_from(INSTANTS))
def test_unless_the_phase_is_said_nothing_rests_on_it(
    roster: Roster, phase: Phase, at: int
) -> None:
    """A grant of some phases gives nothing, a wall of some phases stands."""
    for here in COMPARTMENTS:
        for tier in Tier:
            unsaid = {p.person_id for p in roster.cleared(here, tier, None, at)}
            said = {p.person_id for p in roster.in_phase(phase).cleared(here, tier, None, at)}
            assert unsaid <= said


@settings(max_examples=40, deadline=None)
@given(ROSTERS, st.sampled_from(INSTANTS))
def test_a_delegate_reads_no_more_than_his_principals_and_himself(roster: Roster, at: int) -> None:
    now = roster.in_phase(Phase.DILIGENCE)
    own = replace(now, delegations=())
    for person in now.people:
        who = person.person_id
        for grant in now.grants_of(who, at):
            principals = [d.principal for d in now.delegations if d.delegate == who]
            assert any(
                own.may_see(p, grant.compartment, grant.highest, at) for p in (who, *principals)
            )


@settings(max_examples=40, deadline=None)
@given(ROSTERS, st.sampled_from(INSTANTS))
def test_who_is_barred_reads_nothing_nor_anybody_for_him(roster: Roster, at: int) -> None:
    left = roster.without({ONE})
    assert left.people == roster.people
    assert left.grants_of(ONE, at) == ()
    assert all(ONE not in {d.principal, d.delegate} for d in left.delegations)


def test_nothing_passes_on_to_a_delegates_delegate() -> None:
    roster = replace(
        plain(),
        grants=(Grant(ONE, DEAL, Tier.VALUATION, ALWAYS),),
        delegations=(
            Delegation(ONE, TWO, Tier.OPERATIONS, ALWAYS),
            Delegation(TWO, THREE, Tier.OPERATIONS, ALWAYS),
        ),
    )
    assert roster.may_see(TWO, DEAL, Tier.OPERATIONS, START)
    assert not roster.may_see(TWO, DEAL, Tier.VALUATION, START)
    assert not roster.may_see(THREE, DEAL, Tier.COORDINATION, START)


def test_a_delegate_of_one_side_of_a_wall_reads_neither() -> None:
    roster = replace(
        plain(),
        grants=(
            Grant(ONE, DEAL, Tier.OPERATIONS, ALWAYS),
            Grant(TWO, CLEAN, Tier.OPERATIONS, ALWAYS),
        ),
        walls=(Wall(DEAL, CLEAN, ALWAYS),),
        delegations=(Delegation(ONE, TWO, Tier.OPERATIONS, Span(START + DAY)),),
    )
    assert not roster.walled_off(TWO, CLEAN, START)
    assert roster.walled_off(TWO, CLEAN, START + DAY)
    assert roster.walled_off(TWO, DEAL, START + DAY)
    assert not roster.walled_off(ONE, DEAL, START + DAY)


def test_each_edge_is_an_instant_of_the_list() -> None:
    roster = replace(
        plain(),
        grants=(Grant(ONE, DEAL, Tier.OPERATIONS, Span(5, 9)),),
        walls=(Wall(DEAL, CLEAN, Span(1)),),
        delegations=(Delegation(ONE, TWO, Tier.OPERATIONS, Span(7)),),
    )
    assert roster.edges() == (1, 5, 7, 9)


def test_a_notice_is_named_by_its_hash_and_never_shown() -> None:
    side = replace(plain().sides[0], notice="Keep it to yourself.")
    assert side.notice_hash is not None
    assert len(side.notice_hash) == len("0" * 64)
    assert "yourself" not in repr(side)
    assert replace(side, notice=None).notice_hash is None


@pytest.mark.parametrize(
    "lend",
    [
        Delegation(ONE, ONE, Tier.OPERATIONS, ALWAYS),
        Delegation(ONE, PersonId("x"), Tier.OPERATIONS, ALWAYS),
    ],
)
def test_nobody_is_his_own_delegate_nor_a_strangers(lend: Delegation) -> None:
    with pytest.raises(ValueError, match=r"delegate|not listed"):
        replace(plain(), delegations=(lend,))


def test_a_control_room_is_of_its_own_side() -> None:
    roster = plain()
    side, other = roster.people[0].side, SideId("side-9")
    assert roster.side(side) is not None
    assert roster.side(other) is None
    for wrong in (PersonId("x"), *(p.person_id for p in roster.people if p.side != side)):
        with pytest.raises(ValueError, match="control room"):
            replace(
                roster,
                sides=tuple(
                    replace(s, control_room=(wrong,)) if s.side_id == side else s
                    for s in roster.sides
                ),
            )
