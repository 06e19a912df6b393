"""People with slixmpp-omemo, a client that nobody here wrote, and our own sealer on a bare client.

Rule kept here: truth comes from the far side: what a person can open is opened by that client with
the keys that it holds, the bytes of the room in hand, whether the server would give them or not.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import oldmemo.etree
from oldmemo import Oldmemo
from omemo.identity_key_pair import IdentityKeyPair
from omemo.storage import Just, Nothing, Storage
from slixmpp import JID, ClientXMPP
from slixmpp.plugins import register_plugin
from slixmpp.stanza import Message
from slixmpp_omemo import XEP_0384, TrustLevel

from connectors.port import AccountId, DeviceId
from connectors.port.messages import Device
from connectors.xmpp.omemo.sealer import OmemoSealer, open_sealer
from connectors.xmpp.omemo.wire import fingerprint

from .prosody import DOMAIN, PASSWORD, Prosody

PATIENCE = 45.0
logging.getLogger("slixmpp_omemo").setLevel(logging.CRITICAL + 1)  # theirs logs what it seals
PLUGINS = ("xep_0030", "xep_0045", "xep_0060", "xep_0163", "xep_0280", "xep_0334", "xep_0380")
ENCRYPTED = "{eu.siacs.conversations.axolotl}encrypted"


class Memory(Storage):  # type: ignore[misc, unused-ignore]  # the extra may not be there to be read
    """A person's keys."""

    def __init__(self, held: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.held = {} if held is None else held

    async def _load(self, key: str) -> Any:
        return Just(self.held[key]) if key in self.held else Nothing()

    async def _store(self, key: str, value: Any) -> None:
        self.held[key] = value

    async def _delete(self, key: str) -> None:
        self.held.pop(key, None)


class PersonsOmemo(XEP_0384):  # type: ignore[misc, unused-ignore]  # likewise
    """The plug-in as a client would use it that believes whatever it sees."""

    default_config = {"fallback_message": "sealed", "store": None}  # noqa: RUF012 (theirs)

    @property
    def storage(self) -> Any:
        return self.store

    @property
    def _btbv_enabled(self) -> bool:
        return False

    async def _devices_blindly_trusted(self, *_: Any) -> None:
        raise AssertionError

    async def _prompt_manual_trust(self, manually_trusted: Any, _identifier: Any) -> None:
        manager = await self.get_session_manager()
        for one in manually_trusted:
            await manager.set_trust(one.bare_jid, one.identity_key, TrustLevel.TRUSTED.value)


register_plugin(PersonsOmemo)


async def opened_by(client: ClientXMPP, stanza: Element, sender: str) -> str | None:
    """What a client's keys make of a stanza whose bytes it has; None when they do not open it.

    It asks no room who its sender is: who was put out of one is no longer told.
    """
    plugins: Any = client.plugin
    manager = await plugins["xep_0384"].get_session_manager()
    sealed = stanza.find(ENCRYPTED)
    try:
        message = await oldmemo.etree.parse_message(sealed, sender, client.boundjid.bare, manager)
        body, _, _ = await manager.decrypt(message)
    except Exception:  # noqa: BLE001 (whatever it is, he cannot read it)
        return None
    return None if body is None else str(body.decode())


async def changed_keys(client: ClientXMPP, keys: Memory) -> dict[str, Any]:
    """What a client would hold that has other keys under the number of this one."""
    plugins: Any = client.plugin
    manager = await plugins["xep_0384"].get_session_manager()
    own, _ = await manager.get_own_device_information()
    place = f"/devices/{own.bare_jid}/{own.device_id}/identity_key"
    shown = ("/devices/", "/own_device_id")
    kept = {k: v for k, v in keys.held.items() if k.startswith(shown) and k != place}
    fresh = Memory(kept)
    pair = await IdentityKeyPair.get(fresh)
    await fresh.store_bytes(place, pair.identity_key)
    await Oldmemo(fresh).generate_pre_keys(100)
    return fresh.held


class Person:
    """One device of a person.

    Args:
        server: where.
        address: his bare address.
        resource: the device's session.
        held: keys that it had before.
    """

    def __init__(
        self,
        server: Prosody,
        address: str,
        resource: str = "phone",
        held: dict[str, Any] | None = None,
    ) -> None:
        self.server, self.address, self.keys = server, address, Memory(held)
        self.client = ClientXMPP(f"{address}/{resource}", PASSWORD)
        self.client.ca_certs = server.ca
        self.client.enable_starttls = False
        for plugin in PLUGINS:
            self.client.register_plugin(plugin)
        here = sys.modules[__name__]
        self.client.register_plugin("xep_0384", {"store": self.keys}, module=here)
        self.came: list[Message] = []
        self.texts: list[str] = []
        self._up, self._sealed = asyncio.Event(), asyncio.Event()
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.client.add_event_handler("session_start", self._begin)
        self.client.add_event_handler("omemo_initialized", lambda *_: self._sealed.set())
        self.client.add_filter("in", self._hear)

    @property
    def account(self) -> AccountId:
        return AccountId(self.address)

    @property
    def omemo(self) -> Any:
        plugins: Any = self.client.plugin
        return plugins["xep_0384"]

    async def open(self) -> "Person":
        self.client.connect("127.0.0.1", self.server.direct)
        async with asyncio.timeout(PATIENCE):
            await self._up.wait()
            await self._sealed.wait()
        return self

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            manager = await self.omemo.get_session_manager()
            await manager.shutdown()
        self.client.disconnect(wait=0.1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self.client.disconnected
        await asyncio.sleep(0)

    async def _begin(self, *_: object) -> None:
        self.client.send_presence()
        self._up.set()

    def _hear(self, stanza: Any) -> Any:
        if isinstance(stanza, Message) and stanza.xml.find(ENCRYPTED) is not None:
            self.came.append(stanza)
            task = asyncio.ensure_future(self._read(stanza))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return stanza

    async def _read(self, message: Message) -> None:
        async with self._opening:
            text = await self.opens(message)
        if text is not None:
            self.texts.append(text)

    async def opens(self, message: Message) -> str | None:
        """What this device makes of a stanza; None when it cannot open it."""
        nick = message["from"].resource
        if message["type"] == "groupchat" and nick == self.client.boundjid.user:
            return None
        bare = str(message["from"].bare)
        sender = f"{nick}@{DOMAIN}" if message["type"] == "groupchat" else bare
        return await opened_by(self.client, message.xml, sender)

    async def changed(self) -> dict[str, Any]:
        """What a client of this account would hold that has other keys under this number."""
        return await changed_keys(self.client, self.keys)

    async def device(self) -> Device:
        own, _ = await (await self.omemo.get_session_manager()).get_own_device_information()
        return Device(DeviceId(str(own.device_id)), fingerprint(own.identity_key))

    async def join(self, room: str) -> None:
        nick = self.client.boundjid.user
        muc = self.client.plugin["xep_0045"]
        async with asyncio.timeout(PATIENCE):
            await muc.join_muc_wait(JID(room), nick, maxstanzas=0)

    async def write(self, to: str, text: str, *readers: str, kind: str = "groupchat") -> Message:
        """Seals a text to every device of these accounts, and sends it."""
        sealed = await self.sealed(to, text, *readers, kind=kind)
        sealed.send()
        return sealed

    async def sealed(self, to: str, text: str, *readers: str, kind: str = "groupchat") -> Message:
        message: Any = self.client.make_message(mto=JID(to))
        message["type"] = kind
        message["body"] = text
        made, errors = await self.omemo.encrypt_message(message, {JID(r) for r in readers})
        assert made is not None, errors
        made["eme"]["namespace"] = "eu.siacs.conversations.axolotl"
        return made  # type: ignore[no-any-return, unused-ignore]


class Bot:
    """Our sealer on a bare client.

    Args:
        server: where.
        address: our bare address.
        folder: of the state.
        key: of the state.
    """

    def __init__(
        self, server: Prosody, address: str, folder: Path, key: bytes, **more: Any
    ) -> None:
        self.server, self.address = server, address
        self.sealer: OmemoSealer = open_sealer(AccountId(address), folder, key, **more)
        self.client = ClientXMPP(f"{address}/wallcross", PASSWORD)
        self.client.ca_certs = server.ca
        self.client.enable_starttls = False
        for plugin in ("xep_0030", "xep_0045"):
            self.client.register_plugin(plugin)
        self.news: list[tuple[AccountId, Device]] = []
        self.sealer.attach(self.client, lambda a, d: self.news.append((a, d)))
        self.came: list[Message] = []
        self._up = asyncio.Event()
        self.client.add_event_handler("session_start", self._begin)
        self.client.add_filter("in", self._hear)

    @property
    def account(self) -> AccountId:
        return AccountId(self.address)

    async def open(self) -> "Bot":
        self.client.connect("127.0.0.1", self.server.direct)
        async with asyncio.timeout(PATIENCE):
            await self._up.wait()
            await self.sealer.start()
        return self

    async def close(self) -> None:
        self.sealer.close()
        self.client.disconnect(wait=0.1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self.client.disconnected
        await asyncio.sleep(0)

    def _begin(self, *_: object) -> None:
        self.client.send_presence()
        self._up.set()

    def _hear(self, stanza: Any) -> Any:
        if isinstance(stanza, Message) and self.sealer.is_sealed(stanza):
            self.came.append(stanza)
        return stanza

    async def room(self, room: str, *members: Person) -> None:
        """A members-only room that shows addresses, with these people in it."""
        muc: Any = self.client.plugin["xep_0045"]
        async with asyncio.timeout(PATIENCE):
            await muc.join_muc_wait(JID(room), self.client.boundjid.user, maxstanzas=0)
            form = await muc.get_room_config(JID(room))
            wanted = {"membersonly": True, "publicroom": False, "whois": "anyone"}
            for name, value in wanted.items():
                form.get_fields()[f"muc#roomconfig_{name}"]["value"] = value
            await muc.set_room_config(JID(room), form)
            for member in members:
                await muc.set_affiliation(JID(room), "member", jid=JID(member.address))
        for member in members:
            await member.join(room)

    async def readers(self, *people: Person) -> dict[AccountId, frozenset[Device]]:
        return dict(await self.sealer.devices(frozenset(p.account for p in people)))

    async def write(
        self, to: str, text: str, readers: dict[AccountId, frozenset[Device]]
    ) -> Message:
        sealed = await self.sealer.seal(text, readers)
        message: Message = self.client.make_message(mto=JID(to), mtype="groupchat")
        for part in sealed.payload:
            message.append(part)
        message.send()
        return message

    async def opens(self, message: Message, sender: str) -> tuple[str | None, str | None]:
        """Text, and why it is unreadable."""
        async with self.sealer.opening(message, AccountId(sender)) as opened:
            return opened.text, opened.unreadable


async def until(test: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Waits for something that comes over the line."""
    async with asyncio.timeout(seconds):
        while not test():  # noqa: ASYNC110 (another client's doing; it sets no event of ours)
            await asyncio.sleep(0.01)
