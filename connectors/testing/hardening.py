"""What was loosened is put back when we ask, and a room's key is another when we ask for that.

Rule kept here: what settings became is told by the posture alone, and who can open a message by
the people's own clients: an answer of success is no evidence of either.
"""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

from dataclasses import replace

import pytest

from connectors.port import Guarantee, RoomId
from connectors.port.connector import ChangesMembers, HardensRooms, RotatesRoomKeys
from connectors.port.errors import (
    ConnectorError,
    Outcome,
    Rejected,
    Unavailable,
    Uncertain,
)
from connectors.port.messages import RoomSpec
from connectors.testing.base import ContractBase
from connectors.testing.reading import HOUR, SETTABLE, held, timer
from connectors.testing.rig import Rig

NOWHERE = RoomId("!no-such-room:nowhere.invalid")
SECOND = 1_000_000


class Hardening(ContractBase, ability=HardensRooms):
    """Part of the contract."""

    @pytest.mark.parametrize("guarantee", SETTABLE, ids=lambda g: g.value)
    async def test_what_was_loosened_is_put_back(self, rig: Rig, guarantee: Guarantee) -> None:
        hardener = self.hardener(rig)
        before = held(await rig.connector.posture(rig.room))
        if guarantee not in before:
            pytest.skip("not held to begin with")
        await rig.far.loosen(rig.room, guarantee)
        assert guarantee not in held(await rig.connector.posture(rig.room))
        await hardener.harden(rig.room, self.spec(rig))
        assert guarantee in held(await rig.connector.posture(rig.room))

    async def test_to_harden_what_is_hard_changes_nothing(self, rig: Rig) -> None:
        hardener = self.hardener(rig)
        await hardener.harden(rig.room, self.spec(rig))
        before = await rig.connector.posture(rig.room)
        await hardener.harden(rig.room, self.spec(rig))
        after = await rig.connector.posture(rig.room)
        assert held(after) == held(before)
        assert (after.gate, after.admins) == (before.gate, before.admins)
        assert timer(after) == timer(before)

    async def test_to_harden_lets_nobody_in_or_out(self, rig: Rig) -> None:
        hardener = self.hardener(rig)
        before = await rig.far.seated(rig.room)
        somebody = frozenset({await rig.far.newcomer()})
        spec = replace(self.spec(rig), members=somebody, owners=somebody)
        await hardener.harden(rig.room, spec)
        assert await rig.far.seated(rig.room) == before

    async def test_another_timer_is_put_back(self, rig: Rig) -> None:
        hardener = self._with_timer(rig)
        await rig.far.set_timer(rig.room, 2 * HOUR)
        await hardener.harden(rig.room, self.spec(rig, timer=HOUR))
        assert timer(await rig.connector.posture(rig.room)) == HOUR

    async def test_a_gate_is_put_up_and_taken_down(self, rig: Rig) -> None:
        hardener, room = self.hardener(rig), await self.maker(rig).create(self.spec(rig))
        for gate in (True, False):
            await hardener.harden(room, self.spec(rig, gate=gate))
            assert (await rig.connector.posture(room)).gate is gate

    # what goes wrong

    async def test_hardening_an_unknown_room_is_refused(self, rig: Rig) -> None:
        hardener = self.hardener(rig)
        error = await self.fails(hardener.harden(NOWHERE, self.spec(rig)), ConnectorError)
        assert error.outcome is Outcome.NOT_SENT

    async def test_a_refused_hardening_is_rejected(self, rig: Rig) -> None:
        hardener, spec = await self._loosened(rig)
        await rig.faults.act_refused()
        await self.fails(hardener.harden(rig.room, spec), Rejected)
        assert not await self._hard(rig)

    async def test_a_hardening_too_many_is_unavailable(self, rig: Rig) -> None:
        hardener, spec = await self._loosened(rig)
        await rig.faults.act_limited(7 * SECOND)
        error = await self.fails(hardener.harden(rig.room, spec), Unavailable)
        assert error.retry_after in (7 * SECOND, None)

    async def test_a_hardening_cut_before_it_left_is_unavailable(self, rig: Rig) -> None:
        hardener, spec = await self._loosened(rig)
        await rig.faults.act_cut_before()
        await self.fails(hardener.harden(rig.room, spec), Unavailable)
        assert not await self._hard(rig)

    async def test_a_hardening_cut_after_it_was_done_is_uncertain(self, rig: Rig) -> None:
        hardener, spec = await self._loosened(rig)
        await rig.faults.act_cut_after()
        await self.fails(hardener.harden(rig.room, spec), Uncertain)
        await hardener.harden(rig.room, spec)
        assert await self._hard(rig)

    async def test_a_hardening_that_did_nothing_is_told_by_the_posture(self, rig: Rig) -> None:
        hardener, spec = await self._loosened(rig)
        await rig.faults.act_does_nothing()
        try:
            await hardener.harden(rig.room, spec)
        except ConnectorError as error:
            assert not error.retry  # noqa: PT017 (an error is allowed, and not needed)
        assert not await self._hard(rig)
        await hardener.harden(rig.room, spec)
        assert await self._hard(rig)

    async def test_while_nothing_answers_nothing_is_hardened(self, rig: Rig) -> None:
        hardener, spec = await self._loosened(rig)
        await rig.faults.go_down()
        await self.fails(hardener.harden(rig.room, spec), Unavailable)
        await rig.faults.come_back()
        assert not await self._hard(rig)

    # helpers

    def hardener(self, rig: Rig) -> HardensRooms:
        """The connector as one that puts settings back."""
        if not isinstance(rig.connector, HardensRooms):
            pytest.skip("HardensRooms is not promised")
        return rig.connector

    def _with_timer(self, rig: Rig) -> HardensRooms:
        hardener = self.hardener(rig)
        if Guarantee.TIMER not in rig.connector.capabilities.can:
            pytest.skip("the network has no timer")
        return hardener

    async def _loosened(self, rig: Rig) -> tuple[HardensRooms, RoomSpec]:
        """A room that whoever is in can bring others into."""
        hardener = self.hardener(rig)
        if not await self._hard(rig):
            pytest.skip("the network does not tell who may bring others in")
        await rig.far.loosen(rig.room, Guarantee.INVITE_ONLY)
        assert not await self._hard(rig)
        return hardener, self.spec(rig)

    async def _hard(self, rig: Rig) -> bool:
        return Guarantee.INVITE_ONLY in held(await rig.connector.posture(rig.room))


