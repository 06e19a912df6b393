"""Two hundred go out over a line that is cut: none is lost, order is kept, doubles are marked."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.port import ConnectorName
from connectors.port.errors import ConnectorError
from connectors.port.events import Missed
from connectors.shared import frame
from connectors.signal.standin.control import Control
from orchestrator import clock
from tests.connectors.burst import Way, burst_out, judge

from .conftest import Lab, said, until

COUNT, LANES = 200, 4


def ways_out(hand: Control) -> list[Way]:
    """Every way in which a call can be cut and repeated."""

    async def away() -> None:
        await hand.go_down()
        await asyncio.sleep(0.3)
        await hand.come_back()

    return [
        hand.cut_after,
        hand.cut_lost,
        away,
        hand.garbage,
        lambda: hand.cut_lost("group"),
        hand.unavailable,
        lambda: hand.hang(done=True),
        lambda: hand.hang(done=False),
        lambda: hand.fail_recipients(["bob"]),
        hand.answer_nothing,
    ]


@pytest.mark.long
async def test_a_burst_with_cuts_loses_nothing_and_marks_every_double(
    lab: Lab, tmp_path: Path
) -> None:
    await burst(lab, tmp_path)


@pytest.mark.long
async def test_a_burst_through_the_daemon_loses_nothing_and_marks_every_double(
    stream_lab: Lab, tmp_path: Path
) -> None:
    await burst(stream_lab, tmp_path)


async def burst(lab: Lab, folder: Path) -> None:
    bot = await lab.bot(patience=1.0)
    rooms = [await lab.room(bot, "ann", "bob") for _ in range(LANES)]
    await burst_out(folder, bot, ConnectorName("signal"), rooms, ways_out(lab.hand))
    judge([[m.text for m in await lab.ours("ann", room)] for room in rooms])


@pytest.mark.long
async def test_a_burst_to_us_with_cuts_is_heard_whole_or_named(stream_lab: Lab) -> None:
    """Two hundred come in while the daemon's stream is cut, and sends go out beside them."""
    await stream_lab.hand.reset(backend="json-rpc", receive_mode="on-start", keepalive=0.5)
    bot = await stream_lab.bot(patience=1.0)
    room = await stream_lab.room(bot, "ann", "bob")
    cursor = await stream_lab.now(bot)
    await asyncio.sleep(1.6)
    stamps: list[int] = []

    async def write() -> None:
        for n in range(COUNT):
            stamps.append(await stream_lab.hand.write("ann", f"number {n}", group=room))
            await asyncio.sleep(0.02)

    async def cut() -> None:
        for _ in range(4):
            await asyncio.sleep(0.6)
            await stream_lab.hand.go_down()
            await asyncio.sleep(0.3)
            await stream_lab.hand.come_back()

    async def send() -> None:
        for n in range(40):
            with suppress(ConnectorError):
                delivery = await stream_lab.delivery(bot, room, f"ours {n}")
                await bot.send(delivery)
            await asyncio.sleep(0.05)

    await asyncio.gather(write(), cut(), send())
    after = clock.now()

    async def well() -> bool:
        return bot._open.reachable.well_at > after

    await until(well, 30)
    last = await stream_lab.hand.write("bob", "the last", group=room)
    named = f"/{last}"
    events, _ = await stream_lab.events(
        bot, cursor, lambda e: any(m.remote_id.endswith(named) for m in said(e))
    )
    heard = [int(m.remote_id.rpartition("/")[2]) for m in said(events)]
    windows = [event for event in events if isinstance(event, Missed)]
    assert windows
    for stamp in set(stamps) - set(heard):
        assert any(w.since <= stamp * 1000 <= w.until for w in windows)
    assert len(heard) == len(set(heard))
    in_order = [stamp for stamp in heard if stamp in set(stamps)]
    assert in_order == sorted(in_order)
    phone = [frame.parse(m.text or "").text for m in await stream_lab.ours("ann", room)]
    assert len(phone) == len(set(phone)), "a double of which nobody was told"
