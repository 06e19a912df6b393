"""`bench route`: what accepting, routing and draining cost here, beside a floor without the core.

How: 200 conversations in 8 deals, 1 KB bodies, a classifier that has made up its mind, rooms read
back before and fresh for 15 minutes, journal and audit written. The network of the bench seals for
1.1 ms of processor time and posts to loopback. The floor seals and posts the same bodies with the
same concurrency and nothing else. Floor and drain take turns in one process; medians count, and
the ratio is the median of each turn's own, so that a machine that slows down slows both.

Rule kept here: a figure is made of messages that the receiver counted and the store calls
delivered; else there is no figure.
"""

import asyncio
import gc
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from orchestrator.bench import receiver
from orchestrator.bench.burn import calibrate
from orchestrator.bench.fill import fill
from orchestrator.bench.home import BenchHome, OpensRuntime, accept, drain, route, states
from orchestrator.bench.network import BenchNetwork, Wire
from orchestrator.bench.post import Poster
from orchestrator.clock import now
from orchestrator.command.runtime import Runtime
from orchestrator.engine.local import DRAINS
from orchestrator.ids import new_id

SEAL_MS = 1.1
HANDED_IN = 3
"""Rounds of accepting and routing by themselves."""
BODY = "0123456789abcde\n" * 64
"""1 KB."""

Progress = Callable[[str], None]


class BenchError(RuntimeError):
    """What was to be measured did not happen."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done.

    Attributes:
        messages: of one round.
        rounds: of floor and drain each.
        batch, batches: messages and rounds of the cost at one size of the store.
        small, large: stored messages.
    """

    deals: int
    conversations: int
    messages: int
    rounds: int
    batch: int
    batches: int
    small: int
    large: int


FULL = Size(8, 200, 1000, 11, 400, 9, 1_000, 100_000)
QUICK = Size(2, 10, 60, 2, 20, 2, 40, 400)


@dataclass(frozen=True, slots=True)
class Took:
    """What one round took for each of its messages, milliseconds.

    Attributes:
        wall: of time.
        cpu: of this process's processors.
    """

    wall: float
    cpu: float


@dataclass(slots=True)
class Rounds:
    """Samples of one figure."""

    took: list[Took] = field(default_factory=list)

    @property
    def ms(self) -> float:
        """Milliseconds a message, the median."""
        return median(t.wall for t in self.took)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor a message, the median."""
        return median(t.cpu for t in self.took)

    @property
    def spread_ms(self) -> list[float]:
        """Least and greatest milliseconds a message."""
        return [round(min(t.wall for t in self.took), 4), round(max(t.wall for t in self.took), 4)]

    @property
    def per_s(self) -> float:
        """Messages a second, the median."""
        return 1000 / self.ms

    @property
    def spread_per_s(self) -> list[float]:
        """Least and greatest messages a second."""
        slow, quick = max(t.wall for t in self.took), min(t.wall for t in self.took)
        return [round(1000 / slow, 1), round(1000 / quick, 1)]


class Bench:
    """One run.

    Args:
        opens: the wiring's way of opening a home.
        folder: for the homes; on the disk that is to be measured.
        port: of the receiver.
    """

    def __init__(self, opens: OpensRuntime, folder: Path, port: int, size: Size) -> None:
        self._opens = opens
        self._folder = folder
        self._poster = Poster(port)
        self._size = size

    def home(self, name: str, seal: Callable[[bytes], bytes]) -> BenchHome:
        """A home that is not made yet."""
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        return BenchHome(folder, BenchNetwork(Wire(self._poster, seal), now), self._opens)

    async def handing_in(self, home: BenchHome) -> tuple[Rounds, Rounds]:
        """Accepts and routes by themselves, nothing else running."""
        accepting, routing = Rounds(), Rounds()
        async with home.open(live=False) as runtime:
            await runtime.watcher.look_at_all()
            for _ in range(HANDED_IN):
                messages = home.messages(self._size.messages, BODY)
                accepting.took.append(await _took(accept(runtime, messages), len(messages)))
                routing.took.append(await _took(route(runtime, home.deals), len(messages)))
            await expect(runtime, "delivering", home.sent)
        return accepting, routing

    async def floor(self, wire: Wire) -> Took:
        """Seals and posts, and nothing else."""
        bodies = iter([(new_id("wx"), BODY.encode()) for _ in range(self._size.messages)])

        async def worker() -> None:
            for key, body in bodies:
                await wire.put(key, body)

        return await _took(_together(worker, DRAINS), self._size.messages)

    async def make_ready(self, home: BenchHome, runtime: Runtime, count: int) -> None:
        """Accepts and routes a round; its channel stands still, so nothing goes out."""
        await accept(runtime, home.messages(count, BODY))
        await runtime.engine.idle()
        await expect(runtime, "delivering", count)

    async def whole(self, home: BenchHome, runtime: Runtime, count: int) -> Took:
        """Accept, route and drain together, the network's seal aside."""
        messages = home.messages(count, BODY)

        async def work() -> None:
            await accept(runtime, messages)
            await runtime.engine.idle()
            await drain(runtime)

        return await _took(work(), count)

    async def close(self) -> None:
        """Closes the connections; the loop needs a turn to see them closed."""
        self._poster.close()
        await asyncio.sleep(0)

    async def counted(self, count: int) -> None:
        """Compares with what the receiver counted. Raises: BenchError."""
        seen = json.loads(await self._poster.post("/seen", b""))
        if (seen["posts"], seen["distinct"]) != (count, count):
            raise BenchError(f"{count} messages should have arrived; the receiver has {seen}")


