"""`/api/v1` of the front's address: handed on to the desk's door, both ways as it comes.

Rules kept here:

1. Nothing is kept between two requests: no cookie jar, no answer, no body. Long bodies stream.
2. The door decides; what is for the front alone (``/api/v1/gate``) is not handed on, under no
   spelling of its path.
3. An answer that goes on for long ends with the session that asked for it.
4. Nobody takes the API from others by being slow: no line to it is held for a short body that has
   not arrived, and few are for long bodies of whoever shows no session.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx
from starlette.types import Message, Receive, Scope, Send

from dashboard.answers import answer, cookie_of
from dashboard.headers import Header, hardened, policy_of_data
from dashboard.watch import Away, Ended, Watch

PREFIX: Final = "/api/v1/"
NOT_OURS: Final = "/api/v1/gate"
MOST_AT_ONCE: Final = 512
MOST_OF_NOBODY: Final = 32
"""Long bodies at once of whoever shows no session: programs with a token, and nobody at all."""
AT_ALL: Final = MOST_AT_ONCE + MOST_OF_NOBODY
"""Lines to the API that are needed at most."""
SHORT: Final = 64 << 10
"""Bytes of a body that are gathered before a line is taken."""
SHORT_S: Final = 10.0
"""They have arrived within this time."""
MOST_BYTES: Final = 1 << 30
IDLE_S: Final = 60.0
"""A body whose next piece takes longer is given up."""
FIRST_S: Final = 300.0
"""The API says something within this time."""
_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te"}
    | {b"trailer", b"transfer-encoding", b"upgrade", b"proxy-connection", b"expect", b"host"}
)
_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})
_LOG: Final = logging.getLogger("wallcross.front")


class TooMuch(Exception):
    """A body is longer than any that the API takes."""


class Proxy:
    """Hands requests on to the desk's door.

    Args:
        transport: to it.
        watch: says when a session ends.
        host: by which browsers name this front.
        secure: the front is reached by https.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, watch: Watch, host: str, *, secure: bool
    ) -> None:
        self._transport = transport
        self._watch = watch
        self._host = host.encode()
        self._secure = secure
        self._free = asyncio.Semaphore(MOST_AT_ONCE)
        self._of_nobody = asyncio.Semaphore(MOST_OF_NOBODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if not to_hand_on(scope["path"]):
            await answer(send, 404, secure=self._secure)
            return
        if {name for name, _ in scope["headers"]} >= _LENGTHS:  # which of them holds is disputed
            await answer(send, 400, secure=self._secure)
            return
        first: list[bytes] = []
        whole = not _has_body(scope["headers"])
        try:
            if not whole:
                whole = await _gathered(receive, first)
            free = self._free if whole or await self._is_somebody(scope) else self._of_nobody
        except Away:
            await answer(send, 503, secure=self._secure)
            return
        except (TimeoutError, httpx.WriteError):
            await answer(send, 408, secure=self._secure)
            return
        if free.locked():
            await answer(send, 503, secure=self._secure)
            return
        async with free:
            await self._handed(scope, receive, send, _Begun(first, whole=whole))

    async def _is_somebody(self, scope: Scope) -> bool:
        """Whether a request shows a session that is. Raises: Away."""
        cookie = cookie_of(scope["headers"])
        return cookie is not None and await self._watch.session(cookie) is not None

    async def _handed(self, scope: Scope, receive: Receive, send: Send, body: "_Begun") -> None:
        request = httpx.Request(
            scope["method"],
            "http://wallcross" + _target(scope),
            headers=[(b"host", self._host), *passed(scope["headers"])],
            content=body.pieces(receive) if _has_body(scope["headers"]) else None,
        )
        try:
            async with asyncio.timeout(FIRST_S):
                found = await self._transport.handle_async_request(request)
        except TooMuch:
            await answer(send, 413, secure=self._secure)
        except (httpx.HTTPError, OSError, TimeoutError):
            await answer(send, 502, secure=self._secure)
        else:
            await self._answered(scope, receive, send, found)

    async def _answered(
        self, scope: Scope, receive: Receive, send: Send, found: httpx.Response
    ) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(found.aclose)
            try:
                ended = await self._ends(scope, found, stack)
            except Away:
                await answer(send, 503, secure=self._secure)
                return
            await send(_started(found, secure=self._secure))
            if not await _until_over(_pieces(found, send), receive, ended):
                _LOG.info("an answer of the API was cut off")

    async def _ends(self, scope: Scope, found: httpx.Response, stack: AsyncExitStack) -> Ended:
        """When a long answer is to end. Raises: Away."""
        cookie, long = cookie_of(scope["headers"]), "content-length" not in found.headers
        if cookie is None or not long or found.status_code != httpx.codes.OK:
            return Ended()
        session = await self._watch.session(cookie)
        return Ended() if session is None else stack.enter_context(self._watch.over(session))


def to_hand_on(path: str) -> bool:
    """Whether a path, as it is read once its escapes are, may be handed on."""
    parts = path.split("/")
    strange = any(part in {"", ".", ".."} for part in parts[1:-1]) or parts[-1] in {".", ".."}
    if strange or "\\" in path or not path.isprintable() or not path.startswith(PREFIX):
        return False
    return path.casefold() != NOT_OURS and not path.casefold().startswith(NOT_OURS + "/")


def passed(headers: Iterable[Header]) -> list[Header]:
    """The headers of a request that are handed on: what is said between two ends alone is not."""
    headers = list(headers)
    named = {
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    }
    return [(name, value) for name, value in headers if name not in _HOP and name not in named]


def _target(scope: Scope) -> str:
    # As it came, so that an escaped slash in a name stays one; `to_hand_on` read the same bytes.
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope["query_string"]
    return (raw + (b"?" + query if query else b"")).decode("ascii", "strict")


def _has_body(headers: Iterable[Header]) -> bool:
    names = dict(headers)
    return b"transfer-encoding" in names or names.get(b"content-length", b"0") != b"0"


async def _gathered(receive: Receive, into: list[bytes]) -> bool:
    """Gathers what is short; whether that was all of it.

    Raises:
        TimeoutError: it did not arrive in time.
        httpx.WriteError: whoever asked is gone.
    """
    async with asyncio.timeout(SHORT_S):
        while sum(map(len, into)) < SHORT:
            piece, more = await _piece(receive)
            into.append(piece)
            if not more:
                return True
    return False


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """The next piece of a body, and whether more comes. Raises: httpx.WriteError."""
    message = await receive()
    if message["type"] != "http.request":
        raise httpx.WriteError("whoever asked is gone")
    return message.get("body", b""), message.get("more_body", False)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A body of which the beginning, or all, has arrived."""

    first: list[bytes] = field(repr=False)
    whole: bool

    async def pieces(self, receive: Receive) -> AsyncIterator[bytes]:
        """All of it. Raises: TooMuch, httpx.WriteError, TimeoutError."""
        size = 0
        async for piece in self._each(receive):
            size += len(piece)
            if size > MOST_BYTES:
                raise TooMuch
            if piece:
                yield piece

    async def _each(self, receive: Receive) -> AsyncIterator[bytes]:
        for piece in self.first:
            yield piece
        more = not self.whole
        while more:
            async with asyncio.timeout(IDLE_S):
                piece, more = await _piece(receive)
            yield piece


def _started(found: httpx.Response, *, secure: bool) -> Message:
    kept = [(n.lower(), v) for n, v in found.headers.raw]
    headers = hardened(passed(kept), policy_of_data(), secure=secure)
    return {"type": "http.response.start", "status": found.status_code, "headers": headers}


async def _pieces(found: httpx.Response, send: Send) -> None:
    async for piece in found.aiter_raw():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _until_over(sending: Coroutine[Any, Any, None], receive: Receive, over: Ended) -> bool:
    """Sends until it is sent, whoever asked goes, or his session ends; whether it was sent."""
    tasks = [
        asyncio.ensure_future(sending),
        asyncio.ensure_future(_gone(receive)),
        asyncio.ensure_future(over.event.wait()),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].done() and tasks[0].exception() is None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
