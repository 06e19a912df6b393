"""Plans that are being carried out: each runs to its end, and whoever comes can read how far it is.

Rules kept here:

1. A run belongs to the home and not to the request that began it: a client that goes away, or is
   slow, stops nothing half-way.
2. What is read of it is what became of each act so far; nothing is said to be done before that.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from orchestrator.client.plans import DoneLine, PlanRunView
from orchestrator.client.problems import Problem
from tiers.ids import DealId

MOST = 200
"""Runs that are remembered; the oldest that is over goes first."""
Name = tuple[DealId, str]


@dataclass(slots=True)
class PlanRun:
    """One run.

    Attributes:
        plan: its hash.
        total: how many acts it has.
        actor: who had it carried out.
        lines: what became of each act so far.
        refused: why nothing was done; None where it was begun.
        over: it is at its end.
    """

    plan: str
    total: int
    actor: str
    lines: list[DoneLine] = field(default_factory=list)
    refused: Problem | None = None
    broken: bool = False
    over: bool = False
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def carry_out(self, acts: AsyncGenerator[DoneLine, None]) -> None:
        """Does it; what becomes of it is told here."""
        self.broken = True  # until it is known to have ended well
        try:
            async for line in acts:
                self.lines.append(line)
                self._tell()
            self.broken = False
        except Problem as problem:
            self.refused, self.broken = problem, False
        finally:
            self.over = True
            self._tell()

    async def follow(self) -> AsyncGenerator[DoneLine, None]:
        """What became of each act, from the first, as it is known. Raises: Problem."""
        told = 0
        while True:
            moved = self._moved
            for line in self.lines[told:]:
                told += 1
                yield line
            if self.over and told == len(self.lines):
                break
            if told == len(self.lines):
                await moved.wait()
        if self.refused is not None:
            raise self.refused

    def shown(self) -> PlanRunView:
        """How far it is."""
        state = "running" if not self.over else "broken" if self.broken else "done"
        problem = self.refused
        return PlanRunView(
            hash=self.plan,
            state=state if problem is None else "refused",
            total=self.total,
            lines=tuple(self.lines),
            wrong="" if problem is None else problem.wrong,
            details=() if problem is None else tuple(problem.details),
        )

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


@dataclass(slots=True)
class PlanRuns:
    """The runs of a home."""

    _runs: dict[Name, PlanRun] = field(default_factory=dict)

    def of(self, deal: DealId, plan: str) -> PlanRun | None:
        """The last run of a plan."""
        return self._runs.get((deal, plan))

    def begin(self, deal: DealId, run: PlanRun) -> None:
        """Notes a run, in the place of one of the same plan that is over."""
        self._runs.pop((deal, run.plan), None)
        for name in [n for n, old in self._runs.items() if old.over][: len(self._runs) - MOST + 1]:
            del self._runs[name]
        self._runs[deal, run.plan] = run
