"""Connectors that each break one promise of who sits in a room, of its settings and of its key.

Not collected by itself: ``tests/connectors/test_contract_bites.py`` runs it and wants failures.
"""

import asyncio
import contextlib
import secrets
from dataclasses import replace
from typing import ClassVar

from connectors.memory.connector import MemoryConnector
from connectors.memory.settings import Settings
from connectors.port import AccountId, DeliveryKey, Evidence, Guarantee, Holding, RoomId, Source
from connectors.port.capabilities import Posture
from connectors.port.connector import Setup
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.messages import (
    Accepted,
    Delivery,
    Member,
    MemberSnapshot,
    Presence,
    Reader,
    RoomSpec,
)

from .planting import Planted

planted = Planted()


# members


@planted.breaks(
    "test_what_is_asked_for_is_in_the_next_list",
    "test_an_admin_is_one_in_the_posture_too",
    "test_in_an_unknown_room_nothing_is_asked",
)
class SaysYesOnly(MemoryConnector):
    async def invite(self, room: RoomId, account: AccountId) -> None:
        self.meant = (room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        self.meant = (room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        self.meant = (room, account if admin else self.account)


@planted.breaks("test_an_invitation_can_be_taken_back", "test_who_was_put_out_reads_nothing_more")
class PutsNobodyOut(MemoryConnector):
    async def remove(self, room: RoomId, account: AccountId) -> None:
        self.meant = (room, account)


@planted.breaks("test_who_was_put_out_can_come_back")
class NeverAgain(MemoryConnector):
    put_out: ClassVar[set[AccountId]] = set()

    async def remove(self, room: RoomId, account: AccountId) -> None:
        self.put_out.add(account)
        await super().remove(room, account)

    async def invite(self, room: RoomId, account: AccountId) -> None:
        if account not in self.put_out:
            await super().invite(room, account)


@planted.breaks(
    "test_what_is_so_already_is_no_error", "test_to_put_out_who_is_not_there_does_nothing"
)
class RefusesWhatIsSo(MemoryConnector):
    async def invite(self, room: RoomId, account: AccountId) -> None:
        await self._changes(room, account, there=False)
        await super().invite(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        await self._changes(room, account, there=True)
        await super().remove(room, account)

    async def _changes(self, room: RoomId, account: AccountId, *, there: bool) -> None:
        accounts = {m.account for m in (await self.members(room)).members}
        if (account in accounts) is not there:
            raise Rejected("it_is_so_already")


@planted.breaks("test_who_is_let_in_reads_what_comes_and_not_what_was")
class WelcomesWithWhatWas(MemoryConnector):
    last: Delivery | None = None

    async def send(self, delivery: Delivery) -> Accepted:
        self.last = delivery
        return await super().send(delivery)

    async def invite(self, room: RoomId, account: AccountId) -> None:
        await super().invite(room, account)
        if self.last is not None:
            readers = self.last.readers | {Reader(account)}
            key = DeliveryKey(secrets.token_hex(8))
            await super().send(replace(self.last, key=key, readers=readers))


@planted.breaks("test_a_delivery_meant_for_who_was_put_out_reaches_nobody_else")
class LetsReadersBackIn(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        for reader in delivery.readers - {Reader(self.account)}:
            if reader.account != self.account:
                await super().invite(delivery.room, reader.account)
        return await super().send(delivery)


@planted.breaks("test_a_delivery_without_the_newcomer_is_refused")
class WidensTheReaders(MemoryConnector):
    async def send(self, delivery: Delivery) -> Accepted:
        members = (await self.members(delivery.room)).members
        readers = frozenset(Reader(member.account) for member in members)
        return await super().send(replace(delivery, readers=readers))


@planted.breaks("test_our_own_account_is_left_alone")
class PutsItselfOut(MemoryConnector):
    async def remove(self, room: RoomId, account: AccountId) -> None:
        ours, self._account = self._account, AccountId("")
        try:
            await super().remove(room, account)
        finally:
            self._account = ours

    async def invite(self, room: RoomId, account: AccountId) -> None:
        if account != self.account:
            await super().invite(room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        if account != self.account:
            await super().set_admin(room, account, admin=admin)


@planted.breaks("test_only_a_member_is_made_an_admin")
class LetsAdminsIn(MemoryConnector):
    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        await super().invite(room, account)
        await super().set_admin(room, account, admin=admin)


@planted.breaks(
    "test_a_refused_act_is_rejected",
    "test_an_act_too_many_is_unavailable",
    "test_an_act_cut_before_it_left_is_unavailable",
    "test_an_act_cut_after_it_was_done_is_uncertain",
    "test_while_nothing_answers_nothing_is_changed",
)
class SwallowsFailures(MemoryConnector):
    async def invite(self, room: RoomId, account: AccountId) -> None:
        with contextlib.suppress(ConnectorError):
            await super().invite(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        with contextlib.suppress(ConnectorError):
            await super().remove(room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        with contextlib.suppress(ConnectorError):
            await super().set_admin(room, account, admin=admin)


@planted.breaks("test_an_act_answered_with_success_that_did_nothing_is_told_by_the_list")
class BelievesTheAnswer(MemoryConnector):
    """Shows what it asked for."""

    async def open(self) -> None:
        await super().open()
        self.asked: dict[AccountId, Member | None] = {}

    async def invite(self, room: RoomId, account: AccountId) -> None:
        await super().invite(room, account)
        self.asked[account] = Member(account, Presence.JOINED, admin=False, devices=frozenset())

    async def remove(self, room: RoomId, account: AccountId) -> None:
        await super().remove(room, account)
        self.asked[account] = None

    async def members(self, room: RoomId) -> MemberSnapshot:
        snapshot = await super().members(room)
        there = {m.account: m for m in snapshot.members} | self.asked
        return replace(snapshot, members=tuple(m for m in there.values() if m is not None))


@planted.breaks("test_an_absence_from_a_partial_list_does_not_excuse_the_act")
class TrustsAnyList(MemoryConnector):
    async def remove(self, room: RoomId, account: AccountId) -> None:
        if account in {m.account for m in (await self.members(room)).members}:
            await super().remove(room, account)


@planted.breaks("test_a_cancelled_act_ends_at_once")
class WillNotBeCancelled(MemoryConnector):
    async def invite(self, room: RoomId, account: AccountId) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await super().invite(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await super().remove(room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await super().set_admin(room, account, admin=admin)


# the account that stands by


@planted.breaks(
    "test_who_stands_by_is_an_admin_of_each_room_that_is_made",
    "test_who_stands_by_is_never_put_out_or_demoted",
)
class KnowsNoStandby(MemoryConnector):
    def __init__(self, setup: Setup, settings: Settings) -> None:
        super().__init__(setup, settings.model_copy(update={"standby": None}))


@planted.breaks("test_who_stands_by_can_be_let_in_later")
class StandsByOutside(MemoryConnector):
    async def invite(self, room: RoomId, account: AccountId) -> None:
        if account == self.capabilities.standby:
            raise Rejected("own_account")
        await super().invite(room, account)


# settings


@planted.breaks(
    "test_what_was_loosened_is_put_back",
    "test_another_timer_is_put_back",
    "test_a_gate_is_put_up_and_taken_down",
    "test_hardening_an_unknown_room_is_refused",
)
class HardensNothing(MemoryConnector):
    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        self.meant = (room, spec)


@planted.breaks("test_to_harden_what_is_hard_changes_nothing")
class TurnsTheGate(MemoryConnector):
    gate = False

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        self.gate = not self.gate
        await super().harden(room, replace(spec, gate=self.gate))


@planted.breaks("test_to_harden_lets_nobody_in_or_out")
class HardensMembersToo(MemoryConnector):
    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        await super().harden(room, spec)
        for account in spec.members:
            await self.invite(room, account)


@planted.breaks(
    "test_a_refused_hardening_is_rejected",
    "test_a_hardening_too_many_is_unavailable",
    "test_a_hardening_cut_before_it_left_is_unavailable",
    "test_a_hardening_cut_after_it_was_done_is_uncertain",
    "test_while_nothing_answers_nothing_is_hardened",
)
class SwallowsFailuresOfSettings(MemoryConnector):
    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        with contextlib.suppress(ConnectorError):
            await super().harden(room, spec)


@planted.breaks("test_a_hardening_that_did_nothing_is_told_by_the_posture")
class BelievesItsHardening(MemoryConnector):
    hard = False

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        await super().harden(room, spec)
        self.hard = True

    async def posture(self, room: RoomId) -> Posture:
        posture = await super().posture(room)
        told = (Evidence.VERIFIED, Source.SERVER, posture.read_at)
        asked = (Holding(Guarantee.INVITE_ONLY, *told),) if self.hard else ()
        return replace(posture, holdings=(*posture.holdings, *asked))


# the room's key


@planted.breaks(
    "test_the_next_message_is_sealed_without_who_went_unnoticed",
    "test_the_key_of_an_unknown_room_is_not_rotated",
)
class KeepsTheKey(MemoryConnector):
    async def rotate(self, room: RoomId) -> None:
        self.kept = room


@planted.breaks("test_who_stays_reads_on_under_the_new_key")
class RotatesThePeople(MemoryConnector):
    async def rotate(self, room: RoomId) -> None:
        for member in (await self.members(room)).members:
            if member.account != self.account:
                await self.remove(room, member.account)
                await self.invite(room, member.account)


@planted.breaks("test_a_rotation_outlives_a_restart")
class HasNoKeyAfterwards(MemoryConnector):
    rotated: ClassVar[set[RoomId]] = set()
    lost: frozenset[RoomId] = frozenset()

    async def open(self) -> None:
        await super().open()
        self.lost = frozenset(self.rotated)

    async def rotate(self, room: RoomId) -> None:
        await super().rotate(room)
        self.rotated.add(room)

    async def send(self, delivery: Delivery) -> Accepted:
        if delivery.room in self.lost:
            raise Unavailable("no_key")
        return await super().send(delivery)


globals().update(planted.suites())
