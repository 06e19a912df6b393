"""Since when we could be reached, and every window in which we could not.

Rules kept here:

1. The server tells nobody when a post of it failed, and never posts again. So we must know by
   ourselves when something may have been lost: a window begins with the last instant at which all
   was well, which is written down, and ends with the first at which it is well again.
2. While a window is open, or one could not be written down, the pulse stands still: should we end
   now, the next start tells of all of it.
3. What is told is told through the spool, in the order of everything else.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from connectors.signal.ledger import Ledger
from connectors.signal.spool import Spool
from connectors.signal.webhook import Forgeries, Said

PULSE = "pulse"
NOT_RUNNING, API_AWAY, NOT_STORED = "not_running", "api_unreachable", "not_stored"
UNREACHED = "listener_unreachable"
_LOST = {Said.BROKEN_OFF: "broken_off", Said.TOO_LARGE: "too_large"}


class Reachable:
    """Watches over one account's windows.

    Args:
        came: told when the spool has something new.
    """

    def __init__(
        self, ledger: Ledger, spool: Spool, now: Callable[[], int], came: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._now = now
        self._came = came
        self._forgeries = Forgeries()
        self._open: dict[str, int] = {}
        self._untold: list[dict[str, Any]] = []
        self._well_at = now()

    def opened(self) -> None:
        """We listen and the server answers: tells of the time since we last did."""
        now, pulse = self._now(), self._ledger.instant(PULSE)
        if pulse is not None:
            self._missed(min(pulse, now), now, NOT_RUNNING)
        self._well_at = now
        self.beat(alive=True, reached=True)

    def beat(self, *, alive: bool, reached: bool) -> None:
        """Notes how it stands.

        Args:
            alive: the server answered just now.
            reached: our listener did, at the place that the server was told.
        """
        now = self._now()
        for code, well in ((API_AWAY, alive), (UNREACHED, reached)):
            if not well:
                self._open.setdefault(code, self._well_at)
            elif code in self._open:
                self._missed(self._open.pop(code), now, code)
        if NOT_STORED in self._open and self._spool.takes():
            self._missed(self._open.pop(NOT_STORED), now, NOT_STORED)
        for code, first, count in self._forgeries.due(now):
            self.tell({"note": "forged", "code": code, "at": first, "count": count})
        if self._retold() and not self._open:
            self._well_at = now
            with suppress(sqlite3.Error):  # then the next start tells of more than was lost
                self._ledger.keep(PULSE, now)

    def answered(self, said: Said, began: int) -> None:
        """A request to our listener was answered."""
        self._forgeries.note(said, began)
        if said in _LOST:
            self._missed(began, self._now(), _LOST[said])
        elif said is Said.NOT_STORED:
            self._open.setdefault(NOT_STORED, began)
        elif said is Said.STORED and NOT_STORED in self._open:
            self._missed(self._open.pop(NOT_STORED), self._now(), NOT_STORED)

    def tell(self, note: dict[str, Any]) -> None:
        """Has something told in its order; kept in memory while it cannot be written."""
        self._untold.append(note)
        self._retold()

    def _missed(self, since: int, until: int, code: str) -> None:
        self.tell({"note": "missed", "since": since, "until": until, "code": code})

    def _retold(self) -> bool:
        """Writes what could not be written before; whether nothing is left."""
        while self._untold:
            try:
                self._spool.put({**self._untold[0]}, self._now(), always=True)
            except sqlite3.Error:
                return False
            self._untold.pop(0)
            self._came()
        return True
