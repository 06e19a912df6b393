"""The devices of our own account as the server lists them now; a list without ours is none."""

import pytest

from connectors.port.connector import OwnDevices
from connectors.port.errors import Unreadable

from .conftest import Lab


async def test_they_are_listed_while_they_are_linked(lab: Lab) -> None:
    bot = await lab.bot()
    assert isinstance(bot, OwnDevices)
    assert [d.device for d in await bot.own_devices()] == ["1"]
    linked = await lab.hand.add_device("bot")
    assert [d.device for d in await bot.own_devices()] == ["1", str(linked)]


async def test_a_list_without_the_primary_one_is_no_list(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await lab.bot()

    async def nothing() -> frozenset[tuple[int, int]]:
        return frozenset()

    monkeypatch.setattr(bot._open.account._backend, "devices", nothing)
    with pytest.raises(Unreadable, match="devices_incomplete"):
        await bot.own_devices()
