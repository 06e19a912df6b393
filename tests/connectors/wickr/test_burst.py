"""Two hundred each way over lines that are cut: what is lost, and whether that is told.

Out: none is lost, order is kept, doubles are marked. In: what the network lost for good lies in a
window that is told, and no window is longer than the outage by more than five seconds.
"""

import asyncio
import random
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.port import ConnectorName, RoomId
from connectors.port.events import Event, Missed
from connectors.wickr.connector import WickrConnector
from connectors.wickr.standin.control import Control
from orchestrator import clock
from tests.connectors.burst import Way, burst_out, judge

from .conftest import MOST, Lab, missed, said

COUNT, LANES = 200, 4
PACE = 0.02
"""Seconds between two messages of a person who writes without a pause."""
LAST = "the last of all"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


# --- out --------------------------------------------------------------------------------------


def ways_out(hand: Control) -> list[Way]:
    """Every way in which a call can be cut and repeated.

    Not among them: a 400 and a ``Need …``, after which nothing is repeated by itself.
    """

    async def away() -> None:
        await hand.go_down()
        await asyncio.sleep(0.3)
        await hand.come_back()

    async def interface_away() -> None:
        await hand.lose_interface()
        await asyncio.sleep(0.3)
        await hand.find_interface()

    return [
        hand.cut_after,
        hand.cut_lost,
        hand.cut_midway,
        away,
        interface_away,
        hand.garbage,
        lambda: hand.garbage(status=502),
        lambda: hand.cut_lost("room"),
        hand.unavailable,
        lambda: hand.unavailable(status=429, retry_after=1),
        lambda: hand.hang(done=True),
        lambda: hand.hang(done=False),
        lambda: hand.answer_nothing(text="something else"),
    ]


@pytest.mark.long
async def test_a_burst_out_with_cuts_loses_nothing_and_marks_every_double(
    lab: Lab, tmp_path: Path
) -> None:
    bot = await lab.bot(patience=1.0)
    rooms = [await lab.room(bot, "ann", "bob") for _ in range(LANES)]
    await burst_out(tmp_path, bot, ConnectorName("wickr"), rooms, ways_out(lab.hand))
    judge([[m.text for m in await lab.ours("ann", room)] for room in rooms])


# --- in ---------------------------------------------------------------------------------------


@dataclass
class Inbound:
    """Ann writes two hundred without a pause, while lines are cut; what became of them."""

    lab: Lab
    room: RoomId
    written: list[str] = field(default_factory=list)
    outages: list[tuple[int, int]] = field(default_factory=list)

    async def write(self, count: int = COUNT) -> None:
        for n in range(count):
            name = await self.lab.hand.write("ann", f"number {n}", room=self.room)
            self.written.append(name)
            await asyncio.sleep(PACE)

    async def during(self, act: Callable[[], Awaitable[None]]) -> None:
        """An outage; it ends when ``act`` does."""
        began = clock.now()
        await act()
        self.outages.append((began, clock.now()))

    async def told(self, bot: WickrConnector, cursor: str) -> list[Event]:
        """All events up to a message that is written after everything was mended."""
        await self.lab.hand.settle()
        last = await self.lab.hand.write("ann", LAST, room=self.room)
        events, _ = await self.lab.events(
            bot, cursor, lambda e: last in {m.remote_id for m in said(e)}
        )
        return events

    async def judge(
        self, events: list[Event], *, losses: bool | None = True, ordered: bool = True
    ) -> None:
        """Every loss in a window; no window longer than its outage; order kept; nothing twice.

        Args:
            events: all that was told.
            losses: there are some, there are none; None where that is chance.
            ordered: in the order in which they were written, each once; what went back to the
                client's queue comes later.
        """
        heard = [m.remote_id for m in said(events) if m.content.text != LAST]
        assert not ordered or heard == [name for name in self.written if name in set(heard)]
        lost = set(self.written) - set(heard)
        assert losses is None or bool(lost) is losses
        windows = missed(events)
        when = {p.message: p.at for p in await self.lab.hand.handed()}
        when |= {p.message: p.at for p in await self.lab.hand.losses()}
        for name in lost:
            assert any(w.since <= when[name] <= w.until for w in windows), (name, windows)
        for window in windows:
            assert window.until - window.since - self._out(window) <= MOST, window

    def _out(self, window: Missed) -> int:
        """For how long of a window something was away; it began and ended close to an outage."""
        merged: list[list[int]] = []
        for began, ended in sorted(self.outages):
            if merged and began <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], ended)
            else:
                merged.append([began, ended])
        near = (b - MOST <= window.since and window.until <= e + MOST for b, e in merged)
        both = (b - MOST <= window.since <= e and b <= window.until for b, e in merged)
        assert any(near) or any(both), window
        return sum(max(0, min(window.until, e) - max(window.since, b)) for b, e in merged)


