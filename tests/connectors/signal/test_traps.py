"""Each thing that the real server was seen to do, and that a connector goes wrong on."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.port import AccountId, Evidence, Guarantee, RemoteId, RoomId
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import Event, KeyChanged
from connectors.port.messages import Content, Device, Reader, RoomSpec
from connectors.signal.client import _NOTHING, _json
from connectors.signal.ids import internal_id, rest_id
from connectors.signal.standin.control import Upload
from connectors.signal.standin.faults import FaultKind
from connectors.testing.rig import attachment

from .conftest import DAY, NUMBER, Lab, said, until

HOUR = DAY // 24


async def asked(lab: Lab, verb: str) -> list[Any]:
    return [one for one in await lab.hand.requests() if one.verb == verb]


def texts(events: list[Event]) -> set[str]:
    return {message.content.text for message in said(events)}


async def fails(act: Any, kind: type[ConnectorError]) -> ConnectorError:
    with pytest.raises(kind) as caught:
        await act
    return caught.value


# --- 1.1 modes --------------------------------------------------------------------------------


async def test_both_json_rpc_modes_say_json_rpc(lab: Lab) -> None:
    await lab.bot()
    assert (await asked(lab, "about"))[0].status == 200


async def test_mode_normal_is_refused_with_what_to_set(lab: Lab) -> None:
    await lab.hand.reset(mode="normal")
    error = await fails(lab.bot(), Rejected)
    assert error.code == "mode_unfit"
    assert "MODE=json-rpc" in error.hint
    assert "RECEIVE_WEBHOOK_URL" in error.hint


async def test_health_204_says_nothing_of_signal_cli(lab: Lab) -> None:
    """The health call goes on answering when signal-cli has lost the account."""
    bot = await lab.bot()
    await lab.hand.lose_registration()
    assert await bot._open.client.alive(2.0)
    health = await bot.health()
    assert (health.up, health.code) == (False, "not_registered")


# --- 1.2 identifiers --------------------------------------------------------------------------


def test_the_example_of_a_group_id_in_both_forms() -> None:
    internal = "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc="
    rest = RoomId("group.eU1uS3k4ek56cy9RMGRMVDFOWFcxOWpaMnR2YzNkN2Y0T0hpNCtUbDV1Yz0=")
    assert rest_id(internal) == rest
    assert internal_id(rest) == internal


async def test_an_internal_id_never_becomes_a_recipient(lab: Lab) -> None:
    """The server would take it for a username, without a word."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    internal = internal_id(room)
    assert internal is not None
    await fails(bot.send(replace(delivery, room=RoomId(internal))), Rejected)
    await lab.hand.write("ann", "heard", group=room)
    events, _ = await lab.events(
        bot, "x.0", lambda e: any(m.content.text == "heard" for m in said(e))
    )
    assert {m.room for m in said(events)} == {room}
    await bot.send(delivery)
    assert [one.body["recipients"] for one in await asked(lab, "send")] == [[room]]


