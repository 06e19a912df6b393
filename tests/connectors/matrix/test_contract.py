"""The Matrix connector keeps the contract, on a real Synapse behind a proxy that spoils calls."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.port import Guarantee
from connectors.testing.contract import ConnectorContract
from connectors.testing.reading import SETTABLE
from connectors.testing.rig import Rig

pytestmark = pytest.mark.long

NOT_IN_THE_ROOMS_POWER = {
    Guarantee.ENCRYPTED_IN_TRANSIT: "it is a fact of our connection, not of the room",
    Guarantee.MEMBERS_READABLE: "they are, as long as we are in; who is out reads no posture",
}

settable = pytest.mark.parametrize(
    "guarantee", [g for g in SETTABLE if g not in NOT_IN_THE_ROOMS_POWER], ids=lambda g: g.value
)


class TestMatrix(ConnectorContract):
    patience: ClassVar[float] = 60.0
    excused: ClassVar[Mapping[str, str]] = {
        "test_a_hardened_room_holds_all_that_is_promised": "the timer is only requested until "
        "somebody attests that the homeserver purges; verified devices are concluded by whoever "
        "keeps the keys of people",
        "test_a_new_device_is_not_verified": "verified devices are concluded from the members' "
        "devices by whoever keeps the keys of people",
    }

    @settable
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        await super().test_what_was_loosened_is_no_longer_held(rig, guarantee)

    @settable
    async def test_what_was_loosened_is_put_back(self, rig: Rig, guarantee: Guarantee) -> None:
        await super().test_what_was_loosened_is_put_back(rig, guarantee)
