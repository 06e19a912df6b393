"""A real Synapse, our connector on it, a proxy that spoils calls, and people of their own."""

import asyncio
import base64
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import h11
import httpx
import pytest

from connectors.matrix.connector import MatrixConnector, open_connector
from connectors.port import AccountId, ConnectorName, DeliveryKey, Guarantee, RemoteId, RoomId
from connectors.port.connector import Setup
from connectors.port.events import Event, InboundMessage
from connectors.port.messages import (
    Content,
    Delivery,
    Device,
    MemberSnapshot,
    Reader,
    RoomSpec,
)
from connectors.testing.rig import Arrived
from orchestrator import clock
from orchestrator.demo.farside import Person, Refused, Seen
from orchestrator.demo.synapse import Homeserver, NoSynapse

PASSWORD = "only-for-the-test"
DAY = 86_400_000_000
REPEATED = " (may be a repetition)"


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
        kept = self.folder / f"{state}.key"
        if not kept.exists():
            kept.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        return Setup(
            name=ConnectorName("matrix"),
            settings={"homeserver": self.server.url, "user": user, "sync_wait": 1, **settings},
            secrets={"password": PASSWORD, "pickle_key": kept.read_text()},
            state=self.folder / state,
            now=clock.now,
        )

    async def bot(
        self, user: str | None = None, state: str = "bot", **settings: object
    ) -> MatrixConnector:
        account = user or self.account("bot")
        connector = open_connector(self.setup(account, state, **settings))
        assert isinstance(connector, MatrixConnector)
        await connector.open()
        self.opened.append(connector)
        return connector

    async def person(self, name: str) -> Person:
        return await self.device(self.account(name), "phone")

    async def device(self, user: str, device: str) -> Person:
        name = user[1:].split(":", maxsplit=1)[0]
        person = Person(self.server.url, user, PASSWORD, self.folder / f"{name}-{device}")
        await person.open()
        self.opened.append(person)
        return person

    async def room(
        self,
        bot: MatrixConnector,
        *people: Person,
        owners: frozenset[AccountId] = frozenset(),
        timer: int | None = None,
        gate: bool = False,
        direct: bool = False,
    ) -> RoomId:
        members = frozenset(AccountId(p.user) for p in people)
        name = secrets.token_hex(4)
        room = await bot.create(RoomSpec(name, members, owners, timer, gate, direct))
        for person in people:
            await person.join(room)
        return room

    @staticmethod
    def spec(*people: Person) -> RoomSpec:
        """A room with these people in it and none of them an owner."""
        members = frozenset(AccountId(p.user) for p in people)
        return RoomSpec(secrets.token_hex(4), members, frozenset(), None, gate=False)

    @staticmethod
    def delivery(room: RoomId, text: str, *readers: Person | Reader, **more: Any) -> Delivery:
        """To people whose devices are left open, or to readers as they stand."""
        named = (r if isinstance(r, Reader) else Reader(AccountId(r.user)) for r in readers)
        return Delivery(
            key=more.pop("key", None) or DeliveryKey(secrets.token_hex(16)),
            room=room,
            content=more.pop("content", None) or Content(text),
            readers=frozenset(named),
            **more,
        )

    @staticmethod
    async def events(
        bot: MatrixConnector, cursor: str | None, enough: Callable[[list[Event]], bool]
    ) -> tuple[list[Event], str]:
        """Events from a cursor on until there are enough, and the cursor after them."""
        found: list[Event] = []
        async with asyncio.timeout(30), contextlib.aclosing(bot.receive(cursor)) as stream:
            async for batch in stream:
                found += batch.events
                if enough(found):
                    return found, batch.cursor
        raise AssertionError("the stream ended")

    async def now(self, bot: MatrixConnector) -> str:
        """Where now is."""
        return (await self.events(bot, None, lambda _: True))[1]

    async def messages(
        self, bot: MatrixConnector, cursor: str, count: int
    ) -> tuple[list[InboundMessage], str]:
        """The first messages from a cursor on."""
        events, after = await self.events(bot, cursor, lambda e: len(said(e)) >= count)
        return said(events), after


def said(events: list[Event]) -> list[InboundMessage]:
    return [e for e in events if isinstance(e, InboundMessage)]


