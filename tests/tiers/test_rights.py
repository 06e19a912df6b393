"""The table of rights: nothing is implied, no role takes away, and no role alone gives access."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiers import rights
from tiers.ids import DealId, PersonId
from tiers.rights import TABLE, Act, DeskRole, Power, Right, Scope, Seat, Viewer

DEAL, OTHER = DealId("deal_1"), DealId("deal_2")
ROLES = st.frozensets(st.sampled_from(DeskRole))
GIVES = (Right.ADD, Right.RULES, Right.HELD, Right.EXPORT, Right.KEYS)
"""Rows whose free act would give somebody access, by one person's word."""


def seat(*roles: DeskRole) -> Seat:
    return Seat(DEAL, PersonId("ada"), frozenset(roles))


@given(ROLES, ROLES, st.sampled_from(Right), st.sampled_from(Scope), st.sampled_from(Act))
def test_a_further_role_never_takes_away(
    some: frozenset[DeskRole], more: frozenset[DeskRole], right: Right, scope: Scope, act: Act
) -> None:
    fewer, both = seat(*some), seat(*some, *more)
    assert both.power(right).scope >= fewer.power(right).scope
    assert both.power(right).act >= fewer.power(right).act
    assert both.sees(right, scope) >= fewer.sees(right, scope)
    for own in (True, False):
        assert both.may(right, act, own=own) >= fewer.may(right, act, own=own)


@given(ROLES, st.sampled_from(Right), st.sampled_from(Act))
def test_what_is_ones_own_says_nothing_of_others(
    roles: frozenset[DeskRole], right: Right, act: Act
) -> None:
    found = seat(*roles)
    assert found.may(right, act, own=True) >= found.may(right, act, own=False)


@pytest.mark.parametrize("right", GIVES)
@pytest.mark.parametrize("role", DeskRole)
def test_no_role_alone_gives_access_to_others(role: DeskRole, right: Right) -> None:
    assert not seat(role).may(right, Act.ALONE, own=False)


def test_nor_do_all_of_them_together() -> None:
    assert not any(seat(*DeskRole).may(right, Act.ALONE, own=False) for right in GIVES)


@pytest.mark.parametrize("right", Right)
def test_who_agrees_does_not_begin_by_that(right: Right) -> None:
    approver = seat(DeskRole.APPROVER)
    assert not approver.may(right, Act.SECOND, own=False)
    assert not approver.may(right, Act.ASK, own=False)


@pytest.mark.parametrize("right", Right)
def test_a_seat_without_a_role_shows_and_does_nothing(right: Right) -> None:
    bot = seat()
    assert bot.power(right) == Power()
    assert not any(bot.sees(right, s) for s in Scope if s is not Scope.NOTHING)
    assert not any(bot.may(right, a, own=True) for a in Act if a is not Act.NOTHING)


def test_an_operator_sees_no_name_and_reads_nothing_held() -> None:
    operator = seat(DeskRole.OPERATOR)
    named = {r for r in Right if operator.sees(r, Scope.IN)}
    assert named == {Right.CHANNELS}
    assert not operator.may(Right.HELD, Act.ASK, own=True)
    assert operator.power(Right.VALUATION_NAMES) == Power()


def test_an_adviser_learns_neither_party_nor_what_valuation_is_called() -> None:
    adviser = seat(DeskRole.ADVISER)
    for right in (Right.PARTIES, Right.VALUATION_NAMES, Right.MATRIX, Right.FINDINGS):
        assert adviser.power(right) == Power()


def test_in_another_deal_nobody_is_anybody() -> None:
    viewer = Viewer("person:ada", seats={DEAL: seat(*DeskRole)})
    for right in Right:
        assert viewer.power(OTHER, right) == Power()
        assert not viewer.sees(OTHER, right, Scope.COUNTS)
        assert not viewer.may(OTHER, right, Act.ASK, own=True)
    assert viewer.person(OTHER) is None


def test_the_homes_own_user_sees_all() -> None:
    whole = Viewer("local:root", whole=True)
    assert all(whole.sees(OTHER, r, Scope.ALL) for r in Right)
    assert all(whole.may(OTHER, r, Act.ALONE, own=False) for r in Right)


def test_no_two_roles_are_one_act_in_both_halves() -> None:
    """Whoever begins an act and agrees to it by two roles is still one person: he needs another."""
    for one, two in combinations(DeskRole, 2):
        for right in GIVES:
            assert not seat(one, two).may(right, Act.ALONE, own=False)


@pytest.mark.parametrize("role", [DeskRole.OWNER, DeskRole.OPERATOR])
def test_a_planted_hole_is_found(role: DeskRole, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {**TABLE[Right.ADD], role: Power(Scope.ALL, Act.ALONE)}
    monkeypatch.setattr(rights, "TABLE", {**TABLE, Right.ADD: row})
    with pytest.raises(AssertionError):
        test_no_role_alone_gives_access_to_others(role, Right.ADD)
