"""Each thing that the real program was seen to do, or may do, with rooms and their lists."""

from typing import Any

import pytest

from connectors.port import AccountId, Guarantee, RoomId
from connectors.port.errors import Rejected, Unavailable, Uncertain, Unreadable
from connectors.port.events import MembershipChange, MembershipChanged
from connectors.port.messages import RoomSpec
from connectors.testing.reading import held, timer
from connectors.wickr.connector import WickrConnector

from .conftest import DAY, Lab, account, asked, fails

HOUR = DAY // 24
ANN, BOB, CYD = (account(name) for name in ("ann", "bob", "cyd"))


async def set_up(lab: Lab, **options: Any) -> tuple[WickrConnector, RoomId]:
    """A room with Ann and Bob on a client that makes of lists what is said."""
    plain: dict[str, Any] = {"folder": str(lab.attachments), "default_ttl": 0}
    await lab.hand.reset(**(plain | options))
    bot = await lab.bot()
    await lab.hand.person("cyd")
    return bot, await lab.room(bot, "ann", "bob")


async def truth(lab: Lab, room: RoomId) -> tuple[set[str], set[str]]:
    found = await lab.hand.room(room)
    return set(found.members), set(found.masters)


# --- POST Rooms/{id}: whether lists replace, add or are ignored is not established ---------------


async def test_where_lists_replace_each_change_is_done_and_nobody_else_moves(lab: Lab) -> None:
    bot, room = await set_up(lab, modify="replace")
    await bot.invite(room, CYD)
    await bot.set_admin(room, ANN, admin=True)
    await bot.remove(room, BOB)
    assert await truth(lab, room) == ({"bot", "ann", "cyd"}, {"bot", "ann"})
    await bot.set_admin(room, ANN, admin=False)
    assert await truth(lab, room) == ({"bot", "ann", "cyd"}, {"bot"})


async def test_where_lists_add_nobody_is_put_out_and_that_is_told(lab: Lab) -> None:
    bot, room = await set_up(lab, modify="add")
    await bot.invite(room, CYD)
    assert (await fails(bot.remove(room, BOB), Uncertain)).code == "not_done"
    await bot.set_admin(room, ANN, admin=True)
    assert (await fails(bot.set_admin(room, ANN, admin=False), Uncertain)).code == "not_done"
    members = {m.account for m in (await bot.members(room)).members}
    assert {BOB, CYD} < members
    assert await truth(lab, room) == ({"bot", "ann", "bob", "cyd"}, {"bot", "ann"})


async def test_where_lists_are_ignored_every_change_says_that_it_was_not_done(lab: Lab) -> None:
    bot, room = await set_up(lab, modify="ignore")
    for act in (
        bot.invite(room, CYD),
        bot.remove(room, BOB),
        bot.set_admin(room, ANN, admin=True),
    ):
        assert (await fails(act, Uncertain)).code == "not_done"
    assert await truth(lab, room) == ({"bot", "ann", "bob"}, {"bot"})


async def test_each_change_sends_both_whole_lists_with_us_in_both(lab: Lab) -> None:
    """A list that is missing is an empty one: everybody would be out."""
    bot, room = await set_up(lab)
    await bot.invite(room, CYD)
    spec = RoomSpec("x", frozenset({ANN}), frozenset(), HOUR, gate=False)
    await bot.harden(room, spec)
    everybody = [{"name": each} for each in sorted((ANN, BOB, CYD, bot.account))]
    for one in await asked(lab, "room_modify"):
        assert one.body["members"] == everybody
        assert one.body["masters"] == [{"name": bot.account}]
    assert await truth(lab, room) == ({"bot", "ann", "bob", "cyd"}, {"bot"})


async def test_a_listing_that_leaves_moderators_out_of_members_puts_none_of_them_out(
    lab: Lab,
) -> None:
    bot, room = await set_up(lab, masters_in_members=False)
    members = {m.account: m.admin for m in (await bot.members(room)).members}
    assert members == {bot.account: True, ANN: False, BOB: False}
    await bot.invite(room, CYD)
    assert await truth(lab, room) == ({"bot", "ann", "bob", "cyd"}, {"bot"})


