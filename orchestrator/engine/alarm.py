"""Calls back at an instant.

Rule kept here: an alarm may ring early, never late by more than ``LONGEST_SLEEP`` after a jump of
the system's clock; whoever is called looks at the clock and sets it again when it is too early.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from orchestrator.clock import SECOND, Clock

LONGEST_SLEEP = 30.0
"""Seconds; the loop's own clock does not follow the system's."""


class Ringing(Protocol):
    """An alarm that is set."""

    def cancel(self) -> None:
        """Takes it back."""
        ...


SetAlarm = Callable[[int, Callable[[], None]], Ringing]
"""Has the function called at the instant (microseconds UTC), in the event loop's thread."""


def loop_alarm(clock: Clock) -> SetAlarm:
    """Returns alarms on the running event loop, at instants of ``clock``."""

    def set_alarm(at: int, ring: Callable[[], None]) -> Ringing:
        seconds = min(max(at - clock(), 0) / SECOND, LONGEST_SLEEP)
        return asyncio.get_running_loop().call_later(seconds, ring)

    return set_alarm
