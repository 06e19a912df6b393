"""Quiet hours are somebody's own, in his zone, also where clocks change; and they end."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.clock import DAY, HOUR, MINUTE, SECOND
from orchestrator.notify.oncall import DAY_MINUTES, OnCall, Quiet
from tiers.ids import PersonId

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia")
BERLIN = ZoneInfo("Europe/Berlin")


def one(start: int, end: int, zone: str) -> OnCall:
    return OnCall(PersonId("ada"), ("push",), None, Quiet(start, end), zone)


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=BERLIN).timestamp()) * SECOND  # type: ignore[misc,arg-type]  # year to minute


MINUTES = st.integers(0, DAY_MINUTES - 1)


@given(MINUTES, MINUTES, st.sampled_from(ZONES), st.integers(1_700_000_000, 1_900_000_000))
def test_they_cover_what_the_clock_on_his_wall_says_and_end(
    start: int, end: int, zone: str, second: int
) -> None:
    if start == end:
        return
    instant, ada = second * SECOND, one(start, end, zone)
    local = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    quiet = (minute - start) % DAY_MINUTES < (end - start) % DAY_MINUTES
    heard = ada.heard_from(instant)
    assert (heard > instant) == quiet or heard == instant
    assert instant <= heard <= instant + DAY + HOUR
    assert ada.heard_from(heard) == heard or heard - instant < 2 * HOUR


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (at(2026, 11, 22, 23, 30), at(2026, 11, 23, 7, 0)),
        (at(2026, 11, 23, 6, 59), at(2026, 11, 23, 7, 0)),
        (at(2026, 11, 23, 7, 0), at(2026, 11, 23, 7, 0)),
        (at(2026, 11, 23, 21, 59), at(2026, 11, 23, 21, 59)),
        (at(2026, 3, 28, 23, 0), at(2026, 3, 29, 7, 0)),  # the clocks go forward that night
        (at(2026, 10, 24, 23, 0), at(2026, 10, 25, 7, 0)),  # and back that one
    ],
)
def test_a_night_in_berlin(now: int, then: int) -> None:
    assert one(22 * 60, 7 * 60, "Europe/Berlin").heard_from(now) == then


def test_without_them_he_is_told_at_once() -> None:
    ada = OnCall(PersonId("ada"), ("push",))
    assert ada.heard_from(5 * MINUTE) == 5 * MINUTE


@pytest.mark.parametrize(("start", "end"), [(0, 0), (-1, 5), (5, DAY_MINUTES)])
def test_hours_that_are_none_or_never_end_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="quiet hours"):
        Quiet(start, end)
