"""Each thing that the real server was seen to do with messages."""

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from connectors.port import AccountId, RemoteId, RoomId
from connectors.port.errors import (
    IdentityChanged,
    Rejected,
    Unavailable,
    Uncertain,
)
from connectors.port.events import Forged, KeyChanged
from connectors.port.messages import Content, Reader, RoomSpec
from connectors.signal.ids import internal_id, rest_id
from connectors.signal.standin.control import Upload
from connectors.testing.rig import attachment

from .conftest import DAY, NUMBER, Lab, asked, fails, said, until

# --- 1.1 modes --------------------------------------------------------------------------------


async def test_both_json_rpc_modes_say_json_rpc(lab: Lab) -> None:
    """So that word is what is read, and nothing hangs on which of the two it is."""
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{lab.server.url}/v1/about")).json()["mode"] == "json-rpc"
    bot = await lab.bot()
    assert (await bot.health()).up
    assert (await asked(lab, "about"))[-1].status == 200


async def test_mode_normal_is_refused_with_what_to_set(lab: Lab) -> None:
    await lab.hand.reset(mode="normal")
    error = await fails(lab.bot(), Rejected)
    assert error.code == "mode_unfit"
    assert "MODE=json-rpc" in error.hint
    assert "RECEIVE_WEBHOOK_URL" in error.hint


async def test_health_204_says_nothing_of_signal_cli(lab: Lab) -> None:
    """It goes on answering when signal-cli has lost the account, so it is not asked."""
    bot = await lab.bot()
    await lab.hand.lose_registration()
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{lab.server.url}/v1/health")).status_code == 204
    assert len(await asked(lab, "health")) == 1
    assert await bot._open.backend.alive(2.0)
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


async def test_a_rate_limit_in_normal_mode_is_400_and_its_token_is_dug_out(lab: Lab) -> None:
    """The mode is refused at the start; a server that comes back in it is understood."""
    bot = await lab.bot(look_every=600.0)
    await lab.hand.reset(mode="normal")
    line = RoomId(await lab.account("ann"))
    delivery = await lab.delivery(bot, line, readers=frozenset({Reader(AccountId(line))}))
    await lab.hand.rate_limit("token-1")
    error = await fails(bot.send(delivery), Unavailable)
    assert (error.code, "token-1" in error.hint) == ("rate_limited", True)
    assert [one.status for one in await asked(lab, "send")] == [400]
    assert "token-1" in (await bot.health()).hint


async def test_bad_base64_is_400_that_quotes_its_place_and_we_quote_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.refuse(text="illegal base64 data at input byte 4")
    error = await fails(bot.send(await lab.delivery(bot, room)), Rejected)
    assert (error.code, "base64" in str(error)) == ("http_400", False)
    assert await lab.ours("ann", room) == []


async def test_the_array_has_one_element_however_many_recipients(lab: Lab) -> None:
    """So it is no list of whom was reached: who was not stands in its ``errors`` alone."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann", "bob", "cyd")
    delivery = await lab.delivery(bot, room)
    await lab.hand.fail_recipients(["bob", "cyd"])
    error = await fails(bot.send(delivery), Uncertain)
    assert "2 of 3" in error.hint


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


async def test_the_webhook_is_one_level_deeper_than_the_websocket(lab: Lab) -> None:
    """A frame as the WebSocket gives it is nobody's post: refused, told, and not taken in."""
    bot = await lab.bot()
    cursor = await lab.now(bot)
    envelope: dict[str, object] = {"dataMessage": {"message": "x", "timestamp": 1}}
    frame = {"envelope": envelope, "account": NUMBER}
    assert await lab.post(bot, json.dumps(frame).encode()) == 400
    assert (await lab.first(bot, cursor, Forged)).code == "malformed"
    whole = {"jsonrpc": "2.0", "method": "receive", "params": frame}
    envelope |= {"sourceUuid": await lab.account("ann"), "timestamp": 1}
    assert await lab.post(bot, json.dumps(whole).encode()) == 200
    events, _ = await lab.events(bot, cursor, lambda e: bool(said(e)))
    assert [m.content.text for m in said(events)] == ["x"]


async def test_a_consumer_that_stands_still_holds_no_request_up(lab: Lab) -> None:
    """While the endpoint waits, the server answers nobody: so the endpoint never waits."""
    bot = await lab.bot(patience=40.0)
    room = await lab.room(bot, "ann")
    stream = bot.receive(await lab.now(bot))
    await lab.hand.write("ann", "first", group=room)
    await anext(stream)  # and never asks for more
    for n in range(50):
        await lab.hand.write("ann", f"{n}", group=room)
    async with asyncio.timeout(30):
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


async def test_a_file_that_is_gone_already_is_a_404_and_no_error(lab: Lab) -> None:
    bot = await lab.bot()
    await bot._open.backend.remove_file("gone.bin")
    (one,) = await asked(lab, "attachment_delete")
    assert one.status == 404


async def test_posts_out_of_order_keep_their_names(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.late_webhook()
    first = await lab.hand.write("ann", "first", group=room)
    second = await lab.hand.write("ann", "second", group=room)
    events, _ = await lab.events(bot, cursor, lambda e: len(said(e)) == 2)
    named = [(int(m.remote_id.rpartition("/")[2]), m.content.text) for m in said(events)]
    assert named == [(second, "second"), (first, "first")]


# --- RECIPES: the other program ---------------------------------------------------------------


async def test_the_other_program_is_refused_at_the_start(lab: Lab, stream_lab: Lab) -> None:
    """signal-cli's own daemon has none of the API server's paths, and the other way round."""
    await lab.hand.reset(backend="json-rpc")
    with pytest.raises(Rejected) as caught:
        await lab.bot("one")
    assert caught.value.code == "http_404"
    await lab.hand.reset(backend="rest")
    with pytest.raises(Rejected) as caught:
        await stream_lab.bot("other")
    assert caught.value.code == "http_404"
    await lab.hand.forget_requests()
