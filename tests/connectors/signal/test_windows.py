"""Every true loss lies in a window that is told, and no window is longer than it was."""

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest

from connectors.port import RoomId
from connectors.port.events import Missed
from connectors.shared.webhook import QUESTION
from connectors.signal.connector import SignalConnector
from orchestrator import clock

from .conftest import Lab, relay, said

MOST = 5_000_000
"""Microseconds by which a window may be longer than the outage."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Writer:
    """Ann writes without a pause until she is told to stop."""

    def __init__(self, lab: Lab, room: RoomId) -> None:
        self._lab, self._room = lab, room
        self.stamps: list[int] = []
        self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while True:
            text = f"number {len(self.stamps)}"
            self.stamps.append(await self._lab.hand.write("ann", text, group=self._room))
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._lab.hand.settle()


async def windows(lab: Lab, bot: SignalConnector, cursor: str) -> list[Missed]:
    events, _ = await lab.events(bot, cursor, lambda e: any(isinstance(x, Missed) for x in e))
    return [event for event in events if isinstance(event, Missed)]


async def judged(lab: Lab, told: list[Missed], outage: tuple[int, int]) -> None:
    """Losses in windows, windows no longer than the outage; at least one true loss."""
    losses = await lab.hand.losses()
    assert losses
    for loss in losses:
        assert any(w.since <= loss.at <= w.until for w in told), (loss.at, loss.reason, told)
    began, ended = outage
    for window in told:
        assert window.since >= began - MOST
        assert window.until - window.since <= (ended - began) + MOST


async def test_a_restart_in_mid_flow_is_a_window(lab: Lab) -> None:
    port = free_port()
    bot = await lab.bot(listen_port=port)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    writer = Writer(lab, room)
    await asyncio.sleep(0.3)
    began = clock.now()
    await bot.close()
    await asyncio.sleep(1.0)
    again = await lab.bot(listen_port=port)
    ended = clock.now()
    await asyncio.sleep(0.3)
    await writer.stop()
    told = await windows(lab, again, cursor)
    assert {w.code for w in told} == {"not_running"}
    await judged(lab, told, (began, ended))


@pytest.mark.long
async def test_a_killed_process_is_a_window_from_its_last_pulse(lab: Lab) -> None:
    child, port = await spawn(lab, lab.folder / "bot", free_port())
    maker = await lab.bot("maker")
    await lab.hand.webhook(f"http://127.0.0.1:{port}/{lab.secret}")
    room = await lab.room(maker, "ann")
    writer = Writer(lab, room)
    await asyncio.sleep(1.5)
    began = clock.now()
    child.kill()
    await child.wait()
    await asyncio.sleep(1.0)
    again = await lab.bot(listen_port=port)
    ended = clock.now()
    await asyncio.sleep(0.3)
    await writer.stop()
    told = await windows(lab, again, "x.0")
    await judged(lab, told, (began, ended))
    assert began - told[0].since < 2_000_000


async def spawn(lab: Lab, state: Path, port: int = 0) -> tuple[asyncio.subprocess.Process, int]:
    setup = lab.setup(listen_port=port)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("child.py")), str(state)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    told = {"settings": dict(setup.settings), "secrets": dict(setup.secrets)}
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(told).encode() + b"\n")
    return child, int(await child.stdout.readline())


async def test_nothing_that_was_answered_is_lost_to_a_kill(lab: Lab) -> None:
    """What the server was told is stored is offered again by whoever opens the same state."""
    child, port = await spawn(lab, lab.folder / "bot")
    await lab.hand.webhook(f"http://127.0.0.1:{port}/{lab.secret}")
    await lab.hand.person("ann")
    stamps = [await lab.hand.write("ann", f"{n}") for n in range(20)]
    await lab.hand.settle()
    assert await lab.hand.losses() == ()
    child.kill()
    await child.wait()
    again = await lab.bot()
    events, _ = await lab.events(again, "x.0", lambda e: any(isinstance(x, Missed) for x in e))
    heard = [int(m.remote_id.rpartition("/")[2]) for m in said(events)]
    assert heard == stamps


@pytest.mark.long
async def test_a_server_that_goes_is_a_window(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    writer = Writer(lab, room)
    await asyncio.sleep(0.5)
    began = clock.now()
    await lab.hand.go_down()
    await asyncio.sleep(1.5)
    await lab.hand.come_back()
    ended = clock.now()
    await writer.stop()
    told = await windows(lab, bot, cursor)
    assert {w.code for w in told} == {"api_unreachable"}
    for loss in await lab.hand.losses():
        assert any(w.since <= loss.at <= w.until for w in told)
    assert all(w.until - w.since <= (ended - began) + MOST for w in told)


@pytest.mark.long
async def test_a_server_and_a_listener_that_go_at_once(lab: Lab) -> None:
    port = free_port()
    bot = await lab.bot(listen_port=port)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await asyncio.sleep(0.6)
    began = clock.now()
    await lab.hand.go_down()
    await asyncio.sleep(1.2)  # long enough that it was seen
    await bot.close()
    await lab.hand.come_back()
    await lab.hand.write("ann", "lost", group=room)
    await lab.hand.settle()
    again = await lab.bot(listen_port=port)
    ended = clock.now()
    await judged(lab, await windows(lab, again, cursor), (began, ended))


def fill(bot: SignalConnector, *, full: bool) -> None:
    """The disk has no page left for what is posted, or has some again."""
    db = bot._open.spool._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages if full else pages + 10_000}")


async def lose_some(lab: Lab, room: RoomId) -> None:
    for n in range(3):
        await lab.hand.write("ann", f"{n}" + "x" * 20_000, group=room)
    await lab.hand.settle()
    assert {loss.reason for loss in await lab.hand.losses()} == {"status 503"}


@pytest.mark.parametrize("goes_on", [pytest.param(True, marks=pytest.mark.long), False])
async def test_a_full_disk_is_a_window_that_ends_with_it(lab: Lab, goes_on: bool) -> None:
    """It ends when the disk takes something again, whether or not somebody writes."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    began = clock.now()
    fill(bot, full=True)
    await lose_some(lab, room)
    await asyncio.sleep(1.0)
    fill(bot, full=False)
    ended = clock.now()
    if goes_on:
        await lab.hand.write("ann", "stored", group=room)
    told = await windows(lab, bot, cursor)
    assert [w.code for w in told] == ["not_stored"]
    await judged(lab, told, (began, ended))


