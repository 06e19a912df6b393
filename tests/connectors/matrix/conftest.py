"""A real Synapse, our connector on it, and people with a client of their own."""

import base64
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.matrix.connector import MatrixConnector, open_connector
from connectors.port import AccountId, ConnectorName, DeliveryKey, RoomId
from connectors.port.connector import Setup
from connectors.port.events import Event, InboundMessage
from connectors.port.messages import Content, Delivery, Reader, RoomSpec
from orchestrator import clock
from orchestrator.demo.farside import Person
from orchestrator.demo.synapse import Homeserver, NoSynapse

PASSWORD = "only-for-the-test"


@pytest.fixture(scope="module")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    server = Homeserver(tmp_path_factory.mktemp("synapse"))
    try:
        server.start()
    except NoSynapse as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@dataclass
class Lab:
    """Makes accounts, connectors and people on one homeserver."""

    server: Homeserver
    folder: Path
    opened: list[Any] = field(default_factory=list)
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    def account(self, name: str) -> AccountId:
        return AccountId(self.server.register(f"{name}-{self.run}", PASSWORD))

    def setup(self, user: str, state: str = "bot", **settings: object) -> Setup:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        kept = self.folder / f"{state}.key"
        if not kept.exists():
            kept.write_text(key)
        return Setup(
            name=ConnectorName("matrix"),
            settings={"homeserver": self.server.url, "user": user, "sync_wait": 1, **settings},
            secrets={"password": PASSWORD, "pickle_key": kept.read_text()},
            state=self.folder / state,
            now=clock.now,
        )

    async def bot(self, user: str | None = None, state: str = "bot") -> MatrixConnector:
        account = user or self.account("bot")
        connector = open_connector(self.setup(account, state))
        assert isinstance(connector, MatrixConnector)
        await connector.open()
        self.opened.append(connector)
        return connector

    async def person(self, name: str, device: str = "phone") -> Person:
        return await self.device(self.account(name), device)

    async def device(self, user: str, device: str) -> Person:
        folder = self.folder / f"{user[1:].split(':', maxsplit=1)[0]}-{device}"
        person = Person(self.server.url, user, PASSWORD, folder)
        await person.open()
        self.opened.append(person)
        return person

    async def room(
        self, bot: MatrixConnector, *people: Person, gate: bool = False, **more: Any
    ) -> RoomId:
        spec = RoomSpec(
            name=secrets.token_hex(4),
            members=frozenset(AccountId(p.user) for p in people),
            owners=more.pop("owners", frozenset()),
            timer=more.pop("timer", None),
            gate=gate,
            **more,
        )
        room = await bot.create(spec)
        for person in people:
            await person.join(room)
        return room


@pytest.fixture
async def lab(homeserver: Homeserver, tmp_path: Path) -> AsyncIterator[Lab]:
    made = Lab(homeserver, tmp_path)
    yield made
    for one in made.opened:
        with contextlib.suppress(Exception):
            await one.close()


def deliver(room: RoomId, text: str, *accounts: str, **more: Any) -> Delivery:
    """A delivery to accounts, their devices left open."""
    readers = more.pop("readers", None)
    readers = readers or frozenset(Reader(AccountId(a)) for a in accounts)
    return Delivery(
        key=more.pop("key", None) or DeliveryKey(secrets.token_hex(16)),
        room=room,
        content=more.pop("content", None) or Content(text),
        readers=readers,
        **more,
    )


Collect = Callable[..., Awaitable[tuple[list[Event], str]]]


async def collect(
    bot: MatrixConnector, cursor: str | None, enough: Callable[[list[Event]], bool]
) -> tuple[list[Event], str]:
    """Events from a cursor on until there are enough, and the cursor after them."""
    events: list[Event] = []
    stream = bot.receive(cursor)
    async for batch in stream:
        events += batch.events
        if enough(events):
            await stream.aclose()  # type: ignore[attr-defined]  # an async generator
            return events, batch.cursor
    raise AssertionError("the stream ended")


async def now_cursor(bot: MatrixConnector) -> str:
    """Where now is."""
    _, cursor = await collect(bot, None, lambda _: True)
    return cursor


def messages(events: list[Event]) -> list[InboundMessage]:
    return [e for e in events if isinstance(e, InboundMessage)]
