"""The people whom tests and demo play see what a person's client would show, also after a gap."""

import pytest

from orchestrator.demo.farside import Person
from tests.connectors.matrix.conftest import Lab, put

pytestmark = pytest.mark.long

MORE_THAN_A_SYNC_GIVES = 120


async def room_of(anna: Person, ben: Person) -> str:
    room = await anna.make_room([ben.user])
    await ben.join(room)
    await anna.sync()
    return room


async def test_what_was_taken_back_behind_a_gap_is_gone_from_the_screen(lab: Lab) -> None:
    anna, ben = await lab.person("anna"), await lab.person("ben")
    room = await room_of(anna, ben)
    event = await anna.say(room, "It is 12.40 a share.")
    assert await ben.until(lambda: ben.find(event))
    await anna.redact(room, event)
    for number in range(MORE_THAN_A_SYNC_GIVES):
        await put(anna, room, "m.reaction", {"number": number})
    await ben.sync()
    assert event in ben.redacted


async def test_what_was_said_behind_a_gap_is_on_the_screen_once_and_in_its_place(lab: Lab) -> None:
    anna, ben = await lab.person("anna"), await lab.person("ben")
    room = await room_of(anna, ben)
    first = await anna.say(room, "first")
    for number in range(MORE_THAN_A_SYNC_GIVES):
        await put(anna, room, "m.reaction", {"number": number})
    last = await anna.say(room, "last")
    await ben.sync()
    assert [s.event_id for s in ben.seen if s.event_id in {first, last}] == [first, last]
