"""The bench's stage on a real Prosody, beside slixmpp by itself.

Rule kept here: the bare side is slixmpp as its own examples use it, with stream management; a
message counts once the room has reflected it, on both sides.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from slixmpp import JID, ClientXMPP

from connectors.port import AccountId
from orchestrator.wiring.benches import ours
from orchestrator.wiring.benches.channel import IN_FLIGHT, Both, Side
from orchestrator.wiring.benches.prosody import DOMAIN, PASSWORD, ROOMS, Running, prosody

_PLUGINS = ("xep_0045", "xep_0198", "xep_0199", "xep_0359")
_WAIT_S = 20


@asynccontextmanager
async def xmpp(folder: Path) -> AsyncIterator[Both]:
    """Prosody on loopback, without OMEMO: rooms in TLS alone. Raises: CannotBench."""
    with prosody(folder / "prosody", "bot", "bare", "ann") as server:
        settings = {
            "account": f"bot@{DOMAIN}",
            "host": "127.0.0.1",
            "port": server.port,
            "rooms": ROOMS,
            "ca_file": str(server.ca_file),
        }
        values = {"password": PASSWORD, "state_key": ours.key()}
        async with contextlib.AsyncExitStack() as stack:
            connector = await stack.enter_async_context(
                ours.opened("xmpp", settings, values, folder)
            )
            rooms = await ours.rooms_of(connector, AccountId(f"ann@{DOMAIN}"))
            bare = await stack.enter_async_context(_signed_in(server))
            mine = await ours.side(connector, rooms)
            others = [await _room_of(bare) for _ in range(IN_FLIGHT)]
            yield Both("Prosody", mine, _bare(bare, others, reads=True), _bare(bare, others))


@asynccontextmanager
async def _signed_in(server: Running) -> AsyncIterator[ClientXMPP]:
    client: Any = ClientXMPP(f"bare@{DOMAIN}/bench", PASSWORD)
    client.ca_certs, client.enable_starttls = server.ca_file, False
    for name in _PLUGINS:
        client.register_plugin(name)
    begun = asyncio.Event()
    client.add_event_handler("session_start", lambda _: begun.set())
    client.connect("127.0.0.1", server.port)
    await asyncio.wait_for(begun.wait(), _WAIT_S)
    client.send_presence()
    try:
        yield client
    finally:
        await client.disconnect()


async def _room_of(client: Any) -> JID:
    room, muc = JID(f"{secrets.token_hex(6)}@{ROOMS}"), client.plugin["xep_0045"]
    await muc.join_muc_wait(room, "bare", timeout=_WAIT_S, maxstanzas=0)
    form = await muc.get_room_config(room)
    await muc.set_room_config(room, form)
    await muc.set_affiliation(room, "member", jid=JID(f"ann@{DOMAIN}"))
    return room


def _bare(client: Any, rooms: Sequence[JID], *, reads: bool = False) -> Side:
    """Sends; with ``reads`` it asks before who the room's people are, as they are now."""
    waiting: dict[str, asyncio.Future[None]] = {}

    def reflected(message: Any) -> None:
        found = waiting.pop(message["id"], None)
        if found is not None and not found.done():
            found.set_result(None)

    client.add_event_handler("groupchat_message", reflected)
    muc = client.plugin["xep_0045"]

    async def send(text: str, room: int) -> None:
        if reads:
            lists = (muc.get_affiliation_list(rooms[room], a) for a in ("owner", "admin", "member"))
            await asyncio.gather(*lists)
        message = client.make_message(mto=rooms[room], mbody=text, mtype="groupchat")
        message["id"] = secrets.token_hex(8)
        waiting[message["id"]] = asyncio.get_running_loop().create_future()
        there = waiting[message["id"]]
        message.send()
        await asyncio.wait_for(there, _WAIT_S)

    return Side("slixmpp", send)
