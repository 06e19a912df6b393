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
        ("own message read back", True, "as the network has it"),
        ("taken back, seen gone", True, "read back"),
        ("own room given up", True, "left"),
    ]
    assert trial.posture is not None
    inside = await bot._open.client.call("GET", "/_matrix/client/v3/joined_rooms")
    assert inside["joined_rooms"] == []  # nothing is left of it that anybody sees
    assert trial.grade(Grade.FIELD, stated=False, timer_seen=False) is Grade.FIT
