"""What is written to us, out of the daemon's stream of events; it mends itself.

Rules kept here:

1. An event is on disk before the next is read. While it cannot be stored nothing is read, so the
   daemon, which writes in the thread that fetches from Signal, fetches nothing more either.
2. What the daemon tells while nobody reads is gone. A window begins with the last instant at which
   the stream was known to be whole, and ends a second after the daemon answered a call that was
   made after the stream was asked for: its head comes only with the first byte, and a byte only
   every 15 seconds, so neither can be waited for.
3. A keepalive that does not come is a cut, and the window begins with the last byte that came. An
   event that came in part holds the window's beginning back to before it.

Source: signal-cli 0.13.19 ``GET /api/v1/events``, as seen: a comment line every 15 seconds, 400 for
an account that it has not.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx

from connectors.port.connector import Check
from connectors.port.door import DoorClosed
from connectors.port.errors import Unavailable
from connectors.port.posts import Said
from connectors.shared.webhook import MOST_BYTES
from connectors.signal.reachable import CUT, TOO_LARGE, UNTOLD, Reachable
from connectors.signal.rpc.client import Client
from connectors.signal.rpc.sse import Event, Parser

KIND = "receive"
SILENCE = 20.0
"""Seconds without a byte after which the stream is given up; the daemon is silent for 15."""
_OVERDUE = 16_000_000
_SETTLE = 1_000_000
_MARGIN = 1_000_000
_PAUSE, _RETRY, _REFUSAL = 0.2, 0.5, 0.02
_WRITTEN = "http11.send_request_body.complete"
_OK, _NO_ACCOUNT = 200, 400


class Stream:
    """Reads the events of one account.

    Args:
        client: the daemon.
        take: stores what was received and says what came of it.
        reachable: keeps the windows.
        now: the clock, microseconds UTC.
        patience: seconds that the first connection may take.
        near: the daemon is on this machine, so the end of a connection is told at once.
    """

    def __init__(
        self,
        client: Client,
        take: Callable[[bytes], Said],
        reachable: Reachable,
        now: Callable[[], int],
        patience: float,
        *,
        near: bool,
    ) -> None:
        self._client = client
        self._take = take
        self._reachable = reachable
        self._now = now
        self._patience = patience
        self._near = near
        self._asked_at: int | None = None
        self._byte_at: int | None = None
        self._begun_at: int | None = None
        self._refused = 0
        self._headed = False
        self._reading: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Nothing listens for posts."""
        return 0

    async def start(self) -> None:
        """Asks for the stream, and waits until the daemon has taken that up.

        Raises:
            Unavailable: it did not.
        """
        self._reading = asyncio.create_task(self._read())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while not self._refused:
                    if await self._taken_up():
                        return
        if self._refused == _NO_ACCOUNT:
            hint = "the number is not registered with this daemon: register or link it anew"
            raise Unavailable("not_registered", hint)
        raise Unavailable("no_events", "the daemon's stream of events cannot be read")

    async def _taken_up(self) -> bool:
        """Whether the daemon answered a call that was made after the stream was asked for."""
        asked = self._asked_at
        answered = asked is not None and await self._client.alive(self._patience)
        await asyncio.sleep(_REFUSAL)  # a refusal is out before that answer, and may come behind it
        return answered and not self._refused

    async def stop(self) -> None:
        """Reads no more; prompt."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def well(self, seconds: float) -> Mapping[str, int | None]:
        """Until when the stream was whole."""
        began = self._now()
        alive = await self._client.alive(seconds)
        asked, byte = self._asked_at, self._byte_at
        if asked is None:
            return {CUT: None}
        if began - asked < _SETTLE or (not alive and (self._near or byte is None)):
            return {}
        last = asked if byte is None else byte
        if self._near and began - last <= _OVERDUE:
            last = max(asked, began - _MARGIN)
        unfinished = self._begun_at
        return {CUT: last if unfinished is None else min(last, unfinished - _MARGIN)}

    def check(self, heard_at: int | None) -> Check:
        """Whether the stream is open."""
        if self._asked_at is None:
            hint, remedy = "the stream of events is cut", "see that the daemon runs, with --http"
            return Check("events", ok=False, hint=hint, remedy=remedy)
        hint = "the stream is open" if heard_at is None else "events arrive"
        return Check("events", ok=True, hint=hint)

    # --- reading --------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            before = self._reachable.well_at
            try:
                with suppress(httpx.HTTPError, DoorClosed, TimeoutError):
                    await self._listen()
            finally:
                self._cut(before)
            await asyncio.sleep(_PAUSE)

    async def _listen(self) -> None:
        """One connection, to its end. Raises: httpx.HTTPError, DoorClosed."""
        self._headed = False
        answer = await self._client.listen(self._traced, SILENCE)
        self._headed = True
        try:
            self._refused = 0 if answer.status_code == _OK else answer.status_code
            if self._refused:
                return
            parser = Parser(MOST_BYTES)
            async for piece in answer.aiter_raw():
                self._byte_at = self._now()
                for event in parser.feed(piece):
                    await self._heard(event)
                if parser.idle:
                    self._begun_at = None
                elif self._begun_at is None:
                    self._begun_at = self._byte_at
        finally:
            await answer.aclose()

    async def _traced(self, what: str, about: Mapping[str, Any]) -> None:
        """The request for the stream is out."""
        del about
        if what == _WRITTEN:
            self._asked_at = self._now()

    def _cut(self, before: int) -> None:
        """This connection is over: what came through it is stored, what follows is lost."""
        byte = self._byte_at
        self._asked_at = self._byte_at = self._begun_at = since = None
        if byte is None:
            # a head and nothing behind it: that was never a stream, whatever it was taken for
            since = before if self._headed else None
        elif self._now() - byte > _OVERDUE:
            since = byte
        self._reachable.broke(CUT, since)

    async def _heard(self, event: Event) -> None:
        if event.too_large or event.kind != KIND:
            self._reachable.lost(TOO_LARGE if event.too_large else UNTOLD)
            return
        while (said := self._stored(event.data)) is Said.NOT_STORED:
            self._reachable.hold()
            await asyncio.sleep(_RETRY)
            self._byte_at = self._now()
        self._reachable.release()
        if said is not Said.STORED:
            self._reachable.lost(UNTOLD)

    def _stored(self, data: bytes) -> Said:
        """What came of an event; one that nobody foresaw must not end the reading."""
        try:
            return self._take(_posted(data))
        except Exception:  # noqa: BLE001 - whatever it is, it is told as lost
            return Said.MALFORMED


def _posted(data: bytes) -> bytes:
    """An event as the notification that signal-cli makes of it elsewhere."""
    return b'{"jsonrpc":"2.0","method":"receive","params":' + data + b"}"
