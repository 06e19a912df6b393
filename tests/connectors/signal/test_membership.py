"""People are let in and put out of groups on a server that says yes whatever it did."""

from typing import Any

import pytest

from connectors.port import AccountId, Evidence, Guarantee, RoomId
from connectors.port.connector import RotatesRoomKeys
from connectors.port.errors import Rejected, Unreadable
from connectors.port.messages import Presence, RoomSpec
from connectors.signal.connector import SignalConnector
from connectors.signal.ids import rest_id
from connectors.signal.standin.control import NotDoneError
from connectors.testing.reading import held

from .conftest import DAY, NUMBER, Lab, asked, fails, until

HOUR = DAY // 24


def spec(*people: AccountId, timer: int | None = DAY, gate: bool = False) -> RoomSpec:
    return RoomSpec("x", frozenset(people), frozenset(), timer, gate)


async def presences(bot: SignalConnector, room: RoomId) -> dict[AccountId, Presence]:
    return {m.account: m.presence for m in (await bot.members(room)).members}


# --- members ----------------------------------------------------------------------------------


async def test_a_pending_invitation_is_withdrawn(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.person("late", auto_join=False)
    late = await lab.account("late")
    await bot.invite(room, late)
    assert (await presences(bot, room))[late] is Presence.INVITED
    assert (await fails(bot.set_admin(room, late, admin=True), Rejected)).code == "not_in_yet"
    await bot.remove(room, late)
    assert late not in await presences(bot, room)
    with pytest.raises(NotDoneError):
        await lab.hand.accept(room, "late")


async def test_who_hides_his_number_is_let_in_and_put_out_by_his_uuid(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.person("shy", hides_number=True)
    shy = await lab.account("shy")
    await bot.invite(room, shy)
    assert shy in await presences(bot, room)
    await bot.remove(room, shy)
    assert shy not in await presences(bot, room)


@pytest.mark.parametrize("verb", ["members_add", "members_remove", "admins_add"])
async def test_a_204_that_changed_nobody_is_told_by_the_list(lab: Lab, verb: str) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    ann, bob = await lab.account("ann"), await lab.account("bob")
    acts: dict[str, Any] = {
        "members_add": lambda: bot.invite(room, bob),
        "members_remove": lambda: bot.remove(room, ann),
        "admins_add": lambda: bot.set_admin(room, ann, admin=True),
    }
    before = await bot.members(room)
    await lab.hand.answer_nothing(verb)
    await acts[verb]()
    assert set((await bot.members(room)).members) == set(before.members)
    await acts[verb]()
    assert set((await bot.members(room)).members) != set(before.members)


async def test_a_listing_that_lost_somebody_is_not_whole(lab: Lab) -> None:
    """It looks as a whole one, so whoever was there the last time is looked for twice."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob")
    before = await bot.members(room)
    await lab.hand.partial_members("group")
    shortened = await bot.members(room)
    assert not shortened.complete
    assert set(shortened.members) == set(before.members)
    assert (await bot.members(room)).complete


async def test_who_really_went_leaves_a_whole_list(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob")
    ann = await lab.account("ann")
    await lab.hand.remove_member(room, "ann", by="bob")
    snapshot = await bot.members(room)
    assert snapshot.complete
    assert ann not in {member.account for member in snapshot.members}


async def test_who_was_to_be_an_admin_and_is_put_out_never_becomes_one(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.person("late", auto_join=False)
    late, ann = await lab.account("late"), await lab.account("ann")
    room = await bot.create(RoomSpec("x", frozenset({ann}), frozenset({late}), DAY, gate=False))
    assert bot._open.ledger.owners() == {room: {late}}
    await bot.remove(room, late)
    assert bot._open.ledger.owners() == {}
    await lab.hand.add_member(room, "late", by="ann")
    await lab.hand.accept(room, "late")
    await bot._open.watch.look()
    assert late not in (await bot.posture(room)).admins


async def test_an_admin_is_put_out_and_is_none_when_he_comes_back(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob")
    ann = await lab.account("ann")
    await bot.set_admin(room, ann, admin=True)
    await bot.remove(room, ann)
    await bot.invite(room, ann)
    posture = await bot.posture(room)
    assert posture.admins == {bot.account}


async def test_one_person_is_named_in_each_change_and_never_nobody(lab: Lab) -> None:
    """An empty list is 204 and nothing."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    ann, bob = await lab.account("ann"), await lab.account("bob")
    await bot.invite(room, bob)
    await bot.set_admin(room, bob, admin=True)
    await bot.set_admin(room, bob, admin=False)
    await bot.remove(room, ann)
    bodies = [
        one.body
        for verb in ("members_add", "admins_add", "admins_remove", "members_remove")
        for one in await asked(lab, verb)
    ]
    assert bodies == [{"members": [bob]}, {"admins": [bob]}, {"admins": [bob]}, {"members": [ann]}]


async def test_numbers_and_our_own_names_are_refused_before_anything_is_asked(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    own = next(p.uuid for p in await lab.hand.people() if p.name == "bot")
    await bot.members(room)  # learns our own UUID
    await lab.hand.forget_requests()
    for account, code in ((NUMBER, "own_account"), (own, "own_account"), ("+1555", "account_form")):
        assert (await fails(bot.remove(room, AccountId(account)), Rejected)).code == code
    assert await lab.hand.requests() == ()


async def test_nobody_is_let_into_a_private_line(lab: Lab) -> None:
    bot = await lab.bot()
    ann, bob = await lab.account("ann"), await lab.account("bob")
    for act in (
        bot.invite(RoomId(ann), bob),
        bot.remove(RoomId(ann), ann),
        bot.set_admin(RoomId(ann), ann, admin=True),
    ):
        assert (await fails(act, Rejected)).code == "not_a_group"


async def test_an_unknown_group_is_changed_by_nobody(lab: Lab) -> None:
    bot = await lab.bot()
    nowhere = rest_id("yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc=")
    assert nowhere is not None
    ann = await lab.account("ann")
    for act in (bot.invite(nowhere, ann), bot.remove(nowhere, ann), bot.harden(nowhere, spec())):
        assert (await fails(act, Unreadable)).code == "no_groups_listed"


async def test_who_is_no_admin_any_more_changes_nobody(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob")
    ann = await lab.account("ann")
    await lab.hand.grant_admin(room, "bob")
    await lab.hand.revoke_admin(room, "bot", by="bob")
    await fails(bot.remove(room, ann), Rejected)
    assert ann in await presences(bot, room)


async def test_a_full_group_lets_nobody_in(lab: Lab) -> None:
    await lab.hand.reset(webhook="", mode="json-rpc", profile="Wallcross", group_limit=2)
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    bob = await lab.account("bob")
    await fails(bot.invite(room, bob), Rejected)
    assert bob not in await presences(bot, room)


async def test_nothing_is_promised_of_keys_that_signal_itself_rotates(lab: Lab) -> None:
    bot = await lab.bot()
    assert not isinstance(bot, RotatesRoomKeys)


# --- settings ---------------------------------------------------------------------------------


async def test_a_refused_change_of_settings_is_204_and_told_by_the_posture(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.change(room, by="bot", add_members="every-member")
    await lab.hand.refuse("group_update")
    await bot.harden(room, spec())
    assert Guarantee.INVITE_ONLY not in held(await bot.posture(room))
    await bot.harden(room, spec())
    assert Guarantee.INVITE_ONLY in held(await bot.posture(room))


async def test_hardening_switches_no_timer_off_and_asks_for_none_of_zero(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await bot.harden(room, spec(timer=None))
    await bot.harden(room, spec(timer=HOUR))
    bodies = [one.body for one in await asked(lab, "group_update")]
    assert [body.get("expiration_time") for body in bodies] == [None, 3600]
    assert (await lab.hand.group(room)).timer == 3600


async def test_a_timer_put_back_counts_when_traffic_shows_it(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.set_timer("ann", 60, group=room)
    await lab.hand.settle()
    await bot.harden(room, spec(timer=HOUR))

    async def timer() -> tuple[Evidence, int | None]:
        found = (await bot.posture(room)).holdings
        return next((h.evidence, h.value) for h in found if h.guarantee is Guarantee.TIMER)

    assert (await timer())[1] == HOUR
    await lab.hand.write("ann", "here", group=room)
    await lab.hand.settle()
    assert await timer() == (Evidence.VERIFIED, HOUR)


async def test_a_private_lines_timer_is_put_back(lab: Lab) -> None:
    bot = await lab.bot()
    ann = await lab.account("ann")
    line = await bot.create(RoomSpec("x", frozenset({ann}), frozenset(), HOUR, False, direct=True))  # noqa: FBT003 (a field)
    await lab.hand.set_timer("ann", 60)
    await lab.hand.settle()
    await bot.harden(line, spec(timer=HOUR))
    bodies = [one.body["expiration_in_seconds"] for one in await asked(lab, "contact_update")]
    assert bodies == [3600, 3600]


# --- the account that stands by ---------------------------------------------------------------


async def test_a_gate_holds_while_nobody_but_ours_are_admins(lab: Lab) -> None:
    spare, ann = await lab.account("spare"), await lab.account("ann")
    bot = await lab.bot(standby=spare)
    room = await bot.create(spec(ann, gate=True))
    posture = await bot.posture(room)
    assert posture.gate
    assert posture.admins == {bot.account, spare}
    await bot.set_admin(room, ann, admin=True)
    assert not (await bot.posture(room)).gate


async def test_who_stands_by_becomes_an_admin_once_he_is_in(lab: Lab) -> None:
    await lab.hand.person("spare", auto_join=False)
    spare, ann = await lab.account("spare"), await lab.account("ann")
    bot = await lab.bot(standby=spare)
    room = await bot.create(spec(ann))
    assert spare not in (await bot.posture(room)).admins
    await lab.hand.accept(room, "spare")
    bot._open.watch.soon()

    async def promoted() -> bool:
        return spare in (await bot.posture(room)).admins

    await until(promoted)


async def test_a_number_cannot_stand_by(lab: Lab) -> None:
    with pytest.raises(Rejected) as refused:
        await lab.bot(standby="+15550101")
    assert "standby" in str(refused.value)
