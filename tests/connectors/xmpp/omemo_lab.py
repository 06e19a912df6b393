"""Accounts, people and bots of the OMEMO tests, on one Prosody."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from slixmpp.stanza import Message

from connectors.port import AccountId
from connectors.port.messages import Device
from connectors.xmpp.omemo.pep import NAMESPACE

from .omemo_people import Bot, Person, until
from .prosody import NoProsodyError, Prosody

KEY = secrets.token_bytes(32)
NS = f"{{{NAMESPACE}}}"


class Crash(BaseException):
    """The process ends right here."""


@dataclass
class OmemoLab:
    """Accounts, people and bots on one server."""

    server: Prosody
    folder: Path
    run: int = field(default_factory=count().__next__)
    opened: list[Any] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def address(self, name: str) -> str:
        """An account of this run."""
        local = f"{name}-{self.run}"
        if local not in self.made:
            self.made.add(local)
            self.server.register(local)
        return f"{local}@deal.test"

    async def person(self, name: str, resource: str = "phone", **more: Any) -> Person:
        person = Person(self.server, self.address(name), resource, **more)
        self.opened.append(person)
        return await person.open()

    async def bot(self, state: str = "bot", **more: Any) -> Bot:
        bot = Bot(self.server, self.address("bot"), self.folder / state, KEY, **more)
        self.opened.append(bot)
        return await bot.open()

    async def room(self, bot: Bot, *people: Person) -> str:
        room = f"r{secrets.token_hex(6)}@rooms.deal.test"
        await bot.room(room, *people)
        return room


def served(folder: Path) -> Iterator[Prosody]:
    """A server for as long as a module's tests run."""
    made = Prosody(folder)
    try:
        made.start()
    except NoProsodyError as error:
        pytest.skip(str(error))
    yield made
    made.stop()


async def heard(bot: Bot, person: Bot | Person, count: int = 1) -> list[Message]:
    """Stanzas with a body that this person sent."""

    def those() -> list[Message]:
        nick = person.client.boundjid.user
        return [m for m in bot.came if m["type"] == "groupchat" and m["from"].resource == nick]

    await until(lambda: len(those()) >= count)
    return those()


def readers_of(person: Person, *devices: Device) -> dict[AccountId, frozenset[Device]]:
    return {person.account: frozenset(devices)}