class Rotating(ContractBase, ability=RotatesRoomKeys):
    """Part of the contract."""

    async def test_the_next_message_is_sealed_without_who_went_unnoticed(self, rig: Rig) -> None:
        """He has the key that the last one was sealed with, and the bytes of the next."""
        rotator = self.rotator(rig)
        if not isinstance(rig.connector, ChangesMembers):
            pytest.skip("ChangesMembers is not promised")
        first = await self.delivery(rig)
        await rig.connector.send(first)
        await rig.faults.departure_unnoticed()
        await rig.connector.remove(rig.room, rig.far.member)
        await rotator.rotate(rig.room)
        second = await self.delivery(rig)
        accepted = await rig.connector.send(second)
        assert await rig.far.opened(rig.far.member, rig.room) == (first.content.text,)
        sealed = {reader.account for reader in accepted.sealed_to or ()}
        assert rig.far.member not in sealed

    async def test_who_stays_reads_on_under_the_new_key(self, rig: Rig) -> None:
        rotator = self.rotator(rig)
        sent = [await self.delivery(rig) for _ in range(3)]
        for delivery in sent:
            await rig.connector.send(delivery)
            await rotator.rotate(rig.room)
            await rotator.rotate(rig.room)
        assert await self.texts(rig) == [delivery.content.text for delivery in sent]

    async def test_a_rotation_outlives_a_restart(self, rig: Rig) -> None:
        self.rotator(rig)
        await rig.connector.send(await self.delivery(rig))
        await self.rotator(rig).rotate(rig.room)
        await rig.reopen()
        after = await self.delivery(rig)
        await rig.connector.send(after)
        assert after.content.text in await self.texts(rig)

    async def test_the_key_of_an_unknown_room_is_not_rotated(self, rig: Rig) -> None:
        rotator = self.rotator(rig)
        error = await self.fails(rotator.rotate(NOWHERE), ConnectorError)
        assert error.outcome is Outcome.NOT_SENT

    def rotator(self, rig: Rig) -> RotatesRoomKeys:
        """The connector as one that throws a room's sending key away."""
        if not isinstance(rig.connector, RotatesRoomKeys):
            pytest.skip("RotatesRoomKeys is not promised")
        return rig.connector
