"""What is posted to an account: who knows a secret is heard, at our listener or through the API.

Rules kept here:

1. The secret, a path of random bytes, is the only proof there is: it is compared in constant time,
   stands in no log of ours, and who does not know it is answered 404 before a byte of what he sends
   is read.
2. A post comes once, so it is answered 200 only once it is on disk (``take`` has returned); nothing
   but that is waited for, as the program may do nothing else meanwhile.
3. Few bodies are read at once, and none for long: what is lost by that is told as a loss.
4. What is refused is counted, and told of at most once a minute for each reason.
"""

import asyncio
import hmac
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import uvicorn

from connectors.port.errors import Unavailable
from connectors.port.posts import Said

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BYTES = 4 * 1024 * 1024
"""Of one post: texts and thumbnails; files stay where the program is."""
MOST_AT_ONCE = 4
"""Bodies of one account that are read at once; the programs post one at a time."""
QUESTION = b'{"wallcross": "is this heard?"}'
"""What we post to ourselves, to see whether a post reaches us: it is answered, and nothing else."""
_PATIENCE = 10.0
_MINUTE = 60_000_000
_FORGED = {Said.MALFORMED, Said.OTHER_ACCOUNT, Said.WRONG_PATH, Said.WRONG_METHOD}


class Posts:
    """What is posted to one account, by whichever door it comes.

    Args:
        secrets: those that are taken; the first is probed.
        take: stores a post's body and says what came of it.
        done: told of everything that was answered to somebody, with the instant it began.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        secrets: tuple[str, ...],
        take: Callable[[bytes], Awaitable[Said]],
        done: Callable[[Said, int], None],
        now: Callable[[], int],
    ) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._take = take
        self._done = done
        self._now = now
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def posted(self, secret: str, pieces: AsyncIterator[bytes]) -> Said:
        """Takes one post; see ``connectors.port.posts.TakesPosts``."""
        began = self._now()
        said = await self._heard(pieces) if self._knows(secret) else Said.WRONG_PATH
        self._done(said, began)
        return said

    def asked(self, secret: str) -> Said:
        """Answers what is no post."""
        said = Said.WRONG_METHOD if self._knows(secret) else Said.WRONG_PATH
        self._done(said, self._now())
        return said

    def _knows(self, secret: str) -> bool:
        given = secret.encode(errors="replace")
        return any([hmac.compare_digest(given, one) for one in self._secrets])  # noqa: C419 - each

    async def _heard(self, pieces: AsyncIterator[bytes]) -> Said:
        try:
            async with asyncio.timeout(_PATIENCE), self._turns:
                body = await _whole(pieces)
        except TimeoutError:
            return Said.BROKEN_OFF
        if isinstance(body, Said):
            return body
        if body == QUESTION:
            return Said.THERE
        try:
            return await self._take(body)
        except Exception:  # noqa: BLE001 - whatever it is, it was not stored, and that is told
            return Said.NOT_STORED


async def _whole(pieces: AsyncIterator[bytes]) -> bytes | Said:
    """A body, unless it is too large or breaks off."""
    body = bytearray()
    try:
        async for piece in pieces:
            body += piece
            if len(body) > MOST_BYTES:
                return Said.TOO_LARGE
    except Exception:  # noqa: BLE001 - whatever ended it, it did not come whole
        return Said.BROKEN_OFF
    return bytes(body)


class Webhook:
    """A listener of our own on loopback, for the length of its life.

    Args:
        host: loopback address.
        port: 0 for any.
        posts: what is posted.
    """

    def __init__(self, host: str, port: int, posts: Posts) -> None:
        self._place = (host, port)
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._posts = posts
        self._socket: socket.socket | None = None
        self._server: _Quiet | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0 while it does not."""
        return int(self._socket.getsockname()[1]) if self._socket is not None else 0

    async def start(self) -> None:
        """Listens. Raises: Unavailable when the port is taken."""
        try:
            listener = socket.create_server(self._place, family=self._family, backlog=128)
        except OSError:
            raise Unavailable("port_taken", "another program listens on listen_port") from None
        self._socket = listener
        config = uvicorn.Config(
            self.answer,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Quiet(config)
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]))

    async def stop(self) -> None:
        """Hears nobody any more; prompt."""
        server, running, listener = self._server, self._running, self._socket
        self._server = self._running = self._socket = None
        if server is not None and running is not None:
            server.should_exit = server.force_exit = True
            with suppress(asyncio.CancelledError):
                await running
        if listener is not None:
            listener.close()

    async def answer(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        if scope["type"] != "http":
            return
        secret = bytes(scope["raw_path"]).decode("latin-1").removeprefix("/")
        if scope["method"] == "POST":
            said = await self._posts.posted(secret, _arriving(receive))
        else:
            said = self._posts.asked(secret)
        headers = [] if said is Said.THERE else [(b"content-length", b"0")]
        if said not in {Said.STORED, Said.THERE}:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": int(said), "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _arriving(receive: Receive) -> AsyncIterator[bytes]:
    """A request's body. Raises: ConnectionError where it breaks off."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError
        yield message.get("body", b"")
        more = message.get("more_body", False)


class _Quiet(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes no signal."""
        yield


@dataclass(slots=True)
class _Count:
    first: int
    count: int
    told_at: int | None


class Forgeries:
    """Counts what was refused, and tells of it seldom enough that nobody can fill a disk."""

    def __init__(self) -> None:
        self._counts: dict[Said, _Count] = {}

    def note(self, said: Said, at: int) -> None:
        """One was refused."""
        if said not in _FORGED:
            return
        found = self._counts.setdefault(said, _Count(at, 0, None))
        if not found.count:
            found.first = at
        found.count += 1

    def due(self, now: int) -> list[tuple[str, int, int]]:
        """Reason, first instant and count of what is to be told now; then it is told."""
        told = []
        for said, found in self._counts.items():
            waited = found.told_at is None or now - found.told_at >= _MINUTE
            if found.count and waited:
                told.append((said.name.lower(), found.first, found.count))
                found.count, found.told_at = 0, now
        return told
