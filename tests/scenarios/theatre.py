"""A stage of the demo on which tests break the world and have a step look.

Rule kept here: a step is played, never replaced. What a test changes is what the step observes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orchestrator.client.views import Step
from orchestrator.demo.play import Act, play_on
from orchestrator.demo.rooms_act import make
from orchestrator.demo.stage import Stage
from orchestrator.demo.synapse import NoSynapse, synapse_python

Hook = Callable[[str], Awaitable[None]]
IMPATIENT_S, PATIENT_S = 8.0, 30.0
"""Where something is not to come, and where what comes is to be wrong."""


class Theatre:
    """One stage for all tests of this module, whose sentences a test may act upon."""

    def __init__(self, folder: Path) -> None:
        self.hook: Hook = self._nothing
        self.stage = Stage(folder, self._heard)

    @staticmethod
    async def _nothing(text: str) -> None:
        del text

    async def _heard(self, text: str) -> None:
        await self.hook(text)

    def when(self, words: str, act: Callable[[], Awaitable[object]]) -> None:
        """Has something happen once, in the middle of a step, when it says so."""

        async def heard(text: str) -> None:
            if words in text:
                self.hook = self._nothing
                await act()

        self.hook = heard

    async def sees(self, act: Act, patience_s: float = IMPATIENT_S) -> Step:
        """Plays one step as the demo does; what it showed."""
        shown: list[Step] = []
        await self.stage.heard()  # what a step before caused, and came late, is not of this one
        patience, self.stage.patience = self.stage.patience, patience_s
        ok = await play_on(self.stage, [("step", "the far side", act)], shown.append)
        self.hook, self.stage.patience = self._nothing, patience
        assert [ok] == [step.ok for step in shown]
        return shown[0]


def with_synapse() -> None:
    try:
        synapse_python()
    except NoSynapse as error:
        pytest.skip(str(error))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Theatre]:
    """A stage with the roster in force and its rooms made."""
    with_synapse()
    found = Theatre(folder)
    async with found.stage:
        await make(found.stage)
        yield found


async def goes_on(stage: Stage, label: str) -> None:
    """Until a room that had stopped goes on."""
    for _ in range(900):
        if not (await stage.client.conv_show(stage.deal, label)).rooms[0].paused:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"#{label} stays paused")
