"""Who is signed in, as the API says: asked for each request, and told of each end at once.

Rules kept here:

1. What the API does not say is not so: while its stream of ends is down, nobody is signed in here.
2. An answer is believed for a second at most, and never once its session's end was told.
3. Of a session's secret only a hash is kept, and only for that second.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from typing import Final

import httpx

BELIEVED_S: Final = 1.0
SILENT_S: Final = 25.0
"""The API says a word each 10 s; after this it is away. A broken line shows at once."""
ASKED_S: Final = 5.0
AGAIN_S: Final = (0.1, 0.2, 0.5, 1.0)
MOST: Final = 20_000
BASE: Final = "http://wallcross/api/v1"
SIGNED_OUT: Final = 4401
AWAY: Final = 4503
"""Codes with which a websocket is closed, and which the page understands."""

_LOG: Final = logging.getLogger("wallcross.front")


class Away(Exception):
    """The API does not say who is signed in."""


@dataclass(slots=True, eq=False)
class Ended:
    """Turns true when a session is over, with the code to close by."""

    code: int = 0
    event: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, code: int) -> None:
        """Ends it, once."""
        if not self.event.is_set():
            self.code = code
            self.event.set()


class Watch:
    """Asks the API who is signed in, and hears of each end.

    Args:
        transport: to the desk's door.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._known: dict[bytes, tuple[float, str]] = {}
        self._over: dict[str, None] = {}
        self._open: dict[str, set[Ended]] = {}
        self.up = False

    async def session(self, cookie: str) -> str | None:
        """The id of the session that a cookie's secret is of; None: of none.

        Raises:
            Away: nobody can say.
        """
        if not self.up:
            raise Away
        key = sha256(cookie.encode()).digest()
        known = self._known.get(key)
        if known is not None and monotonic() - known[0] < BELIEVED_S:
            return known[1]
        found = await self._asked(cookie)
        if not self.up:
            raise Away
        if found is None or found in self._over:
            return None
        self._remember(key, found)
        return found

    @contextmanager
    def over(self, session: str) -> Iterator[Ended]:
        """Turns true when a session is over, also when it already is."""
        ended = Ended()
        self._open.setdefault(session, set()).add(ended)
        if session in self._over:
            ended.end(SIGNED_OUT)
        elif not self.up:
            ended.end(AWAY)
        try:
            yield ended
        finally:
            self._forget(session, ended)

    async def run(self) -> None:
        """Hears of ends until it is cancelled; what breaks is begun again."""
        tries = 0
        while True:
            try:
                async for session in self._ends():
                    tries = 0
                    if session:
                        self.end(session)
            except (httpx.HTTPError, OSError, ValueError, TimeoutError) as broken:
                _LOG.warning("the API says no more who is signed in: %s", type(broken).__name__)
            self._lost()
            await asyncio.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            tries += 1

    def end(self, session: str) -> None:
        """Ends whatever is open of a session, at once."""
        self._over[session] = None
        while len(self._over) > MOST:
            self._over.pop(next(iter(self._over)))
        self._known = {k: v for k, v in self._known.items() if v[1] != session}
        for ended in tuple(self._open.get(session, ())):
            ended.end(SIGNED_OUT)

    def _lost(self) -> None:
        self.up = False
        self._known.clear()
        for ended in [e for among in self._open.values() for e in among]:
            ended.end(AWAY)

    def _forget(self, session: str, ended: Ended) -> None:
        among = self._open.get(session, set())
        among.discard(ended)
        if not among:
            self._open.pop(session, None)

    def _remember(self, key: bytes, session: str) -> None:
        while len(self._known) >= MOST:
            self._known.pop(next(iter(self._known)))
        self._known[key] = (monotonic(), session)

    async def _asked(self, cookie: str) -> str | None:
        request = httpx.Request("GET", BASE + "/session", headers={"cookie": cookie})
        try:
            async with asyncio.timeout(ASKED_S):
                answer = await self._transport.handle_async_request(request)
                body = await answer.aread()
        except (httpx.HTTPError, OSError, TimeoutError):
            raise Away from None
        if answer.status_code == httpx.codes.OK:
            return _id_of(body, "session_id")
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            return None
        raise Away

    async def _ends(self) -> AsyncIterator[str]:
        """The ids of sessions as they end; an empty one for each sign of life."""
        request = httpx.Request("GET", BASE + "/gate/ended")
        async with asyncio.timeout(ASKED_S):
            answer = await self._transport.handle_async_request(request)
        try:
            if answer.status_code != httpx.codes.OK:
                raise ValueError("the API does not say which sessions end")
            lines = answer.aiter_lines()
            self.up = True
            while True:
                async with asyncio.timeout(SILENT_S):
                    line = await anext(lines)
                yield (
                    _id_of(line.removeprefix("data:"), "session")
                    if line.startswith("data:")
                    else ""
                )
        except StopAsyncIteration:
            return
        finally:
            await answer.aclose()


def _id_of(data: bytes | str, key: str) -> str:
    found = json.loads(data)
    session = found.get(key) if isinstance(found, dict) else None
    if not isinstance(session, str) or not session:
        raise ValueError("the API names no session")
    return session
