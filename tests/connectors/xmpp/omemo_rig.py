"""People of the contract's rig with OMEMO, which believes whatever keys it sees."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from slixmpp import JID

from connectors.port import AccountId, RemoteId, RoomId
from connectors.testing.rig import Arrived

from .conftest import Lab
from .omemo_people import ENCRYPTED, Memory, opened_by
from .people import Crowd, Person


class SealedLab(Lab):
    """A lab with accounts of its own: a device of an earlier test would stay on their lists."""

    def account(self, name: str) -> AccountId:
        return AccountId(self.server.register(f"{name}-{self.folder.name.lower()}"))


SEALED: dict[str, Any] = {"omemo": True, "patience": 6.0}


class SealedPerson(Person):
    """Somebody's client with OMEMO, which believes whatever keys it sees.

    Args:
        resource: of the device.
        held: keys that it had before.
    """

    def __init__(
        self,
        account: str,
        port: int,
        ca: Path,
        resource: str = "phone",
        held: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(account, port, ca)
        self.requested_jid.resource = resource
        self.keys = Memory(held)
        self.bot = ""
        self._texts: dict[int, str | None] = {}
        self._published = asyncio.Event()
        for plugin in ("xep_0060", "xep_0163", "xep_0280", "xep_0334"):
            self.register_plugin(plugin)
        people = sys.modules[Memory.__module__]
        self.register_plugin("xep_0384", {"store": self.keys}, module=people)
        self.add_event_handler("omemo_initialized", lambda *_: self._published.set())

    async def open(self) -> "SealedPerson":
        await super().open()
        async with asyncio.timeout(30):
            await self._published.wait()
        return self

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await (await self.omemo.get_session_manager()).shutdown()
        await super().close()

    @property
    def omemo(self) -> Any:
        plugins: Any = self.plugin
        return plugins["xep_0384"]

    async def write(self, room: str, text: str, *more: ET.Element) -> RemoteId:
        return await self.say(room, *await self._sealed(text), *more)

    async def _sealed(self, text: str) -> list[ET.Element]:
        message: Any = self.make_message(mto=JID(self.bot), mbody=text)
        made, _ = await self.omemo.encrypt_message(message, {JID(self.bot)})
        return list(made.xml)

    async def whisper(self, account: str, text: str) -> str:
        made: Any = self.make_message(mto=JID(account), mtype="chat")
        for each in await self._sealed(text):
            made.append(each)
        made.send()
        await self.settle()
        return str(made["id"])

    async def read(self, stanzas: list[ET.Element]) -> None:
        """Opens what is sealed and came, each once and in its order."""
        for stanza in stanzas:
            sealed = stanza.find(ENCRYPTED)
            if sealed is not None and id(sealed) not in self._texts:
                self._texts[id(sealed)] = await opened_by(self, stanza, self.bot)

    async def arrived(self, room: RoomId, bot: str, ca: Path) -> tuple[Arrived, ...]:
        await self.settle()
        await self.read([m for m in self.shown if m.get("from") == f"{room}/{bot}"])
        return await super().arrived(room, bot, ca)

    def open_body(self, message: ET.Element) -> str:
        sealed = message.find(ENCRYPTED)
        if sealed is None:
            return super().open_body(message)
        return self._texts[id(sealed)] or ""


@dataclass
class SealedCrowd(Crowd):
    """People whose clients seal."""

    bot: str = ""

    async def person(self, account: str) -> Person:
        if account not in self.people:
            made = SealedPerson(account, self.port, self.ca)
            made.bot = self.bot
            self.people[account] = await made.open()
        return self.people[account]
