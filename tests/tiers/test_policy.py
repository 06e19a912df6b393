"""A policy is whole or refused, and one member is decided for by the rules in words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.deals import Case, cases, seeded
from tests.tiers.oracle import in_the_way
from tests.tiers.wrongs import troubled
from tiers import policy
from tiers.decision import Decision, Effect
from tiers.policy import clock_decision, decide_members, decide_recipient
from tiers.tier import Tier

ABOUT_PEOPLE = {"known", "cleared", "wall", "side", "devices", "readers"}


def members_of(case: Case) -> Decision:
    view = case.away[0]
    return decide_members(
        view.recipients,
        case.roster,
        case.conversation,
        case.policy.tiers[case.placed.as_tier],
        as_tier=case.placed.as_tier,
        at=case.at,
    )


@given(troubled())
def test_members_together_are_members_one_by_one(case: Case) -> None:
    if not case.away:
        return
    together, tier = members_of(case), case.policy.tiers[case.placed.as_tier]
    apart = [
        decide_recipient(
            who, case.roster, case.conversation, tier, as_tier=case.placed.as_tier, at=case.at
        )
        for who in case.away[0].recipients
    ]
    assert bool(together) == (bool(apart) and all(apart))
    if apart:
        assert list(together.against) == [r for one in apart for r in one.against]


@given(cases())
def test_whoever_may_read_costs_one_reason(case: Case) -> None:
    if case.away:
        (reason,) = members_of(case).reasons
        assert reason.effect is Effect.ALLOW
        assert str(len(case.away[0].recipients)) in reason.because


def test_a_member_nobody_vouched_for_is_a_denial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "_MAY", Decision())
    case = next(c for c in (seeded(n, 4) for n in range(20)) if c.away)
    assert members_of(case).effect is Effect.DENY


@given(troubled())
def test_reasons_name_accounts_and_rules_of_the_room_only(case: Case) -> None:
    for view in case.away:
        accounts = {m.account for m in view.recipients}
        decision = decide_members(
            view.recipients,
            case.roster,
            case.conversation,
            case.policy.tiers[case.placed.as_tier],
            as_tier=case.placed.as_tier,
            at=case.at,
        )
        assert {r.subject for r in decision.reasons} <= {*accounts, ""}
        assert {r.rule for r in decision.against} <= ABOUT_PEOPLE & in_the_way(case)


@pytest.mark.parametrize("missing", Tier)
def test_a_policy_silent_on_a_tier_is_refused(missing: Tier) -> None:
    whole = seeded(1, 2).policy
    kept = {tier: rules for tier, rules in whole.tiers.items() if tier is not missing}
    with pytest.raises(ValueError, match=missing.value):
        replace(whole, tiers=kept)


def test_a_clock_in_doubt_holds() -> None:
    assert clock_decision(trusted=True)
    assert clock_decision(trusted=False).effect is Effect.HOLD


@given(cases(), st.booleans(), st.integers(-1, 1))
def test_counsels_word_for_an_account_is_enough_where_the_tier_says_so_and_in_its_time(
    case: Case, accepts: bool, left: int
) -> None:
    """An account that stood on the roster is now one that only counsel vouches for."""
    if not case.away:
        return
    tier = replace(case.policy.tiers[case.placed.as_tier], attested_accounts=accepts)
    who = case.away[0].recipients[0]
    word = {(who.connector, who.account): case.at + left}
    before, after = (
        decide_recipient(
            who, roster, case.conversation, tier, as_tier=case.placed.as_tier, at=case.at
        )
        for roster in (case.roster, replace(case.roster, attested=word))
    )
    assert bool(after) == (bool(before) and accepts and left > 0)
    assert {r.rule for r in before.against} <= {r.rule for r in after.against}
