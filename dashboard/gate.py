"""The one gate of the front: without a session, no byte of a page.

Rules kept here:

1. What anybody is given is a list of our own files. Everything else, http and websocket, needs a
   session that the API names; where nobody can say, there is none.
2. Paths that no page needs are closed for everybody.
3. A websocket comes from our own origin and says so. It is closed the moment its session ends.
4. What says who somebody is does not come from outside: such headers are taken off.
5. Whoever names this front by another host than its own gets nothing.
"""

import asyncio
import re
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import shell
from dashboard.answers import answer, cookie_of, header
from dashboard.headers import (
    KEPT,
    NOT_KEPT,
    SESSION_HEADER,
    Header,
    hardened,
    policy_of_own,
    policy_of_pages,
)
from dashboard.proxy import PREFIX
from dashboard.public import File, behind, find
from dashboard.watch import AWAY, SIGNED_OUT, Away, Ended, Watch

ALIVE: Final = "/gate/alive"
"""A websocket that says nothing but that the session still is."""
SESSION: Final = "/gate/session"
"""``in`` with a session, ``out`` without one: how a page tells a lost line from a lost session."""
STREAM: Final = "/_stcore/stream"
OPEN_PREFIXES: Final = ("/static/", "/media/", "/_stcore/bidi-components/")
OPEN_PATHS: Final = frozenset({"/_stcore/health", "/_stcore/host-config"})
"""What pages need of Streamlit; everything else under its own prefixes is closed."""
NO_PAGES: Final = frozenset(
    {"/_stcore", "/static", "/media", "/component", "/auth", "/oauth2callback", "/app"}
    | {"/api", "/gate", "/in", "/key"}
)
_WORD: Final = re.compile(r"/[a-z][a-z0-9_-]{0,63}")
HERE_S: Final = 3.0
NOT_ALLOWED: Final = 1008
_NOT_SIGNED_IN: Final = 401
_FROM_OUTSIDE: Final = (b"x-", b"forwarded", b"remote-", b"client-", b"via", b"wallcross-quiet")
_KEPT_X: Final = frozenset({b"x-xsrftoken", b"x-requested-with"})


