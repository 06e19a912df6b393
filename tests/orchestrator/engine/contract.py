"""What every engine must do; subclass and provide ``rig``. Time is fake and nothing sleeps."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest

from orchestrator.clock import HOUR, MINUTE, SECOND
from orchestrator.engine.port import Due, Engine
from orchestrator.store.unit import Tx


class Rig(Protocol):
    """A store, a clock, and engines over them."""

    def engine(self, due: Due = ..., *, drains: int = ...) -> Engine:
        """Returns a new engine on the same tables, as after a restart."""
        ...

    async def write(self, work: Callable[[Tx], Any]) -> Any: ...

    def now(self) -> int: ...

    async def advance(self, engine: Engine, span: int) -> None:
        """Moves time by ``span`` microseconds; idle before, between the alarms, and after."""
        ...

    def move(self, span: int) -> None:
        """Moves time by ``span`` microseconds while whatever runs goes on running."""
        ...


@asynccontextmanager
async def running(
    engine: Engine, drain: Callable[[str], Awaitable[int | None]]
) -> AsyncIterator[None]:
    task = asyncio.create_task(engine.run(drain))
    try:
        yield
    finally:
        await engine.stop(grace=0)
        await task


class Work:
    """Lanes with work units; a drain does all of a lane's and counts the calls."""

    def __init__(self) -> None:
        self.todo: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.drains: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.inside: set[str] = set()
        self.gates: dict[str, asyncio.Event] = {}
        self.next: dict[str, list[int | None]] = {}

    async def drain(self, lane: str) -> int | None:
        assert lane not in self.inside, "two drains of one lane at once"
        self.inside.add(lane)
        self.most_at_once = max(self.most_at_once, len(self.inside))
        self.drains.append(lane)
        try:
            self.done[lane] += self.todo.pop(lane, 0)
            if lane in self.gates:
                await self.gates[lane].wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.inside.discard(lane)
        waiting = self.next.get(lane)
        return waiting.pop(0) if waiting else None


