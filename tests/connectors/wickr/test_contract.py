"""The Wickr connector keeps the contract, on a stand-in that lies as the real one was seen to."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.port import Guarantee
from connectors.testing.contract import ConnectorContract
from connectors.testing.receiving import Receiving
from connectors.testing.rig import Rig
from connectors.wickr.connector import WickrConnector

from .conftest import Lab, WickrRig

NO_KEY = "the interface names no message that it sends and carries nothing that others are shown"
NO_DEVICES = "the interface shows neither devices nor keys of anybody"
NO_REPLIES = "a message of Wickr names no other, as far as the interface tells or takes"
NO_GATE = "every member of a Wickr room may write"
NEVER_LOOSE = (
    "that moderators alone let people in is a fact of the network, so nobody can loosen it; the "
    "same with the timer is in test_membership"
)


class TestWickr(ConnectorContract):
    kind = WickrConnector
    excused: ClassVar[Mapping[str, str]] = {
        "test_a_message_arrives_once_under_its_key": NO_KEY,
        "test_a_repeat_is_as_declared": NO_KEY,
        "test_many_at_once_keep_their_answers_apart": NO_KEY,
        "test_a_cancelled_send_ends_and_leaves_no_trace": NO_KEY,
        "test_a_slow_answer_is_waited_for_or_uncertain": NO_KEY,
        "test_our_own_message_comes_back_with_its_key": "a client is not handed what it sent",
        "test_a_file_arrives_byte_for_byte": "its bytes do; its name gets a word of ours, as on "
        "the bot's host another file of that name would take its place",
        "test_an_answer_names_what_it_answers": NO_REPLIES,
        "test_an_answer_heard_names_what_it_answers": NO_REPLIES,
        "test_an_edit_names_what_it_replaces": "edits are told to Wickr's retention bots alone",
        "test_a_changed_key_stops_it": NO_DEVICES,
        "test_a_new_device_stops_it": NO_DEVICES,
        "test_a_new_device_is_fine_where_devices_are_left_open": NO_DEVICES,
        "test_a_new_device_is_told": NO_DEVICES,
        "test_a_gate_is_read_back": NO_GATE,
        "test_a_gate_is_put_up_and_taken_down": NO_GATE,
        "test_a_refused_hardening_is_rejected": NEVER_LOOSE,
        "test_a_hardening_too_many_is_unavailable": NEVER_LOOSE,
        "test_a_hardening_cut_before_it_left_is_unavailable": NEVER_LOOSE,
        "test_a_hardening_cut_after_it_was_done_is_uncertain": NEVER_LOOSE,
        "test_a_hardening_that_did_nothing_is_told_by_the_posture": NEVER_LOOSE,
        "test_while_nothing_answers_nothing_is_hardened": NEVER_LOOSE,
    }

    @pytest.mark.parametrize("guarantee", [Guarantee.TIMER], ids=lambda g: g.value)
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        """The others are facts of the network, not of the room."""
        await super().test_what_was_loosened_is_no_longer_held(rig, guarantee)

    @pytest.mark.parametrize("guarantee", [Guarantee.TIMER], ids=lambda g: g.value)
    async def test_what_was_loosened_is_put_back(self, rig: Rig, guarantee: Guarantee) -> None:
        """The others are facts of the network, not of the room."""
        await super().test_what_was_loosened_is_put_back(rig, guarantee)


class TestPolled(Receiving):
    """The same of a client that is polled, which is what there is without a callback."""

    excused: ClassVar[Mapping[str, str]] = {
        name: why for name, why in TestWickr.excused.items() if name in vars(Receiving)
    }

    @pytest.fixture
    async def rig(self, lab: Lab) -> WickrRig:
        made = WickrRig(lab, receive="poll", poll_every=0.1)
        await made.start()
        return made
