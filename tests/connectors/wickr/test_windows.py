"""Every true loss lies in a window that is told, and no window is longer than it was."""

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.port import RoomId
from connectors.port.errors import Unavailable, Uncertain
from connectors.port.events import Event, Forged, Missed
from connectors.wickr import spool as spool_module
from connectors.wickr import watch
from connectors.wickr.connector import WickrConnector
from connectors.wickr.standin.faults import FaultKind
from orchestrator import clock

from .conftest import MOST, Lab, asked, missed, said, texts, until

SECOND = 1_000_000


class Writer:
    """Ann writes without a pause until she is told to stop."""

    def __init__(self, lab: Lab, room: RoomId) -> None:
        self._lab, self._room = lab, room
        self.names: list[str] = []
        self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while True:
            text = f"number {len(self.names)}"
            self.names.append(await self._lab.hand.write("ann", text, room=self._room))
            await asyncio.sleep(0.02)

    async def stop(self) -> list[str]:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._lab.hand.settle()
        return self.names


async def all_told(lab: Lab, bot: WickrConnector, cursor: str) -> list[Event]:
    """Events until a last message has come."""
    last = await lab.hand.write("ann", "the last one")
    events, _ = await lab.events(bot, cursor, lambda e: last in {m.remote_id for m in said(e)})
    return events


async def judged(lab: Lab, told: list[Missed], outage: tuple[int, int], code: str) -> None:
    """Every loss in a window of this code, and no window longer than the outage."""
    losses = await lab.hand.losses()
    assert losses
    assert {window.code for window in told} == {code}
    for loss in losses:
        assert any(w.since <= loss.at <= w.until for w in told), (loss.at, loss.reason, told)
    began, ended = outage
    for window in told:
        assert window.since >= began - MOST
        assert window.until - window.since <= (ended - began) + MOST


