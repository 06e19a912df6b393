"""Connectors that each break one promise of what is read, heard and kept.

Not collected by itself: ``tests/connectors/test_contract_bites.py`` runs it and wants failures.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from enum import Enum
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
from connectors.port.errors import (
    ROOM_UNKNOWN,
    ConnectorError,
    NoRoom,
    Unavailable,
    Unreadable,
)
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
    Device,
    MemberSnapshot,
    RoomSpec,
)
from connectors.testing.contract import ConnectorContract

from .planting import PATIENCE, Planted

planted = Planted()


# what is asked after


@planted.breaks("test_after_a_cut_the_delivery_is_found")
class FindsNothing(MemoryConnector):
    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        return await super().find(room, DeliveryKey(key[::-1]))


@planted.breaks("test_what_never_went_is_not_found")
class FindsEverything(MemoryConnector):
    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        return await super().find(room, key) or Accepted(RemoteId("$surely"), 1)


@planted.breaks(
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


@planted.breaks("test_capabilities_cost_nothing_and_agree")
class PromisesMoreEachTime(MemoryConnector):
    count = itertools.count(1)

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, max_body_bytes=next(self.count))


@planted.breaks("test_promises_match_code")
class HidesAnAbility(MemoryConnector):
    @property
    def capabilities(self) -> Capabilities:
        most = super().capabilities
        return replace(most, can=most.can - {Guarantee.DEVICES_VERIFIED})


class Wishful(Enum):
    UNBREAKABLE = "unbreakable"


@planted.breaks("test_no_more_is_promised_than_is_published")
class PromisesWhatNobodyPublished(MemoryConnector):
    @property
    def capabilities(self) -> Capabilities:
        most = super().capabilities
        wished: Any = Wishful.UNBREAKABLE
        return replace(most, can=most.can | {wished})


@planted.breaks("test_members_are_all_and_ourselves")
class LeavesItselfOut(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        snapshot = await super().members(room)
        others = tuple(m for m in snapshot.members if m.account != self.account)
        return replace(snapshot, members=others)


@planted.breaks("test_who_comes_in_is_in_the_next_list", "test_devices_are_read_afresh")
class ReadsMembersOnce(MemoryConnector):
    async def open(self) -> None:
        await super().open()
        self._known: dict[RoomId, MemberSnapshot] = {}

    async def members(self, room: RoomId) -> MemberSnapshot:
        if room not in self._known:
            self._known[room] = await super().members(room)
        return self._known[room]


@planted.breaks("test_a_partial_list_says_so")
class TakesAPartForAll(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        return replace(await super().members(room), complete=True)


@planted.breaks("test_an_unreadable_list_is_no_empty_list", "test_an_unknown_room_cannot_be_read")
class TakesUnreadableForEmpty(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        try:
            return await super().members(room)
        except Unreadable:
            return MemberSnapshot(room, (), complete=True, read_at=1)


@planted.breaks(
    "test_a_room_that_is_not_there_is_said_to_be_none",
    "test_a_room_that_we_were_put_out_of_is_said_to_be_none_of_ours",
)
class KnowsNoLoss(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        try:
            return await super().members(room)
        except NoRoom as error:
            raise Unreadable(error.code) from error


@planted.breaks("test_a_garbled_answer_takes_no_room_away")
class TakesGarbledForGone(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        try:
            return await super().members(room)
        except Unreadable as error:
            raise NoRoom(ROOM_UNKNOWN) from error


@planted.breaks("test_garbled_settings_take_no_room_away")
class TakesGarbledSettingsForGone(MemoryConnector):
    async def posture(self, room: RoomId) -> Posture:
        try:
            return await super().posture(room)
        except Unreadable as error:
            raise NoRoom(ROOM_UNKNOWN) from error


@planted.breaks("test_while_nothing_answers_reading_is_unavailable")
class TakesSilenceForEmpty(MemoryConnector):
    async def members(self, room: RoomId) -> MemberSnapshot:
        try:
            return await super().members(room)
        except Unavailable:
            return MemberSnapshot(room, (), complete=True, read_at=1)


@planted.breaks("test_a_hardened_room_holds_all_that_is_promised")
class ForgetsToHarden(MemoryConnector):
    async def create(self, spec: RoomSpec) -> RoomId:
        return await super().create(replace(spec, timer=None))


@planted.breaks("test_every_holding_says_when_and_by_whom")
class AttestsByNobody(MemoryConnector):
    async def posture(self, room: RoomId) -> Posture:
        posture = await super().posture(room)
        held = tuple(replace(h, evidence=Evidence.ATTESTED) for h in posture.holdings)
        return replace(posture, holdings=held)


@planted.breaks(
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


@planted.breaks("test_the_timer_is_read_back", "test_a_timer_that_was_asked_for_is_not_assumed")
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


@planted.breaks("test_a_room_without_a_gate_says_so")
class SeesGatesEverywhere(MemoryConnector):
    async def posture(self, room: RoomId) -> Posture:
        return replace(await super().posture(room), gate=True)


@planted.breaks("test_a_gate_is_read_back", "test_owners_are_admins_and_members")
class IgnoresGateAndOwners(MemoryConnector):
    async def create(self, spec: RoomSpec) -> RoomId:
        return await super().create(replace(spec, gate=False, owners=frozenset()))


# what is heard


class Tells(MemoryConnector):
    """Tells another event than it heard, or none."""

    def tell(self, event: Event) -> Event | None:
        return event

    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        async for batch in super().receive(cursor):
            told = [self.tell(event) for event in batch.events]
            yield replace(batch, events=tuple(e for e in told if e is not None))


class TellsMessages(Tells):
    """Tells messages otherwise."""

    def tell(self, event: Event) -> Event | None:
        return self.message(event) if isinstance(event, InboundMessage) else event

    def message(self, event: InboundMessage) -> InboundMessage | None:
        return event


class Skips(Tells):
    """Does not tell one kind of event."""

    kind: type[Event]

    def tell(self, event: Event) -> Event | None:
        return None if isinstance(event, self.kind) else event


@planted.breaks("test_a_message_is_told_with_who_where_and_what")
class TakesNonAsciiOut(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        text = event.content.text.encode("ascii", "ignore").decode()
        return replace(event, content=replace(event.content, text=text))


@planted.breaks("test_what_was_before_now_is_not_told")
class StartsAtTheBeginning(MemoryConnector):
    def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        return super().receive(cursor or "0")


@planted.breaks("test_order_is_kept_in_a_room")
class TellsBackwards(MemoryConnector):
    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        async for batch in super().receive(cursor):
            yield replace(batch, events=batch.events[::-1])


@planted.breaks("test_our_own_message_comes_back_with_its_key")
class ForgetsItsKeys(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, delivery_key=None)


@planted.breaks("test_what_cannot_be_read_is_told_and_says_so")
class SkipsWhatItCannotRead(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return None if event.unreadable else event


@planted.breaks("test_a_file_is_read_byte_for_byte")
class ReadsFilesOnce(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        files = tuple(_once(file) for file in event.content.attachments)
        return replace(event, content=replace(event.content, attachments=files))


def _once(file: Attachment) -> Attachment:
    stream = file.open()
    return replace(file, open=lambda: stream)


@planted.breaks("test_an_answer_heard_names_what_it_answers")
class ForgetsReplies(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, reply_to=None)


@planted.breaks("test_an_edit_names_what_it_replaces")
class TakesEditsForNew(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, edits=None)


@planted.breaks("test_a_private_line_is_told_as_one")
class TakesAllForRooms(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        return replace(event, direct=False)


@planted.breaks("test_a_repeated_event_keeps_its_name")
class NamesByItself(TellsMessages):
    count = itertools.count()

    def message(self, event: InboundMessage) -> InboundMessage | None:
        again = replace(event, content=Content(f"{event.content.text}{next(self.count)}"))
        return again if event.sender != self.account else event


@planted.breaks("test_who_comes_in_is_told")
class SkipsMembers(Skips):
    kind = MembershipChanged


@planted.breaks("test_a_new_device_is_told")
class SkipsKeys(Skips):
    kind = KeyChanged


@planted.breaks("test_a_changed_setting_is_told")
class SkipsSettings(Skips):
    kind = SettingsChanged


@planted.breaks("test_a_message_taken_back_is_told")
class SkipsRedactions(Skips):
    kind = Redacted


@planted.breaks("test_events_are_offered_until_a_stream_starts_behind_them")
class TellsOnce(TellsMessages):
    def message(self, event: InboundMessage) -> InboundMessage | None:
        told: set[RemoteId] = self.__dict__.setdefault("told", set())
        fresh = event.remote_id not in told
        told.add(event.remote_id)
        return event if fresh else None


@planted.breaks("test_reopening_loses_nothing")
class StartsFromNow(MemoryConnector):
    def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        del cursor
        return super().receive(None)


@planted.breaks("test_a_broken_stream_mends_itself")
class EndsWithTheStream(MemoryConnector):
    async def _rest(self, seconds: float) -> None:
        del seconds
        self._closed.set()


# what else is promised


@planted.breaks("test_what_was_taken_back_is_gone")
class PretendsToUndo(MemoryConnector):
    async def undo(self, room: RoomId, message: RemoteId) -> None:
        del room, message


@planted.breaks(
    "test_what_is_not_there_is_not_said_to_be_gone", "test_while_nothing_answers_nothing_is_gone"
)
class TakesSilenceForGone(MemoryConnector):
    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        try:
            return await super().is_gone(room, message)
        except ConnectorError:
            return True


@planted.breaks("test_another_key_cannot_be_trusted")
class TrustsAnyKey(MemoryConnector):
    async def trust(self, account: AccountId, device: Device) -> None:
        self._keep({account: frozenset({device})}, "trusted")


@planted.breaks("test_a_distrusted_device_is_not_sealed_to")
class ForgetsDistrust(MemoryConnector):
    async def distrust(self, account: AccountId, device: Device) -> None:
        del account, device


@planted.breaks("test_distrust_outlives_a_restart")
class ForgetsAtRestart(MemoryConnector):
    count = itertools.count()

    async def open(self) -> None:
        self._trust = TrustStore(Path(f"{self._trust._path}.{next(self.count)}"))
        await super().open()


@planted.breaks("test_the_networks_clock_is_heard")
class HearsNoClock(MemoryConnector):
    def network_time(self) -> tuple[int, int] | None:
        return None


# how it lives


@planted.breaks("test_health_says_up")
class AlwaysDown(MemoryConnector):
    async def health(self) -> Health:
        return replace(await super().health(), up=False)


@planted.breaks("test_health_never_raises")
class HealthRaises(MemoryConnector):
    async def health(self) -> Health:
        health = await super().health()
        if not health.up:
            raise Unavailable(health.code)
        return health


@planted.breaks("test_health_of_a_closed_connector_is_down")
class AlwaysUp(MemoryConnector):
    async def health(self) -> Health:
        return replace(await super().health(), up=True)


@planted.breaks("test_close_is_prompt_and_may_come_twice")
class LeavesStreamsOpen(MemoryConnector):
    async def close(self) -> None:
        if self._link is not None:
            await self._link.close()


@planted.breaks("test_after_close_nothing_is_sent")
class NeverCloses(MemoryConnector):
    async def close(self) -> None:
        return


@planted.breaks("test_reopened_it_sends")
class OpensOnce(MemoryConnector):
    async def open(self) -> None:
        marker = self._trust._path.with_name("opened")
        if marker.exists():
            raise Unavailable("in_use")
        await super().open()
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


@planted.breaks("test_a_stream_can_be_cancelled")
class SwallowsCancellation(MemoryConnector):
    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        with contextlib.suppress(asyncio.CancelledError):
            async for batch in super().receive(cursor):
                yield batch


class TestControl(ConnectorContract):
    """The same suite with the same patience on the connector that breaks nothing."""

    patience: ClassVar[float] = PATIENCE


globals().update(planted.suites())
