"""Each message that the daemon's stream did not bring lies in a window, and none is too long.

The daemon is set to fetch from its start on (``on-start``): so what nobody reads is lost.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.port.events import Event, Missed
from connectors.signal.connector import SignalConnector
from connectors.signal.rpc import events
from connectors.signal.rpc.sse import Event as Told
from connectors.signal.standin.faults import FaultKind
from orchestrator import clock

from .conftest import Lab, relay, said, until
from .test_windows import MOST, Between, Writer

MS = 1000


@pytest.fixture(autouse=True)
async def _loses(stream_lab: Lab) -> None:
    await stream_lab.hand.reset(backend="json-rpc", receive_mode="on-start", keepalive=0.5)


async def all_of(lab: Lab, bot: SignalConnector, cursor: str) -> list[Event]:
    """Everything until a message that is written last, after all windows are closed."""
    await lab.hand.person("last")
    found: list[Event] = []

    async def heard() -> bool:
        await lab.hand.write("last", "the last")
        more, _ = await lab.events(bot, cursor, lambda e: bool(said(e)))
        found[:] = more
        return any(m.content.text == "the last" for m in said(more))

    after = clock.now()

    async def well() -> bool:
        return bot._open.reachable.well_at > after

    await until(well, 20)  # the stream settles, then a beat tells
    await until(heard)
    return found


def judged(found: list[Event], stamps: list[int], outage: tuple[int, int]) -> list[Missed]:
    """Every message came or lies in a window; at least one was lost; no window is too long."""
    heard = {int(m.remote_id.rpartition("/")[2]) for m in said(found)}
    told = [event for event in found if isinstance(event, Missed)]
    lost = [stamp for stamp in stamps if stamp not in heard]
    assert lost
    for stamp in lost:
        assert any(w.since <= stamp * MS <= w.until for w in told), (stamp, told)
    began, ended = outage
    for window in told:
        assert window.since >= began - MOST
        assert window.until - window.since <= (ended - began) + MOST
    return told


async def test_a_restart_in_mid_flow_is_one_window(stream_lab: Lab) -> None:
    lab = stream_lab
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await asyncio.sleep(1.6)
    writer = Writer(lab, room)
    await asyncio.sleep(0.3)
    began = clock.now()
    await bot.close()
    await asyncio.sleep(1.0)
    again = await lab.bot()
    ended = clock.now()
    await asyncio.sleep(0.3)
    await writer.stop()
    told = judged(await all_of(lab, again, cursor), writer.stamps, (began, ended))
    assert {w.code for w in told} == {"not_running"}


async def test_a_daemon_that_goes_is_a_window(stream_lab: Lab) -> None:
    """What it had read and could not tell is gone with it."""
    lab = stream_lab
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await asyncio.sleep(1.6)
    began = clock.now()
    await lab.hand.go_down()
    writer = Writer(lab, room)
    await asyncio.sleep(1.2)
    await lab.hand.come_back()  # it fetches at once, and we are not there yet
    ended = clock.now()
    await writer.stop()
    told = judged(await all_of(lab, bot, cursor), writer.stamps, (began, ended))
    assert {w.code for w in told} == {"stream_cut"}


@asynccontextmanager
async def through(lab: Lab) -> AsyncIterator[tuple[Between, str]]:
    """A proxy between us and the daemon."""
    between = Between(int(lab.server.url.rpartition(":")[2]))
    await between.start()
    try:
        yield between, f"http://127.0.0.1:{between.port}"
    finally:
        between.end()


@pytest.mark.parametrize("pause", [0.0, 1.0])
async def test_a_cut_stream_is_a_window_however_short(stream_lab: Lab, pause: float) -> None:
    """The daemon is there all the while, and reads on for nobody."""
    lab = stream_lab
    async with through(lab) as (between, url):
        bot = await lab.bot(api=url)
        room = await lab.room(bot, "ann")
        cursor = await lab.now(bot)
        await asyncio.sleep(1.6)
        writer = Writer(lab, room)
        await asyncio.sleep(0.3)
        began = clock.now()
        between.end()
        await asyncio.sleep(pause)
        await between.start()
        ended = clock.now()
        await asyncio.sleep(0.8)
        await writer.stop()
        told = judged(await all_of(lab, bot, cursor), writer.stamps, (began, ended))
        assert {w.code for w in told} == {"stream_cut"}
        await bot.close()


async def test_a_stream_that_falls_silent_is_a_window_from_its_last_byte(
    stream_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands between swallows it: no end of a connection is told."""
    monkeypatch.setattr(events, "SILENCE", 1.0)
    monkeypatch.setattr(events, "_OVERDUE", 800_000)
    lab = stream_lab
    async with silenced(lab) as (mute, url):
        bot = await lab.bot(api=url)
        room = await lab.room(bot, "ann")
        cursor = await lab.now(bot)
        await asyncio.sleep(2.0)
        began = clock.now()
        mute()
        writer = Writer(lab, room)
        await asyncio.sleep(1.5)
        ended = clock.now()
        await writer.stop()
        told = judged(await all_of(lab, bot, cursor), writer.stamps, (began, ended))
        assert {w.code for w in told} == {"stream_cut"}
        await bot.close()


