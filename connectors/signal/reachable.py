"""Since when we could be reached, and every window in which we could not.

Rules kept here:

1. The server tells nobody what it could not hand over, and never hands it over again. So we must
   know by ourselves when something may have been lost: a window begins with the last instant at
   which all was well, which is written down, and ends with the first at which it is well again.
2. While a window is open, something is held back, or a window could not be written down, the pulse
   stands still: should we end now, the next start tells of all of it.
3. What is told is told through the spool, in the order of everything else.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from connectors.port.posts import Said
from connectors.shared.webhook import Forgeries
from connectors.signal.ledger import Ledger
from connectors.signal.spool import Spool

PULSE = "pulse"
NOT_RUNNING, API_AWAY, NOT_STORED = "not_running", "api_unreachable", "not_stored"
UNREACHED, CUT = "listener_unreachable", "stream_cut"
TOO_LARGE, UNTOLD = "too_large", "not_understood"
_LOST = {Said.BROKEN_OFF: "broken_off", Said.TOO_LARGE: TOO_LARGE}


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
        self._held = False
        self._untold: list[dict[str, Any]] = []
        self._well_at = now()

    def opened(self) -> None:
        """We begin to hear: what was since we last did is told once all is well."""
        now, pulse = self._now(), self._ledger.instant(PULSE)
        self._open.clear()
        if pulse is not None:
            self._open[NOT_RUNNING] = min(pulse, now)
        self._well_at = now

    def beat(self, well: Mapping[str, int | None]) -> None:
        """Notes how it stands.

        Args:
            well: for each way in which we could miss something, by its code, until when all was
                well with it (microseconds UTC); None where it is not. One of which that is not
                known yet is left out; nothing is taken for well while there is none.
        """
        now = self._now()
        instants = [until for until in well.values() if until is not None]
        for code, until in well.items():
            if until is None:
                self.broke(code)
            elif code in self._open:
                self._missed(self._open.pop(code), now, code)
        if NOT_RUNNING in self._open and instants and len(instants) == len(well):
            self._missed(self._open.pop(NOT_RUNNING), now, NOT_RUNNING)
        if NOT_STORED in self._open and self._spool.takes():
            self._missed(self._open.pop(NOT_STORED), now, NOT_STORED)
        for code, first, count in self._forgeries.due(now):
            self.tell({"note": "forged", "code": code, "at": first, "count": count})
        if self._retold() and instants and not self._open and not self._held:
            self._well_at = min(instants)
            with suppress(sqlite3.Error):  # then the next start tells of more than was lost
                self._ledger.keep(PULSE, self._well_at)

    @property
    def well_at(self) -> int:
        """The last instant at which all was well, microseconds UTC."""
        return self._well_at

    def broke(self, code: str, since: int | None = None) -> None:
        """A way to us is cut, as is seen now; ``beat`` says when it is there again.

        Args:
            code: which.
            since: microseconds UTC; None for the last instant at which all was well.
        """
        before = self._well_at if since is None else min(since, self._well_at)
        self._open[code] = min(before, self._open.get(code, before))

    def hold(self) -> None:
        """Something came and cannot be stored yet: nothing is lost of it while we live."""
        self._held = True

    def release(self) -> None:
        """It was stored."""
        self._held = False

    def lost(self, code: str) -> None:
        """One thing came just now that nobody can use: it is told as a window of its own."""
        now = self._now()
        self._missed(now, now, code)

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
                note = self._untold[0]
                # who got a message is a mark beside it; what else is told must outlast a power cut
                self._spool.put(note, self._now(), always=True, lasting=note["note"] != "receipt")
            except sqlite3.Error:
                return False
            self._untold.pop(0)
            self._came()
        return True
