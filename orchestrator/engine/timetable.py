"""Schedules whose due times lie in the store.

Rules kept here:

1. The next due time is written once the turn is over: a turn that a crash cut short is repeated.
2. A schedule never runs twice at once. Turns missed while nothing ran are made up for by one.
3. A turn that raises is logged by its code and tried again after a pause, at the latest at the
   next turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from orchestrator.clock import Clock
from orchestrator.engine.alarm import Ringing, SetAlarm
from orchestrator.engine.lanes import pause_after
from orchestrator.store.unit import Store, Tx

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Schedule:
    name: str
    period: int
    run: Callable[[], Awaitable[None]]
    kept: bool = True
    due: int = 0
    failures: int = 0
    alarm: Ringing | None = None
    task: asyncio.Task[None] | None = None


class Timetable:
    """The schedules of one engine."""

    def __init__(self, store: Store, clock: Clock, alarm: SetAlarm) -> None:
        self._store = store
        self._clock = clock
        self._alarm = alarm
        self._schedules: dict[str, _Schedule] = {}
        self._started = False
        self._stopped = False

    def add(
        self, name: str, period: int, run: Callable[[], Awaitable[None]], *, kept: bool = True
    ) -> None:
        """Adds a schedule; ``period`` in microseconds.

        One that is not ``kept`` has no due time in the store: it waits one period at each start.

        Raises:
            ValueError: the name is taken, the period not positive, or the start is over.
        """
        if self._started or name in self._schedules or period <= 0:
            raise ValueError(f"schedule {name}: taken, not positive, or too late")
        self._schedules[name] = _Schedule(name, period, run, kept)

    async def start(self) -> None:
        """Reads the due times and sets the alarms; what has none yet is due at once."""
        self._started = True
        rows = await self._store.read(lambda tx: tx.all("SELECT name, due_at FROM timer"))
        known: dict[str, int] = dict(rows)
        now = self._clock()
        for schedule in self._schedules.values():
            # a due time further off than one period was written by a clock that ran ahead
            due = known.get(schedule.name, now) if schedule.kept else now + schedule.period
            schedule.due = min(due, now + schedule.period)
            self._set(schedule)

    def stop(self) -> None:
        """Starts no turn any more."""
        self._stopped = True
        for schedule in self._schedules.values():
            if schedule.alarm:
                schedule.alarm.cancel()
                schedule.alarm = None

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The turns at work now."""
        return [schedule.task for schedule in self._schedules.values() if schedule.task]

    @property
    def late(self) -> Mapping[str, int]:
        """The schedules whose last turn raised, with the failures in a row."""
        return {s.name: s.failures for s in self._schedules.values() if s.failures}

    def _set(self, schedule: _Schedule) -> None:
        schedule.alarm = None
        if self._stopped:
            return
        if self._clock() < schedule.due:
            schedule.alarm = self._alarm(schedule.due, lambda: self._set(schedule))
            return
        schedule.task = asyncio.get_running_loop().create_task(self._turn(schedule))
        schedule.task.add_done_callback(lambda task: self._over(schedule, task))

    async def _turn(self, schedule: _Schedule) -> None:
        await schedule.run()
        now = self._clock()
        due = schedule.due + schedule.period
        schedule.due = due if now < due <= now + schedule.period else now + schedule.period
        if schedule.kept:
            await self._store.write(lambda tx: _keep(tx, schedule.name, schedule.due))
        schedule.failures = 0

    def _over(self, schedule: _Schedule, task: asyncio.Task[None]) -> None:
        schedule.task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            schedule.failures += 1
            pause = min(pause_after(schedule.failures), schedule.period)
            schedule.due = self._clock() + pause
            log.error("engine.schedule_failed", schedule=schedule.name, error=type(error))
        self._set(schedule)


def _keep(tx: Tx, name: str, due: int) -> None:
    tx.run("INSERT INTO timer VALUES (?, ?) ON CONFLICT DO UPDATE SET due_at = ?2", (name, due))