def session_of(event: dict[str, Any]) -> str:
    """The room key that an event, as the homeserver holds it, was sealed with."""
    return str(event["content"]["session_id"])


def devices_of(snapshot: MemberSnapshot, account: str) -> frozenset[Device]:
    found = next(m.devices for m in snapshot.members if m.account == account)
    assert found is not None
    return found


def sealed_to(readers: frozenset[Reader] | None) -> dict[str, set[str]]:
    """Device ids by account."""
    assert readers is not None
    return {r.account: {d.device for d in r.devices or ()} for r in readers}


@pytest.fixture
async def lab(homeserver: Homeserver, tmp_path: Path) -> AsyncIterator[Lab]:
    made = Lab(homeserver, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


# --- a proxy between the connector and the homeserver ---------------------------------------


@dataclass
class Call:
    """One request on its way, and what comes back."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    answer: httpx.Response | None = None

    def is_a(self, kind: str) -> bool:
        path = self.target.partition("?")[0]
        return {
            "send": self.method == "PUT" and "/send/" in path,
            "members": path.endswith("/members"),
            "state": path.endswith("/state"),
            "joined": path.endswith("/joined_members"),
            "membership": "/state/m.room.member/" in path,
            "sync": path.endswith("/sync"),
            "create": path.endswith("/createRoom"),
            "act": self.method != "GET" and is_a_change(path),
            "before an act": self.method == "GET" and "/state" in path,
            "any": True,
        }[kind]


def is_a_change(path: str) -> bool:
    """Whether a call that is no reading changes a room's members or settings."""
    return path.endswith(("/invite", "/kick")) or "/state/" in path or "/directory/" in path


class Cut(Exception):
    """The connection breaks here."""


Spoil = Callable[[Call, Callable[[Call], Any]], Any]


class Proxy:
    """Hands calls on to the homeserver, spoiling the next of a kind when told to."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._http = httpx.AsyncClient(trust_env=False, timeout=60.0)
        self._spoils: list[tuple[str, Spoil]] = []
        self._habits: list[tuple[str, Spoil]] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.down = False
        self.seen: list[tuple[str, str]] = []

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut_all()
        await self._http.aclose()

    def cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def spoil(self, kind: str, how: Spoil) -> None:
        self._spoils.append((kind, how))

    def always(self, kind: str, how: Spoil) -> None:
        """Spoils every call of a kind from now on."""
        self._habits.append((kind, how))

    def straight(self) -> None:
        """Spoils nothing any more."""
        self._spoils.clear()
        self._habits.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while not self.down and await self._one(reader, writer):
                pass
        except (Cut, ConnectionError, httpx.HTTPError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        peer = h11.Connection(h11.SERVER)
        call = await _read(peer, reader)
        if call is None or self.down:
            return False
        self.seen.append((call.method, call.target))
        answer = await self._spoiled(call)
        kept = [
            (k, v)
            for k, v in answer.headers.multi_items()
            if k.lower() not in {"transfer-encoding", "content-length", "connection"}
        ]
        head = h11.Response(
            status_code=answer.status_code,
            headers=[*kept, ("content-length", str(len(answer.content)))],
        )
        for event in (head, h11.Data(data=answer.content), h11.EndOfMessage()):
            writer.write(peer.send(event) or b"")
        await writer.drain()
        return True

    async def _spoiled(self, call: Call) -> httpx.Response:
        for entry in self._spoils:
            if call.is_a(entry[0]):
                self._spoils.remove(entry)
                return await entry[1](call, self._forward)  # type: ignore[no-any-return]
        for kind, how in self._habits:
            if call.is_a(kind):
                return await how(call, self._forward)  # type: ignore[no-any-return]
        return await self._forward(call)

    async def _forward(self, call: Call) -> httpx.Response:
        headers = [(k, v) for k, v in call.headers if k not in {"host", "content-length"}]
        url = self._upstream + call.target
        return await self._http.request(call.method, url, content=call.body, headers=headers)


async def _read(peer: h11.Connection, reader: asyncio.StreamReader) -> Call | None:
    call: Call | None = None
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(65_536)
            if not data and call is None:
                return None
            peer.receive_data(data)
        elif isinstance(event, h11.Request):
            headers = [(k.decode(), v.decode()) for k, v in event.headers]
            call = Call(event.method.decode(), event.target.decode(), headers, b"")
        elif isinstance(event, h11.Data) and call is not None:
            call.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return call
        else:
            return None


def answering(status: int, document: object) -> Spoil:
    async def how(_call: Call, _forward: Any) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(document).encode())

    return how


async def cut_before(_call: Call, _forward: Any) -> httpx.Response:
    raise Cut


async def cut_after(call: Call, forward: Any) -> httpx.Response:
    await forward(call)
    raise Cut


async def yes(_call: Call, _forward: Any) -> httpx.Response:
    return httpx.Response(200, content=b"{}")


async def shortened(call: Call, forward: Any) -> httpx.Response:
    """A room's state with half of its members."""
    events = (await forward(call)).json()
    people = [e for e in events if e["type"] == "m.room.member" and "bot" not in e["state_key"]]
    kept = [e for e in events if e not in people[: len(people) // 2 + 1]]
    return httpx.Response(200, json=kept)


async def garbage(call: Call, forward: Any) -> httpx.Response:
    await forward(call)
    return httpx.Response(200, content=b"<html>welcome to the portal</html>")


async def late(call: Call, forward: Any) -> httpx.Response:
    await asyncio.sleep(0.2)
    answer: httpx.Response = await forward(call)
    return answer


async def without_timer(call: Call, forward: Any) -> httpx.Response:
    body = json.loads(call.body)
    body["initial_state"] = [s for s in body["initial_state"] if s["type"] != "m.room.retention"]
    call.body = json.dumps(body).encode()
    answer: httpx.Response = await forward(call)
    return answer


async def doubled(call: Call, forward: Any) -> httpx.Response:
    answer = await forward(call)
    document = answer.json()
    for room in document.get("rooms", {}).get("join", {}).values():
        events = room["timeline"]["events"]
        room["timeline"]["events"] = [e for e in events for _ in range(2)]
    return httpx.Response(200, json=document)


@pytest.fixture
async def proxy(homeserver: Homeserver) -> AsyncIterator[Proxy]:
    made = Proxy(homeserver.url)
    yield made
    await made.close()


# --- the contract's rig -----------------------------------------------------------------------


@dataclass
class MatrixFaults:
    proxy: Proxy

    async def refuse(self) -> None:
        self.proxy.spoil("send", answering(403, {"errcode": "M_FORBIDDEN", "error": "no"}))

    async def unavailable(self) -> None:
        self.proxy.spoil("send", answering(429, {"errcode": "M_LIMIT_EXCEEDED", "error": "wait"}))

    async def rate_limit(self, retry_after: int) -> None:
        told = {"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": retry_after // 1000}
        self.proxy.spoil("send", answering(429, told))

    async def cut_before(self) -> None:
        self.proxy.spoil("members", cut_before)

    async def cut_after(self) -> None:
        self.proxy.spoil("send", cut_after)

    async def answer_nothing(self) -> None:
        self.proxy.spoil("send", answering(200, {}))

    async def answer_garbage(self) -> None:
        self.proxy.spoil("send", garbage)

    async def slow(self) -> None:
        self.proxy.spoil("send", late)

    async def partial_members(self) -> None:
        self.proxy.spoil("state", shortened)

    async def act_refused(self) -> None:
        self.proxy.spoil("act", answering(403, {"errcode": "M_FORBIDDEN", "error": "no"}))

    async def act_limited(self, retry_after: int) -> None:
        told = {"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": retry_after // 1000}
        self.proxy.spoil("act", answering(429, told))

    async def act_cut_before(self) -> None:
        self.proxy.spoil("before an act", cut_before)

    async def act_cut_after(self) -> None:
        self.proxy.spoil("act", cut_after)

    async def act_does_nothing(self) -> None:
        self.proxy.spoil("act", yes)

    async def act_slow(self) -> None:
        self.proxy.spoil("act", late)

    async def departure_unnoticed(self) -> None:
        """The sync that would tell of it breaks off; what is sealed is asked for by itself."""
        self.proxy.spoil("sync", cut_before)

    async def unreadable_members(self) -> None:
        self.proxy.spoil("state", answering(403, {"errcode": "M_FORBIDDEN", "error": "no"}))

    async def unreadable_posture(self) -> None:
        await self.unreadable_members()

    async def muddle(self, how: str) -> None:
        spoil = {
            "malformed": garbage,
            "server fault": answering(502, {}),
            "too many": answering(429, {"errcode": "M_LIMIT_EXCEEDED"}),
            "cut": cut_before,
            "empty": answering(200, []),
            "refused": answering(403, {"errcode": "M_FORBIDDEN", "error": "no"}),
        }[how]
        self.proxy.spoil("state", spoil)

    async def ignore_timer(self) -> None:
        self.proxy.spoil("create", without_timer)

    async def cut_events(self) -> None:
        self.proxy.spoil("sync", cut_before)

    async def duplicate_events(self) -> None:
        self.proxy.spoil("sync", doubled)

    async def go_down(self) -> None:
        self.proxy.down = True
        self.proxy.cut_all()

    async def come_back(self) -> None:
        self.proxy.down = False


@dataclass
class MatrixFar:
    """Anna, whose client is the truth, and Cyd, who owns the room beside our account."""

    lab: Lab
    anna: Person
    cyd: Person
    bot: MatrixConnector
    others: dict[AccountId, Person] = field(default_factory=dict)

    @property
    def member(self) -> AccountId:
        return AccountId(self.anna.user)

    async def arrived(self, room: RoomId) -> tuple[Arrived, ...]:
        await self.anna.sync()
        seen = [s for s in await self.anna.history(room) if s.sender == self.bot.account]
        return tuple([await self._arrived(s) for s in seen])

    async def _arrived(self, seen: Seen) -> Arrived:
        content, body = seen.content, seen.body or ""
        first, _, _ = body.partition("\n")
        author = content.get("org.wallcross.author")
        if author is not None:  # it stands in the text as well as in the field
            assert first.removesuffix(REPEATED) == author
        files: tuple[tuple[str, str], ...] = ()
        if "file" in content:
            files = ((content["filename"], sha256(await self.anna.fetch(seen)).hexdigest()),)
        relation = content.get("m.relates_to", {}).get("m.in_reply_to", {})
        return Arrived(
            RemoteId(seen.event_id),
            "" if files else seen.said,
            author,
            seen.delivery_key,
            first.endswith(REPEATED),
            RemoteId(relation["event_id"]) if relation else None,
            files,
        )

    async def write(
        self, room: RoomId, text: str, *, file: tuple[str, bytes] | None = None
    ) -> RemoteId:
        if file is None:
            return RemoteId(await self.anna.say(room, text))
        return RemoteId(await self.anna.send_file(room, *file, caption=text))

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        content = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "ciphertext": "AwgAEnACgAkLmt6qF84IK++J7UDH2Za1YVchHyprqTqsg",
            "session_id": "IkwqWxT2zy3DI1E/zM2Wq+CE8tr3eEpsxsVGjGrMPdw",
            "device_id": self.anna.device[0],
        }
        return RemoteId(await put(self.anna, room, "m.room.encrypted", content))

    async def write_direct(self, text: str) -> RemoteId:
        room = await self.anna.make_room([self.bot.account], direct=True)
        await self.bot.join(RoomId(room))
        await self.anna.until(lambda: self.anna.members(room) == 2)
        return RemoteId(await self.anna.say(room, text))

    async def answer(self, room: RoomId, to: RemoteId, text: str) -> RemoteId:
        return RemoteId(await self.anna.reply(room, to, text))

    async def edit(self, room: RoomId, message: RemoteId, text: str) -> RemoteId:
        return RemoteId(await self.anna.edit(room, message, text))

    async def take_back(self, room: RoomId, message: RemoteId) -> None:
        await self.anna.redact(room, message)

    async def let_in_stranger(self, room: RoomId) -> AccountId:
        stranger = await self.lab.person(f"eve{secrets.token_hex(2)}")
        await self.cyd.invite(room, stranger.user)
        await stranger.join(room)
        return AccountId(stranger.user)

    async def add_device(self) -> None:
        await self.lab.device(self.anna.user, f"other{secrets.token_hex(2)}")

    async def change_key(self) -> None:
        await self.anna.replace_keys()

    async def set_timer(self, room: RoomId, timer: int | None) -> None:
        content = {} if timer is None else {"max_lifetime": timer // 1000}
        await self.cyd.weaken(room, "m.room.retention", content)

    async def loosen(self, room: RoomId, guarantee: Guarantee) -> None:
        if guarantee is Guarantee.NO_PUBLIC_LINK:
            alias = quote(f"#{secrets.token_hex(4)}:deal.test", safe="")
            path = f"/_matrix/client/v3/directory/room/{alias}"
            await self.cyd.raw("PUT", path, {"room_id": room})
            return
        kind, content = {
            Guarantee.END_TO_END_ENCRYPTED: ("m.room.encryption", {"algorithm": "none"}),
            Guarantee.INVITE_ONLY: ("m.room.join_rules", {"join_rule": "public"}),
            Guarantee.HISTORY_HIDDEN: (
                "m.room.history_visibility",
                {"history_visibility": "shared"},
            ),
        }[guarantee]
        await self.cyd.weaken(room, kind, content)

    async def newcomer(self) -> AccountId:
        person = await self.lab.person(f"new{secrets.token_hex(2)}")
        account = AccountId(person.user)
        self.others[account] = person
        return account

    async def comes_in(self, account: AccountId, room: RoomId) -> None:
        await self.others[account].join(room)

    async def seated(self, room: RoomId) -> frozenset[AccountId]:
        answer = await self._inside(room, "members")
        return frozenset(
            AccountId(e["state_key"])
            for e in answer["chunk"]
            if e["content"]["membership"] in {"join", "invite"}
        )

    async def no_room(self) -> RoomId:
        return RoomId("!nowhere:deal.test")

    async def put_us_out(self, room: RoomId) -> None:
        """Who made a room is above all its people: he is out where a device of his own goes."""
        path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/leave"
        await self.bot._open.client.call("POST", path, {})

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        """Cyd hands the person the bytes of all that the homeserver holds."""
        person = {self.member: self.anna, **self.others}[account]
        await person.sync()
        events = (await self._inside(room, "messages?dir=f&limit=100"))["chunk"]
        ours = [e for e in events if e["type"] == "m.room.encrypted"]
        seen = [await person.opens(room, e) for e in ours if e["sender"] == self.bot.account]
        return tuple(each.said for each in seen if each is not None)

    async def _inside(self, room: RoomId, what: str) -> dict[str, Any]:
        """What the homeserver tells Cyd, or Anna where he is not in."""
        path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/{what}"
        try:
            return await self.cyd.raw("GET", path)
        except Refused:
            await self.anna.join(room)
            return await self.anna.raw("GET", path)


async def put(person: Person, room: str, kind: str, content: dict[str, Any]) -> str:
    """Sends an event as it stands, sealed by nobody."""
    place = f"rooms/{quote(room, safe='')}/send/{kind}/{secrets.token_hex(8)}"
    answer = await person.raw("PUT", f"/_matrix/client/v3/{place}", content)
    return str(answer["event_id"])


@dataclass
class MatrixRig:
    lab: Lab
    proxy: Proxy
    connector: MatrixConnector
    far: MatrixFar
    faults: MatrixFaults
    room: RoomId
    url: str

    async def with_standby(self) -> AccountId:
        standby = await self.far.newcomer()
        await self.reopen(standby=standby)
        return standby

    async def reopen(self, **settings: Any) -> MatrixConnector:
        await self.connector.close()
        user = self.connector.account
        self.connector = self.far.bot = await self.lab.bot(user, homeserver=self.url, **settings)
        return self.connector


@pytest.fixture
async def rig(lab: Lab, proxy: Proxy) -> MatrixRig:
    url = await proxy.start()
    bot = await lab.bot(homeserver=url)
    anna, cyd = await lab.person("anna"), await lab.person("cyd")
    room = await lab.room(bot, anna, cyd, owners=frozenset({AccountId(cyd.user)}), timer=DAY)
    far = MatrixFar(lab, anna, cyd, bot)
    return MatrixRig(lab, proxy, bot, far, MatrixFaults(proxy), room, url)
