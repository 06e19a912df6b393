"""Each request that leaves is what the web interface takes, and no secret of ours is in a URL."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.port import AccountId, ConnectorName, DeliveryKey, RoomId
from connectors.port.connector import Setup
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    NoRoom,
    ReadersChanged,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.messages import Attachment, Content, Delivery, Device, Reader, RoomSpec
from connectors.testing.rig import attachment
from connectors.wickr.connector import WickrConnector, open_connector
from orchestrator import clock

KEY, TOKEN, BOT = "key-of-the-bot", "token-of-the-bot", "bot@x"
ROOM = RoomId("S00bf0ca3169bb9e7c3eba13b767bd10fcc8f41a3e34e5c54dab8bf1dfde01234")
GROUP = RoomId("G00bf0ca3169bb9e7c3eba13b767bd10fcc8f41a3e34e5c54dab8bf1dfde01234")
HANG = object()
DAY = 86_400_000_000


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, str] | object


@dataclass
class Recorder:
    """A server that writes down what it is asked and answers what it was told to."""

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    port: int = 0
    callback: str = ""

    def room(self, *members: str, masters: tuple[str, ...] = (BOT,), **more: Any) -> None:
        """What is listed as the room from now on."""
        lists = {
            "members": [{"name": m} for m in members],
            "masters": [{"name": m} for m in masters],
        }
        one = {"vgroupid": ROOM, "title": "t", "description": "t", "ttl": "60", "bor": "0"}
        listed = json.dumps({"rooms": [one | lists | more]})
        self.answers["GET", f"/Rooms/{ROOM}"] = (200, listed)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await self._head(reader):
                line, *rows = head.split("\r\n")
                headers = dict(row.lower().split(": ", 1) for row in rows if row)
                given = dict(row.split(": ", 1) for row in rows if row)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = line.split(" ")
                self.lines.append(line)
                split = urlsplit(target)
                path = split.path.removeprefix("/WickrIO/V2/Apps")
                asked = Asked(method, path, parse_qs(split.query), given, body)
                self.asked.append(asked)
                answer = self._answer(asked)
                if answer is HANG:
                    await asyncio.Event().wait()
                assert isinstance(answer, tuple)
                status, text = answer
                data = text.encode()
                writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n" % (status, len(data)))
                writer.write(data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> str:
        try:
            return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip("\r\n")
        except asyncio.IncompleteReadError:
            return ""

    def _answer(self, asked: Asked) -> Answer:
        given = self.answers.get((asked.method, asked.path))
        if given is not None:
            return given() if callable(given) else given
        if asked.path == "/MsgRecvCallback":
            if asked.method != "GET":
                self.callback = asked.query.get("callbackurl", [""])[0]
            return 200, self.callback or "no callback"
        if (asked.method, asked.path) == ("GET", "/Messages"):
            return 200, "[]"
        return 200, "Sending message"

    def of(self, method: str, path: str) -> list[Asked]:
        return [one for one in self.asked if (one.method, one.path) == (method, path)]


@pytest.fixture
async def wire() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    server = await asyncio.start_server(recorder.handle, "127.0.0.1", 0)
    recorder.port = server.sockets[0].getsockname()[1]
    yield recorder
    server.close()


Make = Callable[..., Awaitable[WickrConnector]]


@pytest.fixture
async def make(wire: Recorder, tmp_path: Path) -> AsyncIterator[Make]:
    made: list[WickrConnector] = []

    async def make(**more: Any) -> WickrConnector:
        plain = {"api": f"http://127.0.0.1:{wire.port}", "user": BOT, "patience": 0.5}
        secrets = {"api_key": KEY, "auth_token": TOKEN, "state_key": "00" * 32}
        setup = Setup(ConnectorName("wickr"), plain | more, secrets, tmp_path / "bot", clock.now)
        connector = open_connector(setup)
        assert isinstance(connector, WickrConnector)
        made.append(connector)
        await connector.open()
        return connector

    yield make
    for one in made:
        await one.close()


def delivery(room: RoomId, *readers: str, text: str = "body", **more: Any) -> Delivery:
    files: tuple[Attachment, ...] = more.pop("files", ())
    named = frozenset(Reader(AccountId(name)) for name in readers)
    return Delivery(DeliveryKey("k"), room, Content(text, None, files), named, **more)


async def test_every_call_has_key_and_token_in_its_headers_and_nowhere_else(
    wire: Recorder, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire.room(BOT, "ann@x")
    bot = await make()
    await bot.send(delivery(ROOM, "ann@x"))
    await bot.health()
    logged = " ".join(repr(vars(record)) for record in caplog.records)
    path = wire.callback.rpartition("/")[2]
    assert path
    assert not [secret for secret in (KEY, TOKEN, path) if secret in logged]
    token = base64.b64encode(TOKEN.encode()).decode()
    for one in wire.asked:
        assert (one.headers["Authorization"], one.headers["x-api-key"]) == (f"Basic {token}", KEY)
    assert not [line for line in wire.lines if KEY in line or TOKEN in line or token in line]
    assert all(line.split(" ")[1].startswith("/WickrIO/V2/Apps/") for line in wire.lines)


async def test_a_message_to_a_room_is_its_id_and_its_text(wire: Recorder, make: Make) -> None:
    wire.room(BOT, "ann@x")
    bot = await make()
    sent = await bot.send(delivery(ROOM, "ann@x", text="Grüße 你好"))
    (one,) = wire.of("POST", "/Messages")
    assert one.headers["Content-Type"] == "application/json"
    assert one.json == {"vgroupid": ROOM, "message": "Grüße 你好"}
    assert sent.remote_id == "ours/k"


async def test_a_person_is_an_object_in_messages(wire: Recorder, make: Make) -> None:
    bot = await make()
    spec = RoomSpec("n", frozenset({AccountId("ann@x")}), frozenset(), DAY, gate=False, direct=True)
    room = await bot.create(spec)
    await bot.send(delivery(room, "ann@x"))
    (one,) = wire.of("POST", "/Messages")
    assert one.json == {"users": [{"name": "ann@x"}], "message": "body", "ttl": 86_400}


def multipart(asked: Asked) -> dict[str, Message]:
    head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    whole = message_from_bytes(head + asked.body)
    parts = [part for part in whole.walk() if not part.is_multipart()]
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


async def test_a_file_is_a_part_of_its_own_under_a_name_of_its_own(
    wire: Recorder, make: Make
) -> None:
    wire.room(BOT, "ann@x")
    bot = await make()
    data = bytes(range(256)) * 300
    files = (attachment("../Offer.pdf", data), attachment("../Offer.pdf", data))
    await bot.send(delivery(ROOM, "ann@x", files=files))
    first, second = map(multipart, wire.of("POST", "/File"))
    names = [parts["attachment"].get_filename() for parts in (first, second)]
    assert first["attachment"].get_payload(decode=True) == data
    assert first["vgroupid"].get_payload() == ROOM
    assert len(set(names)) == 2
    assert all(name and name.startswith("Offer.") and name.endswith(".pdf") for name in names)
    assert "users" not in first


async def test_the_people_of_a_file_are_a_json_array_of_strings(wire: Recorder, make: Make) -> None:
    bot = await make()
    await bot.send(delivery(RoomId("1:ann@x"), "ann@x", files=(attachment("x", b"y"),)))
    (one,) = wire.of("POST", "/File")
    assert multipart(one)["users"].get_payload() == '["ann@x"]'


async def test_a_room_is_made_with_both_lists_as_objects(wire: Recorder, make: Make) -> None:
    wire.answers["POST", "/Rooms"] = (200, json.dumps({"vgroupid": ROOM}))
    bot = await make(standby="second@x", burn_on_read=30)
    people = frozenset({AccountId("ann@x")})
    spec = RoomSpec("4f1c", people, frozenset({AccountId("bob@x")}), DAY, gate=False)
    assert await bot.create(spec) == ROOM
    (one,) = wire.of("POST", "/Rooms")
    masters = [{"name": "bob@x"}, {"name": BOT}, {"name": "second@x"}]
    assert one.json == {
        "room": {
            "title": "4f1c",
            "description": "4f1c",
            "members": [{"name": "ann@x"}, *masters],
            "masters": masters,
            "ttl": 86_400,
            "bor": 30,
        }
    }


async def test_a_change_of_a_room_sends_both_lists_and_both_timers_as_read(
    wire: Recorder, make: Make
) -> None:
    wire.room(BOT, "ann@x", masters=(BOT, "ann@x"), ttl="3600", bor="30")
    wire.answers["POST", f"/Rooms/{ROOM}"] = (200, "Room modified successfully")
    bot = await make()
    with pytest.raises(Uncertain):  # this server says yes and changes nothing
        await bot.invite(ROOM, AccountId("new@x"))
    (one,) = wire.of("POST", f"/Rooms/{ROOM}")
    assert one.json == {
        "members": [{"name": "ann@x"}, {"name": BOT}, {"name": "new@x"}],
        "masters": [{"name": "ann@x"}, {"name": BOT}],
        "ttl": 3600,
        "bor": 30,
    }
    reads = len(wire.of("GET", f"/Rooms/{ROOM}"))
    assert reads == 5, "two that agree before, three looks after"


async def test_a_change_that_shows_late_is_one(wire: Recorder, make: Make) -> None:
    wire.room(BOT, "ann@x")
    wire.answers["POST", f"/Rooms/{ROOM}"] = (200, "Room modified successfully")
    bot = await make()
    before = wire.answers["GET", f"/Rooms/{ROOM}"]
    wire.room(BOT, "ann@x", "new@x")
    after = wire.answers["GET", f"/Rooms/{ROOM}"]
    shown = chain([before] * 3, repeat(after))  # two readings, a look that is too early, the next
    wire.answers["GET", f"/Rooms/{ROOM}"] = lambda: next(shown)
    await bot.invite(ROOM, AccountId("new@x"))
    assert {m.account for m in (await bot.members(ROOM)).members} == {BOT, "ann@x", "new@x"}


async def test_a_change_too_long_for_the_program_never_leaves(wire: Recorder, make: Make) -> None:
    """It would be read as two empty lists, and put everybody out."""
    wire.room(BOT, *(f"{'a' * 150}{n}@example.test" for n in range(600)))
    bot = await make()
    with pytest.raises(Rejected) as caught:
        await bot.invite(ROOM, AccountId("new@x"))
    assert caught.value.code == "too_large"
    assert wire.of("POST", f"/Rooms/{ROOM}") == []


async def test_the_callback_is_set_under_a_random_path_and_taken_away(
    wire: Recorder, make: Make
) -> None:
    bot = await make()
    (one,) = wire.of("POST", "/MsgRecvCallback")
    (url,) = one.query["callbackurl"]
    assert url.startswith(f"http://127.0.0.1:{bot.listens_on}/")
    assert len(url.rpartition("/")[2]) >= 43
    await bot.close()
    assert len(wire.of("DELETE", "/MsgRecvCallback")) == 1
    again = await make()
    assert wire.of("POST", "/MsgRecvCallback")[-1].query["callbackurl"] != [url]
    await again.close()


async def test_a_poll_asks_for_a_number_of_messages(wire: Recorder, make: Make) -> None:
    await make(receive="poll")
    assert wire.of("GET", "/Messages")[0].query == {"count": ["50"]}
    assert wire.of("POST", "/MsgRecvCallback") == []


async def test_who_goes_out_of_a_room_says_that_he_leaves(wire: Recorder, make: Make) -> None:
    wire.answers["DELETE", f"/Rooms/{ROOM}"] = (200, "bot left room successfully")
    wire.answers["GET", f"/Rooms/{ROOM}"] = (400, "Failed to retrieve room")
    wire.answers["GET", "/Rooms"] = (200, json.dumps({"rooms": []}))
    bot = await make()
    await bot.leave(ROOM)
    assert [one.query for one in wire.of("DELETE", f"/Rooms/{ROOM}")] == [{"reason": ["leave"]}]


NOBODY: dict[str, Any] = {"members": [{"name": "ann@x"}], "masters": [{"name": "ann@x"}]}
OTHER = {"vgroupid": "S" + "9" * 63, "members": [{"name": BOT}], "masters": [{"name": BOT}]}


@pytest.mark.parametrize(
    "every",
    [
        (400, "Failed to retrieve rooms"),
        (200, "<html>welcome</html>"),
        (200, "{}"),
        (200, '{"rooms": {}}'),
        (200, '{"rooms": []}'),
        (200, json.dumps({"groupconvos": [OTHER]})),
        (200, json.dumps({"rooms": OTHER})),
        (200, json.dumps({"rooms": [OTHER, None]})),
        (429, "wait"),
        (502, "down"),
    ],
)
async def test_a_400_is_no_lost_room_unless_the_whole_list_lacks_it(
    wire: Recorder, make: Make, every: tuple[int, str]
) -> None:
    wire.answers["GET", f"/Rooms/{ROOM}"] = (400, "Failed to retrieve room")
    wire.answers["GET", "/Rooms"] = every
    bot = await make()
    with pytest.raises((Unreadable, Unavailable)) as caught:
        await bot.members(ROOM)
    assert not isinstance(caught.value, NoRoom)


async def test_a_whole_list_without_a_room_says_that_it_is_none(wire: Recorder, make: Make) -> None:
    wire.answers["GET", "/Rooms"] = (200, json.dumps({"rooms": [OTHER]}))
    bot = await make()
    for one, code in (
        ((400, "Failed to retrieve room"), "room_unknown"),
        ((200, json.dumps({"rooms": [OTHER | {"vgroupid": ROOM, **NOBODY}]})), "not_a_member"),
    ):
        wire.answers["GET", f"/Rooms/{ROOM}"] = one
        with pytest.raises(NoRoom) as caught:
            await bot.members(ROOM)
        assert caught.value.code == code


async def test_a_group_that_says_we_left_and_still_lists_us_is_not_left(
    wire: Recorder, make: Make
) -> None:
    wire.answers["DELETE", f"/GroupConvo/{GROUP}"] = (200, "bot has left the GroupConvo.")
    listed = {"vgroupid": GROUP, "members": [{"name": BOT}]}
    wire.answers["GET", f"/GroupConvo/{GROUP}"] = (200, json.dumps({"groupconvos": [listed]}))
    bot = await make()
    with pytest.raises(Unavailable) as caught:
        await bot.leave(GROUP)
    assert caught.value.code == "not_left"


async def test_a_group_is_read_and_never_written_to(wire: Recorder, make: Make) -> None:
    listed = {"vgroupid": GROUP, "members": [{"name": BOT}, {"name": "ann@x"}]}
    wire.answers["GET", f"/GroupConvo/{GROUP}"] = (200, json.dumps({"groupconvos": [listed]}))
    bot = await make()
    snapshot = await bot.members(GROUP)
    assert not snapshot.complete
    assert {m.account for m in snapshot.members} == {BOT, "ann@x"}
    with pytest.raises(Rejected):
        await bot.send(delivery(GROUP, "ann@x"))
    with pytest.raises(Rejected):
        await bot.invite(GROUP, AccountId("bob@x"))
    assert wire.of("POST", "/Messages") == []


# --- what never comes back --------------------------------------------------------------------


async def failed(act: Awaitable[object], kind: type[ConnectorError]) -> ConnectorError:
    async with asyncio.timeout(30):
        with pytest.raises(kind) as caught:
            await act
    return caught.value


async def test_a_send_without_an_answer_ends_and_is_uncertain(wire: Recorder, make: Make) -> None:
    wire.room(BOT, "ann@x")
    wire.answers["POST", "/Messages"] = HANG
    bot = await make()
    error = await failed(bot.send(delivery(ROOM, "ann@x")), Uncertain)
    assert error.code == "no_answer"


async def test_a_reading_without_an_answer_ends_and_is_unavailable(
    wire: Recorder, make: Make
) -> None:
    bot = await make()
    wire.answers["GET", f"/Rooms/{ROOM}"] = HANG
    await failed(bot.members(ROOM), Unavailable)


async def test_statistics_without_an_answer_are_down(wire: Recorder, make: Make) -> None:
    bot = await make()
    wire.answers["GET", "/Statistics"] = HANG
    async with asyncio.timeout(30):
        assert not (await bot.health()).up


@pytest.mark.parametrize(
    "answer",
    [
        (200, "Need a list of users OR a vGroupID to send a message."),
        (200, "Failure"),
        (400, "Failed to send message"),
    ],
    ids=range(3),
)
async def test_a_send_that_did_nothing_is_rejected(
    wire: Recorder, make: Make, answer: tuple[int, str]
) -> None:
    wire.room(BOT, "ann@x")
    wire.answers["POST", "/Messages"] = answer
    bot = await make()
    await failed(bot.send(delivery(ROOM, "ann@x")), Rejected)


async def test_a_file_that_fails_behind_its_text_leaves_it_open(wire: Recorder, make: Make) -> None:
    wire.room(BOT, "ann@x")
    wire.answers["POST", "/File"] = (400, "Failed to send attachment")
    bot = await make()
    files = (attachment("x", b"y"),)
    error = await failed(bot.send(delivery(ROOM, "ann@x", files=files)), Uncertain)
    assert error.code == "partly_sent"
    alone = delivery(ROOM, "ann@x", text="", files=files)
    await failed(bot.send(alone), Rejected)


async def test_devices_that_are_not_shown_cannot_be_sealed_to(wire: Recorder, make: Make) -> None:
    wire.room(BOT, "ann@x")
    bot = await make()
    device = Device("d", "k")  # type: ignore[arg-type]
    readers = frozenset({Reader(AccountId("ann@x"), frozenset({device}))})
    sealed = Delivery(DeliveryKey("k"), ROOM, Content("x"), readers)
    await failed(bot.send(sealed), IdentityChanged)
    await failed(bot.send(delivery(ROOM)), ReadersChanged)
    assert wire.of("POST", "/Messages") == []


async def test_lists_that_change_between_two_readings_are_not_sent_back(
    wire: Recorder, make: Make
) -> None:
    bot = await make()
    whole = json.dumps

    class Turns(dict[tuple[str, str], Answer]):
        turn = 0

        def get(self, key: tuple[str, str], default: Any = None) -> Any:
            if key != ("GET", f"/Rooms/{ROOM}"):
                return super().get(key, default)
            self.turn += 1
            names = [BOT, "ann@x", "bob@x"][: 2 + self.turn % 2]
            one = {"vgroupid": ROOM, "masters": [{"name": BOT}], "ttl": "0", "bor": "0"}
            return 200, whole({"rooms": [one | {"members": [{"name": n} for n in names]}]})

    wire.answers = Turns()
    await failed(bot.invite(ROOM, AccountId("new@x")), Unreadable)
    assert wire.of("POST", f"/Rooms/{ROOM}") == []


async def test_a_redirect_is_never_followed(wire: Recorder, make: Make) -> None:
    bot = await make()
    wire.answers["GET", f"/Rooms/{ROOM}"] = (302, "")
    await failed(bot.posture(ROOM), ConnectorError)


async def test_somebody_else_alone_may_be_changed_and_only_in_rooms_of_ours(
    wire: Recorder, make: Make
) -> None:
    wire.room(BOT, "ann@x", masters=("ann@x",))
    bot = await make()
    for room, code in ((ROOM, "not_an_admin"), (RoomId("1:ann@x"), "not_a_room")):
        error = await failed(bot.remove(room, AccountId("ann@x")), Rejected)
        assert error.code == code
    gated = RoomSpec("n", frozenset(), frozenset(), None, gate=True)
    assert (await failed(bot.create(gated), Rejected)).code == "no_gate"
    assert (await failed(bot.harden(ROOM, gated), Rejected)).code == "no_gate"
