"""Time never turns back to permit (docs/product.md 2.14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.clock import DAY, HOUR, MINUTE, SECOND, now, ticks
from orchestrator.clockguard import FRESH, FURTHEST, GRAIN, ClockGuard

START = 1_700_000_000 * SECOND
SPANS = st.integers(-DAY, DAY)
TRIPS = st.integers(0, 30 * SECOND)


def before_audit(make: type[ClockGuard], latest: int, at: int) -> None:
    guard = make(0)
    guard.recorded(latest)
    guard.recorded(latest // 2)  # an entry written by a clock that was set back
    assert guard.state(at, 0).trusted == (at >= latest)


@given(latest=st.integers(0, 2 * START), at=st.integers(0, 2 * START))
def test_a_clock_before_the_audit_never_permits(latest: int, at: int) -> None:
    before_audit(ClockGuard, latest, at)


def test_planted_a_guard_that_follows_the_last_entry_back_is_found() -> None:
    class Follows(ClockGuard):
        def recorded(self, at: int) -> None:
            self._latest = at

    with pytest.raises(AssertionError):
        before_audit(Follows, 2 * START, START)


def test_planted_a_guard_that_believes_its_own_clock_is_found() -> None:
    class Believes(ClockGuard):
        def heard(self, source: str, said: int, *, before: int, after: int) -> None:
            """Hears nothing: what it is told has no bearing on its own clock."""

    with pytest.raises(AssertionError):
        off_source(Believes, HOUR, 0, 0)


def off_source(make: type[ClockGuard], off: int, trip: int, elapsed: int) -> None:
    guard = make(0)
    true = START + trip // 2
    guard.heard("homeserver", true // SECOND * SECOND, before=0, after=trip)
    state = guard.state(START + trip + elapsed + off, trip + elapsed)
    if abs(off) > FURTHEST + trip + GRAIN:
        assert state.reasons == ("clock.off.homeserver",)
    elif abs(off) < FURTHEST - trip:
        assert state.trusted


@given(off=SPANS, trip=TRIPS, elapsed=st.integers(0, FRESH))
def test_a_clock_off_a_source_by_more_than_a_minute_never_permits(
    off: int, trip: int, elapsed: int
) -> None:
    off_source(ClockGuard, off, trip, elapsed)


@given(jump=SPANS.filter(lambda span: abs(span) > FURTHEST + GRAIN))
def test_a_jump_after_the_source_was_heard_shows_at_once(jump: int) -> None:
    guard = ClockGuard(0)
    guard.heard("time", START, before=0, after=0)
    assert guard.state(START + SECOND, SECOND)
    assert not guard.state(START + SECOND + jump, SECOND)


@given(allowed=st.integers(1, 60), off=st.integers(-70, 70))
def test_the_settings_may_allow_less_than_a_minute_and_never_more(allowed: int, off: int) -> None:
    for furthest in (allowed * SECOND, FURTHEST + allowed * SECOND):
        guard = ClockGuard(0, furthest=furthest)
        guard.heard("time", START, before=0, after=0)
        distance = max(-off * SECOND, off * SECOND - GRAIN, 0)
        trusted = guard.state(START + off * SECOND, 0).trusted
        assert trusted == (distance <= min(furthest, FURTHEST))


def test_one_source_that_disagrees_is_enough() -> None:
    guard = ClockGuard(0)
    guard.heard("good", START, before=0, after=0)
    guard.heard("bad", START + HOUR, before=0, after=0)
    state = guard.state(START, 0)
    assert state.reasons == ("clock.off.bad",)
    assert state.offsets == {"good": 0, "bad": HOUR}


def test_a_source_heard_long_ago_says_nothing_unless_it_is_required() -> None:
    for required, trusted in ((False, True), (True, False)):
        guard = ClockGuard(0, ["time"] if required else [])
        assert guard.state(START, 0).trusted == trusted
        guard.heard("time", START, before=0, after=0)
        assert guard.state(START + FRESH, FRESH).trusted
        assert guard.state(START + FRESH + 1, FRESH + 1).trusted == trusted


def test_a_person_sets_the_latest_instant_right() -> None:
    guard = ClockGuard(START + HOUR)
    assert guard.state(START, 0).reasons == ("clock.before_audit",)
    assert guard.state(START, 0).audit_ahead == HOUR
    guard.reset(START)
    assert guard.state(START, 0)


@pytest.mark.parametrize("minutes", [-61, 61])
def test_the_answer_is_false_in_a_condition(minutes: int) -> None:
    guard = ClockGuard(0)
    guard.heard("time", START, before=0, after=0)
    assert not guard.state(START + minutes * MINUTE, 0)


def test_ticks_go_forward_with_the_clock() -> None:
    before, tick = now(), ticks()
    assert ticks() >= tick
    assert abs((ticks() - tick) - (now() - before)) < MINUTE
