"""The bench's stages on stand-ins: Signal's two programs, and Wickr's web interface.

Rule kept here: the bare side makes the call that a program without us would make, over one HTTP
client with its connections kept, and believes what it is answered.
"""

import asyncio
import base64
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from connectors.port import AccountId, RoomId
from connectors.signal.ids import internal_id
from connectors.signal.rpc.client import EVENTS
from connectors.signal.standin import process as signal_process
from connectors.signal.standin.control import Control as SignalControl
from connectors.wickr.standin import process as wickr_process
from connectors.wickr.standin.control import Control as WickrControl
from orchestrator.wiring.benches import ours
from orchestrator.wiring.benches.channel import Both, Send, Side
from orchestrator.wiring.benches.plain import plain_client

NUMBER = "+15550100"
"""The stand-in's account."""


@asynccontextmanager
async def signal_rest(folder: Path) -> AsyncIterator[Both]:
    """signal-cli-rest-api, as its stand-in has it."""
    secret = secrets.token_urlsafe(32)
    settings = {"listen_port": 0}
    async with _signal(folder, "rest", settings, {"webhook_secret": secret}) as both:
        yield both


@asynccontextmanager
async def signal_rpc(folder: Path) -> AsyncIterator[Both]:
    """signal-cli's own daemon, as its stand-in has it."""
    async with _signal(folder, "json-rpc", {"backend": "json-rpc"}, {}) as both:
        yield both


@asynccontextmanager
async def _signal(
    folder: Path, backend: str, settings: Mapping[str, object], values: Mapping[str, str]
) -> AsyncIterator[Both]:
    with signal_process.start(backend=backend) as server:
        async with SignalControl(server.control, server.token) as hand:
            await hand.reset(profile="Wallcross")
            ann = AccountId((await hand.person("ann")).uuid)
            told = {"api": server.url, "number": NUMBER, **settings}
            kept = {"state_key": ours.key(), **values}
            async with ours.opened("signal", told, kept, folder) as connector:
                rooms = await ours.rooms_of(connector, ann)
                for room in rooms:
                    await hand.write("ann", "here", group=room)  # its timer and her key are known
                await hand.settle()
                async with plain_client(server.url) as http, _synced(http, backend):
                    made = _rest if backend == "rest" else _rpc
                    mine = await ours.side(connector, rooms)
                    bare, alone = (Side("httpx", made(http, rooms, reads=r)) for r in (True, False))
                    yield Both(f"stand-in of Signal ({backend})", mine, bare, alone)


@asynccontextmanager
async def wickr(folder: Path) -> AsyncIterator[Both]:
    """The Wickr IO web interface, as its stand-in has it."""
    with wickr_process.start() as server:
        async with WickrControl(server.control, server.token) as hand:
            ann = AccountId((await hand.person("ann")).account)
            settings = {"api": server.url, "user": server.user}
            values = {
                "api_key": server.api_key,
                "auth_token": server.auth_token,
                "state_key": ours.key(),
            }
            async with ours.opened("wickr", settings, values, folder) as connector:
                rooms = await ours.rooms_of(connector, ann)
                token = base64.b64encode(server.auth_token.encode()).decode()
                headers = {"x-api-key": server.api_key, "authorization": f"Basic {token}"}
                async with plain_client(server.url, headers) as http:
                    mine = await ours.side(connector, rooms)
                    bare, alone = (
                        Side("httpx", _wickr(http, rooms, reads=r)) for r in (True, False)
                    )
                    yield Both("stand-in of the Wickr IO web interface", mine, bare, alone)


@asynccontextmanager
async def _synced(http: httpx.AsyncClient, backend: str) -> AsyncIterator[None]:
    """The bare client's own stream of events, read whole; the other program posts to one place."""
    if backend == "rest":
        yield
        return
    reading = asyncio.create_task(_read_events(http))
    try:
        yield
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading


async def _read_events(http: httpx.AsyncClient) -> None:
    async with http.stream("GET", EVENTS, timeout=None) as answer:
        async for line in answer.raise_for_status().aiter_lines():
            if line.startswith("data:"):
                json.loads(line.removeprefix("data:"))


def _rest(http: httpx.AsyncClient, rooms: Sequence[RoomId], *, reads: bool) -> Send:
    async def send(text: str, room: int) -> None:
        if reads:
            path = f"/v1/groups/{NUMBER}/{quote(rooms[room])}"
            (await http.get(path)).raise_for_status()
            (await http.get(f"/v1/identities/{NUMBER}")).raise_for_status()
        body = {"number": NUMBER, "recipients": [rooms[room]], "message": text}
        (await http.post("/v2/send", json=body)).raise_for_status()

    return send


def _rpc(http: httpx.AsyncClient, rooms: Sequence[RoomId], *, reads: bool) -> Send:
    groups = [internal_id(room) for room in rooms]

    async def called(method: str, **params: object) -> None:
        told = {"account": NUMBER, **params}
        call = {"jsonrpc": "2.0", "id": secrets.token_hex(8), "method": method, "params": told}
        answer = await http.post("/api/v1/rpc", json=call)
        if "result" not in answer.raise_for_status().json():
            code = answer.json().get("error", {}).get("code")
            raise RuntimeError(f"the daemon refused {method} to the bare client ({code})")

    async def send(text: str, room: int) -> None:
        if reads:
            await called("listGroups", groupId=[groups[room]])
            await called("listIdentities")
        await called("send", groupId=[groups[room]], message=text)

    return send


def _wickr(http: httpx.AsyncClient, rooms: Sequence[RoomId], *, reads: bool) -> Send:
    apps = "/WickrIO/V2/Apps"

    async def send(text: str, room: int) -> None:
        if reads:
            (await http.get(f"{apps}/Rooms/{quote(rooms[room])}")).raise_for_status()
        body = {"vgroupid": rooms[room], "message": text}
        (await http.post(f"{apps}/Messages", json=body)).raise_for_status()

    return send
