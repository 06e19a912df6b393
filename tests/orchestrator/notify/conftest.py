"""A push service that keeps to RFC 8030, 8291 and 8292 and opens what it is given; a plain hook."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import http_ece
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator.notify.push import Subscription


@dataclass
class Browser:
    """Somebody's browser: it has the key, and reads what was pushed."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = b"0123456789abcdef"

    @property
    def public(self) -> bytes:
        public = self.key.public_key()
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def text(self) -> tuple[str, str]:
        """Its key and secret, as the Push API gives them."""
        return _text(self.public), _text(self.auth)

    def read(self, body: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )
        found: dict[str, Any] = json.loads(plain)
        return found

    def at(self, url: str) -> Subscription:
        return Subscription("psh_1", url, self.public, self.auth)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Far:
    """A server on this machine: what it was sent, and how it answers next."""

    url: str = ""
    answers: list[Response] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    checks: Callable[[Request, bytes], int | None] | None = None

    async def hear(self, request: Request) -> Response:
        body = await request.body()
        self.got.append(({k.lower(): v for k, v in request.headers.items()}, body))
        wrong = self.checks(request, body) if self.checks is not None else None
        if wrong is not None:
            return Response(status_code=wrong)
        return self.answers.pop(0) if self.answers else Response(status_code=201)


def keeps_the_rfcs(audience: str) -> Callable[[Request, bytes], int | None]:
    """What a push service refuses: no TTL (RFC 8030 §5.2), no valid VAPID (RFC 8292 §2)."""

    def check(request: Request, body: bytes) -> int | None:
        headers = request.headers
        if "ttl" not in headers or headers.get("content-encoding") != "aes128gcm" or not body:
            return 400
        if len(headers.get("topic", "")) > 32:
            return 400
        scheme, _, said = headers["authorization"].partition(" ")
        parts = dict(p.strip().split("=", 1) for p in said.split(","))
        if scheme != "vapid" or not Vapid02.verify(headers["authorization"]):
            return 403
        claims = json.loads(_unpadded(parts["t"].split(".")[1]))
        fits = claims["aud"] == audience and claims["sub"].startswith("mailto:")
        return None if fits else 403

    return check


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


Opens = Callable[[], Awaitable[Far]]


@pytest.fixture
async def opens() -> AsyncIterator[Opens]:
    servers: list[tuple[uvicorn.Server, Any]] = []

    async def open_one() -> Far:
        far = Far()
        app = Starlette(routes=[Route("/{rest:path}", far.hear, methods=["GET", "POST"])])
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server._serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag alone
            await asyncio.sleep(0.001)
        port = server.servers[0].sockets[0].getsockname()[1]
        far.url = f"http://127.0.0.1:{port}"
        servers.append((server, running))
        return far

    yield open_one
    for server, running in servers:
        server.should_exit = True
        server.force_exit = True
        await running


@pytest.fixture
def elsewhere() -> Response:
    return RedirectResponse("http://127.0.0.1:9/elsewhere", status_code=307)
