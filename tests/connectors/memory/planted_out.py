"""Connectors that each break one promise of what goes out, and of what is said when it fails.

Not collected by itself: ``tests/connectors/test_contract_bites.py`` runs it and wants failures.
"""

import asyncio
import logging
from dataclasses import replace

from connectors.memory.connector import MemoryConnector
from connectors.port import (
    AccountId,
    DeliveryKey,
    RemoteId,
    RoomId,
)
from connectors.port.capabilities import Capabilities
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain
from connectors.port.messages import (
    Accepted,
    Content,
    Delivery,
    Reader,
)

from .planting import Planted

NOBODY = Reader(AccountId("nobody"))
planted = Planted()


# what goes out


class Alters(MemoryConnector):
    """Sends something else than it was given."""

    def alter(self, delivery: Delivery) -> Delivery:
        return delivery

    async def send(self, delivery: Delivery) -> Accepted:
        return await super().send(self.alter(delivery))


@planted.breaks("test_a_message_arrives_once_under_its_key")
class SendsTwice(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        copy = replace(delivery, key=DeliveryKey(delivery.key[::-1]))
        await super().send(copy)
        return await super().send(delivery)


@planted.breaks("test_a_repeat_is_as_declared")
class KeyForEachAttempt(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, key=DeliveryKey(f"{delivery.key}{delivery.attempt}"))


@planted.breaks("test_different_keys_are_different_messages")
class OneKeyForAll(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, key=DeliveryKey("always this"))


@planted.breaks("test_order_of_sending_is_order_of_arrival")
class KeepsOneBack(MemoryConnector):
    kept: Delivery | None = None

    async def send(self, delivery: Delivery) -> Accepted:
        accepted = Accepted(RemoteId("$later"), 1)
        if self.kept is not None:
            accepted = await super().send(delivery)
            delivery, self.kept = self.kept, None
            await super().send(delivery)
        else:
            self.kept = delivery
        return accepted


@planted.breaks("test_the_author_line_is_where_it_belongs")
class NamesTheAuthorInTheText(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        text = f"{delivery.author_line}\n{delivery.content.text}"
        return replace(delivery, author_line=None, content=Content(text))


@planted.breaks("test_a_hostile_body_stays_a_body", "test_any_text_arrives_the_same_or_is_refused")
class FindsTheAuthorInTheText(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        line, _, rest = delivery.content.text.partition("\n")
        if line != delivery.author_line and delivery.author_line is not None:
            return delivery
        return replace(delivery, author_line=line, content=Content(rest))


@planted.breaks(
    "test_no_body_passes_for_an_author", "test_an_answer_under_anothers_name_stays_one_text"
)
class TakesALineForTheAuthors(Alters):
    """Where a line of a body is the author's name, the text begins below it."""

    def alter(self, delivery: Delivery) -> Delivery:
        lines = delivery.content.text.splitlines()
        if delivery.author_line not in lines:
            return delivery
        below = lines[lines.index(delivery.author_line) + 1 :]
        return replace(delivery, content=Content("\n".join(below) or "nothing"))


@planted.breaks("test_no_name_breaks_the_line_that_it_stands_in")
class EndsANameAtItsBracket(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        laid_out = f"{delivery.author_line}\n{delivery.content.text}"
        name, _, text = laid_out.partition("(")
        return replace(delivery, author_line=name, content=Content(text or "nothing"))


@planted.breaks("test_a_correction_stands_under_the_same_author")
class CorrectsWithoutAName(MemoryConnector):
    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        return await super().edit(room, message, replace(delivery, author_line=None))


@planted.breaks("test_a_correction_stops_at_an_unknown_reader_too")
class CorrectsForWhoeverIsThere(MemoryConnector):
    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        there = (await self.members(room)).members
        readers = frozenset(Reader(m.account, m.devices) for m in there)
        return await super().edit(room, message, replace(delivery, readers=readers))


@planted.breaks("test_control_characters_arrive_or_are_refused")
class DropsControls(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        text = "".join(c for c in delivery.content.text if c.isprintable())
        return replace(delivery, content=Content(text))


@planted.breaks("test_what_is_no_unicode_is_refused")
class PutsQuestionMarks(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        text = delivery.content.text.encode(errors="replace").decode()
        return replace(delivery, content=Content(text))


@planted.breaks("test_a_large_body_arrives")
class CutsLongText(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, content=Content(delivery.content.text[:65536]))


@planted.breaks("test_an_answer_names_what_it_answers")
class DropsTheReply(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, reply_to=None)


@planted.breaks("test_a_file_arrives_byte_for_byte")
class LeavesFilesOut(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, content=Content(delivery.content.text))


@planted.breaks(
    "test_an_oversize_body_is_refused_before_the_wire",
    "test_an_oversize_file_is_refused_before_the_wire",
)
class LetsTheNetworkMeasure(MemoryConnector):
    @property
    def capabilities(self) -> Capabilities:
        most = super().capabilities
        self._capabilities = replace(most, max_body_bytes=1 << 40, max_attachment_bytes=1 << 40)
        self._promised = getattr(self, "_promised", most)
        return self._promised


@planted.breaks("test_a_file_of_another_length_is_not_sent")
class TakesAnyLength(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        content = delivery.content
        files = tuple(replace(f, size=5000) for f in content.attachments)
        return replace(delivery, content=replace(content, attachments=files))


@planted.breaks(
    "test_an_unknown_reader_stops_it",
    "test_nobody_named_means_nobody",
    "test_a_changed_key_stops_it",
    "test_a_new_device_stops_it",
)
class SendsToWhoeverIsThere(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        members = (await self.members(delivery.room)).members
        readers = frozenset(Reader(m.account, m.devices) for m in members)
        return await super().send(replace(delivery, readers=readers))


@planted.breaks("test_a_new_device_is_fine_where_devices_are_left_open")
class TakesOpenForNone(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        readers = frozenset(Reader(r.account, r.devices or frozenset()) for r in delivery.readers)
        return replace(delivery, readers=readers)


@planted.breaks("test_it_is_sealed_to_the_readers_and_nobody_else")
class SealsToNobodyToo(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        accepted = await super().send(delivery)
        return replace(accepted, sealed_to=(accepted.sealed_to or frozenset()) | {NOBODY})


@planted.breaks("test_a_cancelled_send_ends_and_leaves_no_trace")
class CannotBeCancelled(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except asyncio.CancelledError:
            return Accepted(RemoteId("$never"), 1)


@planted.breaks("test_many_at_once_keep_their_answers_apart")
class MixesAnswersUp(MemoryConnector):
    first: Accepted | None = None

    async def send(self, delivery: Delivery) -> Accepted:
        accepted = await super().send(delivery)
        self.first = self.first or accepted
        return self.first


@planted.breaks("test_a_slow_answer_is_waited_for_or_uncertain")
class TakesSlowForNotSent(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            async with asyncio.timeout(0.05):
                return await super().send(delivery)
        except TimeoutError:
            raise Unavailable("timeout") from None


# what fails


class Renames(MemoryConnector):
    """Turns one kind of error into another."""

    old: type[ConnectorError]
    new: type[ConnectorError]

    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except self.old as error:
            raise self.new(error.code) from None


@planted.breaks(
    "test_a_cut_after_the_write_is_uncertain", "test_an_answer_without_sense_is_uncertain"
)
class TakesUnknownForNotSent(Renames):
    old, new = Uncertain, Unavailable


@planted.breaks("test_a_cut_before_the_write_is_unavailable", "test_a_disturbance_is_unavailable")
class TakesNotSentForUnknown(Renames):
    old, new = Unavailable, Uncertain


@planted.breaks("test_a_rate_limit_says_how_long_to_wait")
class ForgetsHowLong(Renames):
    old, new = Unavailable, Unavailable


@planted.breaks("test_a_refusal_is_rejected")
class RepeatsRefusals(Renames):
    old, new = Rejected, Unavailable


@planted.breaks("test_an_unknown_room_is_refused")
class DoubtsRefusals(Renames):
    old, new = Rejected, Uncertain


@planted.breaks("test_a_success_that_did_nothing_is_not_accepted")
class BelievesAnySuccess(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except Uncertain:
            return Accepted(RemoteId("$surely"), 1)


@planted.breaks("test_after_a_cut_the_connector_goes_on")
class GivesUpForGood(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except Unavailable:
            await self.close()
            raise


@planted.breaks("test_no_foreign_error_crosses_the_port")
class LetsForeignErrorsThrough(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        for file in delivery.content.attachments:
            async for _ in file.open():
                continue
        return await super().send(delivery)


@planted.breaks("test_a_failure_tells_nothing_of_the_message")
class QuotesInErrors(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except ConnectorError as error:
            error.hint = f"could not send {delivery.content.text!r}"
            raise


@planted.breaks("test_a_success_tells_nothing_of_the_message")
class LogsWhatItSends(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        logging.getLogger(__name__).debug("sending %s", delivery.content.text)
        return await super().send(delivery)


@planted.breaks("test_what_cannot_be_encoded_tells_nothing_either")
class ChainsTheForeignError(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            delivery.content.text.encode()
        except UnicodeEncodeError:
            raise Rejected("not_unicode") from None  # the text stays in the error's context
        return await super().send(delivery)


globals().update(planted.suites())
