"""A stand-in in a process of its own, its REST side as a bare client, and a webhook's endpoint."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.shared.standin.listener import Listener
from connectors.signal.standin import process
from connectors.signal.standin.control import Control

US = "+15550100"
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback in the clear: no certificates


@dataclass
class Far:
    """One stand-in with Ann, Bob (who hides his number) and Cyd."""

    url: str
    pid: int
    hand: Control
    rest: httpx.AsyncClient

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.rest.post(path, json=body)

    async def put(self, path: str, **body: Any) -> httpx.Response:
        return await self.rest.put(path, json=body)

    async def delete(self, path: str, **body: Any) -> httpx.Response:
        return await self.rest.request("DELETE", path, json=body)

    async def get(self, path: str) -> httpx.Response:
        return await self.rest.get(path)

    async def uuid(self, name: str) -> str:
        return (await self.hand.person(name)).uuid

    async def group(self, *names: str, **more: Any) -> str:
        members = [await self.uuid(name) for name in names or ("ann", "bob", "cyd")]
        answer = await self.post(f"/v1/groups/{US}", name="Room", members=members, **more)
        assert answer.status_code == 201
        return str(answer.json()["id"])

    async def send(self, *recipients: str, text: str = "hello", **more: Any) -> httpx.Response:
        fields = {"number": US, "recipients": list(recipients), "message": text}
        return await self.rest.post("/v2/send", json=fields | more)

    async def texts(self, name: str, group: str | None = None) -> list[str | None]:
        return [message.text for message in await self.hand.arrived(name, group)]

    async def entry(self, group: str, *, expand: bool = False) -> Any:
        query = "?expand=true" if expand else ""
        return (await self.get(f"/v1/groups/{US}/{group}{query}")).json()


@dataclass
class Hook:
    """A webhook's endpoint: what it got, what it answers, how long it sleeps."""

    url: str = ""
    status: int = 201
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.bodies.append(json.loads(await request.body()))
        self.headers.append(dict(request.headers))
        self.began.set()
        await self.awake.wait()
        self.at_once -= 1
        return Response(None, self.status)

    def envelopes(self, kind: str = "dataMessage") -> list[Any]:
        inside = (body["params"]["envelope"] for body in self.bodies)
        return [each for each in inside if kind in each]


@pytest.fixture(scope="session")
def standin() -> Iterator[process.Running]:
    with process.start() as running:
        yield running


@pytest.fixture
async def far(standin: process.Running) -> AsyncIterator[Far]:
    async with (
        Control(standin.control, standin.token) as hand,
        httpx.AsyncClient(base_url=standin.url, timeout=20, trust_env=False, verify=NOBODY) as rest,
    ):
        await hand.reset(mode="json-rpc", version="0.101", webhook="")
        await hand.forget_requests()
        for name in ("ann", "bob", "cyd"):
            await hand.person(name, hides_number=name == "bob", receipts=False)
        yield Far(standin.url, standin.pid, hand, rest)


@pytest.fixture
async def normal(far: Far) -> Far:
    await far.hand.reset(mode="normal")
    for name in ("ann", "bob", "cyd"):
        await far.hand.person(name, hides_number=name == "bob", receipts=False)
    return far


@pytest.fixture
async def hook(far: Far) -> AsyncIterator[Hook]:
    made = Hook()
    made.awake.set()
    listener = Listener(Starlette(routes=[Route("/{rest:path}", made.take, methods=["POST"])]), 0)
    await listener.open()
    made.url = f"http://127.0.0.1:{listener.port}/signal/secret"
    await far.hand.webhook(made.url)
    yield made
    made.awake.set()
    await far.hand.settle()
    listener.close()