@pytest.mark.long
async def test_a_burst_in_by_callback_tells_a_window_for_each_loss(lab: Lab) -> None:
    port = free_port()
    bot = await lab.bot(listen_port=port, patience=1.0)
    inbound = Inbound(lab, await lab.room(bot, "ann", "bob"))
    cursor = await lab.now(bot)
    writing = asyncio.create_task(inbound.write())

    async def stolen() -> None:
        await lab.hand.callback("http://127.0.0.1:9/elsewhere")
        await asyncio.sleep(1.3)

    async def killed() -> None:
        """The listener is gone without a word, and comes back."""
        listener = bot._open.webhook
        assert listener is not None
        await listener.stop()
        await asyncio.sleep(0.8)
        await listener.start()
        await asyncio.sleep(1.1)  # until the next look sees it

    async def host_away() -> None:
        await lab.hand.go_down()
        await asyncio.sleep(0.5)
        await lab.hand.come_back()
        await asyncio.sleep(1.1)

    async def interface_away() -> None:
        await lab.hand.lose_interface()
        await asyncio.sleep(1.2)
        await lab.hand.find_interface()
        await asyncio.sleep(1.1)

    for outage in (stolen, killed, host_away, interface_away):
        await asyncio.sleep(0.2)
        await inbound.during(outage)
    await writing
    await inbound.judge(await inbound.told(bot, cursor))


