"""How many messages wait for a channel: what is due there, each message once."""

import pytest

from orchestrator.client.views import NewConversation, NewRoom
from tiers.ids import PersonId
from tiers.rights import DeskRole
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL
from .test_flow_legs import SAID, mirrored
from .test_mirrored import FIRST, SECOND
from .test_risk import desk

pytestmark = pytest.mark.usefixtures("untold")
WAITING = (
    "SELECT count(DISTINCT message_id) FROM delivery WHERE connector = ? AND message_id <> ? "
    "AND state IN ('queued', 'started')"
)


async def queued(house: House, channel: str) -> int:
    """As the page Connections says it, and `channel list` with it."""
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        cards = (await client.desk_channels(house.deal)).cards
    [told] = [card.queued for card in cards if card.name == channel]
    [listed] = [c.queued for c in await house.home.channel_list() if c.name == channel]
    assert told == listed, "there is one deal here"
    return told


async def test_what_is_held_waits_for_a_person_and_not_for_a_channel(opens: Opens) -> None:
    house = await mirrored(opens)
    for channel in (FIRST, SECOND):
        await house.home.channel_pause(channel, "test", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    assert [await queued(house, c) for c in (FIRST, SECOND)] == [1, 1]
    await house.others[SECOND].add_member(house.room("lunch", SECOND), "ada", by="bo")

    async def read() -> bool:
        rooms = (await house.home.conv_show(house.deal, "lunch")).rooms
        return any("ada" in (r.members or ()) for r in rooms if r.connector == SECOND)

    await eventually(read)
    await house.home.channel_resume(SECOND, actor=ACTOR)

    async def held() -> bool:
        return await house.state(message) == "held"

    await eventually(held)
    await house.quiet()
    sql = "SELECT 1 FROM delivery WHERE message_id = ? AND connector = ? AND state = 'queued'"
    assert await house.rows(sql, message, FIRST) == [(1,)], "its other room is not taken away"
    [(notices,)] = await house.rows(WAITING, FIRST, message)
    assert await queued(house, FIRST) == notices


async def test_a_message_to_two_rooms_of_a_channel_waits_once(opens: Opens) -> None:
    house = await opens(())
    new = NewConversation(
        label="lunch",
        floor=Tier.COORDINATION.value,
        channel=CHANNEL,
        owner=PersonId("ada"),
        members=("ada", "di"),
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    second = NewRoom(channel=CHANNEL, owners=("bo",), members=("bo", "cy"))
    await house.home.conv_room_add(house.deal, "lunch", second, actor=ACTOR)
    await house.home.channel_pause(CHANNEL, "test", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    sql = "SELECT count(*) FROM delivery WHERE message_id = ? AND state = 'queued'"
    assert await house.rows(sql, message) == [(2,)]
    assert await queued(house, CHANNEL) == 1
    await house.home.channel_resume(CHANNEL, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert await queued(house, CHANNEL) == 0
