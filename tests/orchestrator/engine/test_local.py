"""The embedded engine keeps the contract, stays cheap, and logs no text."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import structlog

from orchestrator.clock import HOUR, SECOND, now
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.port import Due, Engine
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx
from tests.orchestrator.engine.contract import EngineContract, Rig, Turns, Work, running, until
from tests.orchestrator.engine.faketime import FakeTime


def nothing(_: Tx) -> Iterable[tuple[str, int]]:
    return ()


class LocalRig:
    def __init__(self, store: Store, time: FakeTime) -> None:
        self.store = store
        self.time = time

    def engine(self, due: Due = nothing, *, drains: int = 32) -> LocalEngine:
        return LocalEngine(self.store, self.now, due, drains=drains, alarm=self.time.alarm)

    async def write(self, work: Callable[[Tx], Any]) -> Any:
        return await self.store.write(work)

    def now(self) -> int:
        return self.time.now()

    async def advance(self, engine: Engine, span: int) -> None:
        await engine.idle()
        goal = self.now() + span
        while self.time.ring_until(goal):
            await engine.idle()

    def move(self, span: int) -> None:
        goal = self.now() + span
        while self.time.ring_until(goal):
            pass


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    migrate(tmp_path / "wallcross.db")
    store = Store(tmp_path / "wallcross.db")
    yield LocalRig(store, FakeTime())
    await store.close()


class TestLocalEngine(EngineContract):
    """The contract, on SQLite and in this process."""


async def test_a_wake_as_the_last_worker_ends_is_not_lost(rig: LocalRig) -> None:
    engine, work = rig.engine(drains=1), Work()
    async with running(engine, work.drain):
        await engine.idle()
        for steps in range(12):  # the wake falls on each step of a worker's life in turn
            engine._wake("a", 0)
            for _ in range(steps):
                await asyncio.sleep(0)
            before = len(work.drains)
            inside = bool(work.inside)
            engine._wake("a", 0)
            await engine.idle()
            assert inside or len(work.drains) > before


async def test_failures_are_logged_by_code_without_their_text(rig: LocalRig) -> None:
    engine = rig.engine()

    async def drain(_: str) -> int | None:
        raise ValueError("the offer is 12.50")

    turns = Turns(rig, failing=1)
    engine.every("heads", HOUR, turns.run)
    with structlog.testing.capture_logs() as logs:
        async with running(engine, drain):
            await rig.write(lambda tx: engine.wake("lane_1", 0, tx))
            await engine.idle()
    events = {line["event"]: line for line in logs}
    assert events["engine.drain_failed"]["lane"] == "lane_1"
    assert events["engine.drain_failed"]["error"] is ValueError
    assert events["engine.schedule_failed"]["schedule"] == "heads"
    assert "text of a message" not in str(logs)
    assert "12.50" not in str(logs)


async def test_a_run_that_is_cancelled_leaves_nothing_running(rig: LocalRig) -> None:
    engine, work = rig.engine(), Work()
    work.gates["a"] = asyncio.Event()
    task = asyncio.create_task(engine.run(work.drain))
    await rig.write(lambda tx: engine.wake("a", 0, tx))
    await until(lambda: "a" in work.inside)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.inside == set()
    assert not rig.time.set


async def test_a_clock_that_ran_ahead_does_not_put_a_schedule_off_for_years(rig: LocalRig) -> None:
    await rig.write(lambda tx: tx.run("INSERT INTO timer VALUES ('heads', ?)", (1 << 60,)))
    engine, turns = rig.engine(), Turns(rig)
    engine.every("heads", HOUR, turns.run)
    async with running(engine, work_free):
        await rig.advance(engine, HOUR)
    assert len(turns.at) == 1


async def test_on_the_real_clock(rig: LocalRig) -> None:
    engine, work = LocalEngine(rig.store, now, nothing), Work()
    async with running(engine, work.drain):
        await rig.write(lambda tx: engine.wake("a", now() + SECOND // 50, tx))
        await until(lambda: work.drains == ["a"])


async def work_free(_: str) -> int | None:
    return None
