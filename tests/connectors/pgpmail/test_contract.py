"""The PGP mail connector keeps the contract, read by another gpg from the delivered mails."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.pgpmail.connector import MailConnector
from connectors.port import Guarantee
from connectors.port.events import Quarantined
from connectors.testing.contract import ConnectorContract
from connectors.testing.reading import SETTABLE
from connectors.testing.rig import Rig

OF_THE_NETWORK: Mapping[str, str] = {
    "test_members_are_all_and_ourselves": "a mailing has one adviser and nobody more",
    "test_a_partial_list_says_so": "who a mailing goes to stands in our own ledger, whole",
    "test_a_room_without_a_gate_says_so": "what an adviser writes reaches us alone: always a gate",
    "test_a_room_that_we_were_put_out_of_is_said_to_be_none_of_ours": "a mailing is our own: "
    "nobody else could put us out",
    "test_owners_are_admins_and_members": "an adviser has no say over a mailing",
    "test_while_nothing_answers_reading_is_unavailable": "a mailing is read from our own keyring",
    "test_a_new_device_is_fine_where_devices_are_left_open": "a second key of the same address "
    "is never sealed to before one of the two is withdrawn",
    "test_a_distrusted_device_is_not_sealed_to": "the other key must be compared first",
    "test_distrust_outlives_a_restart": "without his one key nothing goes to an adviser",
    "test_our_own_message_comes_back_with_its_key": "a mailbox does not hold what it sent",
    "test_an_edit_names_what_it_replaces": "mail has no edits",
    "test_a_private_line_is_told_as_one": "every mailing is between one adviser and us",
    "test_who_comes_in_is_told": "nobody comes into a mailing but through our own ledger",
    "test_a_new_device_is_told": "a key comes by our own import, not by the network",
    "test_a_changed_setting_is_told": "mail has no settings",
    "test_a_message_taken_back_is_told": "mail cannot be taken back",
    "test_who_is_let_in_reads_what_comes_and_not_what_was": "a mailing whose adviser is out goes "
    "to nobody, so nothing is sent before he is let in",
    **dict.fromkeys(
        (
            "test_a_refused_act_is_rejected",
            "test_an_act_too_many_is_unavailable",
            "test_an_act_cut_before_it_left_is_unavailable",
            "test_an_act_cut_after_it_was_done_is_uncertain",
            "test_an_act_answered_with_success_that_did_nothing_is_told_by_the_list",
            "test_an_absence_from_a_partial_list_does_not_excuse_the_act",
            "test_while_nothing_answers_nothing_is_changed",
            "test_a_cancelled_act_ends_at_once",
        ),
        "who a mailing goes to stands in our own ledger: no server is asked, and none can refuse",
    ),
    **dict.fromkeys(
        (
            "test_who_stands_by_is_an_admin_of_each_room_that_is_made",
            "test_who_stands_by_is_never_put_out_or_demoted",
            "test_who_stands_by_can_be_let_in_later",
        ),
        "a mailing has no admins who could stand by",
    ),
}


class MailContract(ConnectorContract):
    """The contract as mail can keep it, on any server."""

    kind = MailConnector
    verbs = ("invite", "remove")

    @pytest.mark.parametrize(
        "guarantee",
        [g for g in SETTABLE if g is not Guarantee.MEMBERS_READABLE],  # of our own ledger
        ids=lambda g: g.value,
    )
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        await super().test_what_was_loosened_is_no_longer_held(rig, guarantee)

    async def test_an_answer_names_what_it_answers(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        asked = await rig.far.write(rig.room, "a question")
        await self.heard(rig.connector, cursor, asked)  # only then its name is known
        await rig.connector.send(await self.delivery(rig, reply_to=asked))
        (seen,) = await rig.far.arrived(rig.room)
        assert seen.reply_to == asked

    async def test_a_message_is_told_with_who_where_and_what(self, rig: Rig) -> None:
        """A mail names no room: which it belongs to is for whoever knows the deals."""
        cursor = await self.now(rig.connector)
        written = await rig.far.write(rig.room, "Grüße, 你好 \u202e <b>")
        (heard,) = await self.heard(rig.connector, cursor, written)
        assert (heard.room, heard.sender) == (None, rig.far.member)
        assert heard.content.text == "Grüße, 你好 \u202e <b>"
        assert (heard.unreadable, heard.delivery_key) == (None, None)
        assert heard.sender_device is not None
        assert heard.sent_at > 0

    async def test_what_cannot_be_read_is_told_and_says_so(self, rig: Rig) -> None:
        """It goes to quarantine, as all that is not verified, and counts there."""
        cursor = await self.now(rig.connector)
        await rig.far.write_unreadable(rig.room)
        told = await self.told(rig.connector, cursor, Quarantined, lambda e: bool(e.raw.size))
        assert (told.verdict, told.claimed_sender) == ("undecryptable", rig.far.member)


class TestOnAFolder(MailContract):
    patience: ClassVar[float] = 30.0
    excused: ClassVar[Mapping[str, str]] = {
        **OF_THE_NETWORK,
        "test_a_broken_stream_mends_itself": "a folder on this machine breaks no connection",
    }
