"""What people write while the line breaks or we are killed: lost is nothing, or it is told when.

On Matrix and by mail all that was written is taken in, each once. On Signal the network itself
loses what it cannot hand over (its server posts once); each true loss lies in a window that is a
finding, and no window is more than five seconds longer than the outage was.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.clock import SECOND, now
from orchestrator.demo.mailserver import MailServer, cannot

from .crashing import Runner, looking, until
from .networks import OURS, Mail, Matrix, Network, Signal
from .test_cuts import PATIENCE_S, made, running

MOST = 5 * SECOND
AWAY_S = 2.0
STILL_S = 8.0
MIDST_S = 0.3
"""After something was taken in: the next is under way."""
MAILS = 60
Way = Callable[..., Awaitable[list[str]]]


def taken(home: Path, network: str) -> Counter[str]:
    """How often each of the network's messages is taken in, by its name there."""
    with looking(home) as connection:
        rows = connection.execute("SELECT remote_id FROM message WHERE connector = ?", (network,))
        return Counter(remote for (remote,) in rows)


def windows(home: Path) -> list[tuple[int, int]]:
    """From and until of the windows that findings tell of."""
    with looking(home) as connection:
        found = connection.execute("SELECT subject FROM finding WHERE rule = 'missed'").fetchall()
    spans = {subject.rpartition(":")[2].partition("-") for (subject,) in found}
    return sorted((int(since), int(end)) for since, _, end in spans)


@dataclass
class Outages:
    """Breaks the line and kills our process, and notes from when until when."""

    runner: Runner
    network: Network
    spans: list[tuple[int, int]] = field(default_factory=list)

    async def line(self) -> None:
        """The line is away for a while."""
        began = now()
        self.network.relay.go_down()
        await asyncio.sleep(AWAY_S)
        self.network.relay.come_back()
        self.spans.append((began, now()))

    async def killed(self) -> None:
        """SIGKILL in the middle of it, and a new start after a while."""
        began = now()
        await asyncio.to_thread(self.runner.kill)
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(self.runner.start)
        self.spans.append((began, now()))


class ImapOutages(Outages):
    """The line to the mailbox: each of its sessions is ended, again and again."""

    async def line(self) -> None:
        server = self.network.server  # type: ignore[attr-defined]  # a Mail
        until_s = time.monotonic() + AWAY_S
        while time.monotonic() < until_s:
            await asyncio.to_thread(server.cut)
            await asyncio.sleep(0.2)