async def test_a_listing_that_is_not_whole_changes_nothing(lab: Lab) -> None:
    """The list that is sent would put out who is missing in the one that was read."""
    bot, room = await set_up(lab)
    await lab.hand.partial_members()
    await fails(bot.invite(room, CYD), Unreadable)
    assert await truth(lab, room) == ({"bot", "ann", "bob"}, {"bot"})
    assert await asked(lab, "room_modify") == []


@pytest.mark.parametrize("numbers", ["text", "number"])
async def test_ttl_and_bor_come_as_text_or_as_numbers(lab: Lab, numbers: str) -> None:
    bot, room = await set_up(lab, numbers=numbers)
    assert timer(await bot.posture(room)) == DAY


async def test_the_single_form_is_the_same_wrapper(lab: Lab) -> None:
    bot, room = await set_up(lab)
    other = await lab.room(bot, "cyd")
    for one, people in ((room, {ANN, BOB}), (other, {CYD})):
        members = {m.account for m in (await bot.members(one)).members}
        assert members == people | {bot.account}


async def test_a_200_that_changed_nothing_is_told_by_reading_back(lab: Lab) -> None:
    bot, room = await set_up(lab)
    await lab.hand.lie("room_modify")
    assert (await fails(bot.remove(room, BOB), Uncertain)).code == "not_done"
    await bot.remove(room, BOB)
    assert await truth(lab, room) == ({"bot", "ann"}, {"bot"})


@pytest.mark.parametrize("done", [True, False])
async def test_a_change_that_is_never_answered_ends_and_is_uncertain(
    lab: Lab, *, done: bool
) -> None:
    await set_up(lab)
    bot = await lab.bot("another", patience=2.5)
    room = await lab.room(bot, "ann", "bob")
    await lab.hand.hang("room_modify", done=done)
    await fails(bot.remove(room, BOB), Uncertain)
    assert await truth(lab, room) == ({"bot", "ann"} | (set() if done else {"bob"}), {"bot"})


# --- unknown rooms, refused calls -----------------------------------------------------------------


async def test_an_unknown_room_and_a_failing_client_are_the_same_400(lab: Lab) -> None:
    """So neither is taken for the other: nothing is concluded but that it cannot be read."""
    bot, room = await set_up(lab)
    await lab.hand.refuse("room")
    await fails(bot.members(room), Unreadable)
    assert (await bot.members(room)).complete
    await fails(bot.members(RoomId("S" + "0" * 63)), Unreadable)


async def test_a_room_that_we_were_put_out_of_is_unreadable_and_takes_nothing(lab: Lab) -> None:
    bot, room = await set_up(lab)
    delivery = await lab.delivery(bot, room)
    await lab.hand.remove_member(room, "bot", by="ann")
    await fails(bot.posture(room), Unreadable)
    await fails(bot.send(delivery), Unavailable)
    assert await asked(lab, "send") == []


async def test_who_is_no_moderator_any_more_asks_for_nothing(lab: Lab) -> None:
    bot, room = await set_up(lab)
    await lab.hand.revoke_master(room, "bot", by="ann")
    assert (await fails(bot.invite(room, CYD), Rejected)).code == "not_an_admin"
    assert await asked(lab, "room_modify") == []
    assert bot.account not in (await bot.posture(room)).admins


async def test_a_room_in_which_somebody_is_not_known_is_not_made(lab: Lab) -> None:
    bot, _ = await set_up(lab)
    people = frozenset({ANN, AccountId("nobody@example.test")})
    await fails(bot.create(RoomSpec("x", people, frozenset(), DAY, gate=False)), Rejected)
    assert len(await lab.hand.rooms()) == 1


async def test_a_room_whose_answer_was_cut_is_not_made_twice_by_us(lab: Lab) -> None:
    bot, _ = await set_up(lab)
    await lab.hand.cut_after("room_create")
    spec = RoomSpec("x", frozenset({ANN}), frozenset(), DAY, gate=False)
    await fails(bot.create(spec), Uncertain)
    assert len(await lab.hand.rooms()) == 2
    assert len(await asked(lab, "room_create")) == 2


