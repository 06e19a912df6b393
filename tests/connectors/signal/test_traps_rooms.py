"""Each thing that the real server was seen to do with rooms, keys and errors."""

import asyncio
import json
from dataclasses import replace

import pytest

from connectors.port import AccountId, Evidence, Guarantee, RoomId
from connectors.port.errors import (
    IdentityChanged,
    NoRoom,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import KeyChanged
from connectors.port.messages import Device, Reader, RoomSpec
from connectors.signal.client import _NOTHING, _json
from connectors.signal.ids import rest_id
from connectors.signal.standin.faults import FaultKind

from .conftest import DAY, NUMBER, Lab, asked, fails, until

HOUR = DAY // 24


# --- 1.5 groups -------------------------------------------------------------------------------


async def test_an_unknown_group_is_200_and_null(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.room(bot, "ann")
    nowhere = rest_id("yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc=")
    assert nowhere is not None
    for act in (bot.posture(nowhere), bot.members(nowhere)):
        assert (await fails(act, NoRoom)).code == "room_unknown"


async def test_a_group_is_made_hardened_and_read_back(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    made = await lab.hand.group(room)
    assert (made.link, made.add_members, made.edit_group) == (
        "disabled",
        "only-admins",
        "only-admins",
    )
    assert made.timer == 86_400


async def test_a_204_that_changed_nothing_is_found_by_reading_back(lab: Lab) -> None:
    """A setting that did not come about is not claimed, whatever the answer said."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann", owners=frozenset())
    await lab.hand.grant_admin(room, "ann")
    await lab.hand.enable_link(room, by="ann")
    await lab.hand.lie("group_update")
    spec = RoomSpec("x", frozenset(), frozenset(), DAY, gate=False)
    await bot._open.backend.settle(room, spec, leaked=False)
    held = {h.guarantee for h in (await bot.posture(room)).holdings}
    assert not held & {Guarantee.NO_PUBLIC_LINK, Guarantee.INVITE_ONLY}


async def test_a_timer_is_requested_until_traffic_shows_it(lab: Lab) -> None:
    bot = await lab.bot()
    ann = await lab.account("ann")
    room = await bot.create(RoomSpec("x", frozenset({ann}), frozenset(), HOUR, gate=False))

    async def timer() -> tuple[Evidence, int | None] | None:
        found = (await bot.posture(room)).holdings
        return next(((h.evidence, h.value) for h in found if h.guarantee is Guarantee.TIMER), None)

    assert await timer() in {(Evidence.REQUESTED, HOUR), (Evidence.VERIFIED, HOUR)}
    await lab.hand.write("ann", "here", group=room)
    await lab.hand.settle()
    assert await timer() == (Evidence.VERIFIED, HOUR)
    await lab.hand.set_timer("ann", 0, group=room)
    await lab.hand.settle()
    assert await timer() is None


async def test_a_timer_of_zero_is_never_asked_for(lab: Lab) -> None:
    """It would be dropped without a word: a timer cannot be switched off over this server."""
    bot = await lab.bot()
    ann = await lab.account("ann")
    await bot.create(RoomSpec("x", frozenset({ann}), frozenset(), 1, gate=False))
    await bot.create(RoomSpec("x", frozenset({ann}), frozenset(), None, gate=False))
    bodies = [one.body for one in await asked(lab, "group_create")]
    assert [body.get("expiration_time") for body in bodies] == [1, None]


async def test_edit_group_in_a_listing_is_not_believed(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    before = await bot.posture(room)
    await lab.hand.change(room, by="bot", edit_group="every-member")
    after = await bot.posture(room)
    assert {h.guarantee for h in before.holdings} == {h.guarantee for h in after.holdings}


async def test_pending_invites_are_members_who_will_read(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.person("late", auto_join=False)
    late, ann = await lab.account("late"), await lab.account("ann")
    spec = RoomSpec("x", frozenset({late, ann}), frozenset({late}), DAY, gate=False)
    room = await bot.create(spec)
    seats = {m.account: (m.presence.value, m.admin) for m in (await bot.members(room)).members}
    assert seats[late] == ("invited", False)
    await lab.hand.accept(room, "late")  # an owner becomes an admin once he is in
    bot._open.watch.soon()

    async def promoted() -> bool:
        return late in (await bot.posture(room)).admins

    await until(promoted)


async def test_an_admin_beside_us_opens_the_gate(lab: Lab) -> None:
    bot = await lab.bot()
    ann = await lab.account("ann")
    spec = RoomSpec("x", frozenset({ann}), frozenset({ann}), DAY, gate=True)
    shared = await bot.create(spec)
    alone = await bot.create(replace(spec, owners=frozenset()))
    assert not (await bot.posture(shared)).gate
    assert (await bot.posture(alone)).gate


async def test_without_a_profile_name_there_is_no_first_group(lab: Lab) -> None:
    await lab.hand.reset(profile="")
    bot = await lab.bot()
    ann = await lab.account("ann")
    spec = RoomSpec("x", frozenset({ann}), frozenset(), DAY, gate=False)
    assert (await fails(bot.create(spec), Rejected)).code == "no_profile"


async def test_who_was_put_out_reads_and_sends_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.grant_admin(room, "ann")
    await lab.hand.remove_member(room, "bot", by="ann")
    await fails(bot.members(room), Unreadable)
    await fails(bot.send(delivery), Unavailable)
    assert await lab.ours("ann", room) == []


# --- 1.6 private lines ------------------------------------------------------------------------


async def test_a_private_line_is_one_person_and_its_timer_a_contacts(lab: Lab) -> None:
    bot = await lab.bot()
    ann = await lab.account("ann")
    spec = RoomSpec("x", frozenset({ann}), frozenset(), HOUR, gate=False, direct=True)
    line = await bot.create(spec)
    assert str(line) == ann
    (one,) = await asked(lab, "contact_update")
    assert one.body == {"recipient": ann, "expiration_in_seconds": 3600}
    assert {m.account for m in (await bot.members(line)).members} == {NUMBER, ann}
    await lab.hand.write("ann", "hello")
    await lab.hand.settle()
    accepted = await bot.send(await lab.delivery(bot, line, "answer"))
    assert [m.text for m in await lab.ours("ann", None)] == ["answer"]
    assert accepted.remote_id.startswith(NUMBER)


async def test_no_listing_of_contacts_is_asked_for_a_timer(lab: Lab) -> None:
    """``message_expiration`` is always empty: it is not evidence, so it is not read."""
    bot = await lab.bot()
    await bot.posture(RoomId(await lab.account("ann")))
    assert not {o.verb for o in await lab.hand.requests()} & {"contacts", "contact"}


# --- 1.7 identities, devices, account ---------------------------------------------------------


async def test_a_wrong_safety_number_is_a_changed_identity(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    ann = await lab.account("ann")
    device = await lab.device(bot, room, ann)
    await lab.hand.refuse("trust", text="Failed to set the trust for this number, x")
    await fails(bot.trust(ann, device), IdentityChanged)
    await fails(bot.trust(ann, Device(device.device, "0" * 60)), IdentityChanged)
    await bot.trust(ann, device)
    assert await lab.hand.identity("ann") == "TRUSTED_VERIFIED"


async def test_a_distrusted_key_stops_the_room_also_after_a_restart(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob")
    ann = await lab.account("ann")
    device = await lab.device(bot, room, ann)
    await bot.distrust(ann, device)
    await fails(bot.send(await lab.delivery(bot, room)), IdentityChanged)
    await bot.close()
    again = await lab.bot()
    await fails(again.send(await lab.delivery(again, room)), IdentityChanged)
    await again.trust(ann, device)
    await again.send(await lab.delivery(again, room))


async def test_a_key_is_a_safety_number_as_both_phones_show_it(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    shown = (await lab.hand.person("ann")).safety_number
    (ann,) = [m for m in (await bot.members(room)).members if m.account != NUMBER]
    assert {d.key for d in ann.devices or ()} == {shown}


async def test_who_was_never_heard_has_no_key_and_gets_nothing_that_demands_one(lab: Lab) -> None:
    bot = await lab.bot()
    line = RoomId(await lab.account("new"))
    reader = Reader(AccountId(line), frozenset())
    delivery = await lab.delivery(bot, line, readers=frozenset({reader}))
    assert (await fails(bot.send(delivery), IdentityChanged)).code == "no_identity"
    await bot.send(replace(delivery, readers=frozenset({Reader(AccountId(line))})))


async def test_the_trust_mode_is_neither_asked_nor_shown(lab: Lab) -> None:
    bot = await lab.bot()
    await bot.inspect()
    assert not {o.verb for o in await lab.hand.requests()} & {"trust_mode", "trust_mode_set"}


async def test_the_log_level_stands_behind_a_capital_letter(lab: Lab) -> None:
    for level, fine in (("info", True), ("debug", False)):
        await lab.hand.reset(log_level=level)
        bot = await lab.bot(level)
        found = {check.code: check for check in await bot.inspect()}
        assert found["api log"].ok is fine
        await bot.close()


async def test_an_unknown_device_of_our_own_is_told_once(lab: Lab) -> None:
    bot = await lab.bot(look_every=0.1)
    cursor = await lab.now(bot)
    await until(lambda: asked(lab, "devices"))
    device = await lab.hand.add_device("bot")
    told = await lab.first(bot, cursor, KeyChanged)
    assert (told.account, told.device.device) == (NUMBER, str(device))


async def test_a_bot_that_is_the_only_admin_is_red(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.room(bot, "ann", owners=frozenset({await lab.account("ann")}))
    assert {c.code: c.ok for c in await bot.inspect()}["room admins"]
    await lab.room(bot, "ann")
    assert not {c.code: c.ok for c in await bot.inspect()}["room admins"]


async def test_once_a_day_signal_is_asked_whether_it_knows_us(lab: Lab) -> None:
    bot = await lab.bot(look_every=0.1)
    await until(lambda: asked(lab, "search"))
    await asyncio.sleep(0.5)  # several looks pass
    (one,) = await asked(lab, "search")
    assert one.query == {"numbers": NUMBER}
    assert bot._open.account.known_to_signal


# --- 1.8 errors and hangs ---------------------------------------------------------------------


async def test_an_unknown_account_is_400_here_and_500_there(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.lose_registration()
    assert (await fails(bot.send(delivery), Unavailable)).code == "not_registered"
    assert (await fails(bot.members(room), Unavailable)).code == "not_registered"
    assert (await bot.health()).code == "not_registered"


@pytest.mark.parametrize("done", [True, False])
async def test_a_send_that_is_never_answered_is_uncertain(lab: Lab, done: bool) -> None:
    """An answer that was thrown away, and a daemon that went: the same from here."""
    bot = await lab.bot(patience=2.5)
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.hang(done=done)
    assert (await fails(bot.send(delivery), Uncertain)).code == "no_answer"
    assert len(await lab.ours("ann", room)) == int(done)


async def test_a_sign_of_life_that_is_never_answered_is_down(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.signal.connector._HEALTH", 0.5)
    bot = await lab.bot(look_every=600.0)
    await until(lambda: asked(lab, "search"))  # the first look is over
    await lab.hand.hang("accounts")
    health = await bot.health()
    assert (health.up, health.code) == (False, "no_answer")


@pytest.mark.parametrize("verb", ["group", "identities"])
async def test_a_reading_that_is_never_answered_is_unavailable(lab: Lab, verb: str) -> None:
    bot = await lab.bot(patience=2.5, look_every=600.0)
    room = await lab.room(bot, "ann")
    await asyncio.sleep(0)
    await lab.hand.hang(verb)
    await fails(bot.members(room), Unavailable)


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_fault_of_a_proxy_in_mid_send_is_uncertain(lab: Lab, status: int) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.fault(FaultKind.UNAVAILABLE, verb="send", amount=status)
    await fails(bot.send(delivery), Uncertain)


async def test_a_repetition_says_that_it_may_be_one(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room, "text", author_line="Ann Example")
    await bot.send(delivery)
    await bot.send(replace(delivery, attempt=2))
    first, second = [m.text or "" for m in await lab.ours("ann", room)]
    assert first == "Ann Example\n> text"
    assert second == "Ann Example (may be a repetition)\n> text"


async def test_a_cancelled_send_leaves_the_next_alone(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room, "first")
    await lab.hand.slow()
    task = asyncio.create_task(bot.send(delivery))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    accepted = await bot.send(await lab.delivery(bot, room, "second"))
    (seen,) = [m for m in await lab.ours("ann", room) if m.text == "second"]
    assert accepted.remote_id == f"{NUMBER}/{seen.timestamp}"


async def test_many_sends_at_once_keep_their_answers_apart(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    sent = [await lab.delivery(bot, room, f"text {n}") for n in range(10)]
    accepted = await asyncio.gather(*(bot.send(each) for each in sent))
    shown = {f"{NUMBER}/{m.timestamp}": m.text for m in await lab.ours("ann", room)}
    assert {a.remote_id: d.content.text for d, a in zip(sent, accepted, strict=True)} == shown


def test_no_word_of_the_server_is_json_but_json() -> None:
    """Errors come as JSON under text/plain, and as plain text: the body decides."""
    assert _json(json.dumps({"error": "x"}).encode()) == {"error": "x"}
    assert _json(b"404 page not found") is _NOTHING


async def test_a_private_lines_timer_that_is_refused_says_so(lab: Lab) -> None:
    """Of all calls that set a timer this one is honest: 400."""
    bot = await lab.bot()
    spec = RoomSpec(
        "x", frozenset({await lab.account("ann")}), frozenset(), HOUR, gate=False, direct=True
    )
    await lab.hand.refuse("contact_update", text="Failed to update the contact")
    await fails(bot.create(spec), Rejected)


async def test_members_by_username_go_out_in_no_call(lab: Lab) -> None:
    """The server turns them into signal-cli's form in json-rpc mode alone."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.forget_requests()
    named = AccountId("bob.01")
    spec = RoomSpec("x", frozenset({named}), frozenset(), DAY, gate=False)
    for act in (bot.create(spec), bot.invite(room, named), bot.remove(room, named)):
        assert (await fails(act, Rejected)).code == "account_form"
    made = {"group_create", "members_add", "members_remove"}
    assert not made & {one.verb for one in await lab.hand.requests()}


async def test_profile_and_account_settings_say_2xx_also_on_failure_and_are_never_called(
    lab: Lab,
) -> None:
    """204 that a profile was set, and 201 where 204 is described: both are a person's to do."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await bot.send(await lab.delivery(bot, room))
    await bot.inspect()
    await bot.health()
    routes = {one.route for one in await lab.hand.requests()}
    assert routes
    assert not [route for route in routes if "/profiles/" in route or "/accounts/{" in route]


async def test_an_unknown_path_is_404_in_text_and_is_no_refusal_of_ours(lab: Lab) -> None:
    with pytest.raises(Rejected) as caught:
        await lab.bot(api=f"{lab.server.url}/elsewhere")
    assert caught.value.code == "http_404"


async def test_a_room_that_vanished_is_unreadable_and_gets_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.vanish(room)
    assert (await fails(bot.posture(room), Unreadable)).code == "no_groups_listed"
    await lab.room(bot, "ann")
    assert (await fails(bot.posture(room), NoRoom)).code == "room_unknown"
    await fails(bot.members(room), Unreadable)
    await fails(bot.send(delivery), Unavailable)
    assert await lab.ours("ann", None) == []


async def test_a_ban_and_another_link_have_no_call(lab: Lab) -> None:
    """Who is put out where a link is on is only put out; the link is only switched off."""
    bot, ann = await lab.bot(), await lab.account("ann")
    room = await bot.create(RoomSpec("x", frozenset({ann}), frozenset(), DAY, gate=False))
    eve = await lab.account("eve")
    await lab.hand.enable_link(room, by="bot")
    await lab.hand.follow_link(room, "eve")
    await bot.remove(room, eve)
    await bot.harden(room, RoomSpec("x", frozenset(), frozenset(), DAY, gate=False))
    group = await lab.hand.group(room)
    assert (group.banned, group.link, "eve" in group.members) == ((), "disabled", False)
