"""The bench's stage on a real Prosody, beside slixmpp by itself.

Rule kept here: the bare side is slixmpp as its own examples use it, with stream management; a
message counts once the room has reflected it, on both sides.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from slixmpp import JID, ClientXMPP

from connectors.port import AccountId
from connectors.port.connector import Connector
from orchestrator.wiring.benches import ours
from orchestrator.wiring.benches.channel import IN_FLIGHT, Both, CannotBench, Side
from orchestrator.wiring.benches.prosody import DOMAIN, PASSWORD, ROOMS, Running, prosody

_PLUGINS = ("xep_0045", "xep_0198", "xep_0199", "xep_0359")
_ANN = AccountId(f"ann@{DOMAIN}")
_ROOM = {"membersonly": True, "publicroom": False, "whois": "anyone"}
WAIT_S = 20
Writing = Callable[[str], Awaitable[Any]]
"""Makes a stanza of a text, for no room yet."""


@asynccontextmanager
async def xmpp(folder: Path) -> AsyncIterator[Both]:
    """Prosody on loopback, without OMEMO: rooms in TLS alone. Raises: CannotBench."""
    with prosody(folder / "prosody", "bot", "bare", "ann") as server:
        async with AsyncExitStack() as stack:
            connector = await stack.enter_async_context(ours_on(server, folder))
            mine = await ours.side(connector, await ours.rooms_of(connector, _ANN))
            client = made(server, "bare")
            await stack.enter_async_context(signed_in(client, server))
            bare = Bare(client, [await room_of(client, _ANN) for _ in range(IN_FLIGHT)])

            async def plain(text: str) -> Any:
                return client.make_message(mto=None, mbody=text)

            yield Both("Prosody", mine, *bare.sides("slixmpp", plain))


@asynccontextmanager
async def xmpp_omemo(folder: Path) -> AsyncIterator[Both]:
    """The same with OMEMO, whose libraries are an extra. Raises: CannotBench."""
    if find_spec("slixmpp_omemo") is None:
        raise CannotBench("OMEMO is not installed: pip install 'wallcross[omemo]' (AGPL-3.0-only)")
    sealed = import_module("orchestrator.wiring.benches.xmpp_omemo").sealed
    async with sealed(folder) as both:
        yield both


@asynccontextmanager
async def ours_on(server: Running, folder: Path, **more: object) -> AsyncIterator[Connector]:
    """Our connector on this server, with more settings than it needs."""
    settings = {
        "account": f"bot@{DOMAIN}",
        "host": "127.0.0.1",
        "port": server.port,
        "rooms": ROOMS,
        "ca_file": str(server.ca_file),
    }
    values = {"password": PASSWORD, "state_key": ours.key()}
    async with ours.opened("xmpp", settings | more, values, folder) as connector:
        yield connector


class _Client(ClientXMPP):
    """A client that ends whole: slixmpp leaves a task behind for the garbage collector."""

    async def end(self) -> None:
        await self.disconnect()
        if self._run_out_filters is not None:
            self._run_out_filters.cancel()


def made(server: Running, name: str) -> Any:
    """A client that is slixmpp by itself, not connected yet."""
    client: Any = _Client(f"{name}@{DOMAIN}/bench", PASSWORD)
    client.ca_certs, client.enable_starttls = server.ca_file, False
    for plugin in _PLUGINS:
        client.register_plugin(plugin)
    return client


@asynccontextmanager
async def signed_in(client: Any, server: Running) -> AsyncIterator[None]:
    """A client's line, for the length of the block."""
    begun = asyncio.Event()
    client.add_event_handler("session_start", lambda _: begun.set())
    client.connect("127.0.0.1", server.port)
    await asyncio.wait_for(begun.wait(), WAIT_S)
    client.send_presence()
    try:
        yield
    finally:
        await client.end()


async def room_of(client: Any, *members: AccountId) -> JID:
    """A room of a client's own as ours are, with these people among its members."""
    room, muc = JID(f"{secrets.token_hex(6)}@{ROOMS}"), client.plugin["xep_0045"]
    await muc.join_muc_wait(room, "bare", timeout=WAIT_S, maxstanzas=0)
    form = await muc.get_room_config(room)
    for name, value in _ROOM.items():
        form.get_fields()[f"muc#roomconfig_{name}"]["value"] = value
    await muc.set_room_config(room, form)
    for member in members:
        await muc.set_affiliation(room, "member", jid=JID(member))
    return room


class Bare:
    """What a bare client does in rooms of its own.

    Args:
        client: signed in.
        rooms: one for each send in flight.
    """

    def __init__(self, client: Any, rooms: Sequence[JID]) -> None:
        self._client = client
        self._rooms = rooms
        self._waiting: dict[str, asyncio.Future[None]] = {}
        client.add_event_handler("groupchat_message", self._reflected)

    def sides(
        self, name: str, writing: Writing, *more: Callable[[], Awaitable[Any]]
    ) -> tuple[Side, Side]:
        """Two that send what ``writing`` makes of a text.

        The first reads back before who the room's people are, and does ``more`` beside.
        """

        async def reading(text: str, room: int) -> None:
            await asyncio.gather(self._people(self._rooms[room]), *(each() for each in more))
            await self._put(await writing(text), self._rooms[room])

        async def alone(text: str, room: int) -> None:
            await self._put(await writing(text), self._rooms[room])

        return Side(name, reading), Side(name, alone)

    async def _people(self, room: JID) -> None:
        muc = self._client.plugin["xep_0045"]
        lists = (muc.get_affiliation_list(room, each) for each in ("owner", "admin", "member"))
        await asyncio.gather(*lists)

    async def _put(self, message: Any, room: JID) -> None:
        name = secrets.token_hex(8)
        message["to"], message["type"], message["id"] = room, "groupchat", name
        there = self._waiting[name] = asyncio.get_running_loop().create_future()
        message.send()
        await asyncio.wait_for(there, WAIT_S)

    def _reflected(self, message: Any) -> None:
        found = self._waiting.pop(message["id"], None)
        if found is not None and not found.done():
            found.set_result(None)
