"""A stand-in of the web interface, our connector on it, and people with their own apps."""

import asyncio
import base64
import contextlib
import json
import secrets
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.port import AccountId, ConnectorName, DeliveryKey, Guarantee, RemoteId, RoomId
from connectors.port.connector import Setup
from connectors.port.errors import ConnectorError
from connectors.port.events import Event, InboundMessage, Missed
from connectors.port.messages import Content, Delivery, Reader, RoomSpec
from connectors.shared import frame
from connectors.testing.rig import Arrived, CannotError
from connectors.wickr.connector import WickrConnector, open_connector
from connectors.wickr.standin import process
from connectors.wickr.standin.control import CHANGES, Control, Message, Upload
from orchestrator import clock

DAY = 86_400_000_000
SECOND = 1_000_000
MOST = 5 * SECOND
"""Microseconds by which a window may be longer than the outage."""
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback in the clear: no certificates


def account(name: str) -> AccountId:
    return AccountId(f"{name}@example.test")


@pytest.fixture(scope="session")
def server() -> Iterator[process.Running]:
    with process.start() as running:
        yield running


@pytest.fixture
def attachments(tmp_path: Path) -> Path:
    folder = tmp_path / "attachments"
    folder.mkdir()
    return folder


@pytest.fixture
async def hand(server: process.Running, attachments: Path) -> AsyncIterator[Control]:
    async with Control(server.control, server.token) as far:
        await far.reset(folder=str(attachments), default_ttl=0)
        yield far
        checked(await far.requests())


# --- every request against what the interface takes -------------------------------------------

BODIES: dict[str, set[str]] = {
    "send": {"users", "vgroupid", "message", "attachment", "ttl", "bor", "messagemeta"},
    "file": {"users", "vgroupid", "ttl", "bor"},
    "room_create": {"room"},
    "room_modify": {"title", "description", "members", "masters", "ttl", "bor"},
    "group_create": {"groupconvo"},
}
QUERIES: dict[str, set[str]] = {
    "receive": {"count"},
    "recall": {"dorecall"},
    "callback_set": {"callbackurl"},
    "room_delete": {"reason"},
}


def checked(requests: tuple[Any, ...]) -> None:
    """Every request that was made, against the table of CONTRACTS 2.2 and the traps of 2.5."""
    for one in requests:
        assert one.verb, (one.method, one.path)
        assert one.addressing == "v2", one.path
        assert set(one.query) <= QUERIES.get(one.verb, set()), one.verb
        assert set(one.body) <= BODIES.get(one.verb, set()), one.verb
        if one.verb in {"send", "file"}:
            assert ("users" in one.body) != ("vgroupid" in one.body), one.verb
        if one.verb == "send":
            assert all(set(user) == {"name"} for user in one.body.get("users", [])), one.verb
        if one.verb == "room_modify":
            assert one.body["members"], "a list that is missing puts everybody out"
            assert one.body["masters"], "likewise"


# --- a lab ------------------------------------------------------------------------------------


