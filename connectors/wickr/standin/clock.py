"""The far side's own clock.

Rule kept here: it goes by itself and can be put forward, never back; no two messages have the same
microsecond.
"""

import time
from datetime import UTC, datetime

SECOND = 1_000_000


class FarClock:
    """Another machine's clock, so not the orchestrator's."""

    def __init__(self) -> None:
        self._ahead = 0
        self._last = 0

    def now(self) -> int:
        """Microseconds UTC."""
        return time.time_ns() // 1000 + self._ahead  # noqa: TID251 - another machine's clock

    def advance(self, by: int) -> None:
        """Puts it forward, microseconds."""
        self._ahead += max(0, by)

    def stamp(self) -> int:
        """A time that no message has yet."""
        self._last = max(self.now(), self._last + 1)
        return self._last


def told_seconds(at: int) -> str:
    """``msg_ts``: seconds with microseconds, as text."""
    return f"{at // SECOND}.{at % SECOND:06d}"


def told_date(at: int) -> str:
    """How Wickr shows a date: ``7/10/24 5:59 PM``."""
    when = datetime.fromtimestamp(at / SECOND, UTC)
    hour, half = when.hour % 12 or 12, "AM" if when.hour < 12 else "PM"  # noqa: PLR2004 - noon
    return f"{when.month}/{when.day}/{when.year % 100:02d} {hour}:{when.minute:02d} {half}"


def told_iso(at: int) -> str:
    """``time_iso``: ``2023-07-11 17:22:02.348``."""
    when = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{when:%Y-%m-%d %H:%M:%S}.{at % SECOND // 1000:03d}"
