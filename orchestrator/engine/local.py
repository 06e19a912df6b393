"""The engine of the embedded store: a keyed queue in this process, rebuilt from the tables.

Rules kept here: those of ``orchestrator.engine.port``; a second process is kept away by the home's
lock. At most ``drains`` lanes are drained at once, so that one slow network does not take all
of the machine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

import structlog

from orchestrator.clock import MINUTE, Clock
from orchestrator.engine.alarm import Ringing, SetAlarm, loop_alarm
from orchestrator.engine.lanes import Lanes
from orchestrator.engine.port import Drain, Due, Health
from orchestrator.engine.timetable import Timetable
from orchestrator.store.unit import Store, Tx

log = structlog.get_logger(__name__)
DRAINS = 128
"""Lanes at once: enough that some send while others wait for the disk (docs/performance.md)."""


class LocalEngine:
    """Drains lanes in this process. Implements ``orchestrator.engine.port.Engine``.

    Args:
        store: where due times of schedules lie and ``due`` reads.
        clock: the only clock that it looks at.
        due: lists the lanes with unfinished rows; asked at the start and every minute, so that
            even a wake that was lost with its event loop costs a minute and not a message.
        drains: lanes drained at once, at most.
        alarm: how to be called back at an instant; the event loop's unless a test hands in its own.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        due: Due,
        *,
        drains: int = DRAINS,
        alarm: SetAlarm | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._due = due
        self._limit = drains
        self._alarm = alarm or loop_alarm(clock)
        self._timetable = Timetable(store, clock, self._alarm)
        self._timetable.add("engine.sweep", MINUTE, self._rebuild, kept=False)
        self._lanes = Lanes()
        self._drain: Drain | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._ringing: tuple[int, Ringing] | None = None
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()
        self._started = asyncio.Event()
        self._drains = self._failures = 0

    def wake(self, lane: str, at: int, tx: Tx) -> None:
        """See the port."""
        tx.after_commit(partial(self._wake, lane, at))

    def every(self, name: str, period: int, run: Callable[[], Awaitable[None]]) -> None:
        """See the port."""
        self._timetable.add(name, period, run)

    async def run(self, drain: Drain) -> None:
        """See the port."""
        self._stopped.clear()
        try:
            await self._rebuild()
            await self._timetable.start()
            self._drain = drain
            self._started.set()
            self._pump()
            await self._stopping.wait()
        except asyncio.CancelledError:
            self._halt()
            for task in self._tasks():
                task.cancel()
            raise
        finally:
            self._halt()
            await asyncio.gather(*self._tasks(), return_exceptions=True)
            self._stopped.set()

    async def stop(self, grace: float | None = None) -> None:
        """See the port."""
        self._halt()
        if running := self._tasks():
            await asyncio.wait(running, timeout=grace)
        for task in self._tasks():
            task.cancel()
        await self._stopped.wait()

    async def idle(self) -> None:
        """See the port."""
        await self._started.wait()
        while self._lanes.counts[1] or self._tasks():
            if tasks := self._tasks():
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)  # lets the end of a task be noted, or a worker begin

    def health(self) -> Health:
        """See the port."""
        running, ready, later = self._lanes.counts
        return Health(
            running, ready, later, self._drains, self._failures,
            self._lanes.failing, self._timetable.late,
        )  # fmt: skip

    def _halt(self) -> None:
        self._stopping.set()
        self._timetable.stop()
        if self._ringing:
            self._ringing[1].cancel()
            self._ringing = None

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [*self._workers, *self._timetable.tasks]

    async def _rebuild(self) -> None:
        lanes = await self._store.read(lambda tx: list(self._due(tx)))
        for lane, at in lanes:
            self._wake(lane, at)

    def _wake(self, lane: str, at: int) -> None:
        self._lanes.wake(lane, at, self._clock())
        self._pump()

    def _pump(self) -> None:
        if self._drain is None or self._stopping.is_set():
            return
        self._arm()
        out, ready, _ = self._lanes.counts
        while len(self._workers) < min(out + ready, self._limit):
            worker = asyncio.get_running_loop().create_task(self._work(self._drain))
            self._workers.add(worker)

    def _arm(self) -> None:
        if self._stopping.is_set():
            return
        at = self._lanes.next_at()
        if self._ringing and self._ringing[0] == at:
            return
        if self._ringing:
            self._ringing[1].cancel()
        self._ringing = None if at is None else (at, self._alarm(at, self._ring))

    def _ring(self) -> None:
        self._ringing = None
        self._lanes.promote(self._clock())
        self._pump()

    async def _work(self, drain: Drain) -> None:
        try:
            while not self._stopping.is_set() and (lane := self._lanes.take()) is not None:
                await self._once(drain, lane)
                self._arm()
                await asyncio.sleep(0)  # a drain that never waits does not keep the loop to itself
        finally:
            # at once, not by a callback: a wake in between would find a worker that has ended
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _once(self, drain: Drain, lane: str) -> None:
        try:
            due = await drain(lane)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._failed(lane, error)  # something inside the drain was cancelled, not we
        except Exception as error:  # noqa: BLE001 - whatever a drain raises, its lane goes on
            self._failed(lane, error)
        else:
            self._lanes.done(lane, due, self._clock())
        self._drains += 1

    def _failed(self, lane: str, error: BaseException) -> None:
        self._failures += 1
        self._lanes.failed(lane, self._clock())
        log.error("engine.drain_failed", lane=lane, error=type(error))
