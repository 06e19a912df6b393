"""Spans of time, counts and instants in words of ours."""

from datetime import UTC, datetime
from typing import Final

SECOND: Final = 1_000_000
_MINUTE, _HOUR, _DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
_YEAR = 365 * _DAY
_NUMBERS: Final = (
    *("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"),
)


def span(microseconds: int) -> str:
    """A span, in its largest fitting unit: ``40 seconds``, ``3 min``, ``7 days``, ``7 years``."""
    for size, one, many in (
        (_YEAR, "year", "years"),
        (_DAY, "day", "days"),
        (_HOUR, "hour", "hours"),
        (_MINUTE, "min", "min"),
    ):
        if microseconds >= size:
            count = microseconds // size
            return str(count) + " " + (one if count == 1 else many)
    count = max(0, microseconds // SECOND)
    return str(count) + (" second" if count == 1 else " seconds")


def number(count: int) -> str:
    """A count at the beginning of a sentence."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


def some(count: int, one: str, many: str) -> str:
    """A count with its noun."""
    return str(count) + " " + (one if count == 1 else many)


def listed(parts: list[str]) -> str:
    """Several things in a sentence."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def whole_days(until: int, at: int) -> int:
    """Days until an instant, the day that runs not counted."""
    return max(0, (until - at) // _DAY)


def day(at: int) -> str:
    """A day on an axis, such as ``9 Nov``."""
    return datetime.fromtimestamp(at / SECOND, tz=UTC).strftime("%-d %b")
