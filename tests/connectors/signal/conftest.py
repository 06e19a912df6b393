"""A stand-in of the API server, our connector on it, and people on their own phones."""

import asyncio
import base64
import contextlib
import json
import re
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from connectors.port import AccountId, ConnectorName, DeliveryKey, Guarantee, RemoteId, RoomId
from connectors.port.connector import Setup
from connectors.port.errors import ConnectorError
from connectors.port.events import Event, InboundMessage
from connectors.port.messages import Content, Delivery, Device, Reader, RoomSpec
from connectors.shared import frame
from connectors.signal.connector import SignalConnector, open_connector
from connectors.signal.ids import rest_id
from connectors.signal.standin import process
from connectors.signal.standin.control import Control, Message, Upload
from connectors.signal.standin.faults import CHANGES, FaultKind
from connectors.testing.rig import Arrived, CannotError
from orchestrator import clock

NUMBER = "+15550100"
DAY = 86_400_000_000
SECOND = 1_000_000
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback in the clear: no certificates
SWAGGER = Path(__file__).parents[3] / "../shared/contracts/signal/swagger.json"


@pytest.fixture(scope="session")
def server() -> Iterator[process.Running]:
    with process.start() as running:
        yield running


@pytest.fixture
async def hand(server: process.Running) -> AsyncIterator[Control]:
    async with Control(server.control, server.token) as far:
        await far.reset(webhook="", mode="json-rpc", version="0.101", profile="Wallcross")
        yield far
        checked(await far.requests())


# --- every request against the description ----------------------------------------------------

KNOWN_ERRORS: Mapping[str, str] = {}
"""Routes whose description is wrong about what the server takes, with what is wrong: none that we
call. (Its errors are all in answers: the send's array, the account settings' 201.)"""


@cache
def described() -> dict[tuple[str, str], tuple[set[str], jsonschema.Draft4Validator | None]]:
    """Method and route -> the query's names, and what a body must be, as described."""
    told = json.loads(SWAGGER.read_text())
    found = {}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            named = operation.get("parameters", ())
            bodies = [p["schema"] for p in named if p["in"] == "body"]
            query = {p["name"] for p in named if p["in"] == "query"}
            schema = _closed(bodies[0], told["definitions"]) if bodies else None
            body = jsonschema.Draft4Validator(schema) if schema and method != "get" else None
            found[method.upper(), _NAME.sub("{}", path)] = query, body
    return found


