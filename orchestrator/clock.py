"""The only place that asks what time it is.

Rule kept here: instants are integers, microseconds since 1970 UTC. Nothing else in the product
reads a clock, so a test can hand in any time and the audit can prove that time never turned back.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now() -> int:
    """Returns the system's time in microseconds UTC."""
    return time.time_ns() // 1_000


def ticks() -> int:
    """Returns microseconds of a clock that nobody can set; only differences mean anything.

    It counts while the machine sleeps, where the system has such a clock.
    """
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000


def iso(instant: int) -> str:
    """Returns ``instant`` (microseconds UTC) as RFC 3339 with a ``Z``."""
    moment = datetime.fromtimestamp(instant // SECOND, UTC).replace(microsecond=instant % SECOND)
    return moment.isoformat().replace("+00:00", "Z")


def parse(text: str) -> int:
    """Returns the instant of an RFC 3339 text, or of a plain date at midnight UTC.

    Raises:
        ValueError: not such a text, or one without an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if len(text) != len("2026-01-31"):
            raise ValueError(f"{text!r} has no offset from UTC; write for instance {text}Z")
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond
