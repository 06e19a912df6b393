"""The bench's stage on a real Prosody with OMEMO, beside slixmpp with slixmpp-omemo's plug-in.

Rules kept here:

1. Both sides seal each text to the same devices of the same people, in rooms with these members,
   and read back before it who they are and which devices they publish now.
2. The plug-in is used as by a client that believes whatever it sees, and its keys stand in memory:
   no disk weighs on it. Ours writes what the keys became, and flushes it, before a message leaves.
3. People's clients are the plug-in's, too; they have published their keys and are away.

The libraries are AGPL-3.0-only and an extra: this module is imported where its bench is asked for.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from omemo.storage import Just, Nothing, Storage
from slixmpp import JID
from slixmpp.plugins import register_plugin
from slixmpp_omemo import XEP_0384

from connectors.port import AccountId
from orchestrator.wiring.benches import ours, xmpp
from orchestrator.wiring.benches.channel import IN_FLIGHT, Both
from orchestrator.wiring.benches.prosody import DOMAIN, Running, prosody

_NAMESPACE = "eu.siacs.conversations.axolotl"
_PEOPLE = tuple(AccountId(f"{name}@{DOMAIN}") for name in ("ann", "ben"))


@asynccontextmanager
async def sealed(folder: Path) -> AsyncIterator[Both]:
    """Prosody on loopback, two people with a device each. Raises: CannotBench."""
    with prosody(folder / "prosody", "bot", "bare", "ann", "ben") as server:
        for person in _PEOPLE:
            await published(server, person, Memory())
        async with AsyncExitStack() as stack:
            mine = xmpp.ours_on(server, folder, omemo=True)
            connector = await stack.enter_async_context(mine)
            rooms = await ours.rooms_of(connector, *_PEOPLE)
            client = with_omemo(server, "bare", Memory())
            await stack.enter_async_context(signed_in(client, server))
            theirs = [await xmpp.room_of(client, *_PEOPLE) for _ in range(IN_FLIGHT)]
            plugin = client.plugin["xep_0384"]

            async def seals(text: str) -> Any:
                message = client.make_message(mto=None, mbody=text, mtype="groupchat")
                made, _ = await plugin.encrypt_message(message, {JID(p) for p in _PEOPLE})
                return made

            async def reads_devices() -> None:
                manager = await plugin.get_session_manager()
                asked = (manager.refresh_device_list(_NAMESPACE, p) for p in _PEOPLE)
                await asyncio.gather(*asked)

            bare = xmpp.Bare(client, theirs)
            sides = bare.sides("slixmpp and slixmpp-omemo", seals, reads_devices)
            yield Both("Prosody", await ours.side(connector, rooms), *sides)


class Memory(Storage):  # type: ignore[misc, unused-ignore]  # the extra may not be there to be read
    """A client's keys."""

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[str, Any] = {}

    async def _load(self, key: str) -> Any:
        return Just(self._held[key]) if key in self._held else Nothing()

    async def _store(self, key: str, value: Any) -> None:
        self._held[key] = value

    async def _delete(self, key: str) -> None:
        self._held.pop(key, None)


class Believing(XEP_0384):  # type: ignore[misc, unused-ignore]  # likewise
    """The plug-in of a client that trusts each device when it first sees it."""

    default_config = {"fallback_message": "sealed", "store": None}  # noqa: RUF012 (theirs)

    @property
    def storage(self) -> Any:
        """Where the keys are."""
        return self.store

    @property
    def _btbv_enabled(self) -> bool:
        return True

    async def _prompt_manual_trust(self, _undecided: Any, _identifier: Any) -> None:
        raise RuntimeError("nobody is here to compare keys")


register_plugin(Believing)
for _each in ("omemo", "slixmpp_omemo"):
    logging.getLogger(_each).setLevel(logging.CRITICAL + 1)  # they log what they seal


def with_omemo(server: Running, name: str, keys: Memory) -> Any:
    """A client with the plug-in, not connected yet."""
    client = xmpp.made(server, name)
    client.register_plugin("xep_0384", {"store": keys}, module=sys.modules[__name__])
    return client


@asynccontextmanager
async def signed_in(client: Any, server: Running) -> AsyncIterator[None]:
    """A client's line once its keys are published, for the length of the block."""
    there = asyncio.Event()
    client.add_event_handler("omemo_initialized", lambda *_: there.set())
    async with xmpp.signed_in(client, server):
        await asyncio.wait_for(there.wait(), xmpp.WAIT_S)
        try:
            yield
        finally:
            await (await client.plugin["xep_0384"].get_session_manager()).shutdown()


async def published(server: Running, account: AccountId, keys: Memory) -> None:
    """Publishes a person's device, who then goes."""
    client = with_omemo(server, JID(account).user, keys)
    async with signed_in(client, server):
        pass
