"""What signal-cli's own daemon shows and does, each under a name; see docs/channels/signal.md."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.port import AccountId, Evidence, Guarantee, RoomId
from connectors.port.capabilities import Posture
from connectors.port.errors import (
    IdentityChanged,
    NoRoom,
    ReadersChanged,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import KeyChanged, Missed
from connectors.port.messages import Content, RoomSpec
from connectors.signal.connector import SignalConnector, open_connector
from connectors.signal.standin.control import Upload
from connectors.signal.standin.faults import FaultKind
from connectors.testing.rig import attachment

from .conftest import DAY, NUMBER, SECOND, Lab, fails, relay, said, texts, until

HOUR = DAY // 24
CANARY = "canary-4f1d77a0"


def timer_of(posture: Posture) -> tuple[int | None, Evidence | None]:
    found = [h for h in posture.holdings if h.guarantee is Guarantee.TIMER]
    return (found[0].value, found[0].evidence) if found else (None, None)


def plain(people: frozenset[AccountId], timer: int | None = HOUR, **more: Any) -> RoomSpec:
    return RoomSpec("x", people, frozenset(), timer, **({"gate": False} | more))


async def called(lab: Lab, method: str) -> list[dict[str, Any]]:
    return [one.body["params"] for one in await lab.hand.requests() if one.method == method]


# --- timers -----------------------------------------------------------------------------------


async def test_a_timer_is_read_back_before_anybody_wrote(stream_lab: Lab) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    room = await bot.create(plain(frozenset({ann})))
    assert timer_of(await bot.posture(room)) == (HOUR, Evidence.VERIFIED)
    await stream_lab.hand.set_timer("ann", 7)
    await stream_lab.hand.grant_admin(room, "ann")
    await stream_lab.hand.set_timer("ann", 0, group=room)
    assert timer_of(await bot.posture(room)) == (None, None)


async def test_a_timer_is_switched_off(stream_lab: Lab) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    room = await bot.create(plain(frozenset({ann})))
    await bot.harden(room, plain(frozenset({ann}), None))
    assert timer_of(await bot.posture(room)) == (None, None)
    assert (await stream_lab.hand.group(room)).timer == 0


async def test_a_timer_that_was_not_set_is_seen_at_once_and_asked_for_again(
    stream_lab: Lab,
) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    await stream_lab.hand.ignore_timer()
    room = await bot.create(plain(frozenset({ann})))
    assert timer_of(await bot.posture(room)) == (HOUR, Evidence.VERIFIED)


async def test_a_private_lines_timer_is_read_back(stream_lab: Lab) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    room = await bot.create(plain(frozenset({ann}), HOUR, direct=True))
    assert timer_of(await bot.posture(room)) == (HOUR, Evidence.VERIFIED)
    await stream_lab.hand.set_timer("ann", 0)
    await stream_lab.hand.settle()
    assert timer_of(await bot.posture(room)) == (None, None)
    await stream_lab.hand.set_timer("ann", 60)
    await stream_lab.hand.settle()
    await bot.harden(room, plain(frozenset({ann}), None, direct=True))
    assert timer_of(await bot.posture(room)) == (None, None)


# --- permissions, links, bans -----------------------------------------------------------------


async def test_who_may_edit_is_truly_read_and_put_back(stream_lab: Lab) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    room = await bot.create(plain(frozenset({ann})))
    await stream_lab.hand.change(room, by="bot", edit_group="every-member")
    assert (await bot._open.account.group(room)).edits == "every-member"
    await bot.harden(room, plain(frozenset({ann})))
    assert (await stream_lab.hand.group(room)).edit_group == "only-admins"


async def test_a_link_that_leaked_leads_nowhere_also_when_it_is_switched_on_again(
    stream_lab: Lab,
) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    room = await bot.create(plain(frozenset({ann})))
    await stream_lab.hand.enable_link(room, by="bot")
    leaked = (await bot._open.account.group(room)).link
    await bot.harden(room, plain(frozenset({ann})))
    assert (await bot._open.account.group(room)).link == ""
    await stream_lab.hand.enable_link(room, by="bot")
    assert (await bot._open.account.group(room)).link not in {"", leaked}


async def test_no_link_is_made_another_where_there_was_none(stream_lab: Lab) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    room = await bot.create(plain(frozenset({ann})))
    await bot.harden(room, plain(frozenset({ann})))
    assert not [p for p in await called(stream_lab, "updateGroup") if "resetLink" in p]


async def test_who_came_by_a_link_and_is_put_out_is_banned_until_he_is_asked_in(
    stream_lab: Lab,
) -> None:
    bot, ann = await stream_lab.bot(), await stream_lab.account("ann")
    room, eve = await bot.create(plain(frozenset({ann}))), await stream_lab.account("eve")
    await stream_lab.hand.enable_link(room, by="bot")
    await stream_lab.hand.follow_link(room, "eve")
    await bot.remove(room, eve)
    assert (await stream_lab.hand.group(room)).banned == ("eve",)
    assert eve in (await bot._open.account.group(room)).banned
    with pytest.raises(Exception, match="banned"):
        await stream_lab.hand.follow_link(room, "eve")
    await bot.invite(room, eve)
    group = await stream_lab.hand.group(room)
    assert (group.banned, "eve" in group.members) == ((), True)


# --- sending ----------------------------------------------------------------------------------


async def ready(lab: Lab) -> tuple[SignalConnector, RoomId]:
    bot = await lab.bot()
    return bot, await lab.room(bot, "ann", "bob")


async def test_a_rate_limit_says_its_token_and_how_long_and_health_until_it_is_over(
    stream_lab: Lab,
) -> None:
    bot, room = await ready(stream_lab)
    await stream_lab.hand.rate_limit("token-1", wait=2)
    error = await fails(bot.send(await stream_lab.delivery(bot, room)), Unavailable)
    assert (error.code, error.retry_after) == ("rate_limited", 2 * SECOND)
    assert "token-1" in error.hint
    health = await bot.health()
    assert (health.up, health.code) == (True, "rate_limited")
    assert "submitRateLimitChallenge --challenge token-1" in health.hint

    async def over() -> bool:
        return (await bot.health()).code == "ok"

    await until(over, 5)


async def test_each_recipients_result_is_read(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    for reason in ("NETWORK_FAILURE", "RATE_LIMIT_FAILURE", "INVALID_PRE_KEY_FAILURE"):
        await stream_lab.hand.fail_recipients(["bob"], reason=reason)
        error = await fails(bot.send(await stream_lab.delivery(bot, room)), Uncertain)
        assert error.code == f"partial_{reason.lower()}"
        assert "1 of 2" in error.hint


async def test_missing_results_are_no_success(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    await stream_lab.hand.no_results()
    error = await fails(bot.send(await stream_lab.delivery(bot, room)), Uncertain)
    assert error.code == "results_missing"
    assert len(await stream_lab.ours("ann", room)) == 1


async def test_who_is_only_asked_in_is_no_missing_result(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    await stream_lab.hand.person("late", auto_join=False)
    await bot.invite(room, await stream_lab.account("late"))
    sent = await bot.send(await stream_lab.delivery(bot, room))
    assert sent.remote_id.startswith(NUMBER)


async def test_nobody_reached_because_of_untrusted_keys_is_a_changed_identity(
    stream_lab: Lab,
) -> None:
    bot, room = await ready(stream_lab)
    delivery = await stream_lab.delivery(bot, room)
    open_readers = frozenset(replace(r, devices=None) for r in delivery.readers)
    for name in ("ann", "bob"):
        await stream_lab.hand.reinstall(name, tell=False)
    error = await fails(bot.send(replace(delivery, readers=open_readers)), IdentityChanged)
    assert error.code == "identity_untrusted"


async def test_a_changed_key_is_told(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    cursor = await stream_lab.now(bot)
    await stream_lab.hand.reinstall("ann")
    changed = await stream_lab.first(bot, cursor, KeyChanged)
    assert changed.account == await stream_lab.account("ann")
    assert room


async def test_an_internal_id_is_what_the_daemon_is_given(stream_lab: Lab) -> None:
    """Here it is a group's one name; a person's is never a username."""
    bot, room = await ready(stream_lab)
    await bot.send(await stream_lab.delivery(bot, room))
    (sent,) = await called(stream_lab, "send")
    assert sent["groupId"] == [(await stream_lab.hand.group(room)).internal_id]
    assert "recipient" not in sent


@pytest.mark.parametrize("status", [500, 502])
async def test_a_fault_of_a_proxy_in_mid_send_is_uncertain(stream_lab: Lab, status: int) -> None:
    bot, room = await ready(stream_lab)
    await stream_lab.hand.unavailable(status=status)
    await fails(bot.send(await stream_lab.delivery(bot, room)), Uncertain)


async def test_a_success_that_names_nothing_is_uncertain(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    await stream_lab.hand.answer_nothing()
    error = await fails(bot.send(await stream_lab.delivery(bot, room)), Uncertain)
    assert error.code == "answer_malformed"


@pytest.mark.parametrize("done", [True, False])
async def test_a_send_that_is_never_answered_is_uncertain(stream_lab: Lab, done: bool) -> None:
    bot = await stream_lab.bot(patience=2.5)
    room = await stream_lab.room(bot, "ann")
    await stream_lab.hand.hang(done=done)
    error = await fails(bot.send(await stream_lab.delivery(bot, room)), Uncertain)
    assert error.code == "no_answer"
    assert len(await stream_lab.ours("ann", room)) == int(done)


async def test_an_answer_slower_than_another_is_its_own(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    await stream_lab.hand.slow(by=300_000)
    one, two = (
        await stream_lab.delivery(bot, room, "one"),
        await stream_lab.delivery(bot, room, "two"),
    )
    first, second = await asyncio.gather(bot.send(one), bot.send(two))
    shown = {m.timestamp: m.text for m in await stream_lab.ours("ann", room)}
    stamps = [int(a.remote_id.rpartition("/")[2]) for a in (first, second)]
    assert {shown[stamps[0]], shown[stamps[1]]} == {"one", "two"}
    assert stamps[0] != stamps[1]


async def test_an_edit_and_a_removal_name_the_message(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    sent = await bot.send(await stream_lab.delivery(bot, room, "before"))
    await bot.edit(room, sent.remote_id, await stream_lab.delivery(bot, room, "after"))
    (shown,) = await stream_lab.ours("ann", room)
    assert shown.text == "after"
    await bot.undo(room, sent.remote_id)
    await stream_lab.hand.settle()
    assert await bot.is_gone(room, sent.remote_id)
    assert await stream_lab.ours("ann", room) == []


async def test_no_file_is_larger_than_the_daemon_reads(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    most = bot.capabilities.max_attachment_bytes
    assert most == 14 * 1024 * 1024
    file = attachment("x", b"x", size=most + 1)
    large = await stream_lab.delivery(bot, room, content=Content("t", None, (file,)))
    assert (await fails(bot.send(large), Rejected)).code == "file_too_large"


# --- rooms that go ----------------------------------------------------------------------------


async def test_a_room_that_vanished_is_unreadable_and_gets_nothing(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    delivery = await stream_lab.delivery(bot, room)
    await stream_lab.hand.vanish(room)
    assert (await fails(bot.posture(room), Unreadable)).code == "no_groups_listed"
    await stream_lab.room(bot, "ann")
    assert (await fails(bot.posture(room), NoRoom)).code == "room_unknown"
    await fails(bot.members(room), Unreadable)
    await fails(bot.send(delivery), Unavailable)


async def test_hidden_members_are_no_whole_list(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    await bot.members(room)
    await stream_lab.hand.settle()
    await stream_lab.hand.write("ann", "x", group=room)
    await stream_lab.hand.fault(FaultKind.PARTIAL_MEMBERS, verb="group")
    found = await bot.members(room)
    assert not found.complete or len(found.members) == 3


async def test_who_comes_in_behind_our_back_stops_a_send(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    delivery = await stream_lab.delivery(bot, room)
    await stream_lab.hand.person("eve")
    await stream_lab.hand.add_member(room, "eve", by="bot")
    await fails(bot.send(delivery), ReadersChanged)


# --- the stream -------------------------------------------------------------------------------


async def test_events_out_of_order_keep_their_names(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    cursor = await stream_lab.now(bot)
    await stream_lab.hand.late_webhook()
    first = await stream_lab.hand.write("ann", "first", group=room)
    second = await stream_lab.hand.write("ann", "second", group=room)
    events, _ = await stream_lab.events(bot, cursor, lambda e: len(said(e)) == 2)
    named = [(m.remote_id.rpartition("/")[2], m.content.text) for m in said(events)]
    assert named == [(str(second), "second"), (str(first), "first")]


async def test_an_event_that_is_told_twice_has_one_name(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    cursor = await stream_lab.now(bot)
    await stream_lab.hand.duplicate_webhook()
    await stream_lab.hand.write("ann", "once", group=room)
    events, _ = await stream_lab.events(bot, cursor, lambda e: len(said(e)) == 2)
    assert len({m.remote_id for m in said(events)}) == 1


async def test_while_the_disk_is_full_the_daemon_is_held_up_and_nothing_is_lost(
    stream_lab: Lab,
) -> None:
    bot, room = await ready(stream_lab)
    cursor = await stream_lab.now(bot)
    db = bot._open.spool._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    for n in range(3):
        await stream_lab.hand.write("ann", f"{n}" + "x" * 20_000, group=room)
    await asyncio.sleep(0.8)
    pulse = bot._open.ledger.instant("pulse")
    await asyncio.sleep(0.7)
    assert bot._open.ledger.instant("pulse") == pulse
    db.execute(f"PRAGMA max_page_count = {pages + 10_000}")
    events, _ = await stream_lab.events(bot, cursor, lambda e: len(said(e)) >= 3)
    assert [text[0] for text in sorted(texts(events))] == ["0", "1", "2"]
    assert not [e for e in events if isinstance(e, Missed)]


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
async def test_a_received_file_is_deleted_where_its_folder_is_known(
    stream_lab: Lab, tmp_path: Path, known: bool
) -> None:
    """The daemon itself deletes none, and doctor says so."""
    folder = tmp_path / "attachments"
    folder.mkdir()
    bot = await stream_lab.bot(**({"attachments": str(folder)} if known else {}))
    room = await stream_lab.room(bot, "ann")
    cursor = await stream_lab.now(bot)
    data = bytes(range(256)) * 100
    await stream_lab.hand.write("ann", "look", group=room, files=[Upload("a.bin", data)])
    events, after = await stream_lab.events(bot, cursor, lambda e: bool(said(e)))
    (file,) = said(events)[0].content.attachments
    assert b"".join([piece async for piece in file.open()]) == data
    (name,) = (await stream_lab.hand.account())["files"]
    (folder / name).write_bytes(data)
    (folder / "another").write_bytes(b"stays")
    task = asyncio.ensure_future(anext(bot.receive(after)))
    await asyncio.sleep(0.1)
    await bot._open.watch.look()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (folder / name).exists() is not known
    assert (folder / "another").exists()
    checks = {check.code: check.ok for check in await bot.inspect()}
    assert checks.get("received files", True) is known


async def test_a_file_that_is_not_there_is_rejected(stream_lab: Lab) -> None:
    bot = await stream_lab.bot()
    with pytest.raises(Rejected):
        async with bot._open.backend.download("nope", 100) as pieces:
            assert [piece async for piece in pieces]


# --- the installation -------------------------------------------------------------------------


async def test_doctor_shows_what_can_be_seen_of_a_daemon(stream_lab: Lab) -> None:
    bot = await stream_lab.bot()
    shown = {check.code: check.ok for check in await bot.inspect()}
    assert shown == {
        "api reach": True,
        "api version": True,
        "room admins": True,
        "received files": False,
        "events": True,
    }
    await stream_lab.hand.go_down()

    async def red() -> bool:
        found = {check.code: check.ok for check in await bot.inspect()}
        return not (found["events"] or found["api version"])

    await until(red)


class Guarded:
    """A proxy that lets everybody ask whether the daemon lives, and maybe everything else."""

    def __init__(self, to: str, *, guards: bool) -> None:
        self._to, self._guards = to, guards
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if self._guards and b" /api/v1/rpc " in head and b"Bearer t" not in head:
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()
            return
        far, near = await asyncio.open_connection("127.0.0.1", int(self._to.rpartition(":")[2]))
        near.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await asyncio.gather(relay(reader, near), relay(far, writer), return_exceptions=True)


@pytest.mark.parametrize("guards", [True, False])
async def test_a_proxy_that_lets_everybody_through_is_red(stream_lab: Lab, guards: bool) -> None:
    async with Guarded(stream_lab.server.url, guards=guards) as url:
        setup = stream_lab.setup(api=url)
        connector = open_connector(replace(setup, secrets={**setup.secrets, "api_token": "t"}))
        assert isinstance(connector, SignalConnector)
        await connector.open()
        shown = {check.code: check.ok for check in await connector.inspect()}
        await connector.close()
    assert shown["api reach"] is guards


async def test_an_old_signal_cli_is_red(stream_lab: Lab) -> None:
    await stream_lab.hand.reset(backend="json-rpc", release="0.12.8")
    bot = await stream_lab.bot()
    shown = {check.code: check for check in await bot.inspect()}
    assert not shown["api version"].ok


async def test_a_lost_registration_is_down(stream_lab: Lab) -> None:
    bot, room = await ready(stream_lab)
    delivery = await stream_lab.delivery(bot, room)
    await stream_lab.hand.lose_registration()
    health = await bot.health()
    assert (health.up, health.code) == (False, "not_registered")
    await fails(bot.send(delivery), Unavailable)


async def test_an_account_that_the_daemon_has_not_is_refused_at_the_start(stream_lab: Lab) -> None:
    with pytest.raises(Rejected) as caught:
        await stream_lab.bot(number="+15550199")
    assert caught.value.code == "not_registered"
    assert NUMBER not in str(caught.value)


async def test_a_daemon_without_a_stream_is_refused_at_the_start(stream_lab: Lab) -> None:
    await stream_lab.hand.fault(FaultKind.UNAVAILABLE, verb="events", times=None, amount=404)
    with pytest.raises(Unavailable) as caught:
        await stream_lab.bot()
    assert caught.value.code == "no_events"


async def test_who_hides_his_number_is_named_by_his_uuid(stream_lab: Lab) -> None:
    bot = await stream_lab.bot()
    person = await stream_lab.hand.person("ann", hides_number=True)
    room = await stream_lab.room(bot, "ann")
    accounts = {m.account for m in (await bot.members(room)).members}
    assert accounts == {NUMBER, person.uuid}


async def test_an_invitation_can_be_taken_and_left(stream_lab: Lab) -> None:
    bot = await stream_lab.bot()
    await stream_lab.hand.person("bot", auto_join=False)
    await stream_lab.hand.person("ann")
    room = RoomId(await stream_lab.hand.make_group("ann", ["bot"]))
    await bot.join(room)
    assert "bot" in (await stream_lab.hand.group(room)).members
    await bot.leave(room)
    assert "bot" not in (await stream_lab.hand.group(room)).members


async def test_no_text_stands_in_a_log_a_repr_or_in_the_clear_on_disk(
    stream_lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bot, room = await ready(stream_lab)
    cursor = await stream_lab.now(bot)
    await stream_lab.hand.write("ann", CANARY, group=room)
    events, _ = await stream_lab.events(bot, cursor, lambda e: bool(said(e)))
    assert texts(events) == {CANARY}
    delivery = await stream_lab.delivery(bot, room, CANARY)
    request = bot._open.backend.prepare(delivery, bot._open.account.own, None)
    await stream_lab.hand.fail_recipients(["bob"])
    error = await fails(bot.send(delivery), Uncertain)
    await stream_lab.hand.refuse(text=CANARY)
    refused = await fails(bot.send(delivery), Rejected)
    shown = [repr(bot), repr(request), repr(events), repr(bot._open.ears), str(error)]
    assert CANARY not in "".join([*shown, str(refused), repr(refused), caplog.text])
    for path in stream_lab.folder.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes()
