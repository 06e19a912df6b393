"""Who is let in and put out, and settings that are put back, on a program that says yes anyhow."""

import asyncio

import pytest

from connectors.port import AccountId, Guarantee, RoomId
from connectors.port.connector import RotatesRoomKeys
from connectors.port.errors import Outcome, Rejected, Unavailable, Uncertain
from connectors.port.messages import Presence, RoomSpec
from connectors.testing.reading import held, timer
from connectors.wickr.connector import WickrConnector

from .conftest import DAY, Lab, account, asked, fails

HOUR = DAY // 24
ANN, BOB = account("ann"), account("bob")


def spec(*people: AccountId, hours: int | None = 1) -> RoomSpec:
    asked_for = None if hours is None else hours * HOUR
    return RoomSpec("x", frozenset(people), frozenset(), asked_for, gate=False)


async def loosened(lab: Lab) -> tuple[WickrConnector, RoomId]:
    """A room whose moderators have switched its timer off."""
    bot = await lab.bot()
    owner = await lab.account("owner")
    room = await lab.room(bot, "ann", "bob", "owner", owners=frozenset({owner}), timer=HOUR)
    await lab.hand.change(room, by="owner", ttl=0)
    assert timer(await bot.posture(room)) is None
    return bot, room


# --- hardening: what the contract asks of a loosened room, with a timer ---------------------------


async def test_a_refused_hardening_is_rejected(lab: Lab) -> None:
    bot, room = await loosened(lab)
    await lab.hand.refuse("room_modify")
    await fails(bot.harden(room, spec(ANN)), Rejected)
    assert timer(await bot.posture(room)) is None


async def test_a_hardening_too_many_is_unavailable(lab: Lab) -> None:
    bot, room = await loosened(lab)
    await lab.hand.unavailable("room_modify", status=429, retry_after=7)
    assert (await fails(bot.harden(room, spec(ANN)), Unavailable)).retry_after == 7_000_000


async def test_a_hardening_cut_before_it_left_is_unavailable(lab: Lab) -> None:
    bot, room = await loosened(lab)
    await lab.hand.cut_lost("room")
    await fails(bot.harden(room, spec(ANN)), Unavailable)
    assert timer(await bot.posture(room)) is None


async def test_a_hardening_cut_after_it_was_done_is_uncertain(lab: Lab) -> None:
    bot, room = await loosened(lab)
    await lab.hand.cut_after("room_modify")
    await fails(bot.harden(room, spec(ANN)), Uncertain)
    await bot.harden(room, spec(ANN))
    assert timer(await bot.posture(room)) == HOUR
    assert len(await asked(lab, "room_modify")) == 1


async def test_a_hardening_that_did_nothing_is_told_by_the_posture(lab: Lab) -> None:
    bot, room = await loosened(lab)
    await lab.hand.lie("room_modify")
    assert not (await fails(bot.harden(room, spec(ANN)), Uncertain)).retry
    assert timer(await bot.posture(room)) is None
    await bot.harden(room, spec(ANN))
    assert timer(await bot.posture(room)) == HOUR


async def test_a_hardening_whose_timer_was_ignored_is_told(lab: Lab) -> None:
    bot, room = await loosened(lab)
    await lab.hand.ignore_timer()
    assert (await fails(bot.harden(room, spec(ANN)), Uncertain)).code == "not_done"


async def test_while_nothing_answers_nothing_is_hardened(lab: Lab) -> None:
    bot, room = await loosened(lab)
    await lab.hand.go_down()
    await fails(bot.harden(room, spec(ANN)), Unavailable)
    await lab.hand.come_back()
    assert timer(await bot.posture(room)) is None


async def test_a_hardening_puts_nobody_out_and_nobody_in(lab: Lab) -> None:
    bot, room = await loosened(lab)
    before = await lab.hand.room(room)
    await bot.harden(room, spec(await lab.account("eve")))
    after = await lab.hand.room(room)
    assert (before.members, before.masters) == (after.members, after.masters)


async def test_a_timer_that_nobody_wants_cannot_be_switched_off_and_stays(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", timer=HOUR)
    await bot.harden(room, spec(ANN, hours=None))
    assert timer(await bot.posture(room)) == HOUR
    assert await asked(lab, "room_modify") == []


async def test_a_gate_is_refused_before_anything_is_asked(lab: Lab) -> None:
    bot = await lab.bot()
    gated = RoomSpec("x", frozenset({ANN}), frozenset(), DAY, gate=True)
    assert (await fails(bot.create(gated), Rejected)).code == "no_gate"
    assert await asked(lab, "room_create") == []


async def test_burn_on_read_is_unset_unless_an_operator_sets_it(lab: Lab) -> None:
    """What burns before a retention bot has it is not retained."""
    for state, seconds in (("plain", None), ("burning", 60)):
        bot = await lab.bot(state, burn_on_read=seconds)
        room = await lab.room(bot, "ann")
        assert (await lab.hand.room(room)).bor == (seconds or 0)
        await bot.close()


# --- members --------------------------------------------------------------------------------------


async def test_whoever_is_let_in_is_in_at_once_and_nobody_is_only_asked(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await bot.invite(room, await lab.account("bob"))
    snapshot = await bot.members(room)
    assert {m.presence for m in snapshot.members} == {Presence.JOINED}
    assert BOB in {m.account for m in snapshot.members}


async def test_changes_at_once_do_not_undo_each_other(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob")
    new = [await lab.account(f"new{n}") for n in range(6)]
    acts = [bot.invite(room, each) for each in new]
    await asyncio.gather(*acts, bot.remove(room, BOB), bot.set_admin(room, ANN, admin=True))
    found = await lab.hand.room(room)
    assert set(found.members) == {"ann", "bot", *(f"new{n}" for n in range(6))}
    assert set(found.masters) == {"ann", "bot"}


async def test_who_comes_in_between_reading_and_change_is_put_out_and_the_list_says_so(
    lab: Lab,
) -> None:
    """A change passes whole lists, so it cannot spare whom it has not read of."""
    bot = await lab.bot()
    owner = await lab.account("owner")
    room = await lab.room(bot, "ann", "owner", owners=frozenset({owner}))
    await lab.account("cyd")
    await lab.hand.slow("room_modify", by=300_000)
    change = asyncio.create_task(bot.invite(room, await lab.account("bob")))
    await asyncio.sleep(0.15)
    await lab.hand.add_member(room, "cyd", by="owner")
    await change
    now = {m.account for m in (await bot.members(room)).members}
    assert now == {bot.account, ANN, BOB, owner}
    assert "cyd" not in (await lab.hand.room(room)).members


async def test_no_room_key_is_ours_to_throw_away(lab: Lab) -> None:
    assert not isinstance(await lab.bot(), RotatesRoomKeys)


@pytest.mark.parametrize("name", ["", "a\nb", "a\x00b", "x" * 300])
async def test_what_can_be_no_account_is_refused_before_the_wire(lab: Lab, name: str) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    error = await fails(bot.invite(room, AccountId(name)), Rejected)
    assert error.outcome is Outcome.NOT_SENT
    assert await asked(lab, "room_modify") == []


async def test_a_second_account_of_ours_outlives_the_first_as_a_moderator(lab: Lab) -> None:
    spare = await lab.account("spare")
    bot = await lab.bot(standby=spare)
    room = await lab.room(bot, "ann")
    assert set((await lab.hand.room(room)).masters) == {"bot", "spare"}
    await fails(bot.remove(room, spare), Rejected)
    await fails(bot.set_admin(room, spare, admin=False), Rejected)
    assert Guarantee.MEMBERS_READABLE in held(await bot.posture(room))