@asynccontextmanager
async def silenced(lab: Lab) -> AsyncIterator[tuple[Callable[[], None], str]]:
    """A proxy that, when told to, swallows what comes through connections that are open by then."""
    port = int(lab.server.url.rpartition(":")[2])
    deaf: list[bool] = []
    open_now: list[list[bool]] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, near = await asyncio.open_connection("127.0.0.1", port)
        mine: list[bool] = []
        open_now.append(mine)
        writers.extend((writer, near))
        await asyncio.gather(swallow(reader, near, deaf), swallow(far, writer, mine))

    async def swallow(
        source: asyncio.StreamReader, to: asyncio.StreamWriter, swallows: list[bool]
    ) -> None:
        try:
            while piece := await source.read(65536):
                if not swallows:
                    to.write(piece)
        except OSError:
            return
        if not swallows:
            to.close()

    def mute() -> None:
        for one in open_now:
            one.append(True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield mute, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def test_a_stream_that_was_none_is_a_window_from_before_it(stream_lab: Lab) -> None:
    """A head and nothing behind it, again and again: all of it is one window."""
    lab = stream_lab
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await asyncio.sleep(1.6)
    began = clock.now()
    await lab.hand.fault(FaultKind.NOTHING, verb="events", times=5)
    await lab.hand.go_down()
    await lab.hand.come_back()
    writer = Writer(lab, room)
    await asyncio.sleep(1.0)
    await writer.stop()
    found = await all_of(lab, bot, cursor)
    told = judged(found, writer.stamps, (began, clock.now()))
    assert [w.code for w in told] == ["stream_cut"]


async def test_an_event_that_breaks_off_lies_in_its_window(stream_lab: Lab) -> None:
    """However long it took to come: the window begins before its first byte."""
    lab, written = stream_lab, asyncio.Event()
    began: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/events" not in head or began:
            far, near = await asyncio.open_connection("127.0.0.1", port)
            near.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            await asyncio.gather(relay(reader, near), relay(far, writer), return_exceptions=True)
            return
        kind = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked"
        writer.write(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n2\r\n:\n\r\n" % kind)
        await asyncio.sleep(2.0)
        began.append(clock.now())
        writer.write(b"d\r\nevent:receive\r\n")
        await asyncio.sleep(3.0)
        writer.transport.abort()
        written.set()

    port = int(lab.server.url.rpartition(":")[2])
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    bot = await lab.bot(api=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    cursor = await lab.now(bot)
    await asyncio.wait_for(written.wait(), 10)
    told = [e for e in await all_of(lab, bot, cursor) if isinstance(e, Missed)]
    assert [w.code for w in told] == ["stream_cut"]
    assert told[0].since <= began[0]
    await bot.close()
    server.close()


async def test_a_first_start_has_missed_nothing(stream_lab: Lab) -> None:
    bot = await stream_lab.bot()
    assert not [e for e in await all_of(stream_lab, bot, "x.0") if isinstance(e, Missed)]


async def test_nothing_is_missed_while_all_is_well(stream_lab: Lab) -> None:
    """Events, keepalives and silence between them."""
    lab = stream_lab
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    writer = Writer(lab, room)
    await asyncio.sleep(2.0)
    await writer.stop()
    found = await all_of(lab, bot, "x.0")
    heard = {int(m.remote_id.rpartition("/")[2]) for m in said(found)}
    assert set(writer.stamps) <= heard
    assert not [e for e in found if isinstance(e, Missed)]


async def test_an_event_that_nobody_understands_is_told(stream_lab: Lab) -> None:
    lab = stream_lab
    bot = await lab.bot()
    ears = bot._open.ears
    assert isinstance(ears, events.Stream)
    for kind, data in (("receive", b"{}"), ("receive", b"[" * 5000), ("other", b"{}")):
        await ears._heard(Told(kind, data))
    await ears._heard(Told("receive", b"", too_large=True))
    found = await all_of(lab, bot, "x.0")
    codes = [event.code for event in found if isinstance(event, Missed)]
    assert codes == ["not_understood"] * 3 + ["too_large"]


async def test_an_event_for_another_account_is_not_taken_in(stream_lab: Lab) -> None:
    lab = stream_lab
    bot = await lab.bot()
    ears = bot._open.ears
    assert isinstance(ears, events.Stream)
    data = {"envelope": {"sourceNumber": "+15550101", "timestamp": 5}, "account": "+15550199"}
    await ears._heard(Told("receive", json.dumps(data).encode()))
    found = await all_of(lab, bot, "x.0")
    assert [m.content.text for m in said(found)] == ["the last"]


# --- kills ------------------------------------------------------------------------------------


async def spawn(lab: Lab, state: Path) -> asyncio.subprocess.Process:
    setup = lab.setup()
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
    assert await child.stdout.readline() == b"0\n"
    return child


@pytest.mark.long
@pytest.mark.parametrize("kill", range(3))
async def test_a_killed_process_loses_nothing_but_what_a_window_names(
    stream_lab: Lab, kill: int
) -> None:
    """kill -9 in mid-flow; what was stored before is offered again, the rest lies in a window."""
    lab = stream_lab
    child = await spawn(lab, lab.folder / "bot")
    maker = await lab.bot("maker")
    room = await lab.room(maker, "ann")
    await maker.close()
    writer = Writer(lab, room)
    await asyncio.sleep(1.9 + kill * 0.17)
    began = clock.now()
    child.kill()
    await child.wait()
    await asyncio.sleep(1.0)
    again = await lab.bot()
    ended = clock.now()
    await asyncio.sleep(0.3)
    await writer.stop()
    told = judged(await all_of(lab, again, "x.0"), writer.stamps, (began, ended))
    assert {w.code for w in told} == {"not_running"}


async def test_a_daemon_that_is_slow_to_answer_moves_no_window_back(
    stream_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that is whole is whole; what is not known is neither well nor broken."""
    bot = await stream_lab.bot()
    ears = bot._open.ears
    assert isinstance(ears, events.Stream)
    await asyncio.sleep(1.6)
    before = bot._open.reachable.well_at

    async def silent(seconds: float) -> bool:
        return seconds < 0

    monkeypatch.setattr(bot._open.backend, "alive", silent)
    monkeypatch.setattr(ears._client, "alive", silent)
    assert await ears.well(0.1) == {}
    await asyncio.sleep(1.2)
    assert bot._open.reachable.well_at >= before
    monkeypatch.undo()
    assert not [e for e in await all_of(stream_lab, bot, "x.0") if isinstance(e, Missed)]
