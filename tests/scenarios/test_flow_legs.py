"""A conversation in two rooms: all of them or none, and none of them twice."""

from dataclasses import replace

from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.views import NewConversation
from orchestrator.clock import now
from orchestrator.deals.stated import room_body
from orchestrator.store.unit import Tx
from tiers.conversation import RoomBinding
from tiers.ids import ConversationId, DealId, PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, Talk, roster

BOTH = ("memory", "second")
SAID = "Lunch is at noon in room four."


async def mirrored(opens: Opens) -> House:
    """#lunch in a room on each of two channels, as a mirrored conversation is bound."""
    house = await opens((Talk("lunch", Tier.COORDINATION),), people=roster(BOTH), channels=BOTH)
    new = NewConversation(
        label="mirror", floor="coordination", channel="second", owner=PersonId("ada")
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    labels = {v.label: v.conversation_id for v in await house.home.conv_list(house.deal)}
    mirror = house.home.runtime.book.deals[house.deal].rooms[ConversationId(labels["mirror"])][0]
    bound = replace(mirror, conversation_id=ConversationId(labels["lunch"]))
    await house.home.runtime.store.write(lambda tx: _bind(tx, house.deal, bound))
    await house.home.runtime.book.reload(house.home.runtime.store, house.deal)
    return house


def _bind(tx: Tx, deal: DealId, bound: RoomBinding) -> None:
    tx.run(
        "UPDATE room SET conversation_id = ? WHERE room = ?", (bound.conversation_id, bound.room)
    )
    append(tx, deal, Kind.ROOM_CREATED, room_body(bound), at=now(), actor=ACTOR)


async def texts(house: House, channel: str) -> list[str]:
    inbox = await house.others[channel].inbox("el", house.room("lunch", channel))
    return [m.text for m in inbox]


async def test_both_rooms_get_it_once(opens: Opens) -> None:
    house = await mirrored(opens)
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "delivered"
    assert [await texts(house, c) for c in BOTH] == [[SAID], [SAID]]


async def test_written_in_one_it_goes_to_the_other(opens: Opens) -> None:
    house = await mirrored(opens)
    remote = await house.far.write("di", house.room("lunch"), SAID)
    assert await house.ends(await house.taken(remote)) == "delivered"
    assert [await texts(house, c) for c in BOTH] == [[SAID], [SAID]]


async def test_the_weaker_room_holds_it_for_both(opens: Opens) -> None:
    house = await mirrored(opens)
    await house.others["second"].change(house.room("lunch", "second"), invite_only=False)
    await house.quiet()
    house.home.runtime.observer.forget(BOTH[1])  # type: ignore[arg-type]  # a channel's name
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "held"
    assert [await texts(house, c) for c in BOTH] == [[], []]


async def test_released_after_half_of_it_went_it_goes_to_the_other_half_alone(
    opens: Opens,
) -> None:
    house = await mirrored(opens)
    room = house.room("lunch", "second")
    await house.home.channel_pause(BOTH[1], "test", actor=ACTOR)  # type: ignore[arg-type]  # a channel's name
    message = await house.send(SAID, to="lunch")

    async def half() -> bool:
        return await texts(house, "memory") == [SAID]

    await eventually(half)
    await house.others["second"].change(room, invite_only=False)
    await house.home.channel_resume(BOTH[1], actor=ACTOR)  # type: ignore[arg-type]  # a channel's name
    assert await house.ends(message) == "held"
    await house.others["second"].change(room, invite_only=True)
    await house.quiet()
    house.home.runtime.observer.forget(BOTH[1])  # type: ignore[arg-type]  # a channel's name
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert [await texts(house, c) for c in BOTH] == [[SAID], [SAID]]
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []
