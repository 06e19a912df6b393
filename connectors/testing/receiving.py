"""What happens on the network is told, in order, again until it was stored, and never skipped."""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

from hashlib import sha256

import pytest

from connectors.port.events import (
    Event,
    InboundMessage,
    KeyChanged,
    MembershipChanged,
    Redacted,
    SettingsChanged,
)
from connectors.testing.base import DAY, ContractBase
from connectors.testing.rig import Rig, hash_of


class Receiving(ContractBase):
    """Part of the contract."""

    async def test_a_message_is_told_with_who_where_and_what(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        written = await rig.far.write(rig.room, "Grüße, 你好 \u202e <b>")
        (heard,) = await self.heard(rig.connector, cursor, written)
        assert (heard.room, heard.sender) == (rig.room, rig.far.member)
        assert heard.content.text == "Grüße, 你好 \u202e <b>"
        assert (heard.unreadable, heard.direct, heard.delivery_key) == (None, False, None)
        assert heard.sent_at > 0

    async def test_what_was_before_now_is_not_told(self, rig: Rig) -> None:
        early = await rig.far.write(rig.room, "early")
        async with self.listening(rig.connector, None) as stream:
            first = await anext(stream)
            late = await rig.far.write(rig.room, "late")
            events = [*first.events]
            async for batch in stream:
                events += batch.events
                if late in {e.remote_id for e in events if isinstance(e, InboundMessage)}:
                    break
        assert early not in {e.remote_id for e in events if isinstance(e, InboundMessage)}

    async def test_order_is_kept_in_a_room(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        written = [await rig.far.write(rig.room, f"number {n}") for n in range(25)]
        heard = await self.heard(rig.connector, cursor, *written)
        assert [each.remote_id for each in heard] == written

    async def test_our_own_message_comes_back_with_its_key(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        delivery = await self.delivery(rig)
        accepted = await rig.connector.send(delivery)
        (heard,) = await self.heard(rig.connector, cursor, accepted.remote_id)
        assert heard.delivery_key == delivery.key
        assert heard.sender == rig.connector.account

    async def test_what_cannot_be_read_is_told_and_says_so(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        written = await rig.far.write_unreadable(rig.room)
        (heard,) = await self.heard(rig.connector, cursor, written)
        assert heard.unreadable
        assert (heard.content.text, heard.content.attachments) == ("", ())
        assert heard.sender == rig.far.member

    async def test_a_file_is_read_byte_for_byte(self, rig: Rig) -> None:
        if not rig.connector.capabilities.max_attachment_bytes:
            pytest.skip("takes no files")
        cursor = await self.now(rig.connector)
        data = bytes(range(256)) * 2000
        written = await rig.far.write(rig.room, "see file", file=("a/b\\c.pdf", data))
        heard = await self.heard(rig.connector, cursor, written)
        (file,) = heard[-1].content.attachments
        assert (file.name, file.size) == ("a/b\\c.pdf", len(data))
        for _ in range(2):  # it may be opened again for another attempt
            assert await hash_of(file) == sha256(data).hexdigest()

    async def test_an_answer_heard_names_what_it_answers(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        accepted = await rig.connector.send(await self.delivery(rig))
        written = await rig.far.answer(rig.room, accepted.remote_id, "yes")
        (heard,) = await self.heard(rig.connector, cursor, written)
        assert (heard.reply_to, heard.content.text) == (accepted.remote_id, "yes")

    async def test_an_edit_names_what_it_replaces(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        first = await rig.far.write(rig.room, "first")
        second = await rig.far.edit(rig.room, first, "second")
        heard = await self.heard(rig.connector, cursor, second)
        assert (heard[0].edits, heard[0].content.text) == (first, "second")

    async def test_a_private_line_is_told_as_one(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        written = await rig.far.write_direct("to the intake")
        (heard,) = await self.heard(rig.connector, cursor, written)
        assert (heard.direct, heard.sender) == (True, rig.far.member)

    # other events

    async def test_who_comes_in_is_told(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        stranger = await rig.far.let_in_stranger(rig.room)
        told = await self.told(
            rig.connector, cursor, MembershipChanged, lambda e: e.account == stranger
        )
        assert told.room == rig.room

    async def test_a_new_device_is_told(self, rig: Rig) -> None:
        await rig.connector.members(rig.room)
        cursor = await self.now(rig.connector)
        await rig.far.add_device()
        member = rig.far.member
        await self.told(rig.connector, cursor, KeyChanged, lambda e: e.account == member)

    async def test_a_changed_setting_is_told(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        await rig.far.set_timer(rig.room, DAY // 3)
        await self.told(rig.connector, cursor, SettingsChanged, lambda e: e.room == rig.room)

    async def test_a_message_taken_back_is_told(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        written = await rig.far.write(rig.room, "a slip")
        await rig.far.take_back(rig.room, written)
        told = await self.told(rig.connector, cursor, Redacted, lambda e: e.target == written)
        assert told.room == rig.room

    # never skipped

    async def test_events_are_offered_until_a_stream_starts_behind_them(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        first = await rig.far.write(rig.room, "first")
        for _ in range(2):  # what was told but not stored is told again
            assert await self._names(rig, cursor, first) == [first]
        _, behind = await self.events(rig.connector, cursor, bool)
        second = await rig.far.write(rig.room, "second")
        assert await self._names(rig, behind, second) == [second]

    async def test_reopening_loses_nothing(self, rig: Rig) -> None:
        if not rig.connector.capabilities.re_offers:
            pytest.skip("the network does not offer again what came while we were away")
        cursor = await self.now(rig.connector)
        before = await rig.far.write(rig.room, "before")
        await rig.connector.close()
        away = await rig.far.write(rig.room, "away")
        connector = await rig.reopen()
        after = await rig.far.write(rig.room, "after")
        heard = await self.heard(connector, cursor, before, away, after)
        assert [each.remote_id for each in heard] == [before, away, after]
        assert [each.content.text for each in heard] == ["before", "away", "after"]

    async def test_a_broken_stream_mends_itself(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        await rig.faults.cut_events()
        written = await rig.far.write(rig.room, "after the cut")
        assert await self._names(rig, cursor, written) == [written]

    async def test_a_repeated_event_keeps_its_name(self, rig: Rig) -> None:
        cursor = await self.now(rig.connector)
        await rig.faults.duplicate_events()
        written = await rig.far.write(rig.room, "once")
        heard = await self.heard(rig.connector, cursor, written)
        assert {each.remote_id for each in heard} == {written}
        assert {each.content.text for each in heard} == {"once"}

    async def _names(self, rig: Rig, cursor: str, wanted: str) -> list[str]:
        """Names of the messages told, up to the wanted one."""

        def there(events: list[Event]) -> bool:
            return wanted in {e.remote_id for e in events if isinstance(e, InboundMessage)}

        events, _ = await self.events(rig.connector, cursor, there)
        return [e.remote_id for e in events if isinstance(e, InboundMessage)]
