"""The Signal connector keeps the contract, on a stand-in that lies as the real one was seen to."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.port import Guarantee
from connectors.signal.connector import SignalConnector
from connectors.testing.contract import ConnectorContract
from connectors.testing.rig import Rig

from .conftest import Lab, SignalRig

NO_KEY = "Signal carries nothing beside the text, so a delivery's key reaches nobody"
NO_DEVICES = "nobody on Signal sees the devices of others: an account has one identity key"


BOTH: Mapping[str, str] = {
    "test_a_message_arrives_once_under_its_key": NO_KEY,
    "test_a_repeat_is_as_declared": NO_KEY,
    "test_many_at_once_keep_their_answers_apart": NO_KEY,
    "test_a_cancelled_send_ends_and_leaves_no_trace": NO_KEY,
    "test_our_own_message_comes_back_with_its_key": "a device is not sent its own messages",
    "test_a_file_arrives_byte_for_byte": "its bytes do; its name is a path on the server, so "
    "what separates in a path is replaced",
    "test_a_new_device_stops_it": NO_DEVICES,
    "test_a_new_device_is_fine_where_devices_are_left_open": NO_DEVICES,
    "test_devices_are_read_afresh": NO_DEVICES,
    "test_a_new_device_is_not_verified": NO_DEVICES,
    "test_a_new_device_is_told": NO_DEVICES,
    "test_a_distrusted_device_is_not_sealed_to": NO_DEVICES,
    "test_distrust_outlives_a_restart": "nobody in a group can be left out: the send is "
    "refused instead, also after a restart",
}


class TestSignal(ConnectorContract):
    """Through signal-cli-rest-api."""

    kind = SignalConnector
    excused: ClassVar[Mapping[str, str]] = {
        **BOTH,
        "test_a_rate_limit_says_how_long_to_wait": "the server drops retryAfterSeconds",
        "test_a_refused_hardening_is_rejected": "a change of settings that signal-cli refused is "
        "answered as if it were done; the posture tells",
        "test_a_hardened_room_holds_all_that_is_promised": "a timer is requested until somebody's "
        "message shows it; verified keys are concluded by whoever keeps the keys of people",
    }

    @pytest.mark.parametrize(
        "guarantee",
        [Guarantee.INVITE_ONLY, Guarantee.NO_PUBLIC_LINK, Guarantee.TIMER],
        ids=lambda g: g.value,
    )
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        """The others are facts of the network, not of the room."""
        await super().test_what_was_loosened_is_no_longer_held(rig, guarantee)

    @pytest.mark.parametrize(
        "guarantee", [Guarantee.INVITE_ONLY, Guarantee.NO_PUBLIC_LINK], ids=lambda g: g.value
    )
    async def test_what_was_loosened_is_put_back(self, rig: Rig, guarantee: Guarantee) -> None:
        """A timer is only requested until somebody's message shows it."""
        await super().test_what_was_loosened_is_put_back(rig, guarantee)


class TestSignalJsonRpc(ConnectorContract):
    """Through signal-cli's own daemon."""

    kind = SignalConnector
    excused: ClassVar[Mapping[str, str]] = {
        **BOTH,
        "test_a_hardened_room_holds_all_that_is_promised": "all but verified keys, which are "
        "concluded by whoever keeps the keys of people",
    }

    @pytest.fixture
    async def rig(self, stream_lab: Lab) -> SignalRig:
        made = SignalRig(stream_lab)
        await made.start()
        return made

    @pytest.mark.parametrize(
        "guarantee",
        [Guarantee.INVITE_ONLY, Guarantee.NO_PUBLIC_LINK, Guarantee.TIMER],
        ids=lambda g: g.value,
    )
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        """The others are facts of the network, not of the room."""
        await super().test_what_was_loosened_is_no_longer_held(rig, guarantee)

    @pytest.mark.parametrize(
        "guarantee",
        [Guarantee.INVITE_ONLY, Guarantee.NO_PUBLIC_LINK, Guarantee.TIMER],
        ids=lambda g: g.value,
    )
    async def test_what_was_loosened_is_put_back(self, rig: Rig, guarantee: Guarantee) -> None:
        """A timer too: here it is read back."""
        await super().test_what_was_loosened_is_put_back(rig, guarantee)