@dataclass
class Lab:
    """Makes connectors on one stand-in, rooms, and deliveries."""

    server: process.Running
    hand: Control
    folder: Path
    attachments: Path
    opened: list[WickrConnector] = field(default_factory=list)
    key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode())

    def setup(self, state: str = "bot", **settings: Any) -> Setup:
        plain: dict[str, object] = {"api": self.server.url, "user": self.server.user}
        plain |= {"patience": 10.0}
        plain |= {name: str(self.attachments) for name in ("attachments", "uploads")}
        given = {name: value for name, value in (plain | settings).items() if value is not None}
        return Setup(
            name=ConnectorName("wickr"),
            settings=given,
            secrets={
                "api_key": self.server.api_key,
                "auth_token": self.server.auth_token,
                "state_key": self.key,
            },
            state=self.folder / state,
            now=clock.now,
        )

    async def bot(self, state: str = "bot", **settings: Any) -> WickrConnector:
        connector = open_connector(self.setup(state, **settings))
        assert isinstance(connector, WickrConnector)
        self.opened.append(connector)
        await connector.open()
        return connector

    async def room(self, bot: WickrConnector, *people: str, **spec: Any) -> RoomId:
        accounts = frozenset([await self.account(person) for person in people])
        plain: dict[str, Any] = {"owners": frozenset(), "timer": DAY, "gate": False}
        return await bot.create(RoomSpec(secrets.token_hex(4), accounts, **(plain | spec)))

    async def account(self, name: str) -> AccountId:
        return AccountId((await self.hand.person(name)).account)

    @staticmethod
    async def delivery(
        bot: WickrConnector, room: RoomId, text: str = "text", **more: Any
    ) -> Delivery:
        """To everybody who is in a room now."""
        members = (await bot.members(room)).members
        readers = frozenset(Reader(m.account, m.devices) for m in members)
        plain: dict[str, Any] = {
            "key": DeliveryKey(secrets.token_hex(16)),
            "content": Content(text),
            "readers": readers,
        }
        return Delivery(room=room, **(plain | more))

    async def ours(self, name: str, room: RoomId | None = None) -> list[Message]:
        """What a person's app shows of our account's messages, in order."""
        shown = await self.hand.arrived(name, room)
        return [m for m in shown if m.author == "bot" and not m.recalled]

    @staticmethod
    async def events(
        bot: WickrConnector, cursor: str | None, enough: Callable[[list[Event]], bool]
    ) -> tuple[list[Event], str]:
        """Events from a cursor on until there are enough, and the cursor after them."""
        found: list[Event] = []
        async with asyncio.timeout(45), contextlib.aclosing(bot.receive(cursor)) as stream:
            async for batch in stream:
                found += batch.events
                if enough(found):
                    return found, batch.cursor
        raise AssertionError("the stream ended")

    async def now(self, bot: WickrConnector) -> str:
        await self.hand.settle()
        return (await self.events(bot, None, lambda _: True))[1]

    async def heard(self, bot: WickrConnector, cursor: str, *ids: str) -> list[InboundMessage]:
        """The messages of these names, in the order in which they came."""
        events, _ = await self.events(
            bot, cursor, lambda e: set(ids) <= {m.remote_id for m in said(e)}
        )
        return [m for m in said(events) if m.remote_id in ids]

    async def first(self, bot: WickrConnector, cursor: str, kind: type[Any]) -> Any:
        """The first event of a kind."""
        found, _ = await self.events(bot, cursor, lambda e: any(isinstance(x, kind) for x in e))
        return next(e for e in found if isinstance(e, kind))

    async def child(
        self, state: str, *, cursor: str | None = None, opened: bool = True, **settings: Any
    ) -> asyncio.subprocess.Process:
        """A connector in a process of its own, open, or on its way there; it hears from now on.

        Args:
            state: its state folder's name.
            cursor: where it goes on from, in the place of now.
            opened: it is waited for.
            settings: as for ``bot``.
        """
        setup = self.setup(state, **settings)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, str(Path(__file__).with_name("child.py")), str(setup.state)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        told: dict[str, object] = {"settings": dict(setup.settings), "cursor": cursor}
        told["secrets"] = dict(setup.secrets)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(told).encode() + b"\n")
        if opened:
            assert await child.stdout.readline()
        return child

    async def post(self, url: str, body: bytes, method: str = "POST") -> int:
        """Somebody posts to our listener by himself."""
        async with httpx.AsyncClient(trust_env=False, verify=NOBODY) as client:
            return (await client.request(method, url, content=body)).status_code


@pytest.fixture
async def lab(
    server: process.Running, hand: Control, tmp_path: Path, attachments: Path
) -> AsyncIterator[Lab]:
    made = Lab(server, hand, tmp_path, attachments)
    yield made
    for one in made.opened:
        await one.close()


def said(events: list[Event]) -> list[InboundMessage]:
    return [e for e in events if isinstance(e, InboundMessage)]


def texts(events: list[Event]) -> list[str]:
    return [message.content.text for message in said(events)]


