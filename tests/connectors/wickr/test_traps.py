"""Each thing that the real program was seen to do with access, messages and files."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.port.connector import Setup
from connectors.port.errors import (
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import KeyChanged, Redacted, SettingsChanged
from connectors.port.messages import Content, RoomSpec
from connectors.testing.rig import attachment
from connectors.wickr.connector import open_connector
from connectors.wickr.standin.control import Upload
from connectors.wickr.standin.faults import FaultKind

from .conftest import DAY, Lab, account, asked, fails, missed, said, texts, until

NEED_USERS = "Need a list of users OR a vGroupID to send a message."
NEED_MESSAGE = "Need a message OR an attachment to send a message."

# --- 2.1 addressing and authentication --------------------------------------------------------


def with_secret(lab: Lab, **secrets: str) -> Setup:
    setup = lab.setup()
    return replace(setup, secrets={**setup.secrets, **secrets})


async def test_the_key_is_in_no_url(lab: Lab) -> None:
    """The program logs all URLs; V1 would put the key into each."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await bot.send(await lab.delivery(bot, room))
    requests = await lab.hand.requests()
    assert {one.addressing for one in requests} == {"v2"}
    assert lab.server.api_key not in repr([(one.path, one.query) for one in requests])


async def test_the_token_stands_alone_in_the_base64(lab: Lab) -> None:
    """In the form ``user:password`` it is refused."""
    token = lab.server.auth_token
    bot = open_connector(with_secret(lab, auth_token=f"bot:{token}"))
    assert (await fails(bot.open(), Unavailable)).code == "credential_refused"
    await lab.hand.forget_requests()
    again = await lab.bot()
    await lab.room(again, "ann")
    assert {one.status for one in await lab.hand.requests()} == {200}


@pytest.mark.parametrize("which", ["auth_token", "api_key"])
async def test_a_wrong_token_or_key_is_401_and_says_what_to_mend(lab: Lab, which: str) -> None:
    bot = open_connector(with_secret(lab, **{which: "quite-another"}))
    error = await fails(bot.open(), Unavailable)
    assert error.code == "credential_refused"
    assert "quite-another" not in repr(error)


async def test_what_answers_404_is_no_web_interface(lab: Lab) -> None:
    """A wrong key in a V1 path is 404 as well: an address is never taken for a refusal."""
    setup = lab.setup(api=lab.server.control)
    error = await fails(open_connector(setup).open(), Unavailable)
    assert error.code == "endpoint_missing"


# --- 2.4 time to live -------------------------------------------------------------------------


