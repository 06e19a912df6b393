"""The bookkeeping of lanes: none given out twice, no wake forgotten; and what a turn costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.lanes import LONGEST_PAUSE, Lanes, pause_after

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["wake", "take", "done", "failed", "pass"]),
        st.sampled_from("abc"),
        st.integers(-5_000_000, 5_000_000),
    ),
    max_size=60,
)


def live(lanes: Lanes, steps: list[tuple[str, str, int]]) -> None:
    """Plays a history, then has everything drained: each wake is followed by a drain."""
    instant, out = 10**15, set[str]()
    owed: set[str] = set()
    for step, lane, span in steps:
        if step == "wake":
            lanes.wake(lane, instant + span, instant)
            owed.add(lane)
        elif step == "take" and (taken := lanes.take()) is not None:
            assert taken not in out
            out.add(taken)
            owed.discard(taken)
        elif step == "done" and lane in out:
            out.discard(lane)
            lanes.done(lane, None, instant)
        elif step == "failed" and lane in out:
            out.discard(lane)
            lanes.failed(lane, instant)
            owed.add(lane)
        elif step == "pass":
            instant += abs(span)
            lanes.promote(instant)
    for lane in sorted(out):
        lanes.done(lane, None, instant)
    assert not owed - drained(lanes, instant)
    assert lanes.counts == (0, 0, 0)


def drained(lanes: Lanes, instant: int) -> set[str]:
    """Drains everything, as time goes by; returns the lanes that were given out."""
    found: set[str] = set()
    while True:
        while (taken := lanes.take()) is not None:
            found.add(taken)
            lanes.done(taken, None, instant)
        at = lanes.next_at()
        if at is None:
            return found
        instant = max(instant, at)
        lanes.promote(instant)


@given(STEPS)
def test_every_wake_is_followed_by_a_drain_and_no_lane_is_out_twice(
    steps: list[tuple[str, str, int]],
) -> None:
    live(Lanes(), steps)


def test_planted_a_queue_that_forgets_wakes_of_lanes_that_are_out_is_found() -> None:
    class Forgets(Lanes):
        def wake(self, lane: str, at: int, now: int) -> None:
            if lane not in self._out:
                super().wake(lane, at, now)

    with pytest.raises(AssertionError):
        live(Forgets(), [("wake", "a", 0), ("take", "a", 0), ("wake", "a", 0)])


def test_planted_a_queue_that_gives_out_a_lane_twice_is_found() -> None:
    class Twice(Lanes):
        def wake(self, lane: str, at: int, now: int) -> None:
            self._out.discard(lane)
            super().wake(lane, at, now)

    with pytest.raises(AssertionError):
        live(Twice(), [("wake", "a", 0), ("take", "a", 0)] * 2)


def test_lanes_are_served_in_turn() -> None:
    lanes = Lanes()
    for lane in "abcab":
        lanes.wake(lane, 0, 1)
    assert [lanes.take() for _ in range(4)] == ["a", "b", "c", None]


def test_pauses_grow_to_a_minute() -> None:
    assert [pause_after(n) // 10**6 for n in (1, 2, 3, 6, 7, 100)] == [1, 2, 4, 32, 60, 60]
    assert pause_after(10**9) == LONGEST_PAUSE