def _closed(body: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A body's schema under which what is not described is wrong."""
    closed = {name: {**one, "additionalProperties": False} for name, one in definitions.items()}
    return {**body, "definitions": closed}


_NAME = re.compile(r"\{\w+\}")


def checked(requests: tuple[Any, ...]) -> None:
    """Every request that was made, against the description of the real server."""
    if not SWAGGER.exists():
        return
    for one in requests:
        if one.route in KNOWN_ERRORS or one.route.startswith("/api/"):  # another program's
            continue
        query, body = described()[one.method, _NAME.sub("{}", one.route)]
        assert set(one.query) <= query, one.route
        long = isinstance(one.body, dict) and set(one.body) == {"bytes"}
        if body is None:
            assert one.body is None, one.route
        elif not long:
            body.validate(one.body)


# --- a lab ------------------------------------------------------------------------------------


@dataclass
class Lab:
    """Makes connectors on one stand-in, rooms, and deliveries."""

    server: process.Running
    hand: Control
    folder: Path
    opened: list[SignalConnector] = field(default_factory=list)
    backend: str = "rest"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode())

    def setup(self, state: str = "bot", **settings: object) -> Setup:
        plain = {"api": self.server.url, "number": NUMBER, "patience": 10.0}
        kind = {"listen_port": 0} if self.backend == "rest" else {"backend": self.backend}
        secret = {"webhook_secret": self.secret} if self.backend == "rest" else {}
        return Setup(
            name=ConnectorName("signal"),
            settings=plain | kind | settings,
            secrets={"state_key": self.key, **secret},
            state=self.folder / state,
            now=clock.now,
        )

    def url(self, bot: SignalConnector) -> str:
        return f"http://127.0.0.1:{bot.listens_on}/{self.secret}"

    async def bot(self, state: str = "bot", **settings: object) -> SignalConnector:
        connector = open_connector(self.setup(state, **settings))
        assert isinstance(connector, SignalConnector)
        self.opened.append(connector)
        await connector.open()
        if self.backend == "rest":
            await self.hand.webhook(self.url(connector))
        return connector

    async def room(self, bot: SignalConnector, *people: str, **spec: Any) -> RoomId:
        """A group in which somebody has written: its timer is known, and everybody's key."""
        accounts = frozenset([await self.account(person) for person in people])
        plain: dict[str, Any] = {"owners": frozenset(), "timer": DAY, "gate": False}
        return await self.begun(
            bot, RoomSpec(secrets.token_hex(4), accounts, **(plain | spec)), people[0]
        )

    async def begun(self, bot: SignalConnector, spec: RoomSpec, writes: str) -> RoomId:
        """A group made so, in which somebody has written."""
        room = await bot.create(spec)
        await self.hand.write(writes, "here", group=room)
        await self.hand.settle()
        return room

    async def account(self, name: str) -> AccountId:
        return AccountId((await self.hand.person(name)).uuid)

    @staticmethod
    async def delivery(
        bot: SignalConnector, room: RoomId, text: str = "text", **more: Any
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

    @staticmethod
    async def device(bot: SignalConnector, room: RoomId, account: AccountId) -> Device:
        """What stands for somebody's devices."""
        members = (await bot.members(room)).members
        (device,) = next(m.devices for m in members if m.account == account) or frozenset()
        return device

    async def ours(self, name: str, room: RoomId | None) -> list[Message]:
        """What a person's phone shows of our account's messages, in order."""
        bot = next(p for p in await self.hand.people() if p.name == "bot")
        shown = await self.hand.arrived(name, room)
        return [m for m in shown if m.author in {"bot", bot.uuid} and not m.deleted]

    @staticmethod
    async def events(
        bot: SignalConnector, cursor: str | None, enough: Callable[[list[Event]], bool]
    ) -> tuple[list[Event], str]:
        """Events from a cursor on until there are enough, and the cursor after them."""
        found: list[Event] = []
        async with asyncio.timeout(45), contextlib.aclosing(bot.receive(cursor)) as stream:
            async for batch in stream:
                found += batch.events
                if enough(found):
                    return found, batch.cursor
        raise AssertionError("the stream ended")

    async def now(self, bot: SignalConnector) -> str:
        await self.hand.settle()
        return (await self.events(bot, None, lambda _: True))[1]

    async def first(self, bot: SignalConnector, cursor: str, kind: type[Any]) -> Any:
        """The first event of a kind."""
        found, _ = await self.events(bot, cursor, lambda e: any(isinstance(x, kind) for x in e))
        return next(e for e in found if isinstance(e, kind))

    async def post(
        self, bot: SignalConnector, body: bytes, path: str | None = None, method: str = "POST"
    ) -> int:
        """Somebody posts to our listener by himself."""
        url = f"http://127.0.0.1:{bot.listens_on}/{self.secret if path is None else path}"
        async with httpx.AsyncClient(trust_env=False, verify=NOBODY) as client:
            return (await client.request(method, url, content=body)).status_code


class StreamHand(Control):
    """The hand of a stand-in of signal-cli's own daemon."""

    async def settle(self, seconds: float = 30.0) -> None:
        """Also until what was written to us on this machine has been taken up by this process.

        It lies in our socket before the answer of ``settle`` does; the loop comes to it first.
        """
        await super().settle(seconds)
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def stream_hand(server: process.Running) -> AsyncIterator[Control]:
    async with StreamHand(server.control, server.token) as far:
        await far.reset(backend="json-rpc", keepalive=0.5, receive_mode="on-connection")
        yield far
        called(await far.requests())


PARAMS = {
    "version": set[str](),
    "listAccounts": set[str](),
    "getUserStatus": {"recipient"},
    "removeDevice": {"deviceId"},
    "listDevices": set[str](),
    "listIdentities": {"number"},
    "trust": {"recipient", "trustAllKnownKeys", "verifiedSafetyNumber"},
    "listContacts": {"recipient", "allRecipients", "blocked", "name"},
    "updateContact": {"recipient", "name", "expiration"},
    "listGroups": {"groupId", "detailed"},
    "quitGroup": {"groupId", "delete", "admin"},
    "send": {
        *("recipient", "groupId", "message", "attachment", "viewOnce", "mention", "textStyle"),
        *("quoteTimestamp", "quoteAuthor", "quoteMessage", "editTimestamp", "notifySelf"),
    },
    "remoteDelete": {"recipient", "groupId", "targetTimestamp"},
    "updateGroup": {
        *("groupId", "name", "description", "member", "removeMember", "admin", "removeAdmin"),
        *("ban", "unban", "resetLink", "link", "expiration", "setPermissionAddMember"),
        *("setPermissionEditDetails", "setPermissionSendMessages"),
    },
    "getAttachment": {"id", "recipient", "groupId"},
}
"""What each method takes, out of signal-cli(1): another name would be dropped without a word."""


def called(requests: tuple[Any, ...]) -> None:
    """Every call that was made, against what signal-cli knows."""
    for one in requests:
        params = one.body.get("params", {})
        assert set(params) - {"account"} <= PARAMS[one.method], one.method
        assert one.body["jsonrpc"] == "2.0"


@pytest.fixture
async def stream_lab(
    server: process.Running, stream_hand: Control, tmp_path: Path
) -> AsyncIterator[Lab]:
    made = Lab(server, stream_hand, tmp_path, backend="json-rpc")
    yield made
    for one in made.opened:
        await one.close()


@pytest.fixture
async def lab(server: process.Running, hand: Control, tmp_path: Path) -> AsyncIterator[Lab]:
    made = Lab(server, hand, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


def said(events: list[Event]) -> list[InboundMessage]:
    return [e for e in events if isinstance(e, InboundMessage)]


def part(text: str) -> str:
    return quote(text, safe="")


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Passes bytes on, one way, until their end."""
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 45.0) -> None:
    """Waits until something is so; what is waited for is another process's, so it is asked."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)


async def asked(lab: Lab, verb: str) -> list[Any]:
    return [one for one in await lab.hand.requests() if one.verb == verb]


def texts(events: list[Event]) -> set[str]:
    return {message.content.text for message in said(events)}


async def fails(act: Any, kind: type[ConnectorError]) -> ConnectorError:
    with pytest.raises(kind) as caught:
        await act
    return caught.value


# --- the rig of the contract ------------------------------------------------------------------

LOOSER: dict[Guarantee, dict[str, str]] = {
    Guarantee.INVITE_ONLY: {"add_members": "every-member"},
    Guarantee.NO_PUBLIC_LINK: {"link": "enabled"},
}


class FarPeople:
    """Ann on her phone, and Bob beside her; truth is what Ann's phone shows."""

    def __init__(self, rig: "SignalRig") -> None:
        self._rig = rig
        self._hand = rig.lab.hand

    @property
    def member(self) -> AccountId:
        return self._rig.ann

    async def arrived(self, room: RoomId) -> tuple[Arrived, ...]:
        shown = await self._rig.lab.ours("ann", room)
        return tuple(self._arrived(message) for message in shown)

    def _arrived(self, message: Message) -> Arrived:
        shown = frame.parse(message.text or "")
        quoted = message.quote
        return Arrived(
            remote_id=RemoteId(f"{NUMBER}/{message.timestamp}"),
            text=shown.text,
            author_line=shown.author,
            key=None,
            marked=shown.repeated,
            reply_to=self._name(quoted["author"], quoted["timestamp"]) if quoted else None,
            files=tuple((f.name or "", f.sha256) for f in message.files),
        )

    def _name(self, author: str, stamp: int) -> RemoteId:
        return RemoteId(f"{self._rig.uuids.get(author, author)}/{stamp}")

    async def write(
        self, room: RoomId, text: str, *, file: tuple[str, bytes] | None = None
    ) -> RemoteId:
        files = [Upload(*file)] if file else []
        return await self._told(self._hand.write("ann", text, group=room, files=files))

    async def _told(self, act: Any) -> RemoteId:
        stamp = await act
        await self._hand.settle()
        return RemoteId(f"{self._rig.ann}/{stamp}")

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        return await self._told(self._hand.unreadable("ann", group=room))

    async def write_direct(self, text: str) -> RemoteId:
        return await self._told(self._hand.write("ann", text))

    async def answer(self, room: RoomId, to: RemoteId, text: str) -> RemoteId:
        stamp = int(to.rpartition("/")[2])
        return await self._told(self._hand.write("ann", text, group=room, quote=("bot", stamp)))

    async def edit(self, room: RoomId, message: RemoteId, text: str) -> RemoteId:
        stamp = int(message.rpartition("/")[2])
        return await self._told(self._hand.edit("ann", stamp, text, group=room))

    async def take_back(self, room: RoomId, message: RemoteId) -> None:
        stamp = int(message.rpartition("/")[2])
        await self._told(self._hand.delete("ann", stamp, group=room))

    async def let_in_stranger(self, room: RoomId) -> AccountId:
        stranger = await self._hand.person("eve")
        await self._hand.add_member(room, "eve", by="owner")
        await self._hand.settle()
        return AccountId(stranger.uuid)

    async def add_device(self) -> None:
        raise CannotError("nobody on Signal sees the devices of others")

    async def change_key(self) -> None:
        """The server has met the new key; what happens before that is a test of its own."""
        await self._hand.reinstall("ann")
        await self._hand.settle()

    async def set_timer(self, room: RoomId, timer: int | None) -> None:
        await self._hand.set_timer("ann", (timer or 0) // SECOND, group=room)
        await self._hand.settle()

    async def loosen(self, room: RoomId, guarantee: Guarantee) -> None:
        if guarantee is Guarantee.TIMER:
            await self.set_timer(room, None)
        elif guarantee in LOOSER:
            await self._hand.change(room, by="owner", **LOOSER[guarantee])
        else:
            raise CannotError("it is not in the power of a Signal group")
        await self._hand.settle()

    async def newcomer(self) -> AccountId:
        return AccountId((await self._hand.person("new")).uuid)

    async def comes_in(self, account: AccountId, room: RoomId) -> None:
        """Whoever is asked in is in at once, on these phones; his own client says so."""
        group = await self._hand.group(room)
        assert await self._called(account) in group.members

    async def seated(self, room: RoomId) -> frozenset[AccountId]:
        group = await self._hand.group(room)
        accounts = {p.name: AccountId(p.uuid) for p in await self._hand.people()}
        accounts["bot"] = AccountId(NUMBER)
        return frozenset(accounts[name] for name in (*group.members, *group.pending))

    async def no_room(self) -> RoomId:
        nowhere = rest_id("yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc=")
        assert nowhere is not None
        return nowhere

    async def put_us_out(self, room: RoomId) -> None:
        await self._hand.remove_member(room, "bot", by="owner")
        await self._hand.settle()

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        """What was sent to his phone; a group's message is sealed to each member by himself."""
        shown = await self._rig.lab.ours(await self._called(account), room)
        return tuple(frame.parse(message.text or "").text for message in shown)

    async def _called(self, account: AccountId) -> str:
        return next(p.name for p in await self._hand.people() if p.uuid == account)


class FarFaults:
    """What the stand-in does wrong, once."""

    nothing = "null"
    """What it answers about a group that it does not know."""

    def __init__(self, hand: Control) -> None:
        self._hand = hand

    async def refuse(self) -> None:
        await self._hand.refuse(text="Message is too long")

    async def unavailable(self) -> None:
        await self._hand.unavailable()

    async def rate_limit(self, retry_after: int) -> None:  # noqa: ARG002 - the server never says
        await self._hand.rate_limit()

    async def cut_before(self) -> None:
        """The reading before the send finds no connection, so nothing leaves."""
        await self._hand.cut_lost("group")

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
            await self._hand.unavailable("group", status=500 if how == "server fault" else 429)
        elif how == "empty":
            await self._hand.answer_nothing("group", text=self.nothing)
        else:
            act = {"malformed": self._hand.garbage, "cut": self._hand.cut_lost}
            await act.get(how, self._hand.refuse)("group")

    async def ignore_timer(self) -> None:
        await self._hand.ignore_timer()

    async def act_refused(self) -> None:
        await self._hand.refuse(CHANGES, text="User is not allowed to do this in the group")

    async def act_limited(self, retry_after: int) -> None:  # noqa: ARG002 - the server never says
        await self._hand.unavailable(CHANGES, status=429)

    async def act_cut_before(self) -> None:
        """The reading before the change finds no connection, so nothing leaves."""
        await self._hand.cut_lost("group")

    async def act_cut_after(self) -> None:
        await self._hand.cut_after(CHANGES)

    async def act_does_nothing(self) -> None:
        await self._hand.answer_nothing(CHANGES)

    async def act_slow(self) -> None:
        await self._hand.slow(CHANGES, by=300_000)

    async def departure_unnoticed(self) -> None:
        raise CannotError("each client of Signal seals to the members as it knows them")

    async def cut_events(self) -> None:
        await self._hand.go_down()
        await self._hand.come_back()

    async def duplicate_events(self) -> None:
        await self._hand.duplicate_webhook()

    async def go_down(self) -> None:
        await self._hand.go_down()

    async def come_back(self) -> None:
        await self._hand.come_back()


class StreamFaults(FarFaults):
    """What the stand-in of signal-cli's own daemon does wrong, once: it also says how long."""

    nothing = "[]"

    async def rate_limit(self, retry_after: int) -> None:
        await self._hand.rate_limit(wait=retry_after // SECOND)

    async def act_limited(self, retry_after: int) -> None:  # noqa: ARG002 - it does not say
        await self._hand.rate_limit(verb=CHANGES)

    async def ignore_timer(self) -> None:
        """Twice: what was not set is seen at once here, and asked for again."""
        await self._hand.fault(FaultKind.IGNORE_TIMER, times=2)


class SignalRig:
    """Our account, Ann, Bob, and an owner who does what people with a phone can."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.uuids: dict[str, str] = {}

    async def start(self) -> None:
        self.connector = await self.lab.bot()
        self.ann, bob, owner = [await self.lab.account(p) for p in ("ann", "bob", "owner")]
        people, owners = frozenset({self.ann, bob, owner}), frozenset({owner})
        spec = RoomSpec(secrets.token_hex(4), people, owners, DAY, gate=False)
        self.room = await self.lab.begun(self.connector, spec, "ann")
        self.uuids = {p.name: p.uuid for p in await self.lab.hand.people()}
        ours = self.uuids["bot"]
        self.uuids |= {ours: NUMBER, "bot": NUMBER}
        self.far = FarPeople(self)
        kind = FarFaults if self.lab.backend == "rest" else StreamFaults
        self.faults = kind(self.lab.hand)

    async def with_standby(self) -> AccountId:
        standby = await self.lab.account("spare")
        await self.reopen(standby=standby)
        return standby

    async def reopen(self, **settings: Any) -> SignalConnector:
        await self.connector.close()
        self.connector = await self.lab.bot(**settings)
        return self.connector


@pytest.fixture
async def rig(lab: Lab) -> SignalRig:
    made = SignalRig(lab)
    await made.start()
    return made
