"""What is looked at again and again while a channel is open.

Rules kept here:

1. Twice a second: whether all that is written to us reaches us, so that no window is longer than it
   was.
2. Every minute, and at once when somebody's key is suspected: keys, our own devices, owners who
   are not admins yet, files that nobody needs.
3. Once a day: whether Signal itself still knows our number; and what is too old is forgotten.
4. What fails is tried again; a look never ends the watching.
"""

import asyncio
import sqlite3
from collections.abc import Callable

from connectors.port.errors import ConnectorError
from connectors.signal.account import Account
from connectors.signal.ears import Ears
from connectors.signal.ledger import Ledger
from connectors.signal.reachable import Reachable
from connectors.signal.receiver import Receiver

BEAT = 0.5
"""Seconds between two beats of the pulse."""
_SIGN_OF_LIFE = 2.0
KEPT_FOR = 90 * 24 * 3600 * 1_000_000
"""Microseconds for which it is remembered what we sent."""
_DAY = 24 * 3600 * 1_000_000
_SECOND = 1_000_000
_ASKED_SIGNAL = "asked_signal"


class Watch:
    """Looks at one account for the length of its life.

    Args:
        ears: how we hear.
        every: seconds between two looks.
    """

    def __init__(
        self,
        ears: Ears,
        account: Account,
        ledger: Ledger,
        reachable: Reachable,
        receiver: Receiver,
        now: Callable[[], int],
        every: float,
    ) -> None:
        self._ears = ears
        self._account = account
        self._ledger = ledger
        self._reachable = reachable
        self._receiver = receiver
        self._now = now
        self._every = int(every * _SECOND)
        self._due = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins."""
        self._tasks = [asyncio.create_task(each) for each in (self._beating(), self._looking())]

    async def stop(self) -> None:
        """Ends."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def soon(self) -> None:
        """Has the next look come at once."""
        self._due = 0

    async def _beating(self) -> None:
        while True:
            self._reachable.beat(await self._ears.well(_SIGN_OF_LIFE))
            await asyncio.sleep(BEAT)

    async def _looking(self) -> None:
        while True:
            if self._now() >= self._due:
                self._due = self._now() + self._every
                await self.look()
            await asyncio.sleep(min(BEAT, self._every / _SECOND))

    async def look(self) -> None:
        """One look at everything; each part by itself, so that one failure hides no other."""
        parts = (
            self._account.peers,
            self._account.devices,
            self._account.learn,
            self._promote,
            self._receiver.remove_leftovers,
            self._ask_signal,
        )
        for part in parts:
            try:
                await part()
            except (ConnectorError, sqlite3.Error):
                continue

    async def _promote(self) -> None:
        for room, wanted in self._ledger.owners().items():
            waiting = await self._account.promote(room, wanted)
            still = self._ledger.owners().get(room, set())  # who was put out meanwhile is not
            self._ledger.keep_owners(room, waiting & still)

    async def _ask_signal(self) -> None:
        asked = self._ledger.instant(_ASKED_SIGNAL)
        if asked is not None and 0 <= self._now() - asked < _DAY:
            return
        if await self._account.is_known_to_signal():
            self._ledger.forget_before(self._now() - KEPT_FOR)
            self._ledger.keep(_ASKED_SIGNAL, self._now())
