"""Who sits in a room changes when we ask, is told by the list alone, and never is our own account.

Rule kept here: an answer of success is no evidence. Each verb is tried against a network that
refuses, breaks off before and after the act, is too busy, or says yes and does nothing; what came
of it is read back, and compared with what the network itself knows.
"""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest

from connectors.port import AccountId, Guarantee, RoomId
from connectors.port.connector import ChangesMembers
from connectors.port.errors import (
    ConnectorError,
    Outcome,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.messages import Member
from connectors.testing.base import ContractBase
from connectors.testing.rig import Rig

NOWHERE = RoomId("!no-such-room:nowhere.invalid")
SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb.

    Attributes:
        ask: asks for it.
        happened: whether the list shows that it was done (None: he is in no list).
        new: it concerns somebody who is not in yet; else the far member.
    """

    ask: Callable[[ChangesMembers, RoomId, AccountId], Awaitable[None]]
    happened: Callable[[Member | None], bool]
    new: bool = False


VERBS = {
    "invite": Verb(lambda c, room, who: c.invite(room, who), lambda m: m is not None, new=True),
    "remove": Verb(lambda c, room, who: c.remove(room, who), lambda m: m is None),
    "promote": Verb(
        lambda c, room, who: c.set_admin(room, who, admin=True),
        lambda m: m is not None and m.admin,
    ),
    "demote": Verb(
        lambda c, room, who: c.set_admin(room, who, admin=False),
        lambda m: m is not None and not m.admin,
    ),
}


class Membership(ContractBase, ability=ChangesMembers):
    """Part of the contract.

    Attributes:
        verbs: those that the network has; a room for one person has no admins beside us.
    """

    verbs: ClassVar[tuple[str, ...]] = tuple(VERBS)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each test about a verb, with every verb."""
        if "verb" in metafunc.fixturenames:
            metafunc.parametrize("verb", self.verbs)

    # what is asked for and shown

    async def test_what_is_asked_for_is_in_the_next_list(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await VERBS[verb].ask(changer, rig.room, who)
        assert await self._happened(rig, verb, who)
        seated = await rig.far.seated(rig.room)
        assert (who in seated) == (verb != "remove")
        assert {m.account for m in (await rig.connector.members(rig.room)).members} == seated

    async def test_what_is_so_already_is_no_error(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await VERBS[verb].ask(changer, rig.room, who)
        before = await rig.connector.members(rig.room)
        await VERBS[verb].ask(changer, rig.room, who)
        after = await rig.connector.members(rig.room)
        assert set(after.members) == set(before.members)

    async def test_an_admin_is_one_in_the_posture_too(self, rig: Rig) -> None:
        changer, who = await self._ready(rig, "promote")
        await changer.set_admin(rig.room, who, admin=True)
        assert who in (await rig.connector.posture(rig.room)).admins
        await changer.set_admin(rig.room, who, admin=False)
        assert who not in (await rig.connector.posture(rig.room)).admins

    async def test_an_invitation_can_be_taken_back(self, rig: Rig) -> None:
        changer, who = await self._ready(rig, "invite")
        await changer.invite(rig.room, who)
        await changer.remove(rig.room, who)
        assert not await self._happened(rig, "invite", who)
        assert who not in await rig.far.seated(rig.room)

    async def test_who_was_put_out_can_come_back(self, rig: Rig) -> None:
        changer, who = await self._ready(rig, "remove")
        await changer.remove(rig.room, who)
        await changer.invite(rig.room, who)
        assert await self._happened(rig, "invite", who)

    # what the people can read

    async def test_who_was_put_out_reads_nothing_more(self, rig: Rig) -> None:
        changer, who = await self._ready(rig, "remove")
        before = await self.delivery(rig)
        await rig.connector.send(before)
        await changer.remove(rig.room, who)
        after = await self.delivery(rig)
        with contextlib.suppress(Rejected):  # where nobody is left to read
            await rig.connector.send(after)
        opened = await rig.far.opened(who, rig.room)
        assert before.content.text in opened
        assert after.content.text not in opened

    async def test_who_is_let_in_reads_what_comes_and_not_what_was(self, rig: Rig) -> None:
        changer, who = await self._ready(rig, "invite")
        posture = await rig.connector.posture(rig.room)
        if Guarantee.HISTORY_HIDDEN not in {h.guarantee for h in posture.holdings}:
            pytest.skip("the room does not hide what was")
        before = await self.delivery(rig)
        await rig.connector.send(before)
        await changer.invite(rig.room, who)
        await rig.far.comes_in(who, rig.room)
        after = await self.delivery(rig)
        await rig.connector.send(after)
        assert await rig.far.opened(who, rig.room) == (after.content.text,)

    async def test_a_delivery_meant_for_who_was_put_out_reaches_nobody_else(self, rig: Rig) -> None:
        """Decided before he went: refused, or sealed to those who are still there."""
        changer, who = await self._ready(rig, "remove")
        delivery = await self.delivery(rig)
        await changer.remove(rig.room, who)
        try:
            await rig.connector.send(delivery)
        except Rejected:
            return
        assert delivery.content.text not in await rig.far.opened(who, rig.room)

    async def test_a_delivery_without_the_newcomer_is_refused(self, rig: Rig) -> None:
        changer, who = await self._ready(rig, "invite")
        delivery = await self.delivery(rig)
        await changer.invite(rig.room, who)
        await rig.far.comes_in(who, rig.room)
        await self.fails(rig.connector.send(delivery), Rejected)
        assert delivery.content.text not in await rig.far.opened(who, rig.room)

    # what is refused

    async def test_our_own_account_is_left_alone(self, rig: Rig, verb: str) -> None:
        changer = self.changer(rig)
        before = await rig.connector.members(rig.room)
        ask = VERBS[verb].ask(changer, rig.room, rig.connector.account)
        error = await self.fails(ask, Rejected)
        assert error.outcome is Outcome.NOT_SENT
        assert set((await rig.connector.members(rig.room)).members) == set(before.members)

    @pytest.mark.parametrize("admin", [True, False])
    async def test_only_a_member_is_made_an_admin(self, rig: Rig, *, admin: bool) -> None:
        changer, who = await self._ready(rig, "invite")
        await self.fails(changer.set_admin(rig.room, who, admin=admin), Rejected)
        assert who not in await rig.far.seated(rig.room)

    async def test_to_put_out_who_is_not_there_does_nothing(self, rig: Rig) -> None:
        changer, who = await self._ready(rig, "invite")
        before = await rig.far.seated(rig.room)
        await changer.remove(rig.room, who)
        assert await rig.far.seated(rig.room) == before

    async def test_in_an_unknown_room_nothing_is_asked(self, rig: Rig, verb: str) -> None:
        changer = self.changer(rig)
        error = await self.fails(VERBS[verb].ask(changer, NOWHERE, rig.far.member), ConnectorError)
        assert error.outcome is Outcome.NOT_SENT

    # what goes wrong

    async def test_a_refused_act_is_rejected(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await rig.faults.act_refused()
        await self.fails(VERBS[verb].ask(changer, rig.room, who), Rejected)
        assert not await self._happened(rig, verb, who)

    async def test_an_act_too_many_is_unavailable(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await rig.faults.act_limited(7 * SECOND)
        error = await self.fails(VERBS[verb].ask(changer, rig.room, who), Unavailable)
        assert error.retry_after in (7 * SECOND, None)
        assert not await self._happened(rig, verb, who)

    async def test_an_act_cut_before_it_left_is_unavailable(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await rig.faults.act_cut_before()
        await self.fails(VERBS[verb].ask(changer, rig.room, who), Unavailable)
        assert not await self._happened(rig, verb, who)

    async def test_an_act_cut_after_it_was_done_is_uncertain(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await rig.faults.act_cut_after()
        await self.fails(VERBS[verb].ask(changer, rig.room, who), Uncertain)
        assert await self._happened(rig, verb, who)
        await VERBS[verb].ask(changer, rig.room, who)
        assert await self._happened(rig, verb, who)

    async def test_an_act_answered_with_success_that_did_nothing_is_told_by_the_list(
        self, rig: Rig, verb: str
    ) -> None:
        changer, who = await self._ready(rig, verb)
        await rig.faults.act_does_nothing()
        try:
            await VERBS[verb].ask(changer, rig.room, who)
        except ConnectorError as error:
            assert not error.retry  # noqa: PT017 (an error is allowed, and not needed)
        assert not await self._happened(rig, verb, who)
        await VERBS[verb].ask(changer, rig.room, who)
        assert await self._happened(rig, verb, who)

    async def test_an_absence_from_a_partial_list_does_not_excuse_the_act(
        self, rig: Rig, verb: str
    ) -> None:
        """Done, or an error: never silence because a list that is not whole lacked him."""
        changer, who = await self._ready(rig, verb)
        await rig.faults.partial_members()
        try:
            await VERBS[verb].ask(changer, rig.room, who)
        except ConnectorError as error:
            assert error.outcome is Outcome.NOT_SENT  # noqa: PT017 (one of two good ends)
            return
        await self._read_whole(rig)
        assert await self._happened(rig, verb, who)

    async def test_while_nothing_answers_nothing_is_changed(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await rig.faults.go_down()
        await self.fails(VERBS[verb].ask(changer, rig.room, who), Unavailable)
        await rig.faults.come_back()
        assert not await self._happened(rig, verb, who)

    async def test_a_cancelled_act_ends_at_once(self, rig: Rig, verb: str) -> None:
        changer, who = await self._ready(rig, verb)
        await rig.faults.act_slow()
        task = asyncio.ensure_future(VERBS[verb].ask(changer, rig.room, who))
        await asyncio.wait({task}, timeout=0.05)  # so that it is under way
        task.cancel()
        async with asyncio.timeout(self.patience):
            with pytest.raises(asyncio.CancelledError):
                await task
        await VERBS[verb].ask(changer, rig.room, who)
        assert await self._happened(rig, verb, who)

    # the account that stands by

    async def test_who_stands_by_is_an_admin_of_each_room_that_is_made(self, rig: Rig) -> None:
        maker = self.maker(rig)
        standby = await rig.with_standby()
        maker = self.maker(rig)
        assert rig.connector.capabilities.standby == standby
        room = await maker.create(self.spec(rig))
        assert standby in (await rig.connector.posture(room)).admins
        assert standby in await rig.far.seated(room)

    async def test_who_stands_by_is_never_put_out_or_demoted(self, rig: Rig) -> None:
        self.changer(rig)
        standby = await rig.with_standby()
        changer, maker = self.changer(rig), self.maker(rig)
        room = await maker.create(self.spec(rig))
        await self.fails(changer.remove(room, standby), Rejected)
        await self.fails(changer.set_admin(room, standby, admin=False), Rejected)
        assert standby in (await rig.connector.posture(room)).admins

    async def test_who_stands_by_can_be_let_in_later(self, rig: Rig) -> None:
        self.changer(rig)
        standby = await rig.with_standby()
        changer = self.changer(rig)
        await changer.invite(rig.room, standby)
        await rig.far.comes_in(standby, rig.room)
        await changer.set_admin(rig.room, standby, admin=True)
        assert standby in (await rig.connector.posture(rig.room)).admins

    # helpers

    def changer(self, rig: Rig) -> ChangesMembers:
        """The connector as one that changes who sits in a room."""
        if not isinstance(rig.connector, ChangesMembers):
            pytest.skip("ChangesMembers is not promised")
        return rig.connector

    async def _ready(self, rig: Rig, verb: str) -> tuple[ChangesMembers, AccountId]:
        """A changer, and somebody for whom the verb is not done yet."""
        changer = self.changer(rig)
        if verb not in self.verbs:
            pytest.skip("the network has no admins")
        if VERBS[verb].new:
            return changer, await rig.far.newcomer()
        if verb in ("promote", "demote"):
            await changer.set_admin(rig.room, rig.far.member, admin=verb == "demote")
        assert not await self._happened(rig, verb, rig.far.member)
        return changer, rig.far.member

    async def _happened(self, rig: Rig, verb: str, who: AccountId) -> bool:
        snapshot = await rig.connector.members(rig.room)
        assert snapshot.complete
        there = {member.account: member for member in snapshot.members}
        return VERBS[verb].happened(there.get(who))

    async def _read_whole(self, rig: Rig) -> None:
        """Uses the fault up where the verb read no list."""
        with contextlib.suppress(Unreadable):
            await rig.connector.members(rig.room)