class Handed(Protocol):
    """What answers under ``/api/v1``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""


class Gate:
    """Stands before everything.

    Args:
        pages: Streamlit's part.
        api: what answers under ``/api/v1``.
        watch: says who is signed in.
        origin: by which browsers name this front, such as ``https://wallcross.kestrel.example``.
    """

    def __init__(self, pages: ASGIApp, api: Handed, watch: Watch, origin: str) -> None:
        parts = urlsplit(origin)
        self._pages = pages
        self._api = api
        self.watch = watch
        self._origin = origin
        self._host = parts.netloc
        self._secure = parts.scheme == "https"
        self._page = shell.page().encode()
        self._of_pages = policy_of_pages(shell.page(), origin)
        self._of_own = policy_of_own(origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers whatever comes."""
        if scope["type"] == "lifespan":
            await self._living(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(cleaned(scope), receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(cleaned(scope), receive, send)

    async def _living(self, scope: Scope, receive: Receive, send: Send) -> None:
        hearing = asyncio.create_task(self.watch.run())
        try:
            await self._pages(scope, receive, send)
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError):
                await hearing

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if header(scope["headers"], b"host") != self._host:
            await answer(send, 421, secure=self._secure)
        elif path.startswith(PREFIX):
            await self._api(scope, receive, send)
        elif (file := find(path)) is not None:
            await self._file(scope["method"], file, send)
        else:
            await self._behind(scope, receive, send)

    async def _behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What only whoever is signed in is given."""
        try:
            session = await self._session(scope)
        except Away:
            await self._turned_away(scope, send, 503)
            return
        if scope["path"] == SESSION:
            await answer(send, 200, secure=self._secure, words="in" if session else "out")
        elif session is None:
            await self._turned_away(scope, send, _NOT_SIGNED_IN)
        elif scope["method"] not in {"GET", "HEAD"}:
            await answer(send, 405, secure=self._secure)
        elif (file := behind().get(scope["path"])) is not None:
            await self._file(scope["method"], file, send)
        elif is_open(scope["path"]):
            await self._pages(scope, receive, self._hardened(scope, send))
        elif is_page(scope["path"]):
            await self._shell(send)
        else:
            await answer(send, 404, secure=self._secure)

    async def _turned_away(self, scope: Scope, send: Send, status: int) -> None:
        """Nothing; to a browser that goes to a page, where to sign in."""
        wants = header(scope["headers"], b"accept") or ""
        if scope["method"] == "GET" and "text/html" in wants and is_page(scope["path"]):
            why = "?" if status == _NOT_SIGNED_IN else "?away&"
            to = ("/in" + why + "to=" + scope["path"]).encode()
            await answer(send, 303, secure=self._secure, more=((b"location", to),))
        else:
            await answer(send, status, secure=self._secure)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # "websocket.connect"
        headers = scope["headers"]
        if header(headers, b"origin") != self._origin or header(headers, b"host") != self._host:
            await send({"type": "websocket.close", "code": NOT_ALLOWED})
            return
        if scope["path"] not in {STREAM, ALIVE}:
            await send({"type": "websocket.close", "code": NOT_ALLOWED})
            return
        try:
            session = await self._session(scope)
        except Away:
            await send({"type": "websocket.close", "code": AWAY})
            return
        if session is None:
            await send({"type": "websocket.close", "code": SIGNED_OUT})
            return
        with self.watch.over(session) as ended:
            line = Line(receive, send, ended)
            if scope["path"] == ALIVE:
                await self._alive(line)
            else:
                await line.run(self._pages, named(scope, session))

    async def _alive(self, line: "Line") -> None:
        await line.say({"type": "websocket.accept"})
        while not line.over:
            await line.say({"type": "websocket.send", "text": "here"})
            await line.wait(HERE_S)
        await line.close()

    async def _session(self, scope: Scope) -> str | None:
        cookie = cookie_of(scope["headers"])
        return None if cookie is None else await self.watch.session(cookie)

    async def _file(self, method: str, file: File, send: Send) -> None:
        if method not in {"GET", "HEAD"}:
            await answer(send, 405, secure=self._secure)
            return
        policy = self._of_own
        kept = KEPT if file.kept else NOT_KEPT
        await self._sent(send, file.body, file.kind, policy, kept, bare=method == "HEAD")

    async def _shell(self, send: Send) -> None:
        await self._sent(send, self._page, "text/html; charset=utf-8", self._of_pages, NOT_KEPT)

    async def _sent(
        self, send: Send, body: bytes, kind: str, policy: bytes, kept: bytes, *, bare: bool = False
    ) -> None:
        found = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        headers = hardened(found, policy, secure=self._secure, kept=kept)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if bare else body})

    def _hardened(self, scope: Scope, send: Send) -> Send:
        kept = KEPT if scope["path"].startswith("/static/") else NOT_KEPT

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept_now = kept if message["status"] == 200 else NOT_KEPT  # noqa: PLR2004 - as named
                headers = hardened(
                    message["headers"], self._of_pages, secure=self._secure, kept=kept_now
                )
                message = {**message, "headers": headers}
            await send(message)

        return with_headers


class Line:
    """A websocket that is closed the moment its session ends.

    Args:
        ended: turns true then.
    """

    def __init__(self, receive: Receive, send: Send, ended: Ended) -> None:
        self._receive = receive
        self._send = send
        self._ended = ended
        self._closed = False

    @property
    def over(self) -> bool:
        """Whether nothing more is said here."""
        return self._closed or self._ended.event.is_set()

    async def say(self, message: Message) -> None:
        """Says something, unless it is over."""
        if self.over:
            return
        self._closed = message["type"] == "websocket.close"
        await self._send(message)

    async def close(self) -> None:
        """Closes it with the reason, unless it is closed."""
        if not self._closed:
            self._closed = True
            with suppress(RuntimeError, OSError):  # whoever was there is gone by himself
                await self._send({"type": "websocket.close", "code": self._ended.code})

    async def wait(self, seconds: float) -> None:
        """Waits so long, or until it is over or whoever was there goes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (await self.hear())["type"] != "websocket.disconnect":
                    pass
                self._closed = True

    async def hear(self) -> Message:
        """What is said next; once it is over, that it is."""
        hearing = asyncio.ensure_future(self._receive())
        ending = asyncio.ensure_future(self._ended.event.wait())
        try:
            await asyncio.wait((hearing, ending), return_when=asyncio.FIRST_COMPLETED)
            if self._ended.event.is_set():
                await self.close()
                return {"type": "websocket.disconnect", "code": self._ended.code}
            return hearing.result()
        finally:
            hearing.cancel()
            ending.cancel()

    async def run(self, pages: ASGIApp, scope: Scope) -> None:
        """Hands the websocket to Streamlit."""
        begun = False

        async def receive() -> Message:
            nonlocal begun
            if not begun:
                begun = True
                return {"type": "websocket.connect"}
            return await self.hear()

        await pages(scope, receive, self.say)


def is_open(path: str) -> bool:
    """Whether a path of Streamlit's own is one that pages need."""
    return path in OPEN_PATHS or (path.startswith(OPEN_PREFIXES) and ".." not in path)


def is_page(path: str) -> bool:
    """Whether a path is that of a page: one word, and none that is something else."""
    return path == "/" or (_WORD.fullmatch(path) is not None and path not in NO_PAGES)


def named(scope: Scope, session: str) -> Scope:
    """A websocket that says whose session it is of: Streamlit resumes a page for no other."""
    mine = (SESSION_HEADER.encode(), session.encode())
    return {**scope, "headers": [*scope["headers"], mine]}


def cleaned(scope: Scope) -> Scope:
    """A request without headers that say who somebody is, or where he comes from."""
    kept: list[Header] = [
        (name.lower(), value)
        for name, value in scope["headers"]
        if name.lower() in _KEPT_X or not name.lower().startswith(_FROM_OUTSIDE)
    ]
    return {**scope, "headers": kept}
