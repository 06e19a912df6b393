"""Connectors that each break one promise, and the tests of the contract that must see it.

Not collected by itself: ``tests/connectors/test_contract_bites.py`` runs it and wants failures.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from connectors.memory.connector import MemoryConnector
from connectors.memory.trust import TrustStore
from connectors.port import (
    AccountId,
    DeliveryKey,
    Evidence,
    Guarantee,
    Holding,
    RemoteId,
    RoomId,
    Source,
)
from connectors.port.capabilities import Capabilities, Health, Posture
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain, Unreadable
from connectors.port.events import (
    Batch,
    Event,
    InboundMessage,
    KeyChanged,
    MembershipChanged,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import (
    Accepted,
    Attachment,
    Content,
    Delivery,
    Device,
    MemberSnapshot,
    Reader,
    RoomSpec,
)
from connectors.testing.contract import ConnectorContract

PLANTED: dict[str, type[MemoryConnector]] = {}
"""Test of the contract -> a connector on which it must fail."""
NOBODY = Reader(AccountId("nobody"))


def breaks(*tests: str) -> Callable[[type[MemoryConnector]], type[MemoryConnector]]:
    """Says which tests must fail on a connector."""

    def plant(kind: type[MemoryConnector]) -> type[MemoryConnector]:
        PLANTED.update(dict.fromkeys(tests, kind))
        return kind

    return plant


# what goes out


class Alters(MemoryConnector):
    """Sends something else than it was given."""

    def alter(self, delivery: Delivery) -> Delivery:
        raise NotImplementedError

    async def send(self, delivery: Delivery) -> Accepted:
        return await super().send(self.alter(delivery))


@breaks("test_a_message_arrives_once_under_its_key")
class SendsTwice(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        copy = replace(delivery, key=DeliveryKey(delivery.key[::-1]))
        await super().send(copy)
        return await super().send(delivery)


@breaks("test_a_repeat_is_as_declared")
class KeyForEachAttempt(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, key=DeliveryKey(f"{delivery.key}{delivery.attempt}"))


@breaks("test_different_keys_are_different_messages")
class OneKeyForAll(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, key=DeliveryKey("always this"))


@breaks("test_order_of_sending_is_order_of_arrival")
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


@breaks("test_the_author_line_is_where_it_belongs")
class NamesTheAuthorInTheText(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        text = f"{delivery.author_line}\n{delivery.content.text}"
        return replace(delivery, author_line=None, content=Content(text))


@breaks("test_a_hostile_body_stays_a_body", "test_any_text_arrives_the_same_or_is_refused")
class FindsTheAuthorInTheText(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        line, _, rest = delivery.content.text.partition("\n")
        if line != delivery.author_line and delivery.author_line is not None:
            return delivery
        return replace(delivery, author_line=line, content=Content(rest))


@breaks("test_control_characters_arrive_or_are_refused")
class DropsControls(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        text = "".join(c for c in delivery.content.text if c.isprintable())
        return replace(delivery, content=Content(text))


@breaks("test_what_is_no_unicode_is_refused")
class PutsQuestionMarks(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        text = delivery.content.text.encode(errors="replace").decode()
        return replace(delivery, content=Content(text))


@breaks("test_a_large_body_arrives")
class CutsLongText(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, content=Content(delivery.content.text[:65536]))


@breaks("test_an_answer_names_what_it_answers")
class DropsTheReply(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, reply_to=None)


@breaks("test_a_file_arrives_byte_for_byte")
class LeavesFilesOut(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        return replace(delivery, content=Content(delivery.content.text))


@breaks(
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


@breaks("test_a_file_of_another_length_is_not_sent")
class TakesAnyLength(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        content = delivery.content
        files = tuple(replace(f, size=5000) for f in content.attachments)
        return replace(delivery, content=replace(content, attachments=files))


@breaks(
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


@breaks("test_a_new_device_is_fine_where_devices_are_left_open")
class TakesOpenForNone(Alters):
    def alter(self, delivery: Delivery) -> Delivery:
        readers = frozenset(Reader(r.account, r.devices or frozenset()) for r in delivery.readers)
        return replace(delivery, readers=readers)


@breaks("test_it_is_sealed_to_the_readers_and_nobody_else")
class SealsToNobodyToo(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        accepted = await super().send(delivery)
        return replace(accepted, sealed_to=(accepted.sealed_to or frozenset()) | {NOBODY})


@breaks("test_a_cancelled_send_ends_and_leaves_no_trace")
class CannotBeCancelled(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except asyncio.CancelledError:
            return Accepted(RemoteId("$never"), 1)


@breaks("test_many_at_once_keep_their_answers_apart")
class MixesAnswersUp(MemoryConnector):
    first: Accepted | None = None

    async def send(self, delivery: Delivery) -> Accepted:
        accepted = await super().send(delivery)
        self.first = self.first or accepted
        return self.first


@breaks("test_a_slow_answer_is_waited_for_or_uncertain")
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


@breaks("test_a_cut_after_the_write_is_uncertain", "test_an_answer_without_sense_is_uncertain")
class TakesUnknownForNotSent(Renames):
    old, new = Uncertain, Unavailable


@breaks("test_a_cut_before_the_write_is_unavailable", "test_a_disturbance_is_unavailable")
class TakesNotSentForUnknown(Renames):
    old, new = Unavailable, Uncertain


@breaks("test_a_rate_limit_says_how_long_to_wait")
class ForgetsHowLong(Renames):
    old, new = Unavailable, Unavailable


@breaks("test_a_refusal_is_rejected")
class RepeatsRefusals(Renames):
    old, new = Rejected, Unavailable


@breaks("test_an_unknown_room_is_refused")
class DoubtsRefusals(Renames):
    old, new = Rejected, Uncertain


@breaks("test_a_success_that_did_nothing_is_not_accepted")
class BelievesAnySuccess(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except Uncertain:
            return Accepted(RemoteId("$surely"), 1)


@breaks("test_after_a_cut_the_connector_goes_on")
class GivesUpForGood(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except Unavailable:
            await self.close()
            raise


@breaks("test_no_foreign_error_crosses_the_port")
class LetsForeignErrorsThrough(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        for file in delivery.content.attachments:
            async for _ in file.open():
                continue
        return await super().send(delivery)


@breaks("test_a_failure_tells_nothing_of_the_message")
class QuotesInErrors(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            return await super().send(delivery)
        except ConnectorError as error:
            error.hint = f"could not send {delivery.content.text!r}"
            raise


@breaks("test_a_success_tells_nothing_of_the_message")
class LogsWhatItSends(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        logging.getLogger(__name__).debug("sending %s", delivery.content.text)
        return await super().send(delivery)


@breaks("test_what_cannot_be_encoded_tells_nothing_either")
class ChainsTheForeignError(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        try:
            delivery.content.text.encode()
        except UnicodeEncodeError:
            raise Rejected("not_unicode") from None  # the text stays in the error's context
        return await super().send(delivery)


# what is asked after


@breaks("test_after_a_cut_the_delivery_is_found")
class FindsNothing(MemoryConnector):
    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        return await super().find(room, DeliveryKey(key[::-1]))


@breaks("test_what_never_went_is_not_found")
class FindsEverything(MemoryConnector):
    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        return await super().find(room, key) or Accepted(RemoteId("$surely"), 1)


@breaks(
    "test_while_nothing_answers_nothing_is_said_of_it",
    "test_in_an_unknown_room_nothing_is_said_of_it",
)
class TakesSilenceForNo(MemoryConnector):
    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        try:
            return await super().find(room, key)
        except ConnectorError:
            return None


# what is read


@breaks("test_capabilities_cost_nothing_and_agree")
class PromisesMoreEachTime(MemoryConnector):
    count = itertools.count(1)

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, max_body_bytes=next(self.count))


@breaks("test_promises_match_code")
class HidesAnAbility(MemoryConnector):
    @property
    def capabilities(self) -> Capabilities:
        most = super().capabilities
        return replace(most, can=most.can - {Guarantee.DEVICES_VERIFIED})


@breaks("test_members_are_all_and_ourselves")
class LeavesItselfOut(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        snapshot = await super().members(room)
        others = tuple(m for m in snapshot.members if m.account != self.account)
        return replace(snapshot, members=others)


@breaks("test_who_comes_in_is_in_the_next_list", "test_devices_are_read_afresh")
class ReadsMembersOnce(MemoryConnector):
    async def open(self) -> None:
        await super().open()
        self._known: dict[RoomId, MemberSnapshot] = {}

    async def members(self, room: RoomId) -> MemberSnapshot:
        if room not in self._known:
            self._known[room] = await super().members(room)
        return self._known[room]


@breaks("test_a_partial_list_says_so")
class TakesAPartForAll(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        return replace(await super().members(room), complete=True)


@breaks("test_an_unreadable_list_is_no_empty_list", "test_an_unknown_room_cannot_be_read")
class TakesUnreadableForEmpty(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        try:
            return await super().members(room)
        except Unreadable:
            return MemberSnapshot(room, (), complete=True, read_at=1)


@breaks("test_while_nothing_answers_reading_is_unavailable")
class TakesSilenceForEmpty(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        try:
            return await super().members(room)
        except Unavailable:
            return MemberSnapshot(room, (), complete=True, read_at=1)


@breaks("test_a_hardened_room_holds_all_that_is_promised")
class ForgetsToHarden(MemoryConnector):
    async def create(self, spec: RoomSpec) -> RoomId:
        return await super().create(replace(spec, timer=None))


@breaks("test_every_holding_says_when_and_by_whom")
class AttestsByNobody(MemoryConnector):
    async def posture(self, room: RoomId) -> Posture:
        posture = await super().posture(room)
        held = tuple(replace(h, evidence=Evidence.ATTESTED) for h in posture.holdings)
        return replace(posture, holdings=held)


@breaks(
    "test_what_was_loosened_is_no_longer_held",
    "test_a_new_device_is_not_verified",
    "test_an_unreadable_posture_is_no_posture",
)
class AssumesTheBest(MemoryConnector):
    async def posture(self, room: RoomId) -> Posture:
        try:
            posture = await super().posture(room)
        except Unreadable:
            posture = await super().posture(room)
        held = tuple(
            Holding(g, Evidence.VERIFIED, Source.SERVER, 1, 1) for g in self.capabilities.can
        )
        return replace(posture, holdings=held)


@breaks("test_the_timer_is_read_back", "test_a_timer_that_was_asked_for_is_not_assumed")
class TakesAskedForHeld(MemoryConnector):
    asked: int | None = 1

    async def create(self, spec: RoomSpec) -> RoomId:
        self.asked = spec.timer
        return await super().create(spec)

    async def posture(self, room: RoomId) -> Posture:
        posture = await super().posture(room)
        held = [h for h in posture.holdings if h.guarantee is not Guarantee.TIMER]
        asked = Holding(Guarantee.TIMER, Evidence.VERIFIED, Source.SERVER, 1, self.asked)
        return replace(posture, holdings=(*held, asked))


@breaks("test_a_room_without_a_gate_says_so")
class SeesGatesEverywhere(MemoryConnector):
    async def posture(self, room: RoomId) -> Posture:
        return replace(await super().posture(room), gate=True)


@breaks("test_a_gate_is_read_back", "test_owners_are_admins_and_members")
class IgnoresGateAndOwners(MemoryConnector):
    async def create(self, spec: RoomSpec) -> RoomId:
        return await super().create(replace(spec, gate=False, owners=frozenset()))


# what is heard


class Tells(MemoryConnector):
    """Tells another event than it heard, or none."""

    def tell(self, event: Event) -> Event | None:
        raise NotImplementedError

    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        async for batch in super().receive(cursor):
            told = [self.tell(event) for event in batch.events]
            yield replace(batch, events=tuple(e for e in told if e is not None))


class TellsMessages(Tells):
    """Tells messages otherwise."""

    def tell(self, event: Event) -> Event | None:
        return self.message(event) if isinstance(event, InboundMessage) else event

    def message(self, event: InboundMessage) -> InboundMessage | None:
        raise NotImplementedError


class Skips(Tells):
    """Does not tell one kind of event."""

    kind: type[Event]

    def tell(self, event: Event) -> Event | None:
        return None if isinstance(event, self.kind) else event


@breaks("test_a_message_is_told_with_who_where_and_what")
class TakesNonAsciiOut(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        text = event.content.text.encode("ascii", "ignore").decode()
        return replace(event, content=replace(event.content, text=text))


@breaks("test_what_was_before_now_is_not_told")
class StartsAtTheBeginning(MemoryConnector):
    def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        return super().receive(cursor or "0")


@breaks("test_order_is_kept_in_a_room")
class TellsBackwards(MemoryConnector):
    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        async for batch in super().receive(cursor):
            yield replace(batch, events=batch.events[::-1])


@breaks("test_our_own_message_comes_back_with_its_key")
class ForgetsItsKeys(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, delivery_key=None)


@breaks("test_what_cannot_be_read_is_told_and_says_so")
class SkipsWhatItCannotRead(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return None if event.unreadable else event


@breaks("test_a_file_is_read_byte_for_byte")
class ReadsFilesOnce(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        files = tuple(_once(file) for file in event.content.attachments)
        return replace(event, content=replace(event.content, attachments=files))


def _once(file: Attachment) -> Attachment:
    stream = file.open()
    return replace(file, open=lambda: stream)


@breaks("test_an_answer_heard_names_what_it_answers")
class ForgetsReplies(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, reply_to=None)


@breaks("test_an_edit_names_what_it_replaces")
class TakesEditsForNew(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, edits=None)


@breaks("test_a_private_line_is_told_as_one")
class TakesAllForRooms(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, direct=False)


@breaks("test_a_repeated_event_keeps_its_name")
class NamesByItself(TellsMessages):
    count = itertools.count()

    def message(self, event: InboundMessage) -> InboundMessage | None:
        again = replace(event, content=Content(f"{event.content.text}{next(self.count)}"))
        return again if event.sender != self.account else event


@breaks("test_who_comes_in_is_told")
class SkipsMembers(Skips):
    kind = MembershipChanged


@breaks("test_a_new_device_is_told")
class SkipsKeys(Skips):
    kind = KeyChanged


@breaks("test_a_changed_setting_is_told")
class SkipsSettings(Skips):
    kind = SettingsChanged


@breaks("test_a_message_taken_back_is_told")
class SkipsRedactions(Skips):
    kind = Redacted


@breaks("test_events_are_offered_until_a_stream_starts_behind_them")
class TellsOnce(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        told: set[RemoteId] = self.__dict__.setdefault("told", set())
        fresh = event.remote_id not in told
        told.add(event.remote_id)
        return event if fresh else None


@breaks("test_reopening_loses_nothing")
class StartsFromNow(MemoryConnector):
    def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        del cursor
        return super().receive(None)


@breaks("test_a_broken_stream_mends_itself")
class EndsWithTheStream(MemoryConnector):
    async def _rest(self, seconds: float) -> None:
        del seconds
        self._closed.set()


# what else is promised


@breaks("test_what_was_taken_back_is_gone")
class PretendsToUndo(MemoryConnector):
    async def undo(self, room: RoomId, message: RemoteId) -> None:
        del room, message


@breaks(
    "test_what_is_not_there_is_not_said_to_be_gone", "test_while_nothing_answers_nothing_is_gone"
)
class TakesSilenceForGone(MemoryConnector):
    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        try:
            return await super().is_gone(room, message)
        except ConnectorError:
            return True


@breaks("test_another_key_cannot_be_trusted")
class TrustsAnyKey(MemoryConnector):
    async def trust(self, account: AccountId, device: Device) -> None:
        self._keep(account, frozenset({device}), "trusted")


@breaks("test_a_distrusted_device_is_not_sealed_to")
class ForgetsDistrust(MemoryConnector):
    async def distrust(self, account: AccountId, device: Device) -> None:
        del account, device


@breaks("test_distrust_outlives_a_restart")
class ForgetsAtRestart(MemoryConnector):
    count = itertools.count()

    async def open(self) -> None:
        self._trust = TrustStore(Path(f"{self._trust._path}.{next(self.count)}"))
        await super().open()


@breaks("test_the_networks_clock_is_heard")
class HearsNoClock(MemoryConnector):
    def network_time(self) -> tuple[int, int] | None:
        return None


# how it lives


@breaks("test_health_says_up")
class AlwaysDown(MemoryConnector):
    async def health(self) -> Health:
        return replace(await super().health(), up=False)


@breaks("test_health_never_raises")
class HealthRaises(MemoryConnector):
    async def health(self) -> Health:
        health = await super().health()
        if not health.up:
            raise Unavailable(health.code)
        return health


@breaks("test_health_of_a_closed_connector_is_down")
class AlwaysUp(MemoryConnector):
    async def health(self) -> Health:
        return replace(await super().health(), up=True)


@breaks("test_close_is_prompt_and_may_come_twice")
class LeavesStreamsOpen(MemoryConnector):
    async def close(self) -> None:
        if self._link is not None:
            await self._link.close()


@breaks("test_after_close_nothing_is_sent")
class NeverCloses(MemoryConnector):
    async def close(self) -> None:
        return


@breaks("test_reopened_it_sends")
class OpensOnce(MemoryConnector):
    async def open(self) -> None:
        marker = self._trust._path.with_name("opened")
        if marker.exists():
            raise Unavailable("in_use")
        await super().open()
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


@breaks("test_a_stream_can_be_cancelled")
class SwallowsCancellation(MemoryConnector):
    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        with contextlib.suppress(asyncio.CancelledError):
            async for batch in super().receive(cursor):
                yield batch


TESTS = [name for name in dir(ConnectorContract) if name.startswith("test_")]


def only(test: str, kind: type[MemoryConnector], name: str) -> type[ConnectorContract]:
    """The contract cut down to one test, on one connector."""
    left_out: dict[str, Any] = {other: None for other in TESTS if other != test}
    return type(name, (ConnectorContract,), left_out | {"connector_class": kind, "patience": 0.5})


class TestControl(ConnectorContract):
    """The same suite with the same patience on the connector that breaks nothing."""

    patience: ClassVar[float] = 0.5


globals().update(
    {f"TestOn_{test}": only(test, kind, f"TestOn_{test}") for test, kind in PLANTED.items()}
)
