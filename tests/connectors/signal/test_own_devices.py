"""The devices of our own account as the server lists them now; a list without ours is none."""

import pytest

from connectors.port import DeviceId
from connectors.port.connector import EndsOwnDevices, OwnDevices
from connectors.port.errors import Rejected, Unreadable

from .conftest import Lab


async def test_they_are_listed_while_they_are_linked(lab: Lab) -> None:
    bot = await lab.bot()
    assert isinstance(bot, OwnDevices)
    assert [d.device for d in await bot.own_devices()] == ["1"]
    linked = await lab.hand.add_device("bot")
    assert [d.device for d in await bot.own_devices()] == ["1", str(linked)]


@pytest.mark.parametrize("which", ["1", "9", "", "two", "\u0662"])
async def test_only_a_linked_one_is_unlinked(lab: Lab, which: str) -> None:
    bot = await lab.bot()
    assert isinstance(bot, EndsOwnDevices)
    linked = DeviceId(str(await lab.hand.add_device("bot")))
    with pytest.raises(Rejected):
        await bot.end_own_device(DeviceId(which))
    assert [d.device for d in await bot.own_devices()] == ["1", linked]
    await bot.end_own_device(linked)
    assert [d.device for d in await bot.own_devices()] == ["1"]


async def test_over_the_stream_as_well(stream_lab: Lab) -> None:
    bot = await stream_lab.bot()
    linked = DeviceId(str(await stream_lab.hand.add_device("bot")))
    with pytest.raises(Rejected):
        await bot.end_own_device(DeviceId("9"))
    await bot.end_own_device(linked)
    assert [d.device for d in await bot.own_devices()] == ["1"]


async def test_a_list_without_the_primary_one_is_no_list(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await lab.bot()

    async def nothing() -> frozenset[tuple[int, int]]:
        return frozenset()

    monkeypatch.setattr(bot._open.account._backend, "devices", nothing)
    with pytest.raises(Unreadable, match="devices_incomplete"):
        await bot.own_devices()