async def test_who_hides_his_number_is_named_by_his_uuid(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.person("shy", hides_number=True)
    room = await lab.room(bot, "shy", "ann")
    accounts = {m.account for m in (await bot.members(room)).members}
    assert accounts == {NUMBER, await lab.account("shy"), await lab.account("ann")}


async def test_people_by_number_are_refused_before_a_room_is_made(lab: Lab) -> None:
    bot = await lab.bot()
    number = AccountId((await lab.hand.person("ann")).number)
    spec = RoomSpec("x", frozenset({number}), frozenset(), DAY, gate=False)
    assert (await fails(bot.create(spec), Rejected)).code == "account_form"
    assert await asked(lab, "group_create") == []


# --- 1.3 send ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.100", "0.101"])
async def test_a_send_is_answered_by_an_object_or_by_an_array(lab: Lab, version: str) -> None:
    await lab.hand.reset(version=version)
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    accepted = await bot.send(await lab.delivery(bot, room))
    (seen,) = await lab.ours("ann", room)
    assert accepted.remote_id == f"{NUMBER}/{seen.timestamp}"


@pytest.mark.parametrize(
    "reason",
    ["NETWORK_FAILURE", "UNREGISTERED_FAILURE", "IDENTITY_FAILURE", "RATE_LIMIT_FAILURE"],
)
async def test_some_recipients_failed_and_the_answer_is_201(lab: Lab, reason: str) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob")
    delivery = await lab.delivery(bot, room)
    await lab.hand.fail_recipients(["bob"], reason=reason)
    error = await fails(bot.send(delivery), Uncertain)
    assert error.code == f"partial_{reason.lower()}"
    assert "1 of 2" in error.hint
    assert len(await lab.ours("ann", room)) == 1
    assert await lab.ours("bob", room) == []


async def test_until_0_100_nothing_says_that_some_failed_and_doctor_says_so(lab: Lab) -> None:
    await lab.hand.reset(version="0.100")
    bot = await lab.bot(least_version="0.101")
    room = await lab.room(bot, "ann", "bob")
    delivery = await lab.delivery(bot, room)
    await lab.hand.fail_recipients(["bob"])
    await bot.send(delivery)  # it cannot be known
    found = {check.code: check for check in await bot.inspect()}
    assert not found["api version"].ok
    assert "does not say whom" in found["api version"].hint


@pytest.mark.parametrize("version", ["0.100", "0.101"])
async def test_all_failed_because_of_untrusted_keys(lab: Lab, version: str) -> None:
    """The key changed and the server learns it by our very send: both wordings of the 400."""
    await lab.hand.reset(version=version)
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.reinstall("ann", tell=False)
    error = await fails(bot.send(delivery), IdentityChanged)
    assert error.code == "identity_untrusted"
    assert await lab.ours("ann", room) == []


async def test_a_key_that_only_the_send_shows_is_told(lab: Lab) -> None:
    bot = await lab.bot(look_every=600.0)
    room = await lab.room(bot, "ann", "bob")
    delivery = await lab.delivery(bot, room)
    cursor = await lab.now(bot)
    await lab.hand.reinstall("bob", tell=False)
    assert (await fails(bot.send(delivery), Uncertain)).code == "partial_identity_failure"
    told = await lab.first(bot, cursor, KeyChanged)
    assert told.account == await lab.account("bob")
    await fails(bot.send(await lab.delivery(bot, room)), IdentityChanged)


async def test_a_rate_limit_surfaces_its_challenge_token(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.rate_limit("token-1")
    error = await fails(bot.send(await lab.delivery(bot, room)), Unavailable)
    assert (error.code, "token-1" in error.hint) == ("rate_limited", True)
    health = await bot.health()
    assert (health.up, health.code, "token-1" in health.hint) == (True, "rate_limited", True)
    await bot.send(await lab.delivery(bot, room))
    assert (await bot.health()).code == "ok"


async def test_a_400_without_a_known_phrase_is_a_refusal_that_quotes_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.refuse(text="something of the message")
    error = await fails(bot.send(await lab.delivery(bot, room)), Rejected)
    assert "something" not in str(error)


async def test_nobody_reached_is_for_now(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.fail_recipients(["ann"])
    assert (await fails(bot.send(delivery), Unavailable)).code == "nobody_reached"
    assert await lab.ours("ann", room) == []


async def test_marks_in_a_text_mean_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    text = "*price* **of** ~nothing~ ||hidden|| `code` \\\\*"
    await bot.send(await lab.delivery(bot, room, text))
    (seen,) = await lab.ours("ann", room)
    assert (seen.text, seen.styles) == (text, ())
    assert {one.body["text_mode"] for one in await asked(lab, "send")} == {"normal"}


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8191, 8192, 8193, 24_577])
async def test_base64_is_whole_whatever_the_pieces_are(lab: Lab, size: int) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    data = bytes(n % 251 for n in range(size))
    files = (attachment("one; filename=two,3.bin", data), attachment("b.bin", data[::-1]))
    await bot.send(await lab.delivery(bot, room, content=Content("see", None, files)))
    (seen,) = await lab.ours("ann", room)
    got = [await lab.hand.download(file.sha256) for file in seen.files]
    assert got == [data, data[::-1]]
    assert seen.files[0].name == "one_ filename=two_3.bin"


async def test_a_file_name_is_no_path(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    file = attachment("../../etc/passwd", b"x")
    await bot.send(await lab.delivery(bot, room, content=Content("see", None, (file,))))
    ((seen,),) = [m.files for m in await lab.ours("ann", room)]
    assert seen.name is not None
    assert not set(seen.name) & set("/\\")


async def test_the_timestamp_goes_back_as_a_number(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    accepted = await bot.send(await lab.delivery(bot, room))
    await bot.undo(room, accepted.remote_id)
    (one,) = await asked(lab, "remote_delete")
    assert type(one.body["timestamp"]) is int
    assert await lab.ours("ann", room) == []


async def test_a_remote_delete_proves_nothing_until_clients_acknowledge_it(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.person("ann", receipts=False)
    room = await lab.room(bot, "ann")
    accepted = await bot.send(await lab.delivery(bot, room))
    await bot.undo(room, accepted.remote_id)
    assert not await bot.is_gone(room, accepted.remote_id)
    await bot.undo(room, accepted.remote_id)  # it is not asked for twice a minute
    assert len(await asked(lab, "remote_delete")) == 1
    rows = bot._open.ledger._db.execute("SELECT asked FROM removal").fetchall()
    await lab.hand.read("ann", [stamp for (stamp,) in rows], kind="delivery")
    await lab.hand.settle()
    assert await bot.is_gone(room, accepted.remote_id)


async def test_an_edit_replaces_the_text_of_the_message_that_it_names(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    first = await bot.send(await lab.delivery(bot, room, "first", author_line="Ann Example"))
    for text in ("second", "third"):
        again = await lab.delivery(bot, room, text, author_line="Ann Example")
        accepted = await bot.edit(room, first.remote_id, again)
        assert accepted.remote_id != first.remote_id
    (seen,) = await lab.ours("ann", room)
    assert (seen.text, len(seen.edits)) == ("Ann Example\n> third", 2)
    stamps = [one.body.get("edit_timestamp") for one in await asked(lab, "send")]
    assert stamps == [None, seen.timestamp, seen.timestamp]


async def test_an_edit_of_what_is_not_ours_or_with_files_is_refused(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    stamp = await lab.hand.write("ann", "hers", group=room)
    hers = RemoteId(f"{await lab.account('ann')}/{stamp}")
    delivery = await lab.delivery(bot, room)
    await fails(bot.edit(room, hers, delivery), Rejected)
    ours = await bot.send(delivery)
    filed = replace(delivery, content=Content("x", None, (attachment("a", b"x"),)))
    await fails(bot.edit(room, ours.remote_id, filed), Rejected)
    await fails(bot.edit(RoomId("other"), ours.remote_id, delivery), Rejected)
    assert len(await asked(lab, "send")) == 1


async def test_only_our_own_messages_are_taken_back(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    stamp = await lab.hand.write("ann", "hers", group=room)
    hers = RemoteId(f"{await lab.account('ann')}/{stamp}")
    await fails(bot.undo(room, hers), Rejected)
    assert await asked(lab, "remote_delete") == []


async def test_receipts_and_typing_are_off(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.typing("ann", group=room)
    await lab.hand.write("ann", "x", group=room)
    await lab.events(bot, cursor, lambda e: bool(said(e)))
    await bot.send(await lab.delivery(bot, room))
    verbs = {one.verb for one in await lab.hand.requests()}
    assert not verbs & {"receipt", "typing_start", "typing_stop", "reaction_add"}
    assert not [n for n in await lab.hand.noticed("ann") if n[0] in {"read", "typing_start"}]


# --- 1.4 receive ------------------------------------------------------------------------------


async def test_neither_polling_nor_the_websocket_is_used(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    stamps = [await lab.hand.write("ann", f"{n}", group=room) for n in range(100)]
    events, _ = await lab.events(bot, cursor, lambda e: len(said(e)) >= 100)
    assert [int(m.remote_id.rpartition("/")[2]) for m in said(events)] == stamps
    assert await asked(lab, "receive") == []
    assert await lab.hand.losses() == ()


async def test_a_consumer_that_stands_still_holds_no_request_up(lab: Lab) -> None:
    """While the endpoint waits, the server answers nobody: so the endpoint never waits."""
    bot = await lab.bot(patience=5.0)
    room = await lab.room(bot, "ann")
    stream = bot.receive(await lab.now(bot))
    await lab.hand.write("ann", "first", group=room)
    await anext(stream)  # and never asks for more
    for n in range(50):
        await lab.hand.write("ann", f"{n}", group=room)
    async with asyncio.timeout(3):
        await bot.send(await lab.delivery(bot, room))
        await lab.hand.settle()
    assert await lab.hand.losses() == ()
    await stream.aclose()


async def test_an_exception_beside_the_envelope_is_a_message_that_cannot_be_read(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.reinstall("ann")
    events, _ = await lab.events(bot, cursor, lambda e: bool(said(e)))
    (heard,) = said(events)
    assert (heard.unreadable, heard.content.text) == ("untrusted_identity", "")
    assert heard.sender == await lab.account("ann")
    told = await lab.first(bot, cursor, KeyChanged)
    assert told.account == heard.sender
    assert room


async def test_a_file_stays_until_it_was_stored_and_goes_then(lab: Lab) -> None:
    bot = await lab.bot(look_every=0.1)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.write("ann", "see", group=room, files=[Upload("a.bin", b"abc")])
    events, after = await lab.events(bot, cursor, lambda e: bool(said(e)))
    await asyncio.sleep(0.4)  # several looks pass
    file = said(events)[0].content.attachments[0]
    assert b"".join([piece async for piece in file.open()]) == b"abc"
    assert await asked(lab, "attachment_delete") == []
    task = asyncio.ensure_future(anext(bot.receive(after)))
    await until(lambda: asked(lab, "attachment_delete"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(Rejected):
        [piece async for piece in file.open()]


async def test_what_our_account_wrote_on_another_device_is_told_as_ours(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.own("from the phone", group=room)
    events, _ = await lab.events(bot, cursor, lambda e: bool(said(e)))
    (heard,) = said(events)
    assert (heard.sender, heard.room, heard.delivery_key) == (NUMBER, room, None)


# --- 1.5 groups -------------------------------------------------------------------------------


async def test_an_unknown_group_is_200_and_null(lab: Lab) -> None:
    bot = await lab.bot()
    nowhere = rest_id("yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc=")
    assert nowhere is not None
    for act in (bot.posture(nowhere), bot.members(nowhere)):
        assert (await fails(act, Unreadable)).code == "unknown_room"


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
    await bot._open.account.change("PUT", room, "", {"group_link": "disabled"})
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
    bot = await lab.bot(patience=1.0)
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
    bot = await lab.bot(patience=1.0, look_every=600.0)
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
