"""The far side's own clock.

Rule kept here: it goes by itself and can be put forward, never back; a message's time is its
identity, so the same author never gets the same millisecond twice.
"""

import time

MS = 1000
SECOND = 1_000_000


class FarClock:
    """Another machine's clock, so not the orchestrator's."""

    def __init__(self) -> None:
        self._ahead = 0
        self._last: dict[str, int] = {}

    def now(self) -> int:
        """Microseconds UTC."""
        return time.time_ns() // 1000 + self._ahead  # noqa: TID251 - another machine's clock

    def advance(self, by: int) -> None:
        """Puts it forward, microseconds."""
        self._ahead += max(0, by)

    def stamp(self, author: str) -> int:
        """A time in milliseconds that this author has not used."""
        self._last[author] = max(self.now() // MS, self._last.get(author, 0) + 1)
        return self._last[author]
