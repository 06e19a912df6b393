"""A connector's sends beside those of the bare client, to one server in one run.

Rules kept here:

1. All sides are signed in, hold the same sync and have so many sends in flight, each in a room of
   its own, since a room keeps its order; they take turns, so that a machine that slows down slows
   all. A ratio is the median of each turn's own.
2. Processor time is this process's alone: the server is another. While one side sends, the other
   only listens.
3. The bare client does for each message the same reading back that the connector does (who is in
   the room, whose keys): that is what the ratio weighs. What a send alone costs stands beside it,
   where the two differ.
4. A send that fails ends the run: no figure is made of what did not arrive at the server.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from orchestrator.client.problems import Unready

IN_FLIGHT = 8
TEXT = "Minutes of the call: the schedule stands, {n}."
Send = Callable[[str, int], Awaitable[None]]
"""Of a text, into the room of that number."""


@dataclass(frozen=True, slots=True)
class Side:
    """One who sends.

    Attributes:
        name: of it, with the library.
        put: returns once the network has the message as this client knows it.
    """

    name: str
    put: Send


@dataclass(frozen=True, slots=True)
class Both:
    """Our connector and the bare client, on one server.

    Attributes:
        server: what it is.
        ours: through the connector.
        bare: through the network's client library alone, with the same reading back.
        alone: that library without reading anything back; None where there is nothing to leave out.
    """

    server: str
    ours: Side
    bare: Side
    alone: Side | None = None


Stage = Callable[[Path], AbstractAsyncContextManager[Both]]


class CannotBench(Exception):
    """A server cannot run here. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class _Turn:
    per_second: float
    cpu_ms: float


async def channel_report(
    kind: str, stages: Mapping[str, Stage], folder: Path, *, count: int, rounds: int
) -> dict[str, object]:
    """Measures and returns one object.

    Args:
        kind: of the channel.
        stages: how both sides are brought up, by kind.
        folder: empty; for the server's files and our state.
        count: messages of a side in a turn.
        rounds: turns of each side that count; one before them warms up.

    Raises:
        Unready: the server cannot run here.
    """
    try:
        async with stages[kind](folder) as both:
            turns = [turn async for turn in _turns(both, count, rounds)]
    except CannotBench as error:
        raise Unready(str(error), still="Nothing was measured") from None
    found: dict[str, object] = {
        "kind": kind,
        "server": both.server,
        "bare": both.bare.name,
        "in_flight": IN_FLIGHT,
        "messages_a_turn": count,
        "rounds": rounds,
    }
    return found | _figures(turns)


def _figures(turns: Sequence[Mapping[str, _Turn]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in turns[0]:
        found[f"{name}_per_second"] = round(median(t[name].per_second for t in turns), 1)
        found[f"{name}_cpu_ms"] = round(median(t[name].cpu_ms for t in turns), 3)
    rates = [t["ours"].per_second / t["bare"].per_second for t in turns]
    found["ratio"] = round(median(rates), 3)
    found["ratio_least"], found["ratio_most"] = round(min(rates), 3), round(max(rates), 3)
    found["cpu_ratio"] = round(median(t["bare"].cpu_ms / t["ours"].cpu_ms for t in turns), 3)
    if "alone" in turns[0]:
        alone = (t["ours"].per_second / t["alone"].per_second for t in turns)
        found["ratio_to_a_send_alone"] = round(median(alone), 3)
    return found


async def _turns(both: Both, count: int, rounds: int) -> AsyncIterator[dict[str, _Turn]]:
    sides = {"ours": both.ours, "bare": both.bare}
    if both.alone is not None:
        sides["alone"] = both.alone
    for turn in range(rounds + 1):
        found = {name: await _turn(side, count) for name, side in sides.items()}
        if turn:
            yield found


async def _turn(side: Side, count: int) -> _Turn:
    left = iter(range(count))

    async def some(room: int) -> None:
        for n in left:
            await side.put(TEXT.format(n=n), room)

    work, wall = time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for room in range(IN_FLIGHT):
            group.create_task(some(room))
    took, worked = time.perf_counter() - wall, time.process_time() - work
    return _Turn(count / took, worked / count * 1000)