async def test_a_ttl_of_0_is_never_sent_because_it_is_none_given(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", timer=None)
    line = await bot.create(
        RoomSpec("x", frozenset({account("ann")}), frozenset(), None, gate=False, direct=True)
    )
    for place in (room, line):
        await bot.send(await lab.delivery(bot, place))
    bodies = [one.body for one in await asked(lab, "send")]
    bodies += [one.body["room"] for one in await asked(lab, "room_create")]
    assert not [body for body in bodies if "ttl" in body or "bor" in body]


async def test_a_private_lines_ttl_goes_with_each_message_in_seconds(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.person("ann")
    people = frozenset({account("ann")})
    line = await bot.create(RoomSpec("x", people, frozenset(), DAY, gate=False, direct=True))
    await bot.send(await lab.delivery(bot, line))
    (seen,) = await lab.ours("ann")
    assert (seen.ttl, seen.room) == (86_400, None)
    assert [type(one.body["ttl"]) for one in await asked(lab, "send")] == [int]


async def test_a_private_lines_burn_on_read_goes_with_each_message_and_file(lab: Lab) -> None:
    bot = await lab.bot(burn_on_read=60)
    await lab.hand.person("ann")
    people = frozenset({account("ann")})
    line = await bot.create(RoomSpec("x", people, frozenset(), DAY, gate=False, direct=True))
    room = await lab.room(bot, "ann")
    content = Content("see", None, (attachment("a.pdf", b"bytes"),))
    await bot.send(await lab.delivery(bot, line, content=content))
    await bot.send(await lab.delivery(bot, room))
    seen = [(m.room is None, m.ttl, m.bor) for m in await lab.ours("ann")]
    assert seen == [(True, 86_400, 60), (True, 86_400, 60), (False, 86_400, 60)]
    sent = [one.body for one in await asked(lab, "send")]
    assert ["bor" in body for body in sent] == [True, False]  # a room has its own


# --- 2.5 what lies: sending -------------------------------------------------------------------


@pytest.mark.parametrize("text", [NEED_USERS, NEED_MESSAGE])
async def test_need_a_list_of_users_or_need_a_message_with_200_is_no_success(
    lab: Lab, text: str
) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.answer_nothing(text=text)
    error = await fails(bot.send(delivery), Rejected)
    assert (error.code, error.retry) == ("nothing_done", False)
    assert await lab.ours("ann") == []


@pytest.mark.parametrize("text", ["ok", "{}", "Message queued somewhere"])
async def test_a_200_in_words_that_nobody_knows_leaves_it_open(lab: Lab, text: str) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.answer_nothing(text=text)
    assert (await fails(bot.send(delivery), Uncertain)).code == "answer_malformed"


async def test_a_text_that_the_program_would_take_for_an_empty_body_is_refused_here(
    lab: Lab,
) -> None:
    """Above 100 KiB of JSON it answers 200 and ``Need a list …``; half of it are escapes."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    for text in ("\x01" * 30_000, "x" * 33_000, "\n" * 32_000):
        delivery = await lab.delivery(bot, room, text, author_line="Ann Example")
        assert (await fails(bot.send(delivery), Rejected)).code == "too_large"
    assert await asked(lab, "send") == []
    longest = await lab.delivery(bot, room, "x" * 32_000, author_line="Ann Example")
    await bot.send(longest)
    assert len(await lab.ours("ann", room)) == 1


async def test_users_or_a_vgroupid_and_never_both(lab: Lab) -> None:
    """With both the program ignores the vGroupID, so a room's message would go to one person."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    people = frozenset({account("ann")})
    line = await bot.create(RoomSpec("x", people, frozenset(), None, gate=False, direct=True))
    for place in (room, line):
        await bot.send(await lab.delivery(bot, place))
    named = [set(one.body) & {"users", "vgroupid"} for one in await asked(lab, "send")]
    assert named == [{"vgroupid"}, {"users"}]
    assert [m.room for m in await lab.ours("ann")] == [room, None]


async def test_users_are_objects_in_messages_and_texts_in_files(lab: Lab) -> None:
    """The other way round the client gets a null user, and it is 200."""
    bot = await lab.bot()
    await lab.hand.person("ann")
    people = frozenset({account("ann")})
    line = await bot.create(RoomSpec("x", people, frozenset(), None, gate=False, direct=True))
    content = Content("see", None, (attachment("a.pdf", b"bytes"),))
    await bot.send(await lab.delivery(bot, line, content=content))
    (one,), (file,) = await asked(lab, "send"), await asked(lab, "file")
    assert one.body["users"] == [{"name": account("ann")}]
    assert file.body["users"] == f'["{account("ann")}"]'
    assert [(m.text, m.file is not None) for m in await lab.ours("ann")] == [
        ("see", False),
        (None, True),
    ]


@pytest.mark.parametrize("done", [True, False])
async def test_a_call_that_is_never_answered_ends_and_is_uncertain(lab: Lab, *, done: bool) -> None:
    """As one whose users are no list: the connection hangs for ever."""
    bot = await lab.bot(patience=2.5)
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.hang(done=done)
    began = time.monotonic()
    assert (await fails(bot.send(delivery), Uncertain)).code == "no_answer"
    assert time.monotonic() - began < 30
    assert len(await lab.ours("ann")) == int(done)


async def test_a_400_says_no_reason_and_nothing_of_it_is_quoted(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.refuse()
    error = await fails(bot.send(delivery), Rejected)
    assert error.code == "client_refused"
    assert "Failed" not in str(error)
    assert await lab.ours("ann") == []


@pytest.mark.parametrize(("status", "kind"), [(429, Unavailable), (503, Unavailable)])
async def test_a_proxy_that_asks_to_wait_is_waited_for(
    lab: Lab, status: int, kind: type[Unavailable]
) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.unavailable(status=status, retry_after=7)
    assert (await fails(bot.send(delivery), kind)).retry_after == 7_000_000
    await bot.send(delivery)


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_another_5xx_leaves_open_what_came_of_a_message(lab: Lab, status: int) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    await lab.hand.garbage(status=status)
    await fails(bot.send(delivery), Uncertain)
    assert len(await lab.ours("ann")) == 1


async def test_a_person_who_is_not_there_is_a_refusal(lab: Lab) -> None:
    bot = await lab.bot()
    people = frozenset({account("nobody")})
    line = await bot.create(RoomSpec("x", people, frozenset(), None, gate=False, direct=True))
    await fails(bot.send(await lab.delivery(bot, line)), Rejected)


# --- 2.5 what lies: statistics ----------------------------------------------------------------


async def test_statistics_that_are_never_answered_count_as_down(lab: Lab) -> None:
    bot = await lab.bot(patience=2.5)
    assert (await bot.health()).up
    await lab.hand.fault(FaultKind.HANG, verb="statistics", times=None)
    began = time.monotonic()
    health = await bot.health()
    assert (health.up, health.code == "") == (False, False)
    assert time.monotonic() - began < 30
    await lab.hand.clear_faults()
    assert (await bot.health()).up


async def test_statistics_that_are_never_answered_do_not_hold_the_watching_up(lab: Lab) -> None:
    """They are read each second for what the client counts as failed; silence concludes nothing."""
    await lab.hand.fault(FaultKind.HANG, verb="statistics", times=None)
    bot = await lab.bot()
    cursor = await lab.now(bot)
    await asyncio.sleep(3.5)
    assert len(await asked(lab, "callback")) >= 3
    await lab.hand.person("ann")
    await lab.hand.fail_callback()
    lost = await lab.hand.write("ann", "lost")
    written = await lab.hand.write("ann", "heard")
    events, _ = await lab.events(bot, cursor, lambda e: written in {m.remote_id for m in said(e)})
    assert lost not in {m.remote_id for m in said(events)}
    assert missed(events) == []


@pytest.mark.parametrize("fault", [FaultKind.GARBAGE, FaultKind.NOTHING, FaultKind.REFUSE])
async def test_statistics_that_make_no_sense_count_as_down(lab: Lab, fault: FaultKind) -> None:
    bot = await lab.bot()
    await lab.hand.fault(fault, verb="statistics", times=None)
    assert not (await bot.health()).up


# --- 2.5 what lies: receiving -----------------------------------------------------------------


async def test_what_get_messages_hands_out_is_stored_before_anything_else(lab: Lab) -> None:
    """It is gone from the client; who never took it over is offered it again after a restart."""
    bot = await lab.bot(receive="poll", poll_every=0.1)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    written = [await lab.hand.write("ann", f"{n}", room=room) for n in range(120)]
    await until(lambda: empty(lab))
    await bot.close()
    again = await lab.bot(receive="poll", poll_every=0.1)
    heard = await lab.heard(again, cursor, *written)
    assert [m.remote_id for m in heard] == written
    assert [m.content.text for m in heard] == [f"{n}" for n in range(120)]


async def empty(lab: Lab) -> bool:
    return await lab.hand.waiting() == (0, 0)


async def test_start_is_never_asked_for_because_it_is_ignored(lab: Lab) -> None:
    bot = await lab.bot(receive="poll", poll_every=0.1)
    cursor = await lab.now(bot)
    await lab.hand.person("ann")
    await lab.heard(bot, cursor, await lab.hand.write("ann", "x"))
    assert {frozenset(one.query) for one in await asked(lab, "receive")} == {frozenset({"count"})}


@pytest.mark.parametrize("ends", ["hang", "error"])
async def test_a_message_that_cannot_be_parsed_loses_its_batch_and_that_is_a_window(
    lab: Lab, attachments: Path, ends: str
) -> None:
    await lab.hand.reset(folder=str(attachments), garbled=ends)
    bot = await lab.bot(receive="poll", poll_every=0.1, patience=2.5)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.lose_interface()  # so that all of it is one batch
    for text in ("lost", "lost too"):
        await lab.hand.write("ann", text, room=room)
    await lab.hand.garbled("ann", room=room)
    kept = await lab.hand.write("ann", "kept", room=room)
    await lab.hand.find_interface()
    events, _ = await lab.events(
        bot, cursor, lambda e: kept in {m.remote_id for m in said(e)} and bool(missed(e))
    )
    assert texts(events) == ["kept"]
    losses = await lab.hand.losses()
    assert len(losses) == 3
    for loss in losses:
        assert any(w.since <= loss.received <= w.until for w in missed(events))
    assert {w.code for w in missed(events)} == {"batch_lost"}


async def test_nobody_else_takes_the_queue_without_our_seeing_that_something_may_be_gone(
    lab: Lab,
) -> None:
    """A second consumer cannot be seen; a callback of somebody else's can."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    ours = await lab.hand.callback()
    await lab.hand.callback("http://127.0.0.1:9/elsewhere")
    await lab.hand.write("ann", "lost", room=room)
    await lab.hand.settle()
    events, _ = await lab.events(bot, cursor, lambda e: bool(missed(e)))
    (lost,) = await lab.hand.losses()
    assert {w.code for w in missed(events)} == {"callback_changed"}
    assert any(w.since <= lost.at <= w.until for w in missed(events))
    assert await lab.hand.callback() == ours


async def test_a_callback_that_was_said_to_be_set_and_was_not_is_polled_for(lab: Lab) -> None:
    await lab.hand.fault(FaultKind.LIE, verb="callback_set", times=None)
    bot = await lab.bot(poll_every=0.1)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    written = await lab.hand.write("ann", "hello", room=room)
    (heard,) = await lab.heard(bot, cursor, written)
    assert heard.content.text == "hello"
    checks = {check.code: check for check in await bot.inspect()}
    assert not checks["bot callback"].ok


@pytest.mark.parametrize("receive", ["callback", "poll"])
async def test_what_comes_twice_or_in_another_order_keeps_its_name(lab: Lab, receive: str) -> None:
    bot = await lab.bot(receive=receive, poll_every=0.1)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    await lab.hand.duplicate()
    twice = await lab.hand.write("ann", "twice", room=room)
    await lab.hand.swap()
    second = await lab.hand.write("ann", "second", room=room)
    first = await lab.hand.write("ann", "first", room=room)
    events, _ = await lab.events(bot, cursor, lambda e: second in {m.remote_id for m in said(e)})
    named = {(m.remote_id, m.content.text) for m in said(events)}
    assert named == {(twice, "twice"), (first, "first"), (second, "second")}
    at: dict[str, int] = {m.remote_id: m.sent_at for m in said(events)}
    assert at[twice] < at[second] < at[first]


# --- 2.3 what comes ---------------------------------------------------------------------------


async def test_the_ttl_of_a_received_message_is_a_date_and_is_not_taken_for_seconds(
    lab: Lab,
) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    written = await lab.hand.write("ann", "hello", room=room, ttl=60, bor=5)
    (heard,) = await lab.heard(bot, cursor, written)
    (there,) = [m for m in await lab.hand.arrived("ann", room) if m.id == written]
    assert abs(heard.sent_at - there.at) < 5_000_000
    assert (heard.content.text, heard.unreadable) == ("hello", None)


async def test_an_older_client_posts_latin_1_and_is_read_as_far_as_that_goes(lab: Lab) -> None:
    await lab.hand.reset(folder=str(lab.attachments), encoding="latin-1")
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    written = await lab.hand.write("ann", "Grüße 你好", room=room)
    (heard,) = await lab.heard(bot, cursor, written)
    assert heard.content.text == "Grüße ??"


@pytest.mark.parametrize(
    ("msgtype", "told"), [(7000, None), (8000, "place"), (9000, "edit"), (4242, "unknown_kind")]
)
async def test_types_that_carry_no_text_are_told_as_what_they_are_or_not_at_all(
    lab: Lab, msgtype: int, told: str | None
) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    odd = await lab.hand.odd("ann", room=room, msgtype=msgtype)
    after = await lab.hand.write("ann", "after", room=room)
    events, _ = await lab.events(bot, cursor, lambda e: after in {m.remote_id for m in said(e)})
    found = [m.unreadable for m in said(events) if m.remote_id == odd]
    assert found == ([] if told is None else [told])


async def test_a_reinstalled_app_is_a_hint_and_stops_nothing_because_no_key_is_shown(
    lab: Lab,
) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    cursor = await lab.now(bot)
    await lab.hand.reinstall("ann")
    told = await lab.first(bot, cursor, KeyChanged)
    assert told.account == account("ann")
    await bot.send(delivery)
    assert {m.devices for m in (await bot.members(room)).members} == {None}


async def test_a_recall_names_its_message_in_either_of_two_fields(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    slip = await lab.hand.write("ann", "slip", room=room)
    await lab.hand.recall("ann", slip, room=room)
    assert (await lab.first(bot, cursor, Redacted)).target == slip
    control = {"msgid": slip, "isrecall": True, "msgtype": 4011}
    cursor = await lab.now(bot)
    await lab.hand.odd("ann", room=room, msgtype=4011, fields={"control": control})
    assert (await lab.first(bot, cursor, Redacted)).target == slip


async def test_a_room_that_vanishes_is_told_and_then_unreadable(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    cursor = await lab.now(bot)
    await lab.hand.vanish(room)
    assert (await lab.first(bot, cursor, SettingsChanged)).room == room
    await fails(bot.members(room), Unreadable)
    await fails(bot.posture(room), Unreadable)
    await fails(bot.send(delivery), Unavailable)
    assert await asked(lab, "send") == []


async def test_a_room_that_vanishes_without_a_word_is_unreadable_all_the_same(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.vanish(room, tell=False)
    await fails(bot.members(room), Unreadable)


async def test_a_member_whom_no_listing_shows_cannot_be_known(lab: Lab) -> None:
    """What docs/channels/wickr.md says under what cannot be known: the list is Wickr's word."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    await lab.hand.person("cyd")
    await lab.hand.add_member(room, "cyd", hidden=True)
    members = {m.account for m in (await bot.members(room)).members}
    assert account("cyd") not in members
    await bot.send(await lab.delivery(bot, room))
    assert len(await lab.ours("cyd", room)) == 1


# --- 2.5 what lies: files ---------------------------------------------------------------------


async def test_two_files_of_one_name_at_once_do_not_take_each_others_place(lab: Lab) -> None:
    """On the bot's host a second upload of a name replaces the first while that is being sent."""
    bot = await lab.bot()
    rooms = [await lab.room(bot, "ann"), await lab.room(bot, "bob")]
    deliveries = [
        await lab.delivery(
            bot, room, content=Content("", None, (attachment("Offer.pdf", room.encode()),))
        )
        for room in rooms
    ]
    await lab.hand.slow_upload(400_000)
    await asyncio.gather(*(bot.send(each) for each in deliveries))
    for name, room in zip(("ann", "bob"), rooms, strict=True):
        files = [m.file for m in await lab.ours(name, room) if m.file is not None]
        assert [await lab.hand.download(each.sha256) for each in files] == [room.encode()]
    names = [one.file[0] for one in await asked(lab, "file") if one.file is not None]
    assert len(set(names)) == 2


async def test_a_received_file_stays_on_the_host_until_it_was_stored_and_goes_then(
    lab: Lab, attachments: Path
) -> None:
    bot = await lab.bot(look_every=0.1)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    written = await lab.hand.write("ann", room=room, file=Upload("a.bin", b"abc"))
    events, after = await lab.events(
        bot, cursor, lambda e: written in {m.remote_id for m in said(e)}
    )
    await asyncio.sleep(0.4)  # several looks pass
    (file,) = said(events)[0].content.attachments
    assert b"".join([piece async for piece in file.open()]) == b"abc"
    task = asyncio.ensure_future(anext(bot.receive(after)))
    await until(lambda: nothing_in(attachments))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def nothing_in(folder: Path) -> bool:
    return await asyncio.to_thread(lambda: not list(folder.iterdir()))


async def test_a_file_without_the_folder_cannot_be_read_and_says_so(lab: Lab) -> None:
    """No call of the interface fetches it."""
    bot = await lab.bot(attachments=None)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    written = await lab.hand.write("ann", room=room, file=Upload("a.bin", b"abc"))
    (heard,) = await lab.heard(bot, cursor, written)
    assert (heard.unreadable, heard.content.attachments) == ("file_out_of_reach", ())
    checks = {check.code: check for check in await bot.inspect()}
    assert not checks["files received"].ok
