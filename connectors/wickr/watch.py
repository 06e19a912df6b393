"""What is looked at again and again while a channel is open.

Rules kept here:

1. Each second: whether the web interface answers, the client posts to us, its posts reach us, and
   what the client counts as failed, so that no window is longer than it was. A callback that is not
   ours is set again; where the client posts to nobody, it is set once we are reached.
2. The client's queue is emptied each few seconds also while it posts: it may keep what it could not
   post. Without a callback it is polled, and that is all there is.
3. What fails is tried again; a look never ends the watching.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress

from connectors.port.errors import ConnectorError
from connectors.shared.probe import Probe
from connectors.wickr.callback import Callback, Posts
from connectors.wickr.counted import Counted
from connectors.wickr.folder import Folder
from connectors.wickr.ledger import Ledger
from connectors.wickr.receiver import Receiver
from connectors.wickr.windows import API_AWAY, CHANGED, UNREACHED, Windows

BEAT = 1.0
"""Seconds between two beats of the pulse."""
SWEEP = 4.0
"""Seconds between two looks into the queue while the client posts to us."""
_SIGN_OF_LIFE = 2.0
_LAST_POLL = 0.6
_LAST_LOOK = 0.3
_SECOND = 1_000_000
_ASK_AGAIN = 15 * _SECOND
"""Microseconds between two tries to have a client post that takes no callback."""
SENT_FOR = 15 * 60 * _SECOND
"""Microseconds after which a file that we sent is not needed on the bot's host any more."""


class Watch:
    """Looks at one account for the length of its life.

    Args:
        callback: what the client posts to.
        probe: asks our own listener; None where it is polled by choice.
        counted: what the client counts of its own failures.
        sent: the folder of files that we sent.
        now: the clock, microseconds UTC.
        poll_every: seconds between two polls.
        every: seconds between two looks at files.
    """

    def __init__(
        self,
        receiver: Receiver,
        windows: Windows,
        ledger: Ledger,
        callback: Callback,
        probe: Probe | None,
        counted: Counted,
        sent: Folder,
        now: Callable[[], int],
        poll_every: float,
        every: float,
    ) -> None:
        self._receiver = receiver
        self._windows = windows
        self._ledger = ledger
        self._callback = callback
        self._probe = probe
        self._counted = counted
        self._sent = sent
        self._now = now
        self._poll_every = poll_every
        self._every = every
        self._ask_at = 0
        self._held = False
        self._soon = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.posts: Posts | None = None

    def start(self) -> None:
        """Begins."""
        work = ((self._beat, BEAT), (self._sweep, 0.0), (self._clean, self._every))
        self._tasks = [asyncio.create_task(_again(look, wait)) for look, wait in work]

    async def stop(self) -> None:
        """Ends; a poll that is under way gets a moment, as what it takes is nowhere else."""
        await self._receiver.end_polling(_LAST_POLL)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the callback ---------------------------------------------------------------------------

    async def set_up(self, seconds: float | None = None) -> None:
        """Has the client post to us, or to nobody. Raises: ConnectorError."""
        if self._callback.wanted:
            self._windows.posting(begins=True)  # it may be set although its answer is lost
        self.posts = await self._callback.put_right(seconds)
        if not self._callback.wanted and self.posts is Posts.AS_WANTED:
            self._windows.posting(begins=False)

    async def wait(self) -> None:
        """Has the client post to nobody until we are reached: our API answers later than we do."""
        if self._callback.wanted and await self._callback.take_away(_SIGN_OF_LIFE):
            self.posts = Posts.NOWHERE

    async def take_down(self, seconds: float) -> None:
        """Has the client keep what comes until we are back."""
        posted = self.posts is not Posts.NOWHERE
        if self._callback.wanted and await self._callback.take_away(seconds):
            self.posts = Posts.NOWHERE
            reached = not posted or await self._is_reached(_LAST_LOOK)
            with suppress(sqlite3.Error):
                if self._windows.left(reached=reached):
                    self._windows.posting(begins=False)

    async def hold(self, seconds: float) -> None:
        """Has the client keep what comes from now on: nobody will be posted to."""
        self._held = True
        await self.take_down(seconds)

    async def _beat(self) -> None:
        began = self._now()
        reached, shown, errors = await asyncio.gather(
            self._is_reached(), self._shown(), self._counted.errors()
        )
        if self._held:
            return
        waits = shown is Posts.NOWHERE and self.posts is not Posts.AS_WANTED
        well = {UNREACHED: reached or waits}
        if self._callback.wanted:
            well[API_AWAY] = shown is not None
        if shown is not None:
            well[CHANGED] = shown is Posts.AS_WANTED or waits
        if self._windows.beat(well, began, errors):
            self._soon.set()
        self.posts = self.posts if shown is None else shown
        due = reached and self._now() >= self._ask_at  # where nobody is reached, messages wait
        if shown is Posts.ELSEWHERE or (shown is Posts.NOWHERE and due):
            self._ask_at = self._now() + _ASK_AGAIN
            await self.set_up(_SIGN_OF_LIFE)

    async def _is_reached(self, seconds: float = _SIGN_OF_LIFE) -> bool:
        return self._probe is None or await self._probe.answers(seconds)

    async def _shown(self) -> Posts | None:
        """Where the client posts to; None where the web interface does not say."""
        try:
            return await self._callback.shown(_SIGN_OF_LIFE)
        except ConnectorError:
            return None

    # --- the queue and the files ----------------------------------------------------------------

    async def _sweep(self) -> None:
        posts = self._callback.wanted and self.posts is Posts.AS_WANTED
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP if posts else self._poll_every):
                await self._soon.wait()
        self._soon.clear()
        await self._receiver.drain()

    async def _clean(self) -> None:
        self._receiver.remove_leftovers()
        for word in self._sent.sweep(self._ledger.uploads(self._now() - SENT_FOR)):
            self._ledger.removed(word)


async def _again(look: Callable[[], Awaitable[None]], wait: float) -> None:
    """Looks for ever."""
    while True:
        with suppress(ConnectorError, sqlite3.Error):
            await look()
        await asyncio.sleep(wait)
