"""Whether the clock may permit anything now: the guard, fed with what this home hears.

Rule kept here: what a network said is handed to ``orchestrator.clockguard`` with the ticks of a
clock that nobody can set, so that a jump of the system's clock shows at once.
"""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import cast

from connectors.port.connector import Connector, NetworkClock
from orchestrator.clock import MINUTE, Clock, ticks
from orchestrator.clockguard import FURTHEST, ClockGuard, ClockState
from tiers.ids import ConnectorName


class ClockTrust:
    """Asks the guard, after having told it what the networks said since.

    Args:
        now: the clock.
        latest: the latest instant of the audit when the home was opened.
        connectors: open connectors; those that hear a clock are asked.
        channels: names of the channels whose clock counts; empty for all that hear one.
        furthest: how far the clock may be off one of them, microseconds.
    """

    def __init__(
        self,
        now: Clock,
        latest: int,
        connectors: Callable[[], Mapping[ConnectorName, Connector]],
        channels: Collection[str],
        furthest: int = FURTHEST,
    ) -> None:
        self._now = now
        self._connectors = connectors
        self._channels = frozenset(channels)
        self._guard = ClockGuard(latest, furthest=furthest)
        self._known: dict[ConnectorName, tuple[int, int]] = {}

    def clock(self) -> int:
        """The machine's time, noted: whatever is written down bears an instant that we know of."""
        at = self._now()
        self._guard.recorded(at)
        return at

    def state(self) -> ClockState:
        """The guard's answer now, with its reasons."""
        now, tick = self._now(), ticks()
        self._hear(now, tick)
        state = self._guard.state(now, tick)
        if state:
            self._guard.recorded(now)
        return state

    def trusted(self) -> bool:
        """Whether time may permit anything now."""
        return self.state().trusted

    def _hear(self, now: int, tick: int) -> None:
        for name, connector in self._connectors().items():
            counts = not self._channels or name in self._channels
            clock = connector if _hears(type(connector)) else None
            heard = cast("NetworkClock", clock).network_time() if clock is not None else None
            if not counts or heard is None or self._known.get(name) == heard:
                continue
            self._known[name] = heard
            said, ours = heard
            since = now - ours
            if 0 <= since <= MINUTE:
                self._guard.heard(name, said, before=tick - since, after=tick - since)


@lru_cache(maxsize=64)
def _hears(kind: type[Connector]) -> bool:
    """Whether connectors of a class hear a clock; asked at every decision."""
    return issubclass(kind, NetworkClock)