async def test_a_restart_in_order_loses_nothing_and_says_so(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    writer = Writer(lab, room)
    await asyncio.sleep(0.3)
    await bot.close()
    assert await lab.hand.callback() == ""
    await asyncio.sleep(0.3)
    again = await lab.bot()
    await asyncio.sleep(0.3)
    names = await writer.stop()
    events = await all_told(lab, again, cursor)
    assert missed(events) == []
    assert await lab.hand.losses() == ()
    assert set(names) <= {m.remote_id for m in said(events)}


@pytest.mark.long
async def test_a_killed_process_is_a_window_from_its_last_pulse(lab: Lab) -> None:
    maker = await lab.bot("maker", receive="poll")
    room = await lab.room(maker, "ann")
    await maker.close()
    child = await lab.child("bot")
    writer = Writer(lab, room)
    await asyncio.sleep(1.5)
    began = clock.now()
    child.kill()
    await child.wait()
    await asyncio.sleep(1.5)
    again = await lab.bot("bot")
    ended = clock.now()
    await asyncio.sleep(0.3)
    await writer.stop()
    told = missed(await all_told(lab, again, "x.0"))
    await judged(lab, told, (began, ended), "not_running")
    assert began - told[0].since < 2 * SECOND


async def test_what_was_posted_before_a_kill_is_offered_again(lab: Lab) -> None:
    child = await lab.child("bot")
    await lab.hand.person("ann")
    names = [await lab.hand.write("ann", f"{n}") for n in range(20)]
    await lab.hand.settle()
    child.kill()
    await child.wait()
    again = await lab.bot("bot")
    events = await all_told(lab, again, "x.0")
    assert [m.remote_id for m in said(events)][:20] == names
    assert {window.code for window in missed(events)} == {"not_running"}


async def test_a_callback_that_somebody_else_takes_is_a_window_and_is_taken_back(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    ours = await lab.hand.callback()
    writer = Writer(lab, room)
    await asyncio.sleep(0.2)
    began = clock.now()
    await lab.hand.callback("http://127.0.0.1:9/somebody-else")

    async def back() -> bool:
        return await lab.hand.callback() == ours

    await until(back)
    ended = clock.now()
    await asyncio.sleep(0.2)
    await writer.stop()
    events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
    await judged(lab, missed(events), (began, ended), "callback_changed")


class Relay:
    """A proxy of ours before the listener; once shut it lets nobody through."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._shut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def shut(self) -> None:
        self._shut = True
        for writer in self._writers:
            writer.close()

    def open(self) -> None:
        self._shut = False

    async def stop(self) -> None:
        self.shut()
        assert self._server is not None
        self._server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._shut:
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._writers -= {writer, back}

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[tuple[int, Relay]]:
    made = Relay(port)
    yield await made.start(), made
    await made.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def test_a_proxy_of_ours_that_lets_nobody_through_is_a_window(lab: Lab) -> None:
    port = free_port()
    async with relay(port) as (outside, proxy):
        bot = await lab.bot(listen_port=port, reached_at=f"http://127.0.0.1:{outside}")
        room = await lab.room(bot, "ann")
        cursor = await lab.now(bot)
        writer = Writer(lab, room)
        await asyncio.sleep(0.2)
        began = clock.now()
        proxy.shut()
        await asyncio.sleep(2.5)
        proxy.open()
        ended = clock.now()
        await asyncio.sleep(0.3)
        await writer.stop()
        events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
        await judged(lab, missed(events), (began, ended), "listener_unreachable")
        await bot.close()


async def test_what_a_client_keeps_that_it_could_not_post_is_swept_up(lab: Lab) -> None:
    await lab.hand.reset(on_failure="queue", default_ttl=0)
    port = free_port()
    async with relay(port) as (outside, proxy):
        bot = await lab.bot(listen_port=port, reached_at=f"http://127.0.0.1:{outside}")
        cursor = await lab.now(bot)
        proxy.shut()
        await lab.hand.person("ann")
        name = await lab.hand.write("ann", "kept")
        await lab.hand.settle()
        assert await lab.hand.losses() == ()
        (heard,) = await lab.heard(bot, cursor, name)
        assert heard.content.text == "kept"
        await bot.close()


# --- polling ----------------------------------------------------------------------------------


async def polled(lab: Lab, **more: Any) -> tuple[WickrConnector, str]:
    bot = await lab.bot(receive="poll", poll_every=0.2, **more)
    await lab.hand.person("ann")
    return bot, await lab.now(bot)


async def test_a_restart_that_polls_loses_nothing(lab: Lab) -> None:
    bot, cursor = await polled(lab)
    await bot.close()
    name = await lab.hand.write("ann", "meanwhile")
    again = await lab.bot(receive="poll", poll_every=0.2)
    events = await all_told(lab, again, cursor)
    assert name in {m.remote_id for m in said(events)}
    assert missed(events) == []


@pytest.mark.parametrize("how", ["cut_after", "cut_midway"])
async def test_a_batch_that_is_cut_on_its_way_is_a_window(lab: Lab, how: str) -> None:
    bot, cursor = await polled(lab)
    began = clock.now()
    await getattr(lab.hand, how)("receive")
    await lab.hand.write("ann", "lost")
    events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
    window = missed(events)[0]
    assert window.code == "batch_lost"
    assert window.since >= began - MOST
    assert window.until - window.since <= MOST
    after = await all_told(lab, bot, cursor)
    assert "the last one" in texts(after)


async def test_a_batch_that_cannot_be_parsed_ends_in_a_window(lab: Lab) -> None:
    bot, cursor = await polled(lab, patience=2.5)
    began = clock.now()
    await lab.hand.garbled("ann")
    events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
    await judged(lab, missed(events), (began, clock.now()), "batch_lost")


async def test_a_poll_that_finds_no_connection_loses_nothing(lab: Lab) -> None:
    bot, cursor = await polled(lab)
    await lab.hand.go_down()
    name = await lab.hand.write("ann", "waits at Wickr")
    await asyncio.sleep(0.5)
    await lab.hand.come_back()
    events = await all_told(lab, bot, cursor)
    assert name in {m.remote_id for m in said(events)}
    assert missed(events) == []


@pytest.mark.long
async def test_a_kill_between_a_poll_and_the_disk_is_a_window(lab: Lab) -> None:
    child = await lab.child("bot", receive="poll", poll_every=0.2)
    await lab.hand.person("ann")
    await asyncio.sleep(1.2)
    began = clock.now()
    await lab.hand.late("receive", by=3 * SECOND)
    await lab.hand.write("ann", "taken, and nowhere")
    await asyncio.sleep(1.0)
    child.kill()
    await child.wait()
    ended = clock.now()
    again = await lab.bot("bot", receive="poll", poll_every=0.2)
    told = missed(await all_told(lab, again, "x.0"))
    assert {window.code for window in told} == {"batch_lost"}
    (window,) = told
    assert window.since <= began + SECOND
    assert window.since >= began - MOST
    assert window.until <= ended + MOST


async def test_a_callback_that_the_client_does_not_take_leaves_polling(lab: Lab) -> None:
    await lab.hand.refuse("callback_set", times=None)
    bot = await lab.bot(poll_every=0.2)
    cursor = await lab.now(bot)
    await lab.hand.person("ann")
    name = await lab.hand.write("ann", "polled")
    (heard,) = await lab.heard(bot, cursor, name)
    assert heard.content.text == "polled"
    checks = {check.code: check for check in await bot.inspect()}
    assert not checks["bot callback"].ok
    assert "polled" in checks["bot callback"].hint


async def test_who_polls_takes_a_callback_away_that_would_get_our_messages(lab: Lab) -> None:
    await lab.hand.callback("http://127.0.0.1:9/left-behind")
    bot, cursor = await polled(lab)
    assert await lab.hand.callback() == ""
    name = await lab.hand.write("ann", "ours")
    assert len(await lab.heard(bot, cursor, name)) == 1


async def test_there_is_never_more_than_one_poll_at_a_time(lab: Lab) -> None:
    await lab.hand.late("receive", by=300_000)
    bot, cursor = await polled(lab)
    names = [await lab.hand.write("ann", f"{n}") for n in range(120)]
    heard = await lab.heard(bot, cursor, *names)
    assert [m.remote_id for m in heard] == names


# --- our own disk, and who is not the client --------------------------------------------------


async def test_a_post_that_cannot_be_stored_is_a_window(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await lab.bot()
    cursor = await lab.now(bot)
    await lab.hand.person("ann")
    began = clock.now()
    full = sqlite3.OperationalError("database or disk is full")
    kept = spool_module.Spool.put

    def refuse(*_: object, **__: object) -> None:
        raise full

    monkeypatch.setattr(spool_module.Spool, "put", refuse)
    await lab.hand.write("ann", "lost")
    await lab.hand.settle()
    monkeypatch.setattr(spool_module.Spool, "put", kept)
    ended = clock.now()
    events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
    await judged(lab, missed(events), (began, ended), "not_stored")


async def test_a_polled_batch_that_cannot_be_stored_is_kept_until_it_can(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, cursor = await polled(lab)
    kept, tried = spool_module.Spool.put, asyncio.Event()

    def refuse(*_: object, **__: object) -> None:
        tried.set()
        raise sqlite3.OperationalError

    monkeypatch.setattr(spool_module.Spool, "put", refuse)
    name = await lab.hand.write("ann", "held")
    async with asyncio.timeout(30):
        await tried.wait()
    await asyncio.sleep(0.5)
    monkeypatch.setattr(spool_module.Spool, "put", kept)
    (heard,) = await lab.heard(bot, cursor, name)
    assert heard.content.text == "held"


async def test_who_is_not_the_client_is_refused_and_told_of_once(lab: Lab) -> None:
    bot = await lab.bot()
    cursor = await lab.now(bot)
    url = await lab.hand.callback()
    base = url.rpartition("/")[0]
    good = b'{"message_id":"x","sender":"ann@x","vgroupid":"Sx","msgtype":1000,"message":"m"}'
    for _ in range(5):
        assert await lab.post(f"{base}/{'x' * 43}", good) == 404
        assert await lab.post(url, b"{") == 400
        assert await lab.post(url, b'{"message":"no sender"}') == 400
        assert await lab.post(url, good, "PUT") == 405
    events, _ = await lab.events(bot, cursor, lambda e: len(forged(e)) == 3)
    assert {one.code for one in forged(events)} == {"wrong_path", "malformed", "wrong_method"}
    assert said(events) == []


def forged(events: list[Event]) -> list[Forged]:
    return [event for event in events if isinstance(event, Forged)]


async def test_a_path_that_was_given_out_before_a_kill_is_still_taken(lab: Lab) -> None:
    child = await lab.child("bot")
    before = await lab.hand.callback()
    child.kill()
    await child.wait()
    bot = await lab.bot("bot", listen_port=int(before.rpartition(":")[2].partition("/")[0]))
    cursor = await lab.now(bot)
    assert await lab.hand.callback() != before
    body = b'{"message_id":"late","sender":"ann@x","vgroupid":"Sx","msgtype":1000,"message":"m"}'
    assert await lab.post(before, body) == 200
    assert len(await lab.heard(bot, cursor, "late")) == 1


async def test_while_the_web_interface_alone_is_gone_posts_go_on(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    began = clock.now()
    await lab.hand.lose_interface()
    name = await lab.hand.write("ann", "goes on", room=room)
    await asyncio.sleep(2.2)
    await lab.hand.find_interface()
    ended = clock.now()
    events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
    assert name in {m.remote_id for m in said(events)}
    assert await lab.hand.losses() == ()
    (window,) = missed(events)
    assert window.code == "api_unreachable"
    assert window.until - window.since <= (ended - began) + MOST
    assert await asked(lab, "callback_set")


async def test_a_start_that_fails_behind_the_callback_takes_it_away_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise Unavailable("not_now", "")

    monkeypatch.setattr(watch.Watch, "set_up", _and_then(watch.Watch.set_up, fail))
    with pytest.raises(Unavailable):
        await lab.bot()
    assert await asked(lab, "callback_set")
    assert await lab.hand.callback() == ""


def _and_then(first: Any, then: Any) -> Any:
    async def both(*given: object) -> None:
        await first(*given)
        await then(*given)

    return both


async def test_while_too_much_waits_here_messages_wait_at_the_client(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, cursor = await polled(lab)
    monkeypatch.setattr("connectors.shared.spool.MOST_WAITING", 0)
    name = await lab.hand.write("ann", "waits")
    await lab.hand.settle()
    await asyncio.sleep(0.6)
    assert await lab.hand.waiting() == (0, 1)
    monkeypatch.undo()
    assert len(await lab.heard(bot, cursor, name)) == 1


async def test_calls_that_hang_do_not_look_like_an_outage(lab: Lab) -> None:
    bot = await lab.bot(patience=4.0)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.fault(FaultKind.HANG_LOST, verb="room", times=None)
    hanging = [asyncio.create_task(bot.members(room)) for _ in range(25)]
    ended = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in ended)
    await lab.hand.clear_faults()
    assert missed(await all_told(lab, bot, cursor)) == []


async def test_a_first_batch_that_is_lost_is_told_from_when_we_were_last_there(lab: Lab) -> None:
    bot, cursor = await polled(lab)
    left = clock.now()
    await bot.close()
    await lab.hand.write("ann", "queued, then lost")
    await lab.hand.cut_after("receive")
    with pytest.raises(Uncertain):
        await lab.bot(receive="poll")
    again = await lab.bot(receive="poll", poll_every=0.2)
    events, _ = await lab.events(again, cursor, lambda e: bool(missed(e)))
    await judged(lab, missed(events), (left, clock.now()), "batch_lost")
    assert missed(events)[0].since <= left


async def test_a_lost_batch_is_told_once_our_disk_takes_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, cursor = await polled(lab)
    began, kept = clock.now(), spool_module.Spool.put
    tried = asyncio.Event()

    def refuse(*_: object, **__: object) -> None:
        tried.set()
        raise sqlite3.OperationalError

    monkeypatch.setattr(spool_module.Spool, "put", refuse)
    await lab.hand.cut_after("receive")
    await lab.hand.write("ann", "lost")
    async with asyncio.timeout(30):
        await tried.wait()
    await asyncio.sleep(0.5)
    monkeypatch.setattr(spool_module.Spool, "put", kept)
    events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
    await judged(lab, missed(events), (began, clock.now()), "batch_lost")
