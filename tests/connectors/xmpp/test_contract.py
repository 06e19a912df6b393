"""The XMPP connector keeps the contract, on a real Prosody with TLS behind a proxy."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.port import Guarantee
from connectors.port.events import SettingsChanged
from connectors.testing.contract import ConnectorContract
from connectors.testing.failing import SPOILS, Spoil
from connectors.testing.reading import SETTABLE
from connectors.testing.rig import Rig
from connectors.xmpp.connector import XmppConnector

pytestmark = pytest.mark.real

NO_DEVICES = "without OMEMO no devices are told, so none can change"
NO_VOICE = "every member of a members-only room has a voice again each time that he comes in"
settable = pytest.mark.parametrize(
    "guarantee",
    [g for g in SETTABLE if g is not Guarantee.ENCRYPTED_IN_TRANSIT],  # a fact of our own line
    ids=lambda g: g.value,
)


class TestXmpp(ConnectorContract):
    kind = XmppConnector
    excused: ClassVar[Mapping[str, str]] = {
        "test_a_changed_key_stops_it": NO_DEVICES,
        "test_a_new_device_stops_it": NO_DEVICES,
        "test_a_new_device_is_fine_where_devices_are_left_open": NO_DEVICES,
        "test_a_new_device_is_told": NO_DEVICES,
        "test_a_gate_is_read_back": NO_VOICE,
        "test_a_gate_is_put_up_and_taken_down": NO_VOICE,
        "test_a_rate_limit_says_how_long_to_wait": "XMPP has no word for how long",
    }

    @pytest.mark.parametrize(
        "spoil", [SPOILS[n] for n in SPOILS if n != "key"], ids=[n for n in SPOILS if n != "key"]
    )
    async def test_a_failure_tells_nothing_of_the_message(
        self, rig: Rig, caplog: pytest.LogCaptureFixture, spoil: Spoil
    ) -> None:
        await super().test_a_failure_tells_nothing_of_the_message(rig, caplog, spoil)

    @settable
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        await super().test_what_was_loosened_is_no_longer_held(rig, guarantee)

    @settable
    async def test_what_was_loosened_is_put_back(self, rig: Rig, guarantee: Guarantee) -> None:
        await super().test_what_was_loosened_is_put_back(rig, guarantee)

    async def test_a_changed_setting_is_told(self, rig: Rig) -> None:
        """No room has a timer: another setting stands for it."""
        cursor = await self.now(rig.connector)
        await rig.far.loosen(rig.room, Guarantee.NO_PUBLIC_LINK)
        await self.told(rig.connector, cursor, SettingsChanged, lambda e: e.room == rig.room)
