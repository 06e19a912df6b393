"""Who is put out on a real Synapse stays out, and reads nothing that is written afterwards."""

import asyncio
from urllib.parse import quote

import pytest

from connectors.port import AccountId, Guarantee, RoomId
from connectors.port.errors import Rejected, Unavailable
from connectors.port.messages import Presence
from connectors.testing.reading import held
from orchestrator.demo.farside import Refused

from .conftest import Lab, devices_of, sealed_to, session_of

pytestmark = pytest.mark.long


async def test_a_kick_suffices_in_a_room_that_is_entered_by_invitation(lab: Lab) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal)
    await bot.remove(room, AccountId(mal.user))
    with pytest.raises(Refused):
        await mal.join(room)
    assert mal.user not in {m.account for m in (await bot.members(room)).members}


async def test_who_was_put_out_fetches_nothing_writes_nothing_and_lets_nobody_in(lab: Lab) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal)
    await bot.remove(room, AccountId(mal.user))
    accepted = await bot.send(lab.delivery(room, "after", anna))
    acts = (
        mal.held_by_server(room, accepted.remote_id),
        mal.raw("PUT", f"{place(room)}/send/m.room.message/1", {"msgtype": "m.text", "body": "x"}),
        mal.invite(room, mal.user),
        mal.weaken(room, "m.room.history_visibility", {"history_visibility": "shared"}),
    )
    for act in acts:
        with pytest.raises(Refused):
            await act


def place(room: RoomId) -> str:
    return f"/_matrix/client/v3/rooms/{quote(room, safe='')}"


async def test_an_invitation_taken_back_cannot_be_followed(lab: Lab) -> None:
    bot, anna, late = await lab.bot(), await lab.person("anna"), await lab.person("late")
    room = await lab.room(bot, anna)
    await bot.invite(room, AccountId(late.user))
    asked = {m.account: m.presence for m in (await bot.members(room)).members}
    assert asked[AccountId(late.user)] is Presence.INVITED
    await bot.remove(room, AccountId(late.user))
    with pytest.raises(Refused):
        await late.join(room)


async def test_a_rotated_key_is_another_though_nobody_came_or_went(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    first = await bot.send(lab.delivery(room, "one", anna))
    second = await bot.send(lab.delivery(room, "two", anna))
    await bot.rotate(room)
    third = await bot.send(lab.delivery(room, "three", anna))
    used = [
        session_of(await anna.held_by_server(room, each.remote_id))
        for each in (first, second, third)
    ]
    assert used[0] == used[1] != used[2]
    await anna.sync()
    assert anna.texts(room) == ["one", "two", "three"]


async def test_a_send_between_our_removal_and_the_next_sync_uses_a_new_key(lab: Lab) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal)
    cursor = await lab.now(bot)
    before = await bot.send(lab.delivery(room, "before", anna, mal))
    await bot.remove(room, AccountId(mal.user))
    await bot.rotate(room)
    after = await bot.send(lab.delivery(room, "after", anna))
    await lab.events(bot, cursor, bool)  # only now are we told that he went
    for person in (anna, mal):
        await person.sync()
    raw = [await anna.held_by_server(room, each.remote_id) for each in (before, after)]
    assert mal.holds_key(room, session_of(raw[0]))
    assert not mal.holds_key(room, session_of(raw[1]))
    assert await mal.opens(room, raw[1]) is None
    assert anna.texts(room) == ["before", "after"]


async def test_messages_under_way_while_the_key_is_thrown_away_are_sent_or_refused(
    lab: Lab,
) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)

    async def send(text: str) -> bool:
        try:
            await bot.send(lab.delivery(room, text, anna))
        except Unavailable:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        sent = {f"number {n}": group.create_task(send(f"number {n}")) for n in range(5)}
        for _ in range(5):
            group.create_task(bot.rotate(room))
    await anna.sync()
    assert set(anna.texts(room)) == {text for text, task in sent.items() if task.result()}


async def test_rooms_that_others_rule_are_not_changed_by_us(lab: Lab) -> None:
    bot, anna, bob = await lab.bot(), await lab.person("anna"), await lab.person("bob")
    room = RoomId(await anna.make_room([bot.account]))
    await bot.join(room)
    await anna.invite(room, bob.user)
    await bob.join(room)
    for act in (
        bot.remove(room, AccountId(bob.user)),
        bot.set_admin(room, AccountId(bob.user), admin=True),
    ):
        with pytest.raises(Rejected):
            await act
    with pytest.raises(Rejected) as refused:
        await bot.set_admin(room, AccountId(anna.user), admin=False)
    assert refused.value.code == "creator"
    assert bob.user in {m.account for m in (await bot.members(room)).members}


@pytest.mark.parametrize("version", ["11", "12"])
async def test_who_stands_by_can_go_on_without_us(lab: Lab, version: str) -> None:
    """He makes an admin, puts one out, posts behind the gate, and outlives our account."""
    spare = await lab.person("spare")
    bot = await lab.bot(room_version=version, standby=spare.user)
    anna, bob = await lab.person("anna"), await lab.person("bob")
    room = await lab.room(bot, anna, bob, owners=frozenset({AccountId(anna.user)}), gate=True)
    await spare.join(room)
    posture = await bot.posture(room)
    assert posture.gate
    assert posture.admins == {bot.account, AccountId(spare.user), AccountId(anna.user)}
    await bot.leave(room)
    second = await lab.bot(spare.user, state="spare", room_version=version)
    await second.remove(room, AccountId(anna.user))
    await second.set_admin(room, AccountId(bob.user), admin=True)
    posture = await second.posture(room)
    assert posture.admins == {AccountId(spare.user), AccountId(bob.user)}
    assert posture.gate
    await second.send(lab.delivery(room, "we go on", bob))
    await bob.sync()
    assert bob.texts(room) == ["we go on"]


async def test_what_an_owner_loosened_is_put_back_in_one_go(lab: Lab) -> None:
    bot, anna, bob = await lab.bot(), await lab.person("anna"), await lab.person("bob")
    owners = frozenset({AccountId(anna.user)})
    room = await lab.room(bot, anna, bob, owners=owners)
    before = await bot.posture(room)
    for kind, content in {
        "m.room.join_rules": {"join_rule": "public"},
        "m.room.history_visibility": {"history_visibility": "world_readable"},
        "m.room.guest_access": {"guest_access": "can_join"},
        "m.room.encryption": {"algorithm": "none"},
    }.items():
        await anna.weaken(room, kind, content)
    assert Guarantee.INVITE_ONLY not in held(await bot.posture(room))
    await bot.harden(room, lab.spec(anna, bob))
    after = await bot.posture(room)
    assert (held(after), after.admins) == (held(before), before.admins)


async def test_who_stands_by_reads_on_a_verified_device_alone(lab: Lab) -> None:
    """Nobody watches over its devices, so one that the homeserver adds opens nothing."""
    spare = await lab.person("spare")
    bot, anna = await lab.bot(standby=spare.user), await lab.person("anna")
    room = await lab.room(bot, anna)
    await spare.join(room)
    first = await bot.send(lab.delivery(room, "one", anna, spare))
    assert spare.user not in sealed_to(first.sealed_to)
    (device,) = devices_of(await bot.members(room), spare.user)
    await bot.trust(AccountId(spare.user), device)
    await lab.device(spare.user, "added")
    second = await bot.send(lab.delivery(room, "two", anna, spare))
    assert sealed_to(second.sealed_to)[spare.user] == {device.device}
    for person in (anna, spare):
        await person.sync()
    assert (anna.texts(room), spare.texts(room)) == (["one", "two"], ["two"])
