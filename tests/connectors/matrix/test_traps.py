"""Each trap that Matrix, Synapse and nio were seen to hold, on a real Synapse."""

import asyncio
from dataclasses import replace
from urllib.parse import quote

import pytest

from connectors.matrix.connector import open_connector
from connectors.port import AccountId, Evidence, Guarantee, RoomId
from connectors.port.capabilities import Undo
from connectors.port.errors import (
    ReadersChanged,
    Rejected,
    Unreadable,
)
from orchestrator.demo.farside import Refused

from .conftest import Lab, sealed_to, session_of

pytestmark = pytest.mark.long


# 1: sealed for nobody


async def test_sealed_for_nobody_a_late_joiner_reads_the_next_message(lab: Lab) -> None:
    bot, anna, late = await lab.bot(), await lab.person("anna"), await lab.person("late")
    room = await lab.room(bot, anna, owners=frozenset({AccountId(anna.user)}))
    await bot.send(lab.delivery(room, "before", anna))
    await bot.members(room)
    await anna.invite(room, late.user)
    await late.join(room)
    accepted = await bot.send(lab.delivery(room, "after", anna, late))
    await late.sync()
    assert late.texts(room) == ["after"]
    assert late.user in sealed_to(accepted.sealed_to)


async def test_the_proof_is_who_can_really_decrypt(lab: Lab) -> None:
    bot, anna, bob = await lab.bot(), await lab.person("anna"), await lab.person("bob")
    room = await lab.room(bot, anna, bob)
    accepted = await bot.send(lab.delivery(room, "x", anna, bob))
    own = bot.own_device().device
    assert sealed_to(accepted.sealed_to) == {
        anna.user: {anna.device[0]},
        bob.user: {bob.device[0]},
        bot.account: {own},
    }
    for person in (anna, bob):
        await person.sync()
        assert person.texts(room) == ["x"]


async def test_who_is_only_asked_in_counts_as_a_reader_and_is_not_sealed_to(lab: Lab) -> None:
    bot, anna, bob = await lab.bot(), await lab.person("anna"), await lab.person("bob")
    room = await lab.room(bot, anna, owners=frozenset({AccountId(anna.user)}))
    await anna.invite(room, bob.user)
    with pytest.raises(ReadersChanged):
        await bot.send(lab.delivery(room, "x", anna))
    accepted = await bot.send(lab.delivery(room, "x", anna, bob))
    assert bob.user not in sealed_to(accepted.sealed_to)


# 2: the send between a kick and the next sync


async def test_a_send_between_a_kick_and_the_next_sync_uses_a_new_key(lab: Lab) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal, owners=frozenset({AccountId(anna.user)}))
    before = await bot.send(lab.delivery(room, "before", anna, mal))
    await anna.kick(room, mal.user)
    after = await bot.send(lab.delivery(room, "after", anna))
    old, new = [session_of(await anna.held_by_server(room, a.remote_id)) for a in (before, after)]
    assert old != new
    assert mal.user not in sealed_to(after.sealed_to)
    for person in (anna, mal):
        await person.sync()
    assert anna.texts(room) == ["before", "after"]
    assert mal.holds_key(room, str(old))
    assert not mal.holds_key(room, str(new))


