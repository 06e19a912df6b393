"""Receiving: takes what comes into the spool, and hands it on until it is stored elsewhere.

Rules kept here:

1. What came is on disk before a post is answered, or another batch is asked for. What it says is
   worked out later, when it is asked for.
2. A batch leaves the spool when the next batch is asked for, or a stream starts behind it.
3. Received files are deleted in their folder once their message has left the spool, not before.
4. One poll at a time, written down before it begins: a batch that did not arrive whole is lost.
5. While we begin, what the client had queued goes before what it posts.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from connectors.port.errors import ConnectorError, Unavailable, Uncertain
from connectors.port.events import Batch, Event, Forged, Missed
from connectors.port.posts import Said
from connectors.shared.spool import Full, Waiting
from connectors.wickr import translate
from connectors.wickr.answers import mapping
from connectors.wickr.client import Client
from connectors.wickr.folder import Folder
from connectors.wickr.ledger import POLLING, PULSE, Ledger
from connectors.wickr.spool import Put, Spool

_MOST = 200
_IN_ORDER = 3.0
"""Seconds for which a post waits for what came before it: the client waits for longer."""
COUNT = 50
"""Messages that one poll asks for: the program asks its client as often, whatever there is."""


class Receiver:
    """Receives for one account.

    Args:
        received: the folder of received files.
        now: the clock, microseconds UTC.
        tell: has a note told in its order.
    """

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        spool: Spool,
        received: Folder,
        now: Callable[[], int],
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._client = client
        self._tell = tell
        self._ledger = ledger
        self._spool = spool
        self._received = received
        self._now = now
        self._came = asyncio.Event()
        self._polling = asyncio.Lock()
        self._in_turn = asyncio.Event()
        self._in_turn.set()
        self._stopped = self._ended = False
        self._drained_at = ledger.instant(PULSE) or now()  # what came since may be in the queue
        self._held: list[Put] = []
        self.heard_at: int | None = None

    def came(self) -> None:
        """The spool has something new."""
        self._came.set()

    def stop(self) -> None:
        """Ends every stream, at once."""
        self._stopped = True
        self._came.set()

    # --- what is posted -------------------------------------------------------------------------

    @contextmanager
    def queued_first(self) -> Iterator[None]:
        """Lets posts wait meanwhile, so that what is polled goes before them."""
        self._in_turn.clear()
        try:
            yield
        finally:
            self._in_turn.set()

    async def take(self, body: bytes) -> Said:
        """Stores a post, and says what it is answered with."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_IN_ORDER):
                await self._in_turn.wait()
        told = _posted(body)
        found = [translate.heard(each) for each in told]
        if not found or None in found:
            return Said.MALFORMED
        try:
            self._spool.put([_put(each) for each in told], self._now())
        except (sqlite3.Error, Full):
            return Said.NOT_STORED
        self.heard_at = self._now()
        self.came()
        return Said.STORED

    # --- what is polled -------------------------------------------------------------------------

    async def drain(self) -> None:
        """Polls until the client's queue is empty; while too much waits here it waits there.

        Raises:
            Uncertain: some may be lost, and when they came is told. Unavailable: nothing was lost.
        """
        async with self._polling:
            while not self._ended and not self._spool.full and await self._poll():
                pass

    async def end_polling(self, seconds: float) -> None:
        """Begins no further poll, and waits a moment for one that is under way."""
        self._ended = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._polling:
                return

    async def _poll(self) -> bool:
        """Takes one batch; whether there may be more."""
        self._store_held()
        began = self._now()
        self._ledger.keep(POLLING, self._drained_at)
        try:
            batch = await self._client.take(COUNT)
        except Uncertain:
            self._lost()
            raise
        except ConnectorError:
            self._ledger.keep(POLLING, None)
            raise
        self._held = [_put(each) for each in batch]
        self._store_held()
        if len(batch) < COUNT:
            self._drained_at = began
        return len(batch) >= COUNT

    def _store_held(self) -> None:
        """Stores what was polled: it is nowhere else any more. Raises: Unavailable."""
        if self._held:
            try:
                self._spool.put(self._held, self._now(), always=True)
            except sqlite3.Error:
                full = True
            else:
                full = False
            if full:
                raise Unavailable("not_stored", "what was polled cannot be written to our disk")
            self._held, self.heard_at = [], self._now()
            self.came()
        self._ledger.keep(POLLING, None)

    def _lost(self) -> None:
        """Has the window of a batch told that may be lost."""
        since, until = min(self._drained_at, self._now()), self._now()
        self._tell({"note": "missed", "since": since, "until": until, "code": "batch_lost"})
        self._drained_at = until
        self._ledger.keep(POLLING, None)

    # --- what is handed on ----------------------------------------------------------------------

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Batches after ``cursor`` until stopped."""
        place = self._spool.now() if cursor is None else self._spool.of_cursor(cursor)
        self._spool.taken(place)
        if cursor is None:
            yield Batch((), self._spool.cursor(place))
        while not self._stopped:
            self._came.clear()
            waiting = self._spool.after(place, _MOST)
            if not waiting:
                await self._came.wait()
                continue
            events = [event for one in waiting for event in self._events(one)]
            place = waiting[-1].seq
            if events:
                yield Batch(tuple(events), self._spool.cursor(place))
            if not self._stopped:
                self._spool.taken(place)

    def _events(self, one: Waiting) -> list[Event]:
        if "message" not in one.told:
            return [_noted(one.told)]
        found = translate.heard(one.told["message"])
        if found is None:  # polled, and none that the client would make: it is lost as it is
            return [Missed(one.at, one.at, "not_understood")]
        return self._told(replace(found, at=found.at or one.at))

    def _told(self, found: translate.Heard) -> list[Event]:
        """What a message says; one that we do not understand must stop nothing behind it."""
        try:
            return list(translate.events(found, self._received.find))
        except Exception:  # noqa: BLE001 - it is told as unreadable, and read again by nobody
            return [translate.unreadable(found, "not_understood")]

    def remove_leftovers(self) -> None:
        """Deletes received files that nobody needs any more; what nobody could read stays."""
        for seq, name in self._spool.leftovers():
            if self._received.find(name) is None or self._received.remove(name):
                self._spool.removed(seq)


def _posted(body: bytes) -> list[Any]:
    """The messages of a post; empty where it is none. Older clients post Latin-1."""
    for encoding in ("utf-8", "latin-1"):
        try:
            told = json.loads(body.decode(encoding))
        except (ValueError, RecursionError):
            continue
        return told if isinstance(told, list) else [told]
    return []


def _put(told: object) -> Put:
    name = translate.file_of(mapping(told))
    return Put({"message": told}, (name,) if name else ())


def _noted(note: dict[str, Any]) -> Event:
    """A note of ours as the event that it tells of."""
    if note["note"] == "missed":
        return Missed(note["since"], note["until"], note["code"])
    return Forged(note["code"], note["at"], note["count"])
