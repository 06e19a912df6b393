"""Each trap that Matrix, Synapse and nio were seen to hold, on a real Synapse."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from connectors.matrix.connector import open_connector
from connectors.port import AccountId, Evidence, Guarantee, RoomId
from connectors.port.capabilities import Undo
from connectors.port.errors import (
    ReadersChanged,
    Rejected,
    Unavailable,
    Unreadable,
)
from orchestrator.demo.farside import Refused
from orchestrator.demo.synapse import Homeserver, HomeserverOptions, NoSynapse

from .conftest import PASSWORD, Lab, sealed_to, session_of

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


async def test_version_12_refuses_its_creator_among_the_users_and_we_are_in_none(lab: Lab) -> None:
    anna, bot = await lab.person("anna"), await lab.bot()
    body = {
        "room_version": "12",
        "power_level_content_override": {"users": {anna.user: 100}},
    }
    with pytest.raises(Refused):
        await anna.raw("POST", "/_matrix/client/v3/createRoom", body)
    room = await lab.room(bot, anna)
    assert bot.account in (await bot.posture(room)).admins


async def test_version_12_gives_rooms_no_domain_and_they_are_read_all_the_same(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    assert ":" not in room
    cursor = await lab.now(bot)
    await anna.say(room, "heard")
    (found,), _ = await lab.messages(bot, cursor, 1)
    assert (found.room, found.content.text) == (room, "heard")


async def test_in_version_12_even_we_cannot_demote_ourselves_so_another_account_stands_by(
    lab: Lab,
) -> None:
    spare = await lab.person("spare")
    bot, anna = await lab.bot(standby=spare.user), await lab.person("anna")
    room = await lab.room(bot, anna)
    await spare.join(room)
    with pytest.raises(Rejected):
        await bot.set_admin(room, bot.account, admin=False)
    place = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/state/m.room.power_levels"
    levels = await spare.raw("GET", place)
    with pytest.raises(Refused):  # not by the other creator either
        await spare.raw("PUT", place, {**levels, "users": {bot.account: 0}})
    assert {bot.account, spare.user} <= (await bot.posture(room)).admins


async def test_permissions_are_not_asked_of_nio_which_calls_the_creators_level_0(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna, gate=True)
    await anna.sync(full=True)
    nio = anna._client.rooms[room].power_levels
    assert nio.get_user_level(bot.account) == 0
    posture = await bot.posture(room)
    assert (bot.account in posture.admins, posture.gate) == (True, True)


# 5: reactions are not encrypted; nio keeps rooms, hands errors back, and decrypts on the way


async def test_reactions_are_heard_only_when_they_are_words(lab: Lab) -> None:
    """Nio sends them in the clear, so the homeserver has read what is heard here."""
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    target = await anna.say(room, "what do you think?")
    for key in ("👍", "sell at 52"):
        relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
        sent = await anna.send(room, {"m.relates_to": relation}, kind="m.reaction")
        assert (await anna.held_by_server(room, sent))["type"] == "m.reaction"
    found, _ = await lab.messages(bot, cursor, 2)
    assert [m.content.text for m in found] == ["what do you think?", "sell at 52"]


async def test_a_room_that_we_were_put_out_of_is_left_though_nio_goes_on_listing_it(
    lab: Lab,
) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = RoomId(await anna.make_room([bot.account, mal.user]))
    await bot.join(room)
    await mal.join(room)
    assert anna.user in {m.account for m in (await bot.members(room)).members}
    for account in (mal.user, bot.account):
        await anna.kick(room, account)
    await mal.sync()
    assert (room in mal.rooms(), room in await mal.joined()) == (True, False)
    for act in (bot.members(room), bot.posture(room)):
        with pytest.raises(Unreadable):
            await act
    with pytest.raises(Rejected):
        await bot.send(lab.delivery(room, "x", anna))


async def test_what_the_homeserver_holds_is_ciphertext_though_nio_shows_it_opened(
    lab: Lab,
) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    accepted = await bot.send(lab.delivery(room, "a planted canary", anna))
    await anna.sync()
    shown = await anna._client.room_get_event(room, accepted.remote_id)
    assert shown.event.body == "a planted canary"
    held = await anna.held_by_server(room, accepted.remote_id)
    assert held["type"] == "m.room.encrypted"
    assert "canary" not in json.dumps(held)


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


# Synapse's own limits


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    server = Homeserver(tmp_path_factory.mktemp("limited"), HomeserverOptions(limited=True))
    try:
        server.start()
    except NoSynapse as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.mark.real
async def test_synapses_own_limits_refuse_a_tenth_quick_message_until_lifted_for_us(
    limited: Homeserver, tmp_path: Path
) -> None:
    lab = Lab(limited, tmp_path)
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)

    async def say(times: int) -> None:
        for number in range(times):
            await bot.send(lab.delivery(room, f"{number}", anna))

    with pytest.raises(Unavailable) as refused:
        await say(20)
    assert refused.value.code == "rate_limited"
    assert refused.value.retry_after
    admin = lab.server.register(f"root-{lab.run}", PASSWORD, admin=True)
    root = await lab.device(admin, "desk")
    place = f"/_synapse/admin/v1/users/{quote(bot.account)}/override_ratelimit"
    await root.raw("POST", place, {"messages_per_second": 0, "burst_count": 0})
    await say(40)
    for one in lab.opened:
        await one.close()


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