async def test_a_signed_out_device_gets_no_further_key(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    laptop = await lab.device(anna.user, "laptop")
    room = await lab.room(bot, anna)
    first = await bot.send(lab.delivery(room, "one", anna))
    assert sealed_to(first.sealed_to)[anna.user] == {anna.device[0], laptop.device[0]}
    await laptop.sign_out()
    second = await bot.send(lab.delivery(room, "two", anna))
    assert sealed_to(second.sealed_to)[anna.user] == {anna.device[0]}
    held = [session_of(await anna.held_by_server(room, a.remote_id)) for a in (first, second)]
    assert held[0] != held[1]


# 3: at most 100 events a sync


async def test_more_than_a_hundred_events_while_away_all_come_in_order(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    for number in range(140):
        await anna.say_at_once(room, f"number {number}")
    found, _ = await lab.messages(bot, cursor, 140)
    assert [m.content.text for m in found] == [f"number {n}" for n in range(140)]


# 4: version 12's creator


@pytest.mark.parametrize("version", ["11", "12"])
async def test_an_owner_can_neither_demote_us_nor_post_through_a_gate(
    lab: Lab, version: str
) -> None:
    bot = await lab.bot(room_version=version)
    anna, bob = await lab.person("anna"), await lab.person("bob")
    owners = frozenset({AccountId(anna.user)})
    room = await lab.room(bot, anna, bob, owners=owners, gate=True)
    place = f"/_matrix/client/v3/rooms/{quote(room, safe='')}"
    levels = await anna.raw("GET", f"{place}/state/m.room.power_levels")
    assert (bot.account in levels["users"]) is (version == "11")
    for person in (anna, bob):
        with pytest.raises(Refused, match="M_FORBIDDEN"):
            await person.say(room, "through the gate")
    demoted = {"users": {anna.user: 100, bot.account: 0}}
    for worse in (demoted, {"events_default": 0}):
        with pytest.raises(Refused):
            await anna.weaken(room, "m.room.power_levels", {**levels, **worse})
    with pytest.raises(Refused, match="M_FORBIDDEN"):
        await anna.kick(room, bot.account)
    posture = await bot.posture(room)
    assert (posture.gate, posture.undo) == (True, Undo.ANYBODY)
    assert posture.admins == owners | {bot.account}
    await bot.send(lab.delivery(room, "from the relay", anna, bob))
    await bob.sync()
    assert bob.texts(room) == ["from the relay"]


# 5: reactions are not encrypted; errors are handed back, not raised


async def test_reactions_are_heard_only_when_they_are_words(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    target = await anna.say(room, "what do you think?")
    for key in ("👍", "sell at 52"):
        relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
        await anna.send(room, {"m.relates_to": relation}, kind="m.reaction")
    found, _ = await lab.messages(bot, cursor, 2)
    assert [m.content.text for m in found] == ["what do you think?", "sell at 52"]


async def test_errors_are_raised_and_say_what_may_be_done(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    with pytest.raises(Rejected):
        await bot.send(lab.delivery(RoomId("!nowhere"), "x", anna))
    with pytest.raises(Unreadable):
        await bot.posture(RoomId("!nowhere"))
    with pytest.raises(Rejected):
        await bot.join(RoomId("!nowhere"))
    await bot.leave(room)
    with pytest.raises(Rejected):
        await bot.send(lab.delivery(room, "x", anna))
    with pytest.raises(Unreadable):
        await bot.members(room)


async def test_a_wrong_password_is_refused(lab: Lab) -> None:
    setup = lab.setup(lab.account("bot"))
    wrong = open_connector(replace(setup, secrets={**setup.secrets, "password": "not-this"}))
    with pytest.raises(Rejected) as refused:
        await wrong.open()
    assert refused.value.code == "forbidden"


# 7: retention


async def test_the_retention_row_is_read_back_as_asked_for_and_works(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna, timer=2_000_000)
    timers = [h for h in (await bot.posture(room)).holdings if h.guarantee is Guarantee.TIMER]
    assert [(h.evidence, h.value) for h in timers] == [(Evidence.REQUESTED, 2_000_000)]
    accepted = await bot.send(lab.delivery(room, "short-lived", anna))
    await bot.send(lab.delivery(room, "the last one stays", anna))
    assert not await bot.is_gone(room, accepted.remote_id)
    async with asyncio.timeout(60):
        while not await bot.is_gone(room, accepted.remote_id):  # noqa: ASYNC110 (no event exists)
            await asyncio.sleep(0.5)  # the homeserver tells nobody when it purges
    assert "short-lived" not in [s.said for s in await anna.history(room)]
