"""What an engine is: it decides who drains which lane and when, and holds no state of its own.

Rules kept here (tests/orchestrator/engine/contract.py holds every engine to them):

1. A wake carries a lane's id, never a payload, and counts from the commit of its unit of work on:
   no commit, no wake.
2. One lane is drained by one drain at a time. A wake during a drain has it run again.
3. A drain that raises does not block its lane, nor any other: it is tried again after a pause.
4. All of it can be rebuilt from the tables at any time.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.store.unit import Tx

Drain = Callable[[str], Awaitable[int | None]]
"""Does all that is due in a lane. Returns the instant of what is due next, None for nothing."""
Due = Callable[[Tx], Iterable[tuple[str, int]]]
"""Lists each lane that has unfinished rows, with the instant at which it is due."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the engine does; numbers and ids only.

    Attributes:
        running: drains at work now.
        ready: lanes that wait for a free drain.
        later: lanes that wait for an instant.
        failing: lanes whose last drain raised, with the failures in a row.
        late: schedules whose last run raised, with the failures in a row.
        drains: drains finished since the start, failed ones included.
        failures: drains that raised since the start.
    """

    running: int
    ready: int
    later: int
    drains: int
    failures: int
    failing: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)


class Engine(Protocol):
    """Wakes lanes and runs schedules."""

    def wake(self, lane: str, at: int, tx: Tx) -> None:
        """Has ``lane`` drained at ``at`` or soon after, once the unit ``tx`` is on disk.

        Args:
            lane: the lane's id.
            at: microseconds UTC; 0 or any past instant means now.
            tx: the unit that wrote what is to be drained.
        """
        ...

    def every(self, name: str, period: int, run: Callable[[], Awaitable[None]]) -> None:
        """Has ``run`` called every ``period`` microseconds, never twice at once.

        Call it before ``run``. The due time is kept in the store: a restart neither skips a
        turn nor repeats one; turns that were missed while nothing ran are made up for by one.

        Raises:
            ValueError: the name is taken, the period is not positive, or the engine runs already.
        """
        ...

    async def run(self, drain: Drain) -> None:
        """Rebuilds what is due from the tables and drains it; returns after ``stop``."""
        ...

    async def stop(self, grace: float | None = None) -> None:
        """Starts nothing any more and waits for what runs.

        Args:
            grace: seconds after which what still runs is cancelled; None waits for ever.
        """
        ...

    async def idle(self) -> None:
        """Returns when no drain and no schedule runs and no lane is ready."""
        ...

    def health(self) -> Health:
        """Returns how the engine does."""
        ...