@pytest.mark.long
async def test_while_nothing_can_be_written_the_pulse_stands_still(lab: Lab) -> None:
    """Should we end before it can be told, the next start tells of all of it."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    fill(bot, full=True)
    await lose_some(lab, room)
    before = bot._open.ledger.instant("pulse")
    await asyncio.sleep(1.2)
    assert bot._open.ledger.instant("pulse") == before
    await bot.close()
    again = await lab.bot()
    told = await windows(lab, again, "x.0")
    assert all(any(w.since <= x.at <= w.until for w in told) for x in await lab.hand.losses())


class Between:
    """A proxy of ours before the listener: passes bytes on until it is told to end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, near = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, near}
        await asyncio.gather(relay(reader, near), relay(far, writer), return_exceptions=True)

    def end(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()


@pytest.mark.long
async def test_a_proxy_before_us_that_goes_is_a_window(lab: Lab) -> None:
    """The server answers us all the while, and cannot reach us."""
    ours = free_port()
    between = Between(ours)
    await between.start()
    at = f"http://127.0.0.1:{between.port}"
    bot = await lab.bot(listen_port=ours, reached_at=at)
    await lab.hand.webhook(f"{at}/{lab.secret}")
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    writer = Writer(lab, room)
    await asyncio.sleep(0.7)
    began = clock.now()
    between.end()
    await asyncio.sleep(1.5)
    await between.start()
    ended = clock.now()
    await asyncio.sleep(0.5)
    await writer.stop()
    told = await windows(lab, bot, cursor)
    assert {w.code for w in told} == {"listener_unreachable"}
    await judged(lab, told, (began, ended))
    between.end()


@pytest.mark.long
async def test_our_own_question_is_no_forgery(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.person("ann")
    await asyncio.sleep(1.2)
    assert await lab.post(bot, QUESTION) == 204
    await lab.hand.write("ann", "x")
    events, _ = await lab.events(bot, "x.0", lambda e: bool(said(e)))
    assert not [e for e in events if isinstance(e, Missed)]


async def test_a_post_that_breaks_off_is_a_window(lab: Lab) -> None:
    bot = await lab.bot()
    cursor = await lab.now(bot)
    at = clock.now()
    _, writer = await asyncio.open_connection("127.0.0.1", bot.listens_on)
    head = f"POST /{lab.secret} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
    writer.write(head.encode() + b'{"jsonrpc"')
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    await writer.wait_closed()
    (window,) = await windows(lab, bot, cursor)
    assert window.code == "broken_off"
    assert window.since <= at + 1_000_000
    assert window.until - window.since < MOST


async def test_more_than_may_wait_is_refused_and_is_a_window(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.shared.spool.MOST_WAITING", 5)
    bot = await lab.bot()
    await lab.hand.person("ann")
    cursor = await lab.now(bot)
    for n in range(8):
        await lab.hand.write("ann", f"{n}")
    await lab.hand.settle()
    assert len(await lab.hand.losses()) == 3
    events, after = await lab.events(bot, cursor, lambda e: len(said(e)) >= 5)
    assert len(said(events)) == 5
    task = asyncio.ensure_future(anext(bot.receive(after)))
    await asyncio.sleep(0.1)
    await lab.hand.write("ann", "after")
    await lab.hand.settle()
    await task
    (window,) = await windows(lab, bot, after)
    assert window.code == "not_stored"


async def test_a_first_start_has_missed_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.person("ann")
    await lab.hand.write("ann", "first")
    events, _ = await lab.events(bot, "x.0", lambda e: bool(said(e)))
    assert not [event for event in events if isinstance(event, Missed)]
