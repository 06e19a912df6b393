"""A notice waits for its reader; and a new device is seen also where nobody has read a room yet."""

from connectors.memory.network import Options
from tiers.ids import AccountId, ConnectorName

from .conftest import House, Opens, eventually
from .house import CHANNEL

ADA = AccountId("ada")
NOWHERE = "Anything at all."


async def line_of(house: House) -> str:
    """Ada's private line, once we have made it."""
    found = house.home.runtime.book.line_room

    async def made() -> bool:
        return found(ConnectorName(CHANNEL), ADA) is not None

    await eventually(made)
    return str(found(ConnectorName(CHANNEL), ADA))


async def notices(house: House, room: str) -> list[tuple[str, str | None]]:
    return await house.rows("SELECT state, reason FROM delivery WHERE room = ?", room)


async def test_a_notice_waits_until_its_reader_has_come_into_his_line(opens: Opens) -> None:
    house = await opens(options=Options(auto_join=False))
    message = await house.send(f"#nowhere {NOWHERE}")
    assert await house.ends(message) == "held"
    line = await line_of(house)
    await house.quiet()
    assert await notices(house, line) == [("queued", None)]
    assert not await house.far.arrived(line)
    await house.far.join(ADA, line)
    [told] = await house.told(ADA)
    assert "Held. Nobody has seen it." in told.text


async def test_no_notice_goes_into_a_line_that_somebody_else_is_in(opens: Opens) -> None:
    house = await opens(options=Options(auto_join=False))
    await house.send(f"#nowhere {NOWHERE}")
    line = await line_of(house)
    await house.far.add_member(line, "mallory")
    await house.far.join(ADA, line)

    async def over() -> bool:
        return await notices(house, line) == [("dead", "line_not_private")]

    await eventually(over)
    assert not await house.far.arrived(line)


async def test_a_device_that_is_new_right_after_a_start_stops_its_rooms_at_once(
    opens: Opens,
) -> None:
    house = await opens()
    await house.restart()
    runtime = house.home.runtime
    runtime.observer.forget(ConnectorName(CHANNEL))
    await house.far.add_device("bo", "PHONE2", "a key")

    async def paused() -> bool:
        [(why,)] = await house.rows("SELECT paused FROM room WHERE room = ?", house.room("price"))
        return why is not None

    await eventually(paused)