# --- timers ---------------------------------------------------------------------------------------


async def test_the_security_group_lowers_a_timer_and_what_was_read_back_counts(lab: Lab) -> None:
    bot, room = await set_up(lab, max_ttl=3600)
    assert timer(await bot.posture(room)) == HOUR
    await bot.harden(room, RoomSpec("x", frozenset({ANN}), frozenset(), DAY, gate=False))
    assert timer(await bot.posture(room)) == HOUR


async def test_a_room_without_a_timer_of_its_own_has_the_networks_and_that_is_shown(
    lab: Lab,
) -> None:
    await set_up(lab, default_ttl=30 * 86_400)
    bot = await lab.bot("another")
    room = await lab.room(bot, "ann", timer=None)
    assert timer(await bot.posture(room)) == 30 * DAY


@pytest.mark.parametrize("ttl", [0, -1])
async def test_a_timer_of_0_is_none_and_never_a_short_one(lab: Lab, ttl: int) -> None:
    bot, room = await set_up(lab)
    await lab.hand.change(room, by="ann", ttl=ttl)
    if ttl < 0:
        await fails(bot.posture(room), Unreadable)
    else:
        assert Guarantee.TIMER not in held(await bot.posture(room))


# --- group conversations --------------------------------------------------------------------------


async def test_leaving_a_group_says_200_also_when_the_client_refused_so_it_is_read_back(
    lab: Lab,
) -> None:
    bot, _ = await set_up(lab)
    group = RoomId(await lab.hand.make_room("ann", ["bot", "bob"], group=True))
    await lab.hand.lie("group_leave")
    assert (await fails(bot.leave(group), Unavailable)).code == "not_left"
    await bot.leave(group)
    assert "bot" not in (await lab.hand.room(group)).members
    await fails(bot.members(group), Unreadable)


async def test_leaving_a_room_is_read_back_too(lab: Lab) -> None:
    bot, room = await set_up(lab)
    await lab.hand.lie("room_delete")
    assert (await fails(bot.leave(room), Unavailable)).code == "not_left"
    await bot.leave(room)
    assert "bot" not in (await lab.hand.room(room)).members


async def test_who_is_in_a_group_conversation_is_never_taken_for_known(lab: Lab) -> None:
    bot, _ = await set_up(lab)
    group = RoomId(await lab.hand.make_room("ann", ["bot", "bob"], group=True))
    snapshot = await bot.members(group)
    assert (snapshot.complete, {m.account for m in snapshot.members}) == (
        False,
        {ANN, BOB, bot.account},
    )
    promised = held(await bot.posture(group))
    assert not promised & {Guarantee.MEMBERS_READABLE, Guarantee.INVITE_ONLY}
    error = await fails(bot.send(await lab.delivery(bot, group)), Rejected)
    assert error.code == "members_not_known"
    await fails(bot.invite(group, CYD), Rejected)


# --- what is told of rooms ------------------------------------------------------------------------


async def test_who_comes_and_goes_behind_our_back_is_told_by_name(lab: Lab) -> None:
    bot, room = await set_up(lab)
    cursor = await lab.now(bot)
    await lab.hand.add_member(room, "cyd", by="ann")
    await lab.hand.remove_member(room, "bob", by="ann")
    await lab.hand.leave(room, "cyd")
    events, _ = await lab.events(
        bot, cursor, lambda e: sum(isinstance(x, MembershipChanged) for x in e) >= 3
    )
    told = [(e.account, e.change, e.by) for e in events if isinstance(e, MembershipChanged)]
    assert told == [
        (CYD, MembershipChange.JOINED, ANN),
        (BOB, MembershipChange.REMOVED, ANN),
        (CYD, MembershipChange.LEFT, CYD),
    ]


async def test_without_control_messages_the_list_tells_all_the_same(lab: Lab) -> None:
    """A client that hands none out: nothing is concluded from silence."""
    bot, room = await set_up(lab, tells_control=False)
    await lab.hand.add_member(room, "cyd", by="ann")
    members = {m.account for m in (await bot.members(room)).members}
    assert CYD in members
