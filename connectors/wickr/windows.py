"""Since when we were surely told everything, and every window in which we may not have been.

Rules kept here:

1. The client posts once and tells nobody when that failed. So we must know by ourselves when
   something may have been lost: a window begins with the last instant at which all was well, which
   is written down, and ends with the first at which it is well again.
2. While a window is open, or one could not be written down, the pulse stands still: should we end
   now, the next start tells of all of it.
3. What ended in order, with the callback taken away and that read back, loses nothing from then on:
   messages wait in the client's queue. A window that is open then is told, and ends with it. What
   was under way at any other end is told of at the next start.
4. What is told is told through the spool, in the order of everything else.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from connectors.port.posts import Said
from connectors.shared.webhook import Forgeries
from connectors.wickr.ledger import CALLBACK, POLLED, POLLING, PULSE, Ledger
from connectors.wickr.spool import Put, Spool

NOT_RUNNING, NOT_STORED, BATCH_LOST = "not_running", "not_stored", "batch_lost"
API_AWAY, UNREACHED, CHANGED = "api_unreachable", "listener_unreachable", "callback_changed"
CLIENT_ERRORS = "client_errors"
_LOST = {Said.BROKEN_OFF: "broken_off", Said.TOO_LARGE: "too_large"}
_LINGERS = 4_000_000
"""Microseconds after our last pulse for which the program may have gone on emptying the queue."""


class Windows:
    """Watches over one account's windows.

    Args:
        now: the clock, microseconds UTC.
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
        self._errors: tuple[int, int] | None = None
        self._told_until = 0
        self._posted_before = ledger.instant(CALLBACK) is not None
        self._set_aside()

    def _set_aside(self) -> None:
        """Notes a poll that the last end left under way, before another begins."""
        under_way, before = self._ledger.instant(POLLING), self._ledger.instant(POLLED)
        if under_way is not None:
            self._ledger.keep(POLLED, under_way if before is None else min(before, under_way))
            self._ledger.keep(POLLING, None)

    def opened(self) -> None:
        """Everything is set up: tells of what the last end left under way."""
        now, pulse = self._now(), self._ledger.instant(PULSE)
        posted, polled = self._ledger.instant(CALLBACK), self._ledger.instant(POLLED)
        last = pulse or 0
        if self._posted_before and posted is not None:
            self._missed(min(now, max(posted, last)), now, NOT_RUNNING)
        if polled is not None:
            self._missed(min(now, polled), min(now, max(polled, last) + _LINGERS), BATCH_LOST)
        self._ledger.keep(POLLED, None)
        self._pulse(now)

    def posting(self, *, begins: bool) -> None:
        """Notes that the client posts to us from now on, or surely does no more."""
        if not begins:
            self._ledger.keep(CALLBACK, None)
        elif self._ledger.instant(CALLBACK) is None:
            self._ledger.keep(CALLBACK, self._now())

    def beat(
        self, well: Mapping[str, bool], began: int | None = None, errors: int | None = None
    ) -> bool:
        """Notes how it stands.

        Args:
            well: each of what may stand between the client and us, and whether it is in order.
            began: before anything of it was asked; what breaks behind an answer is seen next time.
            errors: messages that the client itself counts as failed; None where it does not say.

        Returns:
            whether a window was closed: then the queue is worth a look.
        """
        now, closed = self._now(), False
        began = now if began is None else began
        for code, fine in well.items():
            if not fine:
                self._open.setdefault(code, self._well_at)
            elif code in self._open:
                self._missed(self._open.pop(code), now, code)
                closed = True
        if NOT_STORED in self._open and self._spool.takes():
            self._missed(self._open.pop(NOT_STORED), now, NOT_STORED)
        for code, first, count in self._forgeries.due(now):
            self.tell({"note": "forged", "code": code, "at": first, "count": count})
        failed_since = self._failed_since(errors, began)
        if failed_since is not None and not self._open:
            explained = failed_since <= self._told_until <= now
            if not explained:
                self._missed(failed_since, now, CLIENT_ERRORS)
        self._pulse(began)
        return closed

    def _failed_since(self, errors: int | None, began: int) -> int | None:
        """Since when the client failed by itself; None where it did not, or does not say."""
        before = self._errors
        if errors is None:
            return None
        self._errors = (errors, began)
        return before[1] if before is not None and errors > before[0] else None

    def _pulse(self, at: int) -> None:
        if self._retold() and not self._open:
            self._well_at = at
            with suppress(sqlite3.Error):  # then the next start tells of more than was lost
                self._ledger.keep(PULSE, self._well_at)

    def answered(self, said: Said, began: int) -> None:
        """A request to our listener was answered."""
        self._forgeries.note(said, began)
        if said in _LOST:
            self._missed(began, self._now(), _LOST[said])
        elif said is Said.NOT_STORED:
            self._open.setdefault(NOT_STORED, began)
        elif said is Said.STORED and NOT_STORED in self._open:
            self._missed(self._open.pop(NOT_STORED), self._now(), NOT_STORED)

    def left(self, *, reached: bool) -> bool:
        """The client posts to nobody any more: tells of what is open.

        Args:
            reached: we could be reached until then.

        Returns:
            whether all of it is written down.
        """
        now = self._now()
        if not reached:
            self._open.setdefault(UNREACHED, self._well_at)
        for code in tuple(self._open):
            self._missed(self._open.pop(code), now, code)
        return self._retold()

    def tell(self, note: dict[str, Any]) -> None:
        """Has something told in its order; kept in memory while it cannot be written."""
        self._untold.append(note)
        self._retold()

    def _missed(self, since: int, until: int, code: str) -> None:
        began = min(since, until)  # a clock may have been put back
        self._told_until = until
        self.tell({"note": "missed", "since": began, "until": until, "code": code})

    def _retold(self) -> bool:
        """Writes what could not be written before; whether nothing is left."""
        while self._untold:
            try:
                self._spool.put([Put(self._untold[0])], self._now(), always=True)
            except sqlite3.Error:
                return False
            self._untold.pop(0)
            self._came()
        return True
