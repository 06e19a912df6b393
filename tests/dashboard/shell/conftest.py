"""A front in this process before an API that the test has in hand.

Rule kept here: the gate, the proxy and Streamlit are the real ones; only the far side, which must
be slow, wrong or gone at will, is made for the test.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from dashboard import settings, theme
from dashboard.app import front
from dashboard.gate import Gate
from dashboard.watch import Watch
from tests.scenarios.conftest import eventually

HOST = "localhost:8642"
ORIGIN = "http://" + HOST
INES, OMAR = "ines-" + "x" * 40, "omar-" + "y" * 40


@dataclass(slots=True)
class Far:
    """An API as a front sees it.

    Attributes:
        sessions: session ids, by secret.
        seen: requests that came, as method, path and headers.
        broken: it answers nothing.
        asked: how often who is signed in was asked.
    """

    sessions: dict[str, str] = field(default_factory=lambda: {INES: "ses_ines", OMAR: "ses_omar"})
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    broken: bool = False
    asked: int = 0
    ends: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)

    def end(self, secret: str) -> None:
        """Ends a session and tells."""
        self.ends.put_nowait(self.sessions.pop(secret))

    def hang_up(self) -> None:
        """Ends the stream of ends, as an API that falls does."""
        self.broken = True
        self.ends.put_nowait(None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {k.decode(): v.decode("latin-1") for k, v in scope["headers"]}
        if self.broken:
            raise httpx.ConnectError("nobody is there")
        path = scope["path"]
        if path == "/api/v1/gate/ended":
            await self._ended(send)
        elif path == "/api/v1/session":
            self.asked += 1
            secret = headers.get("cookie", "").removeprefix("__Host-wallcross=")
            found = self.sessions.get(secret)
            await _json(send, 401 if found is None else 200, {"session_id": found})
        else:
            self.seen.append((scope["method"], path, headers))
            await self._other(path, receive, send)

    async def _other(self, path: str, receive: Receive, send: Send) -> None:
        if path == "/api/v1/slow":
            await _stream(send, b"text/event-stream", [b"data: 1\n\n"], for_ever=True)
        elif path == "/api/v1/export":
            await _stream(send, b"application/x-tar", [b"data: 1\n\n"], for_ever=True)
        elif path == "/api/v1/cookie":
            headers = [(b"set-cookie", b"__Host-wallcross=new; Secure"), (b"server", b"far")]
            await _json(send, 200, {}, headers)
        elif path == "/api/v1/falls":
            await _stream(send, b"application/octet-stream", [b"half"], falls=True)
        else:
            self.bodies.append(await _read(receive))
            await _json(send, 200, {"ok": True})

    async def _ended(self, send: Send) -> None:
        await _begun(send, b"text/event-stream")
        await send({"type": "http.response.body", "body": b": on\n\n", "more_body": True})
        while (session := await self.ends.get()) is not None:
            told = b"data: " + json.dumps({"session": session}).encode() + b"\n\n"
            await send({"type": "http.response.body", "body": told, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Streaming(httpx.AsyncBaseTransport):
    """To an application in this process, whose answer is read while it is still made."""

    def __init__(self, app: Far) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        said: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        pieces = aiter(request.stream)  # type: ignore[arg-type]  # an async client's request
        scope = {
            "type": "http",
            "method": request.method,
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "headers": [(k.lower(), v) for k, v in request.headers.raw],
        }

        async def receive() -> dict[str, object]:
            piece = await anext(pieces, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: dict[str, object]) -> None:
            await said.put(message)

        async def run() -> None:
            try:
                await self._app(scope, receive, send)  # type: ignore[arg-type]
            except Exception as error:  # noqa: BLE001 - handed to whoever reads the answer
                await said.put({"type": "broke", "error": error})

        task = asyncio.create_task(run())
        first = await said.get()
        if first["type"] == "broke":
            raise first["error"]  # type: ignore[misc]
        return httpx.Response(
            first["status"],  # type: ignore[arg-type]
            headers=first["headers"],  # type: ignore[arg-type]
            stream=_Answer(said, task),
            request=request,
        )


class _Answer(httpx.AsyncByteStream):
    def __init__(
        self, said: "asyncio.Queue[dict[str, object]]", task: "asyncio.Task[None]"
    ) -> None:
        self._said, self._task = said, task

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._said.get()
            if message["type"] == "broke":
                raise httpx.ReadError("it broke off")
            yield message.get("body", b"")  # type: ignore[misc]
            if not message.get("more_body"):
                return

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


async def _begun(send: Send, kind: bytes, more: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", kind), *(more or [])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _stream(
    send: Send, kind: bytes, pieces: list[bytes], *, for_ever: bool = False, falls: bool = False
) -> None:
    await _begun(send, kind)
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if for_ever:
        await asyncio.Event().wait()
    if falls:
        raise OSError("the line is cut")


async def _json(
    send: Send, status: int, data: object, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = json.dumps(data).encode()
    headers = [(b"content-type", b"application/json"), *(more or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


@dataclass(slots=True)
class Front:
    """The front, and who asks it."""

    app: Gate
    far: Far
    watch: Watch
    stack: list[httpx.AsyncClient] = field(default_factory=list)

    def of(self, secret: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A browser, or what else asks."""
        if secret is not None:
            headers["cookie"] = "__Host-wallcross=" + secret
        made = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=ORIGIN, headers=headers
        )
        self.stack.append(made)
        return made


@pytest.fixture(scope="session", autouse=True)
def hardened() -> None:
    settings.put("localhost", 8642, theme.THEME)


@pytest.fixture
def far() -> Far:
    return Far()


async def _is_up(watch: Watch) -> bool:
    return watch.up


@pytest.fixture
async def desk(far: Far) -> AsyncIterator[Front]:
    """A front that hears who is signed in."""
    app = front(Streaming(far), ORIGIN)
    watch = app.watch
    hearing = asyncio.create_task(watch.run())
    await eventually(partial(_is_up, watch))
    made = Front(app, far, watch)
    yield made
    for client in made.stack:
        await client.aclose()
    hearing.cancel()
    await asyncio.wait({hearing})