@pytest.mark.long
async def test_a_burst_in_by_polling_tells_a_window_for_each_loss(lab: Lab) -> None:
    bot = await lab.bot(receive="poll", poll_every=0.2, patience=1.0)
    inbound = Inbound(lab, await lab.room(bot, "ann", "bob"))
    cursor = await lab.now(bot)
    writing = asyncio.create_task(inbound.write())

    def one(fault: Callable[[str], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            await fault("receive")
            await asyncio.sleep(0.7)

        return act

    async def hang() -> None:
        await lab.hand.hang("receive")
        await asyncio.sleep(1.6)

    async def garbled() -> None:
        await lab.hand.garbled("ann", room=inbound.room)
        await asyncio.sleep(1.6)

    async def interface_away() -> None:
        await lab.hand.lose_interface()
        await asyncio.sleep(1.0)
        await lab.hand.find_interface()
        await asyncio.sleep(0.5)

    hand = lab.hand
    ways = [one(hand.cut_after), one(hand.cut_midway), one(hand.garbage), one(hand.cut_lost)]
    for outage in (*ways, hang, garbled, interface_away):
        await inbound.during(outage)
    await writing
    await inbound.judge(await inbound.told(bot, cursor))


async def test_a_post_that_fails_in_the_client_alone_is_a_window(lab: Lab) -> None:
    """We and our listener can be reached all the while; its own count is all that shows it."""
    bot = await lab.bot()
    inbound = Inbound(lab, await lab.room(bot, "ann", "bob"))
    cursor = await lab.now(bot)
    await asyncio.sleep(1.3)  # until the count was read once

    async def failing() -> None:
        await lab.hand.fail_callback(2)
        await inbound.write(4)
        await lab.hand.settle()
        await asyncio.sleep(1.3)

    await inbound.during(failing)
    events = await inbound.told(bot, cursor)
    assert {window.code for window in missed(events)} == {"client_errors"}
    await inbound.judge(events)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_goes_and_comes_at_once_each_loss_lies_in_a_window(
    lab: Lab, seed: int
) -> None:
    """Two things at a time, at random: host, interface, listener, callback, a poll's answer."""
    chance = random.Random(seed)  # noqa: S311 - so that it can be had again
    bot = await lab.bot(listen_port=free_port(), patience=1.0)
    inbound = Inbound(lab, await lab.room(bot, "ann", "bob"))
    cursor = await lab.now(bot)
    writing = asyncio.create_task(inbound.write())
    listener = bot._open.webhook
    assert listener is not None

    async def stolen(seconds: float) -> None:
        await lab.hand.callback("http://127.0.0.1:9/elsewhere")
        await asyncio.sleep(seconds)

    async def deaf(seconds: float) -> None:
        await listener.stop()
        await asyncio.sleep(seconds)
        await listener.start()

    async def host(seconds: float) -> None:
        await lab.hand.go_down()
        await asyncio.sleep(seconds)
        await lab.hand.come_back()

    async def interface(seconds: float) -> None:
        await lab.hand.lose_interface()
        await asyncio.sleep(seconds)
        await lab.hand.find_interface()

    async def cut_poll(seconds: float) -> None:
        await lab.hand.cut_after("receive")
        await asyncio.sleep(seconds)

    async def spoil(ways: list[Callable[[float], Awaitable[None]]]) -> None:
        for way in chance.sample(ways, len(ways)):
            seconds = chance.uniform(1.2, 2.0)

            async def act(way: Any = way, seconds: float = seconds) -> None:
                await way(seconds)
                await asyncio.sleep(2.2)  # until a look sees that it is mended

            await inbound.during(act)

    await asyncio.gather(spoil([stolen, deaf]), spoil([host, interface, cut_poll]))
    await writing
    await inbound.judge(await inbound.told(bot, cursor), ordered=False)


@pytest.mark.long
async def test_where_the_client_keeps_what_it_could_not_post_nothing_is_lost(lab: Lab) -> None:
    await lab.hand.reset(folder=str(lab.attachments), on_failure="queue")
    bot = await lab.bot()
    inbound = Inbound(lab, await lab.room(bot, "ann", "bob"))
    cursor = await lab.now(bot)
    writing = asyncio.create_task(inbound.write(60))
    listener = bot._open.webhook
    assert listener is not None
    await asyncio.sleep(0.3)
    await listener.stop()
    await writing
    await listener.start()
    await lab.hand.settle()
    events, _ = await lab.events(
        bot, cursor, lambda e: set(inbound.written) <= {m.remote_id for m in said(e)}
    )
    assert await lab.hand.losses() == ()
    assert {m.remote_id for m in said(events)} == set(inbound.written)


@pytest.mark.parametrize("receive", ["callback", "poll"])
async def test_an_orderly_restart_in_mid_flow_loses_nothing_and_tells_of_nothing(
    lab: Lab, receive: str
) -> None:
    bot = await lab.bot(receive=receive, poll_every=0.2)
    inbound = Inbound(lab, await lab.room(bot, "ann", "bob"))
    cursor = await lab.now(bot)
    writing = asyncio.create_task(inbound.write(60))
    await asyncio.sleep(0.3)
    await bot.close()
    await asyncio.sleep(0.4)
    again = await lab.bot(receive=receive, poll_every=0.2)
    await writing
    events = await inbound.told(again, cursor)
    await inbound.judge(events, losses=False)
    assert missed(events) == []


@pytest.mark.long
@pytest.mark.parametrize("receive", ["callback", "poll"])
async def test_kill_9_in_mid_flow_loses_only_what_a_window_tells_of(lab: Lab, receive: str) -> None:
    settings: dict[str, Any] = {"receive": receive, "poll_every": 0.2}
    settings["listen_port"] = free_port()
    maker = await lab.bot("maker")
    inbound = Inbound(lab, await lab.room(maker, "ann", "bob"))
    await maker.close()
    child = await lab.child("bot", **settings)
    writing = asyncio.create_task(inbound.write(150))
    await asyncio.sleep(1.5)
    if receive == "poll":
        await lab.hand.late("receive", by=300_000)  # so that a poll is under way
        await asyncio.sleep(0.25)
    opened: list[WickrConnector] = []

    async def dead() -> None:
        child.kill()
        await child.wait()
        await asyncio.sleep(0.8)
        opened.append(await lab.bot(**settings))

    await inbound.during(dead)
    await writing
    await inbound.judge(await inbound.told(opened[0], "x.0"))


@pytest.mark.long
@pytest.mark.parametrize("receive", ["callback", "poll"])
async def test_a_crash_loop_loses_only_what_a_window_tells_of(lab: Lab, receive: str) -> None:
    """Killed again and again, also while it opens, before it could tell of the last time."""
    settings: dict[str, Any] = {"receive": receive, "poll_every": 0.2}
    settings["listen_port"] = free_port()
    maker = await lab.bot("maker")
    inbound = Inbound(lab, await lab.room(maker, "ann", "bob"))
    await maker.close()
    child = await lab.child("bot", **settings)
    writing = asyncio.create_task(inbound.write(300))
    await asyncio.sleep(1.2)
    opened: list[WickrConnector] = []

    async def loop() -> None:
        dying = child
        for after in (0.9, 1.1, 1.3, 1.6):
            dying.kill()
            await dying.wait()
            dying = await lab.child("bot", cursor="x.0", opened=False, **settings)
            await asyncio.sleep(after)
        dying.kill()
        await dying.wait()
        opened.append(await lab.bot(**settings))

    await inbound.during(loop)
    await writing
    events = await inbound.told(opened[0], "x.0")
    await inbound.judge(events, losses=True if receive == "callback" else None)


@pytest.mark.long
async def test_what_is_posted_to_a_process_that_stands_still_is_taken_when_it_goes_on(
    lab: Lab,
) -> None:
    """A machine that sleeps or swaps: the client gives up, and its post waits in the system."""
    await lab.hand.reset(folder=str(lab.attachments), callback_patience=0.5)
    maker = await lab.bot("maker")
    inbound = Inbound(lab, await lab.room(maker, "ann", "bob"))
    await maker.close()
    child = await lab.child("bot")
    await asyncio.sleep(1.2)

    async def asleep() -> None:
        child.send_signal(signal.SIGSTOP)
        await inbound.write(3)
        await lab.hand.settle()
        await asyncio.sleep(2.0)
        child.send_signal(signal.SIGCONT)
        await asyncio.sleep(1.5)

    await inbound.during(asleep)
    child.kill()
    await child.wait()
    assert len(await lab.hand.losses()) == 3  # as the client sees it
    await inbound.judge(await inbound.told(await lab.bot(), "x.0"), losses=False)


async def test_nothing_that_was_answered_is_lost_to_a_kill(lab: Lab) -> None:
    """What the client was told is stored is offered again by whoever opens the same state."""
    child = await lab.child("bot")
    await lab.hand.person("ann")
    written = [await lab.hand.write("ann", f"{n}") for n in range(20)]
    await lab.hand.settle()
    assert await lab.hand.losses() == ()
    child.kill()
    await child.wait()
    again = await lab.bot()
    heard = await lab.heard(again, "x.0", *written)
    assert [m.remote_id for m in heard] == written