@dataclass
class Writing:
    """Somebody writes without a pause; the line breaks, and we are killed while we take it in.

    Attributes:
        count: how many are written.
        write: writes one.
        home: whose store says how many are taken in.
        done: how many are written so far.
        most: how many may be.
    """

    count: int
    write: Callable[[int], Awaitable[None]]
    home: Path
    done: int = 0
    most: int = 0

    async def play(self, outages: Outages) -> None:
        work = asyncio.create_task(self._all())
        self.most = self.count // 2
        await self._written(self.count // 4)
        await outages.line()
        await self._taking_in(outages.network.name)
        self.most = self.count
        await self._written(self.count * 3 // 4)
        await self._taking_in(outages.network.name)
        await asyncio.sleep(MIDST_S)
        await outages.killed()
        await work

    async def _all(self) -> None:
        for n in range(self.count):
            await until(lambda n=n: n < self.most, PATIENCE_S, "a turn")  # type: ignore[misc]
            await self.write(n)
            self.done += 1

    async def _written(self, count: int) -> None:
        await until(lambda: self.done >= count, PATIENCE_S, "writing")

    async def _taking_in(self, network: str) -> None:
        """Until more is taken in than now, or all that was written so far."""
        before = taken(self.home, network).total()

        def grown() -> bool:
            count = taken(self.home, network).total()
            return count > before or count >= self.done

        await until(grown, PATIENCE_S, "taking in")


async def still(home: Path, network: str) -> Counter[str]:
    """What is taken in, once it has not become more for a while."""
    counts, since = taken(home, network), time.monotonic()
    while time.monotonic() < since + STILL_S:
        await asyncio.sleep(0.2)
        if (fresh := taken(home, network)) != counts:
            counts, since = fresh, time.monotonic()
    return counts


async def on_matrix(folder: Path, plant: str | None = None) -> list[str]:
    """Somebody types into a room; what is wrong."""
    network = made(Matrix)
    assert isinstance(network, Matrix)
    async with running(network, folder, plant) as (runner, _):
        room = next(iter(runner.rooms.values()))
        phone = network.phones["bo"]
        events: list[str] = []

        async def write(n: int) -> None:
            events.append(await phone.say(room, f"number {n}"))

        await Writing(120, write, folder / "home").play(Outages(runner, network))
        counts = await still(folder / "home", "matrix")
        return [f"{event}: {counts[event]} times" for event in events if counts[event] != 1]


class Imap(Mail):
    """Postfix and Dovecot; a line that breaks is every session of IMAP ended."""

    def __init__(self) -> None:
        super().__init__(real=True)


async def by_mail(folder: Path, plant: str | None = None) -> list[str]:
    """An adviser writes mails; what is wrong."""
    why = cannot()
    if why is not None:
        pytest.skip(why)
    network = Imap()
    async with running(network, folder, plant) as (runner, _):
        bo, server = network.advisers["bo"], network.server
        assert isinstance(server, MailServer)
        key = bo.key_of(OURS)
        raw = [
            await asyncio.to_thread(bo.answer, OURS, key, f"number {n}", "") for n in range(MAILS)
        ]

        async def write(n: int) -> None:
            await asyncio.to_thread(network.post.send, bo.address, OURS, raw[n])

        await Writing(len(raw), write, folder / "home").play(ImapOutages(runner, network))
        await asyncio.to_thread(server.settle)
        counts = await still(folder / "home", "mail")
        wrong = [] if len(counts) == len(raw) else [f"{len(counts)} of {len(raw)} taken in"]
        return wrong + [f"{name}: {n} times" for name, n in counts.items() if n != 1]


async def on_signal(folder: Path, plant: str | None = None) -> list[str]:
    """Somebody types into a group; what is wrong with what is told of the losses."""
    network = Signal()
    async with running(network, folder, plant) as (runner, _):
        hand, home = network.phones.hand, folder / "home"
        room = next(iter(runner.rooms.values()))
        stamps: list[int] = []

        async def write(n: int) -> None:
            stamps.append(await hand.write("bo", f"number {n}", group=room))
            await asyncio.sleep(0.02)

        outages = Outages(runner, network)
        await Writing(200, write, home).play(outages)
        await hand.settle()
        losses = [loss for loss in await hand.losses() if loss.kind == "message"]
        assert losses, "the outage was none"
        lost = {loss.timestamp for loss in losses}
        counts = await still(home, "signal")
        bo = network.phones.uuids["bo"]
        wanted = [f"{bo}/{stamp}" for stamp in stamps if stamp not in lost]
        return [
            *(f"{name}: {counts[name]} times" for name in wanted if counts[name] != 1),
            *(f"lost at {at}, and nobody is told" for at in outside(home, [x.at for x in losses])),
            *(f"{w} is no outage" for w in windows(home) if not fits(*w, outages.spans)),
        ]


WAYS = [on_matrix, by_mail, on_signal]


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
async def test_a_burst_that_is_cut_and_killed(way: Way, tmp_path: Path) -> None:
    assert await way(tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("way", "plant"),
    [(on_matrix, "cursor_first"), (by_mail, "cursor_first"), (on_signal, "untold")],
)
async def test_a_guard_taken_out_is_noticed(way: Way, plant: str, tmp_path: Path) -> None:
    """A cursor that is stored before what it stands behind; a window that is no finding."""
    assert await way(tmp_path, plant) != []


def outside(home: Path, lost: list[int]) -> list[int]:
    """Instants of losses that no window tells of."""
    told = windows(home)
    return [at for at in lost if not any(since <= at <= end for since, end in told)]


def fits(since: int, end: int, outages: list[tuple[int, int]]) -> bool:
    """A window is of one of the outages, and not more than five seconds longer than it was."""
    return any(
        since >= began - MOST and end <= ended + MOST and end - since <= ended - began + MOST
        for began, ended in outages
    )


# --- a window that is missing or too long is noticed ----------------------------------------------


@pytest.mark.parametrize(
    ("span", "good"),
    [((10, 14), True), ((6, 14), True), ((4, 14), False), ((10, 20), False), ((30, 31), False)],
)
def test_a_window_that_is_too_long_or_of_no_outage_is_noticed(
    span: tuple[int, int], good: bool
) -> None:
    since, end = (at * SECOND for at in span)
    assert fits(since, end, [(10 * SECOND, 14 * SECOND)]) is good
