"""A conversation in two rooms: all of them or none, and none of them twice."""

from orchestrator.client.views import NewConversation, NewRoom
from tiers.ids import PersonId

from .conftest import OURS, House, Opens, eventually
from .house import ACTOR, roster

BOTH = ("memory", "second")
SITS = {"memory": ("ada", "di"), "second": ("bo", "cy", "el")}
SAID = "Lunch is at noon in room four."


async def mirrored(opens: Opens, floor: str = "coordination") -> House:
    """#lunch with people on each of two channels, all of whom have accounts on both."""
    house = await opens((), people=roster(BOTH), channels=BOTH)
    first, second = BOTH
    new = NewConversation(
        label="lunch", floor=floor, channel=first, owner=PersonId("ada"), members=SITS[first]
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    more = NewRoom(channel=second, owners=("bo",), members=SITS[second])
    await house.home.conv_room_add(house.deal, "lunch", more, actor=ACTOR)
    return house


async def texts(house: House, channel: str, label: str = "lunch") -> list[str]:
    """What somebody who sits on a channel sees of people's words."""
    inbox = await house.others[channel].inbox(SITS[channel][-1], house.room(label, channel))
    return [m.text for m in inbox if m.sender != OURS or m.author_line is not None]


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