class EngineContract:
    """Rules of ``orchestrator.engine.port``."""

    async def add(self, rig: Rig, engine: Engine, work: Work, lane: str, at: int = 0) -> None:
        def unit(tx: Tx) -> None:
            work.todo[lane] += 1
            engine.wake(lane, at, tx)

        await rig.write(unit)

    async def test_a_wake_has_its_lane_drained(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        async with running(engine, work.drain):
            await self.add(rig, engine, work, "a")
            await self.add(rig, engine, work, "b")
            await engine.idle()
        assert work.done == {"a": 1, "b": 1}

    async def test_a_unit_that_is_undone_wakes_nobody(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()

        def undone(tx: Tx) -> None:
            engine.wake("a", 0, tx)
            raise LookupError

        async with running(engine, work.drain):
            with pytest.raises(LookupError):
                await rig.write(undone)
            await engine.idle()
        assert work.drains == []

    async def test_wakes_before_the_start_count(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        await self.add(rig, engine, work, "a")
        async with running(engine, work.drain):
            await engine.idle()
            assert work.done == {"a": 1}

    async def test_a_wake_in_the_future_waits_for_its_instant(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        async with running(engine, work.drain):
            await self.add(rig, engine, work, "a", rig.now() + 10 * SECOND)
            await rig.advance(engine, 10 * SECOND - 1)
            assert work.drains == []
            await rig.advance(engine, 1)
            assert work.drains == ["a"]

    async def test_the_earliest_of_several_wakes_counts(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        async with running(engine, work.drain):
            for seconds in (30, 10, 20):
                await self.add(rig, engine, work, "a", rig.now() + seconds * SECOND)
            await rig.advance(engine, 10 * SECOND)
            assert work.done == {"a": 3}

    async def test_a_drain_says_when_it_is_due_again(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        work.next["a"] = [rig.now() + 5 * SECOND, None]
        async with running(engine, work.drain):
            await self.add(rig, engine, work, "a")
            await engine.idle()
            assert work.drains == ["a"]
            await rig.advance(engine, 5 * SECOND)
            assert work.drains == ["a", "a"]
            await rig.advance(engine, 50 * SECOND)
            assert work.drains == ["a", "a"]

    async def test_a_wake_during_a_drain_has_it_run_again(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        work.gates["a"] = asyncio.Event()
        async with running(engine, work.drain):
            await self.add(rig, engine, work, "a")
            await until(lambda: "a" in work.inside)
            await self.add(rig, engine, work, "a")  # its drain has read its rows already
            await self.add(rig, engine, work, "a")
            work.gates["a"].set()
            await engine.idle()
        assert work.done == {"a": 3}
        assert work.drains == ["a", "a"]

    async def test_no_wake_is_lost_whenever_it_comes(self, rig: Rig) -> None:
        engine, work = rig.engine(drains=3), Work()

        async def sender(lane: str) -> None:
            for turn in range(40):
                await self.add(rig, engine, work, lane)
                for _ in range(turn % 7):
                    await asyncio.sleep(0)

        async with running(engine, work.drain):
            await asyncio.gather(*(sender(f"lane{k % 5}") for k in range(10)))
            await engine.idle()
            assert not work.todo
            assert work.done == dict.fromkeys((f"lane{k}" for k in range(5)), 80)

    async def test_no_more_drains_at_once_than_allowed(self, rig: Rig) -> None:
        engine, work = rig.engine(drains=3), Work()
        async with running(engine, work.drain):
            for k in range(20):
                await self.add(rig, engine, work, f"lane{k}")
            await engine.idle()
        assert len(work.done) == 20
        assert work.most_at_once <= 3

    async def test_a_slow_lane_does_not_hold_up_the_others(self, rig: Rig) -> None:
        engine, work = rig.engine(drains=2), Work()
        work.gates["slow"] = asyncio.Event()
        async with running(engine, work.drain):
            await self.add(rig, engine, work, "slow")
            await until(lambda: "slow" in work.inside)
            for k in range(10):
                await self.add(rig, engine, work, f"lane{k}")
            await until(lambda: sum(work.done.values()) == 11)
            assert engine.health().running >= 1
            work.gates["slow"].set()
            await engine.idle()

    async def test_a_drain_that_raises_is_tried_again_and_blocks_nobody(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        left = 2

        async def drain(lane: str) -> int | None:
            nonlocal left
            if lane == "bad" and left:
                left -= 1
                raise ValueError("the text of a message")
            return await work.drain(lane)

        async with running(engine, drain):
            await self.add(rig, engine, work, "bad")
            await self.add(rig, engine, work, "good")
            await engine.idle()
            assert work.done == {"good": 1}
            assert dict(engine.health().failing) == {"bad": 1}
            await rig.advance(engine, HOUR)
            assert work.done == {"good": 1, "bad": 1}
            assert dict(engine.health().failing) == {}
            assert engine.health().failures == 2

    async def test_wakes_do_not_shorten_the_pause_of_a_failing_lane(self, rig: Rig) -> None:
        engine, work, calls = rig.engine(), Work(), 0

        async def drain(_: str) -> int | None:
            nonlocal calls
            calls += 1
            raise ValueError

        async with running(engine, drain):
            for _ in range(50):
                await self.add(rig, engine, work, "bad")
                await engine.idle()
            assert calls == 1
            await rig.advance(engine, HOUR)
            assert 30 < calls < 100  # at most one a minute in the long run

    async def test_a_drain_cancelled_from_inside_is_a_drain_that_failed(self, rig: Rig) -> None:
        engine, work, calls = rig.engine(), Work(), 0

        async def drain(_: str) -> int | None:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise asyncio.CancelledError
            return None

        async with running(engine, drain):
            await self.add(rig, engine, work, "a")
            await rig.advance(engine, MINUTE)
        assert calls == 2

    async def test_the_tables_say_what_is_due_after_a_restart(self, rig: Rig) -> None:
        work = Work()
        rows = [("now", 0), ("later", rig.now() + MINUTE)]
        engine = rig.engine(lambda _: rows)
        async with running(engine, work.drain):
            await engine.idle()
            rows.clear()
            assert work.drains == ["now"]
            await rig.advance(engine, MINUTE)
            assert work.drains == ["now", "later"]

    async def test_a_lane_that_nobody_woke_is_found_within_a_minute(self, rig: Rig) -> None:
        work = Work()
        rows: list[tuple[str, int]] = []
        engine = rig.engine(lambda _: list(rows))
        async with running(engine, work.drain):
            await engine.idle()
            rows.append(("forgotten", 0))
            await rig.advance(engine, MINUTE)
        assert "forgotten" in work.drains

    async def test_stop_waits_for_what_runs_and_starts_nothing(self, rig: Rig) -> None:
        engine, work = rig.engine(drains=1), Work()
        work.gates["a"] = asyncio.Event()
        task = asyncio.create_task(engine.run(work.drain))
        await self.add(rig, engine, work, "a")
        await until(lambda: "a" in work.inside)
        await self.add(rig, engine, work, "b")
        stop = asyncio.create_task(engine.stop())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not stop.done()
        work.gates["a"].set()
        await stop
        await task
        assert work.drains == ["a"]

    async def test_stop_cancels_after_its_grace(self, rig: Rig) -> None:
        engine, work = rig.engine(), Work()
        work.gates["a"] = asyncio.Event()
        task = asyncio.create_task(engine.run(work.drain))
        await self.add(rig, engine, work, "a")
        await until(lambda: "a" in work.inside)
        await engine.stop(grace=0)
        await task
        assert work.inside == set()

    async def test_stop_without_a_run_returns(self, rig: Rig) -> None:
        engine = rig.engine()
        async with asyncio.timeout(30):
            await engine.stop()
        assert engine.health().running == 0

    async def test_a_schedule_runs_at_once_and_then_every_period(self, rig: Rig) -> None:
        engine, turns = rig.engine(), Turns(rig)
        engine.every("heads", 10 * SECOND, turns.run)
        async with running(engine, Work().drain):
            await engine.idle()
            await rig.advance(engine, 35 * SECOND)
        assert turns.after(turns.at[0]) == [0, 10 * SECOND, 20 * SECOND, 30 * SECOND]

    async def test_due_times_survive_a_restart(self, rig: Rig) -> None:
        engine, turns = rig.engine(), Turns(rig)
        engine.every("heads", HOUR, turns.run)
        async with running(engine, Work().drain):
            await engine.idle()
        again = rig.engine()
        again.every("heads", HOUR, turns.run)
        async with running(again, Work().drain):
            await again.idle()
            await rig.advance(again, HOUR - 1)
            assert len(turns.at) == 1
            await rig.advance(again, 1)
            assert len(turns.at) == 2

    async def test_missed_turns_are_made_up_for_by_one(self, rig: Rig) -> None:
        engine, turns = rig.engine(), Turns(rig)
        engine.every("heads", MINUTE, turns.run)
        async with running(engine, Work().drain):
            await engine.idle()
        await rig.advance(engine, 10 * MINUTE)  # while nothing runs
        again = rig.engine()
        again.every("heads", MINUTE, turns.run)
        async with running(again, Work().drain):
            await again.idle()
            assert len(turns.at) == 2

    async def test_a_turn_that_raises_is_tried_again(self, rig: Rig) -> None:
        engine, turns = rig.engine(), Turns(rig, failing=2)
        engine.every("heads", HOUR, turns.run)
        async with running(engine, Work().drain):
            await engine.idle()
            assert dict(engine.health().late) == {"heads": 1}
            await rig.advance(engine, MINUTE)
            assert dict(engine.health().late) == {}
        assert len(turns.at) == 3

    async def test_a_turn_never_runs_twice_at_once(self, rig: Rig) -> None:
        engine = rig.engine()
        gate, inside, most = asyncio.Event(), 0, 0

        async def slow() -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await gate.wait()
            inside -= 1

        engine.every("slow", SECOND, slow)
        async with running(engine, Work().drain):
            await until(lambda: inside == 1)
            for _ in range(10):
                rig.move(SECOND)
                await asyncio.sleep(0)
            gate.set()
            await engine.idle()
        assert most == 1

    async def test_a_name_is_given_once_and_a_period_is_positive(self, rig: Rig) -> None:
        engine, turns = rig.engine(), Turns(rig)
        engine.every("heads", MINUTE, turns.run)
        with pytest.raises(ValueError, match="heads"):
            engine.every("heads", MINUTE, turns.run)
        with pytest.raises(ValueError, match="other"):
            engine.every("other", 0, turns.run)


class Turns:
    """Notes when a schedule ran."""

    def __init__(self, rig: Rig, failing: int = 0) -> None:
        self.rig = rig
        self.failing = failing
        self.at: list[int] = []

    async def run(self) -> None:
        self.at.append(self.rig.now())
        await asyncio.sleep(0)
        if self.failing:
            self.failing -= 1
            raise ValueError("the text of a message")

    def after(self, start: int) -> list[int]:
        return [at - start for at in self.at]


async def until(true: Callable[[], bool]) -> None:
    """Lets the loop go on until it is so; the test's time limit ends a wait in vain."""
    while not true():  # noqa: ASYNC110 - what is waited for is no event of ours
        await asyncio.sleep(0)
