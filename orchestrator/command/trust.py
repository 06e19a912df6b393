"""Whether the clock may permit anything now (PRODUCT.md 2.14).

Rule kept here: time never turns back to permit. Earlier than the latest instant of the audit, or
off a network's Date by more than a minute: everything that would be allowed is held.
"""

from collections.abc import Callable, Iterable, Mapping

from connectors.port.connector import Connector, NetworkClock
from orchestrator.clock import MINUTE, Clock
from tiers.ids import ConnectorName

STALE_AFTER = 60 * MINUTE
"""A network's time that was heard longer ago says nothing."""


def trusted(now: int, latest: int, heard: Iterable[tuple[int, int]], most_off: int) -> bool:
    """Whether ``now`` may be believed.

    Args:
        now: the machine's time, microseconds UTC.
        latest: the latest instant in the audit.
        heard: (a network's time, ours when it was heard), microseconds UTC.
        most_off: how far a source may be off, microseconds.
    """
    if now < latest:
        return False
    recent = [(theirs, ours) for theirs, ours in heard if 0 <= now - ours <= STALE_AFTER]
    return all(abs(theirs - ours) <= most_off for theirs, ours in recent)


class ClockTrust:
    """Keeps the latest instant that this home wrote down, and asks what the networks said.

    Args:
        now: the clock.
        latest: of the audit when the home was opened.
        connectors: open connectors; those that hear a clock are asked.
        channels: names of the channels whose clock counts; empty for all.
        most_off: how far a source may be off, microseconds.
    """

    def __init__(
        self,
        now: Clock,
        latest: int,
        connectors: Callable[[], Mapping[ConnectorName, Connector]],
        channels: frozenset[str],
        most_off: int,
    ) -> None:
        self._now = now
        self._latest = latest
        self._connectors = connectors
        self._channels = channels
        self._most_off = most_off

    def trusted(self) -> bool:
        """Whether time may permit anything now."""
        now = self._now()
        if not trusted(now, self._latest, self._heard(), self._most_off):
            return False
        self._latest = max(self._latest, now)
        return True

    def _heard(self) -> Iterable[tuple[int, int]]:
        for name, connector in self._connectors().items():
            counts = not self._channels or name in self._channels
            if counts and isinstance(connector, NetworkClock):
                heard = connector.network_time()
                if heard is not None:
                    yield heard
