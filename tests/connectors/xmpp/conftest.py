"""A real Prosody with TLS, our connector on it, a proxy that spoils lines, people of their own."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.port import AccountId, ConnectorName, DeliveryKey, Guarantee, RemoteId, RoomId
from connectors.port.connector import Connector, Setup
from connectors.port.events import Event, InboundMessage
from connectors.port.messages import Content, Delivery, Reader, RoomSpec
from connectors.testing.rig import Arrived, CannotError
from connectors.xmpp import wire
from connectors.xmpp.connector import XmppConnector, open_connector
from orchestrator import clock

from .people import PASSWORD, Crowd, Person
from .prosody import DOMAIN, FILES, ROOMS, NoProsodyError, Prosody
from .proxy import (
    Proxy,
    cut_after,
    cut_before,
    late,
    refusing,
    senseless,
    swallowed,
    without,
)

KEY = "11" * 32


def started(folder: Path, **options: Any) -> Prosody:
    """A server with the account of its administrator; skips where there is no Prosody."""
    server = Prosody(folder, **options)
    try:
        server.start()
    except NoProsodyError as error:
        pytest.skip(str(error))
    server.register("root")
    return server


@pytest.fixture(scope="module")
def prosody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    server = started(tmp_path_factory.mktemp("prosody"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def without_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """A server whose rooms and accounts keep nothing."""
    server = started(tmp_path_factory.mktemp("forgetful"), archive=False)
    yield server
    server.stop()


@dataclass
class Lab:
    """Makes accounts, connectors and people on one server."""

    server: Prosody
    folder: Path
    opened: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.crowd = Crowd(self.server.direct, self.server.ca)

    def account(self, name: str) -> AccountId:
        return AccountId(self.server.register(name))

    def setup(self, account: str, state: str = "bot", **settings: object) -> Setup:
        folder = self.folder / state
        folder.mkdir(mode=0o700, exist_ok=True)
        table: dict[str, object] = {
            "account": account,
            "host": "127.0.0.1",
            "port": self.server.direct,
            "rooms": ROOMS,
            "files": self.server.files,
            "upload": FILES,
            "ca_file": str(self.server.ca),
            "max_attachment_bytes": 5 * 1024 * 1024,
            "patience": 5.0,
            **settings,
        }
        return Setup(
            name=ConnectorName("xmpp"),
            settings=table,
            secrets={"password": PASSWORD, "state_key": KEY},
            state=folder,
            now=clock.now,
        )

    async def bot(
        self, account: str | None = None, state: str = "bot", **settings: object
    ) -> XmppConnector:
        setup = self.setup(account or self.account("bot"), state, **settings)
        connector = open_connector(setup)
        assert isinstance(connector, XmppConnector)
        await connector.open()
        self.opened.append(connector)
        return connector

    async def person(self, name: str) -> Person:
        return await self.crowd.person(self.account(name))

    async def root(self) -> Person:
        """Who administers the server: he rules every room without being on a list of it."""
        return await self.crowd.person(f"root@{DOMAIN}")

    async def room(
        self,
        bot: XmppConnector,
        *people: Person,
        owners: frozenset[AccountId] = frozenset(),
        gate: bool = False,
        direct: bool = False,
    ) -> RoomId:
        room = await bot.create(self.spec(*people, owners=owners, gate=gate, direct=direct))
        for person in people:
            await person.join(room)
        return room

    @staticmethod
    def spec(
        *people: Person,
        owners: frozenset[AccountId] = frozenset(),
        gate: bool = False,
        direct: bool = False,
    ) -> RoomSpec:
        members = frozenset(p.account for p in people)
        return RoomSpec(secrets.token_hex(4), members, owners, None, gate, direct)

    @staticmethod
    def delivery(room: RoomId, text: str, *readers: Person | Reader, **more: Any) -> Delivery:
        """To people whose devices are left open, or to readers as they stand."""
        named = (r if isinstance(r, Reader) else Reader(r.account) for r in readers)
        return Delivery(
            key=more.pop("key", None) or DeliveryKey(secrets.token_hex(16)),
            room=room,
            content=more.pop("content", None) or Content(text),
            readers=frozenset(named),
            **more,
        )

    @staticmethod
    async def events(
        bot: Connector,
        cursor: str | None,
        enough: Callable[[list[Event]], bool],
        within: float = 45,
    ) -> tuple[list[Event], str]:
        """Events from a cursor on until there are enough, and the cursor after them."""
        found: list[Event] = []
        stream = bot.receive(cursor)
        async with asyncio.timeout(within), contextlib.aclosing(stream):  # type: ignore[type-var]
            async for batch in stream:
                found += batch.events
                if enough(found):
                    return found, batch.cursor
        raise AssertionError("the stream ended")

    async def now(self, bot: Connector) -> str:
        """Where now is."""
        return (await self.events(bot, None, lambda _: True))[1]

    async def messages(
        self, bot: Connector, cursor: str, count: int, within: float = 45
    ) -> list[InboundMessage]:
        """The first messages of others from a cursor on."""
        events, _ = await self.events(bot, cursor, lambda e: len(said(e)) >= count, within)
        return said(events)

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self.opened))
        await self.crowd.close()


def said(events: list[Event]) -> list[InboundMessage]:
    """What others said."""
    return [e for e in events if isinstance(e, InboundMessage) and e.delivery_key is None]


@pytest.fixture
async def lab(prosody: Prosody, tmp_path: Path) -> AsyncIterator[Lab]:
    made = Lab(prosody, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def forgetful(without_archive: Prosody, tmp_path: Path) -> AsyncIterator[Lab]:
    """A lab whose rooms keep no archive."""
    made = Lab(without_archive, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def proxy(prosody: Prosody) -> AsyncIterator[Proxy]:
    made = Proxy(prosody.folder, prosody.direct)
    await made.start()
    yield made
    await made.close()


# --- the contract's rig -----------------------------------------------------------------------


@dataclass
class XmppFaults:
    proxy: Proxy
    member: AccountId

    async def refuse(self) -> None:
        self.proxy.spoil("message", refusing("forbidden", "auth"))

    async def unavailable(self) -> None:
        self.proxy.spoil("message", refusing("resource-constraint", "wait"))

    async def rate_limit(self, retry_after: int) -> None:
        assert retry_after  # XMPP has no word for how long
        self.proxy.spoil("message", refusing("policy-violation", "wait"))

    async def cut_before(self) -> None:
        self.proxy.spoil("list", cut_before)

    async def cut_after(self) -> None:
        self.proxy.spoil("message", cut_after)

    async def answer_nothing(self) -> None:
        self.proxy.spoil("message", swallowed)

    async def answer_garbage(self) -> None:
        self.proxy.spoil("message", senseless)

    async def slow(self) -> None:
        self.proxy.spoil("message", late)

    async def partial_members(self) -> None:
        self.proxy.spoil("list", without(self.member), times=3)

    async def unreadable_members(self) -> None:
        self.proxy.spoil("list", refusing("forbidden", "auth"))

    async def unreadable_posture(self) -> None:
        self.proxy.spoil("form", refusing("forbidden", "auth"))

    async def muddle(self, how: str) -> None:
        spoil = {
            "malformed": senseless,
            "server fault": refusing("internal-server-error", "cancel"),
            "too many": refusing("resource-constraint", "wait"),
            "cut": cut_before,
            "empty": swallowed,
            "refused": refusing("item-not-found", "cancel"),
        }[how]
        self.proxy.spoil("list", spoil)

    async def ignore_timer(self) -> None:
        raise CannotError("no room of XMPP has a timer")

    async def act_refused(self) -> None:
        self.proxy.spoil("act", refusing("not-allowed", "cancel"))

    async def act_limited(self, retry_after: int) -> None:
        assert retry_after
        self.proxy.spoil("act", refusing("resource-constraint", "wait"))

    async def act_cut_before(self) -> None:
        self.proxy.spoil("before an act", cut_before)

    async def act_cut_after(self) -> None:
        self.proxy.spoil("act", cut_after)

    async def act_does_nothing(self) -> None:
        self.proxy.spoil("act", swallowed)

    async def act_slow(self) -> None:
        self.proxy.spoil("act", late)

    async def departure_unnoticed(self) -> None:
        raise CannotError("no room of XMPP has a key")

    async def cut_events(self) -> None:
        self.proxy.cut()

    async def duplicate_events(self) -> None:
        self.proxy.twice = True

    async def go_down(self) -> None:
        self.proxy.down = True
        self.proxy.cut()

    async def come_back(self) -> None:
        self.proxy.down = False


@dataclass
class XmppFar:
    lab: Lab
    bot: AccountId
    alice: Person

    @property
    def member(self) -> AccountId:
        return self.alice.account

    async def arrived(self, room: RoomId) -> tuple[Arrived, ...]:
        return await self.alice.arrived(room, "wallcross", self.lab.server.ca)

    async def write(
        self, room: RoomId, text: str, *, file: tuple[str, bytes] | None = None
    ) -> RemoteId:
        name = await self.alice.write(room, text)
        if file is None:
            return name
        body = await self.alice.upload(FILES, self.lab.server.ca, file[1], file[0])
        return await self.alice.write(room, body)

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        space = "eu.siacs.conversations.axolotl"
        key = wire.made(f"{{{space}}}key", text="AAAA", rid="1")
        header = wire.made(f"{{{space}}}header", key, sid="2")
        sealed = wire.made(f"{{{space}}}encrypted", header)
        return await self.alice.write(room, "your client does not open this", sealed)

    async def write_direct(self, text: str) -> RemoteId:
        return RemoteId(f"{self.member}/{await self.alice.whisper(self.bot, text)}")

    async def answer(self, room: RoomId, to: RemoteId, text: str) -> RemoteId:
        reply = wire.made(f"{{{wire.REPLY}}}reply", id=to, to=f"{room}/wallcross")
        return await self.alice.write(room, text, reply)

    async def edit(self, room: RoomId, message: RemoteId, text: str) -> RemoteId:
        own = self.alice.own_id(room, message)
        return await self.alice.write(room, text, wire.made(f"{{{wire.CORRECT}}}replace", id=own))

    async def take_back(self, room: RoomId, message: RemoteId) -> None:
        retract = wire.made(f"{{{wire.RETRACT}}}retract", id=message)
        await self.alice.say(room, retract, wire.made(f"{{{wire.HINTS}}}store"))

    async def let_in_stranger(self, room: RoomId) -> AccountId:
        stranger = await self.lab.person("stranger")
        await (await self.lab.root()).affiliate(room, stranger.account, "member")
        await stranger.join(room)
        return stranger.account

    async def add_device(self) -> None:
        raise CannotError("without OMEMO no devices are told")

    async def change_key(self) -> None:
        raise CannotError("without OMEMO no devices are told")

    async def set_timer(self, room: RoomId, timer: int | None) -> None:
        raise CannotError(f"{room} has no timer, nor has any room of XMPP: not {timer}")

    async def loosen(self, room: RoomId, guarantee: Guarantee) -> None:
        how = {
            Guarantee.INVITE_ONLY: {"membersonly": "0"},
            Guarantee.NO_PUBLIC_LINK: {"publicroom": "1"},
            Guarantee.MEMBERS_READABLE: {"whois": "moderators"},
            Guarantee.END_TO_END_ENCRYPTED: {"whois": "moderators"},
            Guarantee.HISTORY_HIDDEN: {"historylength": "20"},
        }
        if guarantee not in how:
            raise CannotError("it is a fact of our connection, not of the room")
        await (await self.lab.root()).configure(room, **how[guarantee])

    async def newcomer(self) -> AccountId:
        return (await self.lab.person("newcomer")).account

    async def comes_in(self, account: AccountId, room: RoomId) -> None:
        await (await self.lab.crowd.person(account)).join(room)

    async def seated(self, room: RoomId) -> frozenset[AccountId]:
        root, found = await self.lab.root(), set[AccountId]()
        for affiliation in ("owner", "admin", "member"):
            item = wire.made(f"{{{wire.MUC_ADMIN}}}item", affiliation=affiliation)
            query = wire.made(f"{{{wire.MUC_ADMIN}}}query", item)
            listed = wire.listed(await root.ask(room, "get", query), affiliation)
            assert listed is not None
            found |= listed
        return frozenset(found)

    async def no_room(self) -> RoomId:
        return RoomId(f"{secrets.token_hex(16)}@{ROOMS}")

    async def put_us_out(self, room: RoomId) -> None:
        await (await self.lab.root()).affiliate(room, self.bot, "none")

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        person = await self.lab.crowd.person(account)
        seen = await person.arrived(room, "wallcross", self.lab.server.ca)
        return tuple(each.text for each in seen)


@dataclass
class XmppRig:
    lab: Lab
    bot: AccountId
    proxy: Proxy
    connector: XmppConnector
    far: XmppFar
    faults: XmppFaults
    room: RoomId

    async def with_standby(self) -> AccountId:
        standby = self.lab.account("standby")
        await self.lab.crowd.person(standby)
        await self._again(standby=standby)
        return standby

    async def reopen(self) -> XmppConnector:
        return await self._again()

    async def _again(self, **settings: Any) -> XmppConnector:
        await self.connector.close()
        self.connector = await self.lab.bot(self.bot, **through(self.proxy), **settings)
        return self.connector


def through(proxy: Proxy) -> dict[str, Any]:
    """Settings that lead to the server by way of the proxy."""
    return {"port": proxy.port, "patience": 2.0}


@pytest.fixture
def settings() -> dict[str, Any]:
    """More settings of the rig's connector."""
    return {}


@pytest.fixture
async def rig(lab: Lab, proxy: Proxy, settings: dict[str, Any]) -> XmppRig:
    bot = lab.account("bot")
    connector = await lab.bot(bot, **through(proxy), **settings)
    alice, bob = await lab.person("alice"), await lab.person("bob")
    room = await lab.room(connector, alice, bob)
    far = XmppFar(lab, bot, alice)
    faults = XmppFaults(proxy, alice.account)
    return XmppRig(lab, bot, proxy, connector, far, faults, room)
