"""What differs between a room and its list: each is found by a reading, and over by a later one."""

from collections.abc import Awaitable, Callable

import pytest

from orchestrator.command.risk_look import RiskLook
from tiers.ids import ConnectorName, RoomId

from .conftest import House, eventually
from .house import CHANNEL

pytestmark = pytest.mark.usefixtures("untold")
OURS = "wallcross"


def reads(house: House, rule: str) -> Callable[[], Awaitable[bool]]:
    """Whether a rule's finding is open once the rooms were read anew."""

    async def open_now() -> bool:
        runtime = house.home.runtime
        runtime.observer.forget(ConnectorName(CHANNEL))
        await runtime.reconciler.look()
        return rule in await house.findings()

    return open_now


def over(house: House, rule: str) -> Callable[[], Awaitable[bool]]:
    still = reads(house, rule)

    async def closed() -> bool:
        return not await still()

    return closed


async def test_whoever_may_change_a_room_and_should_not_is_found_until_he_may_no_more(
    house: House,
) -> None:
    room = house.room("supply")
    assert not await reads(house, "wrong_role")()
    await house.far.set_admin(room, "cy", admin=True)
    await eventually(reads(house, "wrong_role"))
    await house.far.set_admin(room, "cy", admin=False)
    await eventually(over(house, "wrong_role"))


async def test_that_our_account_may_change_a_room_no_more_is_found_until_it_may(
    house: House,
) -> None:
    room = house.room("supply")
    await house.far.set_admin(room, "ada", admin=True)
    await house.far.set_admin(room, OURS, admin=False)
    await eventually(reads(house, "bot_demoted"))
    await house.far.set_admin(room, OURS, admin=True)
    await eventually(over(house, "bot_demoted"))
    assert "wrong_role" not in await house.findings()  # who made us one again may change it too


async def test_who_is_cleared_and_not_in_is_found_until_he_is_in(house: House) -> None:
    room = house.room("supply")
    await house.far.remove_member(room, "cy")
    await eventually(reads(house, "member_missing"))
    listed = await house.home.runtime.connectors[ConnectorName(CHANNEL)].members(RoomId(room))
    assert "cy" not in {m.account for m in listed.members}
    await house.far.add_member(room, "cy")
    await eventually(over(house, "member_missing"))


async def test_an_author_on_no_list_is_found_until_he_is_in_the_room_no_more(house: House) -> None:
    room = house.room("lunch")
    await house.far.add_member(room, "mallory")
    await house.taken(await house.far.write("mallory", room, "hello"))
    look = RiskLook(house.home.runtime)

    async def found() -> bool:
        await look.look()
        return "unknown_author" in await house.findings()

    async def gone() -> bool:
        house.home.runtime.observer.forget(ConnectorName(CHANNEL))
        await house.home.runtime.watcher.look_at_all()
        return not await found()

    await eventually(found)
    await house.far.remove_member(room, "mallory")
    await eventually(gone)
    assert "unknown_member" not in await house.findings()


async def test_who_is_not_cleared_is_found_until_he_is_in_the_room_no_more(house: House) -> None:
    room = house.room("price")
    await house.far.add_member(room, "el", by="ada")
    await eventually(reads(house, "uncleared_member"))
    await house.far.remove_member(room, "el")
    await house.home.runtime.watcher.look_at_all()
    await eventually(over(house, "uncleared_member"))
    assert "unknown_member" not in await house.findings()
