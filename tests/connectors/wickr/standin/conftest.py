"""A stand-in in a process of its own, its interface as a bare client, and a callback's endpoint."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.shared.standin.listener import Listener
from connectors.wickr.standin import process
from connectors.wickr.standin.control import Control

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback in the clear: no certificates
V2 = "/WickrIO/V2/Apps"
PEOPLE = ("ann", "bob", "cyd")


def basic(token: str) -> str:
    return f"Basic {base64.b64encode(token.encode()).decode()}"


def account(name: str) -> str:
    return f"{name}@example.test"


def named(*accounts: str) -> list[dict[str, str]]:
    return [{"name": each} for each in accounts]


@dataclass
class Far:
    """One stand-in with Ann, Bob and Cyd."""

    running: process.Running
    hand: Control
    http: httpx.AsyncClient

    @property
    def user(self) -> str:
        return self.running.user

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(f"{V2}{path}", params=query)

    async def post(self, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return await self.http.post(f"{V2}{path}", json=body, params=query)

    async def delete(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.delete(f"{V2}{path}", params=query)

    async def file(self, name: str, data: bytes, **form: str) -> httpx.Response:
        files = {"attachment": (name, data, "application/octet-stream")}
        return await self.http.post(f"{V2}/File", data=form, files=files)

    async def create(self, *people: str, **more: Any) -> str:
        room = {
            "title": "title",
            "description": "description",
            "members": named(*[account(each) for each in people or PEOPLE]),
            "masters": named(self.user),
        }
        answer = await self.post("/Rooms", {"room": room | more})
        assert answer.status_code == 200
        return str(answer.json()["vgroupid"])

    async def entry(self, room: str) -> Any:
        (entry,) = (await self.get(f"/Rooms/{room}")).json()["rooms"]
        return entry

    async def say(self, room: str, text: str = "hello", **more: Any) -> httpx.Response:
        return await self.post("/Messages", {"vgroupid": room, "message": text} | more)

    async def texts(self, name: str, room: str | None = None) -> list[str | None]:
        return [message.text for message in await self.hand.arrived(name, room)]

    async def take(self, count: int = 1000) -> list[Any]:
        found: list[Any] = (await self.get("/Messages", count=count)).json()
        return found


@dataclass
class Hook:
    """A callback's endpoint: what it got, what it answers, how long it sleeps."""

    url: str = ""
    status: int = 200
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.bodies.append(json.loads(await request.body()))
        self.headers.append(dict(request.headers))
        await self.awake.wait()
        self.at_once -= 1
        return Response(None, self.status)


@pytest.fixture(scope="session")
def standin() -> Iterator[process.Running]:
    with process.start() as running:
        yield running


@pytest.fixture
async def far(standin: process.Running) -> AsyncIterator[Far]:
    headers = {"Authorization": basic(standin.auth_token), "x-api-key": standin.api_key}
    async with (
        Control(standin.control, standin.token) as hand,
        httpx.AsyncClient(
            base_url=standin.url, timeout=5, trust_env=False, verify=NOBODY, headers=headers
        ) as http,
    ):
        await hand.reset()
        made = Far(standin, hand, http)
        await met(made)
        yield made


async def met(far: Far) -> None:
    for name in PEOPLE:
        await far.hand.person(name)


@pytest.fixture
async def on_disk(far: Far, tmp_path: Path) -> Far:
    folder = tmp_path / "attachments"
    folder.mkdir()
    await far.hand.reset(folder=str(folder))
    await met(far)
    return far


@pytest.fixture
async def hook(far: Far) -> AsyncIterator[Hook]:
    made = Hook()
    made.awake.set()
    listener = Listener(Starlette(routes=[Route("/{rest:path}", made.take, methods=["POST"])]), 0)
    await listener.open()
    made.url = f"http://127.0.0.1:{listener.port}/secret"
    answer = await far.post("/MsgRecvCallback", callbackurl=made.url)
    assert answer.status_code == 200
    yield made
    made.awake.set()
    await far.hand.settle()
    listener.close()
