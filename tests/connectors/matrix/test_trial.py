"""`channel test` on a Matrix account, on a real Synapse: a room of our own, read back and left."""

import pytest

from orchestrator.command.trial import Trial
from tiers.policy import Grade

from .conftest import Lab

pytestmark = pytest.mark.long


async def test_a_room_of_our_own_is_read_back_spoken_in_and_left(lab: Lab) -> None:
    bot = await lab.bot()
    trial = Trial("matrix", bot)
    await trial.run()
    assert [(s.name, s.ok, s.text) for s in trial.steps if s.name != "signed in"] == [
        ("own room, settings read back", True, "7 guarantees"),
        ("members read back", True, "1 member"),
        ("own message", True, "accepted"),
        ("taken back, seen gone", True, "read back"),
        ("own room given up", True, "left"),
    ]
    assert trial.posture is not None
    assert trial.grade(Grade.FIELD, stated=False, timer_seen=False) is Grade.FIT