def missed(events: list[Event]) -> list[Missed]:
    return [e for e in events if isinstance(e, Missed)]


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 45.0) -> None:
    """Waits until something is so; what is waited for is another process's, so it is asked."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)


async def asked(lab: Lab, verb: str) -> list[Any]:
    return [one for one in await lab.hand.requests() if one.verb == verb]


async def fails(act: Any, kind: type[ConnectorError]) -> ConnectorError:
    with pytest.raises(kind) as caught:
        await act
    return caught.value


# --- the rig of the contract ------------------------------------------------------------------

TEXT = 1000


class FarPeople:
    """Ann with her app, and Bob beside her; truth is what Ann's app shows."""

    def __init__(self, rig: "WickrRig") -> None:
        self._rig = rig
        self._hand = rig.lab.hand

    @property
    def member(self) -> AccountId:
        return account("ann")

    async def arrived(self, room: RoomId) -> tuple[Arrived, ...]:
        """Her app's messages; a file is one by itself, as Wickr has it."""
        return tuple(self._arrived(message) for message in await self._rig.lab.ours("ann", room))

    def _arrived(self, message: Message) -> Arrived:
        shown = frame.parse(message.text or "")
        files = () if message.file is None else ((message.file.name, message.file.sha256),)
        return Arrived(
            remote_id=RemoteId(message.id),
            text=shown.text,
            author_line=shown.author,
            key=None,
            marked=shown.repeated,
            reply_to=None,
            files=files,
        )

    async def write(
        self, room: RoomId, text: str, *, file: tuple[str, bytes] | None = None
    ) -> RemoteId:
        """A message of Wickr is a text or a file: with a file there are two."""
        written = await self._told(self._hand.write("ann", text, room=room))
        if file is None:
            return written
        return await self._told(self._hand.write("ann", room=room, file=Upload(*file)))

    async def _told(self, act: Awaitable[str]) -> RemoteId:
        name = await act
        await self._rig.settle()
        return RemoteId(name)

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        return await self._told(self._hand.odd("ann", room=room, without=["message"]))

    async def write_direct(self, text: str) -> RemoteId:
        return await self._told(self._hand.write("ann", text))

    async def answer(self, room: RoomId, to: RemoteId, text: str) -> RemoteId:  # noqa: ARG002 - as the rig
        raise CannotError("Wickr's interface tells of no answers")

    async def edit(self, room: RoomId, message: RemoteId, text: str) -> RemoteId:  # noqa: ARG002 - as the rig
        raise CannotError("Wickr tells of edits to its own retention bots alone")

    async def take_back(self, room: RoomId, message: RemoteId) -> None:
        await self._told(self._hand.recall("ann", message, room=room))

    async def let_in_stranger(self, room: RoomId) -> AccountId:
        stranger = await self._hand.person("eve")
        await self._hand.add_member(room, "eve", by="owner")
        await self._hand.settle()
        return AccountId(stranger.account)

    async def add_device(self) -> None:
        raise CannotError("Wickr's interface shows no devices")

    async def change_key(self) -> None:
        """Nobody is shown the key, so it stops nothing; the network refuses for once."""
        await self._hand.reinstall("ann")
        await self._hand.settle()
        await self._hand.refuse()

    async def set_timer(self, room: RoomId, timer: int | None) -> None:
        await self._hand.change(room, by="owner", ttl=(timer or 0) // SECOND)
        await self._hand.settle()

    async def loosen(self, room: RoomId, guarantee: Guarantee) -> None:
        if guarantee is not Guarantee.TIMER:
            raise CannotError("it is a fact of the network, not of a room")
        await self.set_timer(room, None)

    async def newcomer(self) -> AccountId:
        return AccountId((await self._hand.person("new")).account)

    async def comes_in(self, account: AccountId, room: RoomId) -> None:
        """Whoever is let in is in at once."""
        assert account in await self.seated(room)

    async def seated(self, room: RoomId) -> frozenset[AccountId]:
        accounts = {p.name: AccountId(p.account) for p in await self._hand.people()}
        return frozenset(accounts[name] for name in (await self._hand.room(room)).members)

    async def no_room(self) -> RoomId:
        return RoomId("S" + "0" * 63)

    async def put_us_out(self, room: RoomId) -> None:
        """We are in another room still: of a client that lists none nothing is believed."""
        await self._rig.lab.room(self._rig.connector, "ann")
        await self._hand.remove_member(room, "bot", by="owner")
        await self._hand.settle()

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        """What his app has; Wickr seals each message to who is in the room."""
        name = account.partition("@")[0]
        shown = await self._rig.lab.ours(name, room)
        return tuple(frame.parse(m.text or "").text for m in shown if m.kind == TEXT)


class FarFaults:
    """What the stand-in does wrong, once."""

    def __init__(self, hand: Control) -> None:
        self._hand = hand

    async def refuse(self) -> None:
        await self._hand.refuse()

    async def unavailable(self) -> None:
        await self._hand.unavailable()

    async def rate_limit(self, retry_after: int) -> None:
        """A proxy's: the program has no limit of its own that was seen."""
        await self._hand.unavailable(status=429, retry_after=retry_after // SECOND)

    async def cut_before(self) -> None:
        """The reading before the send finds no connection, so nothing leaves."""
        await self._hand.cut_lost("room")

    async def cut_after(self) -> None:
        await self._hand.cut_after()

    async def answer_nothing(self) -> None:
        await self._hand.answer_nothing()

    async def answer_garbage(self) -> None:
        await self._hand.garbage()

    async def slow(self) -> None:
        await self._hand.slow(by=300_000)

    async def partial_members(self) -> None:
        await self._hand.partial_members()

    async def unreadable_members(self) -> None:
        await self._hand.garbage_members()

    async def unreadable_posture(self) -> None:
        await self._hand.garbage_members()

    async def muddle(self, how: str) -> None:
        if how in {"server fault", "too many"}:
            await self._hand.unavailable("room", status=500 if how == "server fault" else 429)
        elif how == "empty":
            await self._hand.answer_nothing("room", text='{"rooms": []}')
        else:
            act = {"malformed": self._hand.garbage, "cut": self._hand.cut_lost}
            await act.get(how, self._hand.refuse)("room")

    async def ignore_timer(self) -> None:
        await self._hand.ignore_timer()

    async def act_refused(self) -> None:
        await self._hand.refuse(CHANGES)

    async def act_limited(self, retry_after: int) -> None:
        await self._hand.unavailable(CHANGES, status=429, retry_after=retry_after // SECOND)

    async def act_cut_before(self) -> None:
        """The reading before the change finds no connection, so nothing leaves."""
        await self._hand.cut_lost("room")

    async def act_cut_after(self) -> None:
        await self._hand.cut_after(CHANGES)

    async def act_does_nothing(self) -> None:
        await self._hand.lie(CHANGES)

    async def act_slow(self) -> None:
        await self._hand.slow(CHANGES, by=300_000)

    async def departure_unnoticed(self) -> None:
        raise CannotError("each client of Wickr seals to the members as it knows them")

    async def cut_events(self) -> None:
        await self._hand.go_down()
        await self._hand.come_back()

    async def duplicate_events(self) -> None:
        await self._hand.duplicate()

    async def go_down(self) -> None:
        await self._hand.go_down()

    async def come_back(self) -> None:
        await self._hand.come_back()


class WickrRig:
    """Our account, Ann, Bob, and an owner who does what moderators with an app can."""

    def __init__(self, lab: Lab, **settings: Any) -> None:
        self.lab = lab
        self._settings = settings

    async def start(self) -> None:
        self.connector = await self.lab.bot(**self._settings)
        owner = await self.lab.account("owner")
        self.room = await self.lab.room(
            self.connector, "ann", "bob", "owner", owners=frozenset({owner})
        )
        self.far = FarPeople(self)
        self.faults = FarFaults(self.lab.hand)

    async def settle(self) -> None:
        """Waits until the connector has all that was sent to it."""
        await self.lab.hand.settle()
        if self._settings.get("receive") != "poll":
            return

        async def taken() -> bool:
            return await self.lab.hand.waiting() == (0, 0)

        async def asked_again() -> bool:
            return len(await asked(self.lab, "receive")) > before

        await until(taken)
        before = len(await asked(self.lab, "receive"))
        await until(asked_again)  # which it does only once what it took is stored

    async def with_standby(self) -> AccountId:
        standby = await self.lab.account("spare")
        await self.reopen(standby=standby)
        return standby

    async def reopen(self, **settings: Any) -> WickrConnector:
        await self.connector.close()
        self.connector = await self.lab.bot(**(self._settings | settings))
        return self.connector


@pytest.fixture
async def rig(lab: Lab) -> WickrRig:
    made = WickrRig(lab)
    await made.start()
    return made