def route_report(
    opens: OpensRuntime, progress: Progress, *, quick: bool = False, folder: Path | None = None
) -> dict[str, object]:
    """Measures and returns one flat object; spreads apart, as (least, greatest).

    Args:
        opens: ``orchestrator.wiring.open_runtime``.
        progress: told what is done now.
        quick: some seconds, to see that it runs; its figures mean little.
        folder: on the disk to be measured; None takes the system's place for temporary folders.

    Raises:
        BenchError: what was to be measured did not happen.
    """
    size = QUICK if quick else FULL
    with receiver.running() as port, tempfile.TemporaryDirectory(dir=folder) as made:
        return asyncio.run(_closed(Bench(opens, Path(made), port, size), size, progress))


async def _closed(bench: Bench, size: Size, progress: Progress) -> dict[str, object]:
    try:
        return await _run(bench, size, progress)
    finally:
        await bench.close()


async def _run(bench: Bench, size: Size, progress: Progress) -> dict[str, object]:
    progress("calibrating the seal")
    burn = calibrate(SEAL_MS)
    home = bench.home("one", burn)
    progress("making deals and conversations")
    await home.found(size.deals, size.conversations)
    progress("accepting and routing")
    accepted, routed = await bench.handing_in(home)
    floors, drains = await _turns(bench, home, size, progress)
    posts = size.messages * (HANDED_IN + size.rounds * 2)
    await bench.counted(posts)
    small, large = await _growth(bench, home, size, progress)
    ratios = [f.wall / d.wall for f, d in zip(floors.took, drains.took, strict=True)]
    rates = {"floor": floors, "drain": drains, "accept": accepted, "route": routed}
    costs = {f"ms_at_{size.small}": small, f"ms_at_{size.large}": large}
    return {
        **{f"{name}_per_s": round(found.per_s, 1) for name, found in rates.items()},
        "ratio": round(median(ratios), 4),
        **{name: round(found.ms, 4) for name, found in costs.items()},
        **{f"{name}_cpu_ms": round(found.cpu_ms, 4) for name, found in rates.items()},
        "cpu_ratio": round(floors.cpu_ms / drains.cpu_ms, 4),
        "seal_ms": round(burn.ms(), 3),
        "messages": posts,
        "spread": {
            **{f"{name}_per_s": found.spread_per_s for name, found in rates.items()},
            "ratio": [round(min(ratios), 4), round(max(ratios), 4)],
            **{name: found.spread_ms for name, found in costs.items()},
        },
    }


async def _turns(
    bench: Bench, home: BenchHome, size: Size, progress: Progress
) -> tuple[Rounds, Rounds]:
    """Floor, drain, floor, drain …, after one drain of what was handed in, to warm up."""
    floors, drains = Rounds(), Rounds()
    async with home.open(live=True) as runtime:
        await runtime.watcher.look_at_all()
        await drain(runtime)
        for n in range(size.rounds):
            progress(f"floor and drain, round {n + 1} of {size.rounds}")
            await bench.make_ready(home, runtime, size.messages)
            floors.took.append(await bench.floor(home.network.wire))
            drains.took.append(await _took(drain(runtime), size.messages))
        await expect(runtime, "delivered", home.sent)
    return floors, drains


async def _growth(
    bench: Bench, grown: BenchHome, size: Size, progress: Progress
) -> tuple[Rounds, Rounds]:
    """The cost of a message in a small store and in a large one, taking turns."""
    small, large = Rounds(), Rounds()
    fresh = bench.home("two", bytes)
    await fresh.found(size.deals, size.conversations)
    grown.network.wire.seal = bytes
    async with fresh.open(live=True) as few, grown.open(live=True) as many:
        await bench.whole(fresh, few, size.conversations)
        for runtime, stored in ((few, size.small), (many, size.large)):
            progress(f"filling a store to {stored} messages")
            await fill(runtime, stored)
            await runtime.watcher.look_at_all()
        for n in range(size.batches):
            progress(f"cost by stored messages, round {n + 1} of {size.batches}")
            small.took.append(await bench.whole(fresh, few, size.batch))
            large.took.append(await bench.whole(grown, many, size.batch))
    return small, large


async def expect(runtime: Runtime, state: str, count: int) -> None:
    """Compares with the store. Raises: BenchError."""
    found = await states(runtime)
    if found.get(state, 0) != count:
        raise BenchError(f"{count} messages should be {state}; the store has {found}")


async def _took(work: Awaitable[object], count: int) -> Took:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    each = 1000 / count
    return Took((time.perf_counter() - wall) * each, (time.process_time() - cpu) * each)


async def _together(worker: Callable[[], Awaitable[None]], count: int) -> None:
    await asyncio.gather(*(worker() for _ in range(count)))
