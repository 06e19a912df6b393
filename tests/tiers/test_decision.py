"""Empty means no, the strictest wins, and a part that nobody vouched for is a denial."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.planted import caught, counterexample
from tiers import decision
from tiers.decision import Decision, Effect, Reason
from tiers.ids import RuleId

REASONS = st.builds(
    Reason,
    st.sampled_from([RuleId(name) for name in ("known", "cleared", "wall", "clock")]),
    st.sampled_from(Effect),
    st.just("told to a lawyer"),
)
DECISIONS = st.builds(Decision, st.lists(REASONS, max_size=4).map(tuple))
PARTS = st.lists(DECISIONS, max_size=4)


def test_no_reason_is_a_denial() -> None:
    assert Decision().effect is Effect.DENY
    assert not Decision()


@given(DECISIONS)
def test_the_strictest_reason_wins(found: Decision) -> None:
    effects = {r.effect for r in found.reasons}
    if not effects or Effect.DENY in effects:
        assert found.effect is Effect.DENY
    elif Effect.HOLD in effects:
        assert found.effect is Effect.HOLD
    else:
        assert found.effect is Effect.ALLOW
    assert bool(found) == (effects == {Effect.ALLOW})


@given(DECISIONS)
def test_all_that_stands_against_is_told_in_order(found: Decision) -> None:
    against = [r for r in found.reasons if r.effect in {Effect.HOLD, Effect.DENY}]
    assert list(found.against) == against


def check_joined_is_no_weaker(parts: list[Decision]) -> None:
    whole = decision.all_of(parts)
    assert bool(whole) == (bool(parts) and all(bool(part) for part in parts))
    told = [r for part in parts for r in part.reasons]
    assert [r for r in whole.reasons if r.rule != "vouched"] == told
    if any(not part.reasons for part in parts) or not parts:
        assert whole.effect is Effect.DENY


@given(PARTS)
def test_joined_decisions_are_no_weaker_than_the_strictest(parts: list[Decision]) -> None:
    check_joined_is_no_weaker(parts)


def draw(rng: Random) -> list[Decision]:
    def part() -> Decision:
        size = rng.randint(0, 2)
        return Decision(
            tuple(Reason(RuleId("r"), rng.choice(list(Effect)), "") for _ in range(size))
        )

    return [part() for _ in range(rng.randint(0, 3))]


def test_the_search_finds_nothing() -> None:
    assert counterexample(check_joined_is_no_weaker, draw) is None


@given(PARTS, DECISIONS)
def test_one_more_part_never_allows_more(parts: list[Decision], more: Decision) -> None:
    assert not parts or bool(decision.all_of(parts)) or not decision.all_of([*parts, more])


def _mere_union(parts: list[Decision]) -> Decision:
    return Decision(tuple(r for part in parts for r in part.reasons))


def _first_allowed(parts: list[Decision]) -> Decision:
    return next((part for part in parts if part), decision.Decision())


@pytest.mark.parametrize("broken", [_mere_union, _first_allowed])
def test_a_planted_violation_is_caught(
    broken: Callable[[list[Decision]], Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision, "all_of", broken)
    assert caught(check_joined_is_no_weaker, draw)


@pytest.mark.parametrize("default", [Effect.ALLOW, Effect.HOLD])
def test_an_empty_decision_that_is_no_denial_is_caught(
    default: Effect, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = property(lambda self: max((r.effect for r in self.reasons), default=default))
    monkeypatch.setattr(Decision, "effect", kind)
    with pytest.raises(AssertionError):
        test_no_reason_is_a_denial()
