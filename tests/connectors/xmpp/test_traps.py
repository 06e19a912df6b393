"""What goes wrong with slixmpp and rooms, each seen on a real Prosody, and what becomes of it."""

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from slixmpp import JID

from connectors.port import RoomId
from connectors.port.errors import (
    ConnectorError,
    NoRoom,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import MembershipChanged
from connectors.port.messages import Accepted, Reader
from connectors.xmpp import desk, translate, wire
from connectors.xmpp.connector import open_connector

from .conftest import Lab, XmppRig, said, through
from .people import body, refusal
from .prosody import ROOMS, certificate
from .proxy import Link, Proxy, cut_before, refusing, swallowed

pytestmark = pytest.mark.real


async def outcome(work: Awaitable[Accepted]) -> Accepted | ConnectorError:
    try:
        return await work
    except ConnectorError as error:
        return error


# --- the line ---------------------------------------------------------------------------------


async def test_what_is_handed_over_in_the_instant_that_the_line_breaks_is_not_lost_silently(
    rig: XmppRig,
) -> None:
    """slixmpp lost all of them without a word; here each has an end, and the ends are true."""
    readers = frozenset(Reader(m.account) for m in (await rig.connector.members(rig.room)).members)
    sent = [replace(rig.lab.delivery(rig.room, f"number {n}"), readers=readers) for n in range(12)]
    works = [asyncio.ensure_future(outcome(rig.connector.send(each))) for each in sent[:6]]
    await until(lambda: rig.connector._open.sender._pending)
    rig.proxy.cut()
    works += [asyncio.ensure_future(outcome(rig.connector.send(each))) for each in sent[6:]]
    ends = await asyncio.gather(*works)
    arrived = {each.key for each in await rig.far.arrived(rig.room)}
    for delivery, end in zip(sent, ends, strict=True):
        if isinstance(end, Accepted):
            assert delivery.key in arrived
        elif isinstance(end, Unavailable):
            assert delivery.key not in arrived
        else:
            assert isinstance(end, Uncertain)
            found = await rig.connector.find(rig.room, delivery.key)
            assert (found is not None) == (delivery.key in arrived)
    after = replace(rig.lab.delivery(rig.room, "after"), readers=readers)
    await rig.connector.send(after)
    assert after.key in {each.key for each in await rig.far.arrived(rig.room)}


async def test_what_the_server_has_not_is_written_again_when_the_stream_resumes(
    rig: XmppRig,
) -> None:
    """The server counts what it has: what it has not goes again under the same id, and once."""
    rig.proxy.spoil("message", cut_before)
    delivery = rig.lab.delivery(
        rig.room, "swallowed by the break", rig.far.alice, await rig.lab.person("bob")
    )
    accepted = await rig.connector.send(delivery)
    (seen,) = await rig.far.arrived(rig.room)
    assert (seen.remote_id, seen.key, seen.marked) == (accepted.remote_id, delivery.key, False)


async def test_what_was_given_up_is_not_written_again_when_the_stream_resumes(
    rig: XmppRig,
) -> None:
    """Whoever was told that it did not go may have sent it another way since."""
    bob = await rig.lab.person("bob")
    rig.proxy.down = True
    rig.proxy.spoil("message", cut_before)
    given_up = rig.lab.delivery(rig.room, "given up", rig.far.alice, bob)
    with pytest.raises(Uncertain):
        await rig.connector.send(given_up)
    rig.proxy.down = False
    after = rig.lab.delivery(rig.room, "after", rig.far.alice, bob)
    await rig.connector.send(after)
    assert [each.key for each in await rig.far.arrived(rig.room)] == [after.key]
    assert await rig.connector.find(rig.room, given_up.key) is None


async def test_a_message_counts_only_when_the_room_has_shown_it_back(rig: XmppRig) -> None:
    """The server's acknowledgement of the stanza is no proof that anybody was shown it."""
    rig.proxy.spoil("message", swallowed)
    delivery = rig.lab.delivery(rig.room, "gone", rig.far.alice, await rig.lab.person("bob"))
    with pytest.raises(Uncertain) as caught:
        await rig.connector.send(delivery)
    assert caught.value.code == "not_reflected"


async def test_somebody_elses_message_under_our_id_is_no_reflection(rig: XmppRig) -> None:
    """Ids are chosen by whoever writes: only what comes back under our own name counts."""
    rig.proxy.spoil("message", swallowed)
    bob = await rig.lab.person("bob")
    delivery = rig.lab.delivery(rig.room, "swallowed", rig.far.alice, bob)
    work = asyncio.ensure_future(outcome(rig.connector.send(delivery)))
    pending = rig.connector._open.sender._pending
    await until(lambda: delivery.key in pending)
    await rig.far.alice.say(rig.room, body("I am it"), name=delivery.key)
    assert isinstance(await work, Uncertain)


async def test_slixmpp_does_not_reconnect_by_itself_and_we_do(rig: XmppRig) -> None:
    before = rig.proxy.connections
    for _ in range(3):
        rig.proxy.cut()
        async with asyncio.timeout(45):
            while not (await rig.connector.health()).up:  # noqa: ASYNC110 (it is asked)
                await asyncio.sleep(0.05)
    assert rig.proxy.connections > before


async def test_a_line_that_is_dead_without_a_word_is_found_and_mended(
    lab: Lab, proxy: Proxy
) -> None:
    bot = await lab.bot(**through(proxy))
    line = bot._open.line
    connections = proxy.connections
    proxy.deaf = True
    with pytest.raises(Unavailable):
        await line.heard_lately(idle=0)
    proxy.deaf = False
    assert (await bot.health()).up
    assert proxy.connections == connections + 1


# --- certificates -----------------------------------------------------------------------------


async def test_certificates_are_checked_for_the_accounts_domain_and_not_for_the_host_dialled(
    lab: Lab, tmp_path: Path
) -> None:
    """The host dialled is 127.0.0.1, which no certificate names: only the domain counts."""
    assert (await (await lab.bot()).health()).up
    folder = tmp_path / "other"
    folder.mkdir()
    certificate(folder, "127.0.0.1", "localhost", "other.test")
    imposter = Proxy(folder, lab.server.direct)
    await imposter.start()
    try:
        for trusted in (folder / "crt", lab.server.ca):
            with pytest.raises(Rejected) as caught:
                await lab.bot(state="other", port=imposter.port, ca_file=str(trusted))
            assert caught.value.code == "certificate_refused"
    finally:
        await imposter.close()


async def test_a_certificate_that_the_system_does_not_know_is_refused(lab: Lab) -> None:
    with pytest.raises(Rejected) as caught:
        await lab.bot(ca_file=None)
    assert caught.value.code == "certificate_refused"


async def test_tls_begun_on_the_stream_is_checked_just_so(lab: Lab) -> None:
    more: dict[str, Any] = {"port": lab.server.starttls, "tls": "starttls"}
    assert (await (await lab.bot(**more)).health()).up
    with pytest.raises(Rejected) as caught:
        await lab.bot(state="other", ca_file=None, **more)
    assert caught.value.code == "certificate_refused"


async def test_a_wrong_password_is_told_at_once(lab: Lab) -> None:
    setup = lab.setup(lab.account("bot"))
    secret = {**setup.secrets, "password": "another"}
    began = time.monotonic()
    with pytest.raises(Rejected) as caught:
        await open_connector(replace(setup, secrets=secret)).open()
    assert caught.value.code == "sign_in_refused"
    assert time.monotonic() - began < 15


# --- making rooms -----------------------------------------------------------------------------


async def test_a_room_that_cannot_be_configured_is_destroyed(rig: XmppRig) -> None:
    """Made and never configured it would stay locked, for its owner too."""
    rig.proxy.spoil("act", refusing("not-acceptable", "modify"))
    rooms = await rooms_of(rig)
    with pytest.raises(Rejected):
        await rig.connector.create(rig.lab.spec(rig.far.alice))
    assert await rooms_of(rig) == rooms


async def test_a_room_whose_members_cannot_be_seated_is_destroyed(rig: XmppRig) -> None:
    rooms = await rooms_of(rig)
    rig.proxy.spoil("seat", refusing("not-allowed", "cancel"))
    with pytest.raises(Rejected):
        await rig.connector.create(rig.lab.spec(rig.far.alice))
    assert await rooms_of(rig) == rooms


async def rooms_of(rig: XmppRig) -> set[str]:
    """Every room that the server keeps, hidden ones too: by their files."""
    folder = rig.lab.server.folder / "data" / "rooms%2edeal%2etest" / "config"
    kept = folder.iterdir() if folder.is_dir() else ()
    return {each.name for each in kept if "destroyed" not in each.read_text()}


async def test_a_room_is_locked_until_it_is_configured(lab: Lab, proxy: Proxy) -> None:
    """Nobody comes in between: whoever was told its name is refused until it is hard."""
    bot = await lab.bot(**through(proxy))
    alice = await lab.person("alice")
    tried: list[str] = []

    async def meanwhile(link: Link, piece: bytes, stanza: Element) -> None:
        tried.append(await refusal(alice.join(str(stanza.get("to")))))
        link.to_server(piece)

    proxy.spoil("act", meanwhile)
    room = await bot.create(lab.spec(alice))
    assert tried == ["item-not-found"]
    await alice.join(room)


async def test_a_form_that_lacks_what_matters_makes_no_room(
    rig: XmppRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields differ from server to server; this one could not be for members only."""
    whole = desk.Desk.form

    async def lacking(self: desk.Desk, room: RoomId) -> wire.Form:
        form = await whole(self, room)
        values = {k: v for k, v in form.values.items() if not k.endswith("membersonly")}
        return wire.Form(values, form.options)

    rooms = await rooms_of(rig)
    monkeypatch.setattr(desk.Desk, "form", lacking)
    with pytest.raises(Rejected) as caught:
        await rig.connector.create(rig.lab.spec(rig.far.alice))
    assert caught.value.code == "rooms_unfit"
    assert await rooms_of(rig) == rooms


async def test_to_enter_a_room_that_is_gone_does_not_make_it_again(rig: XmppRig) -> None:
    """Joining a name that is not there makes a room of it: that must not look like ours."""
    root = await rig.lab.root()
    destroy = wire.made(f"{{{wire.MUC_OWNER}}}query", wire.made(f"{{{wire.MUC_OWNER}}}destroy"))
    await root.ask(rig.room, "set", destroy)
    rooms = await rooms_of(rig)
    with pytest.raises(ConnectorError):
        await rig.connector.members(rig.room)
    with pytest.raises(Rejected) as caught:
        await rig.connector._open.seats.enter(RoomId(f"{secrets.token_hex(8)}@{ROOMS}"))
    assert caught.value.code == "item_not_found"
    assert await rooms_of(rig) == rooms


# --- coming in --------------------------------------------------------------------------------


async def test_a_refused_join_is_told_at_once_also_in_a_room_that_was_entered_before(
    rig: XmppRig,
) -> None:
    """slixmpp drops errors of a room that was joined once, and waits for its time to run out."""
    root = await rig.lab.root()
    await root.affiliate(rig.room, rig.bot, "outcast")
    seats = rig.connector._open.seats
    await until(lambda: not seats.inside(rig.room))
    began = time.monotonic()
    with pytest.raises(Rejected) as caught:
        await seats.enter(rig.room)
    assert caught.value.code in {"forbidden", "registration_required"}
    assert time.monotonic() - began < 4


async def test_who_rules_a_room_no_more_is_not_said_to_be_out_of_it(rig: XmppRig) -> None:
    """Other servers tell such a one `forbidden`, as a fault may too; nothing is concluded."""
    await (await rig.lab.root()).affiliate(rig.room, rig.bot, "member")
    members = (await rig.connector.members(rig.room)).members
    assert rig.bot in {member.account for member in members}
    rig.proxy.spoil("list", refusing("forbidden", "auth"), times=3)
    with pytest.raises(Unreadable) as caught:
        await rig.connector.members(rig.room)
    assert not isinstance(caught.value, NoRoom)


async def until(test: Callable[[], object], seconds: float = 45) -> None:
    async with asyncio.timeout(seconds):
        while not test():  # noqa: ASYNC110 (what is waited for is in another's hands)
            await asyncio.sleep(0.005)


async def test_who_is_no_member_does_not_come_in(rig: XmppRig) -> None:
    stranger = await rig.lab.person("stranger")
    assert await refusal(stranger.join(rig.room)) == "registration-required"


async def test_who_was_removed_is_thrown_out_and_does_not_come_in_again(rig: XmppRig) -> None:
    alice = rig.far.alice
    await rig.connector.remove(rig.room, alice.account)
    await alice.settle()
    assert await refusal(alice.join(rig.room)) == "registration-required"


async def test_who_was_removed_fetches_nothing_writes_nothing_and_lets_nobody_in(
    rig: XmppRig,
) -> None:
    """As on Matrix: what was written after he went, and what was there before, are refused him."""
    alice, bob = rig.far.alice, await rig.lab.person("bob")
    archive = wire.made(f"{{{wire.MAM}}}query")
    assert await refusal(alice.ask(rig.room, "set", archive)) == ""
    await rig.connector.remove(rig.room, alice.account)
    await alice.settle()
    accepted = await rig.connector.send(rig.lab.delivery(rig.room, "after", bob))
    await alice.settle()
    seen = {wire.name_by(message, rig.room) for message in alice.shown}
    assert accepted.remote_id not in seen
    assert await refusal(alice.ask(rig.room, "set", archive)) == "forbidden"
    cursor = await rig.lab.now(rig.connector)
    message = alice.make_message(mto=JID(rig.room), mtype="groupchat", mbody="from outside")
    message.send()
    await alice.settle()
    await bob.write(rig.room, "from inside")
    heard, _ = await rig.lab.events(rig.connector, cursor, lambda e: bool(said(e)))
    assert [m.content.text for m in said(heard)] == ["from inside"]
    assert await refusal(alice.affiliate(rig.room, alice.account, "member"))


async def test_a_removal_by_another_owner_is_seen_by_name(rig: XmppRig) -> None:
    cursor = await rig.lab.now(rig.connector)
    root = await rig.lab.root()
    await root.affiliate(rig.room, rig.far.alice.account, "none")
    events, _ = await rig.lab.events(
        rig.connector, cursor, lambda e: any(isinstance(x, MembershipChanged) for x in e)
    )
    changed = [e for e in events if isinstance(e, MembershipChanged)]
    assert rig.far.alice.account in {e.account for e in changed}
    left = {m.account for m in (await rig.connector.members(rig.room)).members}
    assert rig.far.alice.account not in left


async def test_who_sits_on_in_a_room_that_is_open_to_all_is_sent_out(rig: XmppRig) -> None:
    """Without members-only, to lose membership throws nobody out."""
    await (await rig.lab.root()).configure(rig.room, membersonly="0")
    await rig.connector.remove(rig.room, rig.far.member)
    occupants, _ = rig.connector._open.seats.occupants(rig.room)
    assert rig.far.member not in occupants


async def test_a_member_can_bring_nobody_in_and_lift_no_ban(rig: XmppRig) -> None:
    stranger = await rig.lab.person("stranger")
    root = await rig.lab.root()
    assert await refusal(rig.far.alice.affiliate(rig.room, stranger.account, "member"))
    await root.affiliate(rig.room, stranger.account, "outcast")
    assert await refusal(rig.far.alice.affiliate(rig.room, stranger.account, "member"))


async def test_a_name_that_somebody_else_has_taken_is_no_name_of_ours(rig: XmppRig) -> None:
    """While we were away somebody sits under our name: we come in under another."""
    await rig.connector.close()
    await rig.far.alice.join(rig.room, "wallcross")
    rig.connector = await rig.lab.bot(rig.bot, **through(rig.proxy))
    await rig.connector.members(rig.room)
    assert str(rig.connector._open.seats.own_nick(rig.room)).startswith("wallcross-")
    cursor = await rig.lab.now(rig.connector)
    await rig.far.alice.write(rig.room, "I am wallcross")
    (heard,) = await rig.lab.messages(rig.connector, cursor, 1)
    assert (heard.sender, heard.delivery_key) == (rig.far.member, None)


# --- who reads --------------------------------------------------------------------------------


async def test_who_administers_the_server_is_on_no_list_and_stops_us_when_he_comes_in(
    rig: XmppRig,
) -> None:
    """Prosody lets its administrator into every room, and names him in no list of it."""
    root = await rig.lab.root()
    delivery = rig.lab.delivery(rig.room, "not for him", rig.far.alice, await rig.lab.person("bob"))
    await root.join(rig.room)
    with pytest.raises(Rejected) as caught:
        await rig.connector.send(delivery)
    assert caught.value.code == "readers_changed"
    snapshot = await rig.connector.members(rig.room)
    assert not snapshot.complete
    assert root.account in {member.account for member in snapshot.members}


async def test_a_forged_address_inside_a_message_is_not_believed(rig: XmppRig) -> None:
    """Prosody takes no ``muc#user`` out of what members write; its own mark stands behind it."""
    bob = await rig.lab.person("bob")
    cursor = await rig.lab.now(rig.connector)
    item = wire.made(f"{{{wire.MUC_USER}}}item", jid=f"{bob.account}/phone", affiliation="owner")
    await rig.far.alice.write(rig.room, "live", wire.made(f"{{{wire.MUC_USER}}}x", item))
    (live,) = await rig.lab.messages(rig.connector, cursor, 1)
    await rig.connector.close()
    item = wire.made(f"{{{wire.MUC_USER}}}item", jid=f"{bob.account}/phone", affiliation="owner")
    await rig.far.alice.write(rig.room, "archived", wire.made(f"{{{wire.MUC_USER}}}x", item))
    heard = await rig.lab.messages(await rig.reopen(), cursor, 2)
    assert live.sender == rig.far.member
    assert [each.sender for each in heard] == [rig.far.member] * 2


async def test_a_forged_delivery_key_is_not_believed(rig: XmppRig) -> None:
    """Anybody may write under an id of ours: only what we wrote is ours."""
    delivery = rig.lab.delivery(rig.room, "ours", rig.far.alice, await rig.lab.person("bob"))
    await rig.connector.send(delivery)
    cursor = await rig.lab.now(rig.connector)
    await rig.far.alice.say(rig.room, body("not ours"), name=delivery.key)
    (heard,) = await rig.lab.messages(rig.connector, cursor, 1)
    assert (heard.content.text, heard.delivery_key) == ("not ours", None)
    found = await rig.connector.find(rig.room, delivery.key)
    assert found is not None
    assert found.remote_id != heard.remote_id


async def test_a_forged_name_hides_no_message_where_the_room_gives_none(forgetful: Lab) -> None:
    """Without an archive nobody takes ``stanza-id`` out of what members write."""
    bot, alice = await forgetful.bot(), await forgetful.person("alice")
    room = await forgetful.room(bot, alice)
    cursor = await forgetful.now(bot)
    for text in ("one", "two"):
        forged = wire.made(f"{{{wire.SID}}}stanza-id", by=room, id="the-same")
        await alice.say(room, body(text), forged, name="the-same")
        await alice.settle()
    heard = await forgetful.messages(bot, cursor, 2)
    assert [each.content.text for each in heard] == ["one", "two"]
    assert len({each.remote_id for each in heard}) == 2


async def test_nobody_takes_back_what_another_wrote(rig: XmppRig) -> None:
    bob = await rig.lab.person("bob")
    cursor = await rig.lab.now(rig.connector)
    written = await bob.write(rig.room, "bob's word")
    await rig.far.take_back(rig.room, written)
    events, _ = await rig.lab.events(rig.connector, cursor, lambda e: len(said(e)) > 1)
    assert [e.unreadable for e in said(events)] == [None, "foreign_retraction"]
    assert len(events) == 2


async def test_rooms_tell_the_server_no_name(lab: Lab) -> None:
    """Names of rooms, nicknames and uploads are random or always the same."""
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    local = room.partition("@")[0]
    assert len(local) == 32
    assert int(local, 16) >= 0


# --- one stream -------------------------------------------------------------------------------


async def test_two_processes_under_one_resource_do_not_put_each_other_out_for_ever(
    lab: Lab,
) -> None:
    account = lab.account("twice")
    first = await lab.bot(account, "one")
    second = await lab.bot(account, "two")
    await until(lambda: first._open.line._taken)
    health = await first.health()
    assert (health.up, health.code) == (False, "session_taken")
    assert (await second.health()).up


async def test_a_room_that_forgot_us_without_a_word_is_entered_again_and_caught_up(
    rig: XmppRig,
) -> None:
    """A service that was started anew knows no occupant, and tells nobody."""
    parts = rig.connector._open
    cursor = await rig.lab.now(rig.connector)
    listeners = list(parts.line.presences)
    parts.line.presences.clear()  # so that we do not hear that we are out
    parts.seats._show(f"{rig.room}/wallcross", None, kind="unavailable")
    await parts.line.ping()
    parts.line.presences.extend(listeners)
    await rig.far.alice.write(rig.room, "while we were forgotten")
    assert parts.seats.inside(rig.room)
    await parts.receiver.look_at_seats()
    (heard,) = await rig.lab.messages(rig.connector, cursor, 1)
    assert heard.content.text == "while we were forgotten"
    assert (heard.sender, parts.seats.inside(rig.room)) == (rig.far.member, True)


async def test_a_send_into_a_room_that_forgot_us_is_not_lost(rig: XmppRig) -> None:
    parts = rig.connector._open
    listeners = list(parts.line.presences)
    parts.line.presences.clear()
    parts.seats._show(f"{rig.room}/wallcross", None, kind="unavailable")
    await parts.line.ping()
    parts.line.presences.extend(listeners)
    delivery = rig.lab.delivery(rig.room, "hello", rig.far.alice, await rig.lab.person("bob"))
    with pytest.raises(Unavailable):
        await rig.connector.send(delivery)
    await rig.connector.send(replace(delivery, attempt=2))
    assert len(await rig.far.arrived(rig.room)) == 1


async def test_a_disk_that_takes_nothing_for_a_moment_loses_nothing(
    rig: XmppRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor, store = await rig.lab.now(rig.connector), rig.connector._open.store
    whole = store.put
    failed: list[object] = []

    def full(told: dict[str, Any]) -> None:
        if len(failed) < 2:
            failed.append(told)
            raise sqlite3.OperationalError
        whole(told)

    monkeypatch.setattr(store, "put", full)
    for text in ("one", "two"):
        await rig.far.alice.write(rig.room, text)
    heard = await rig.lab.messages(rig.connector, cursor, 2)
    assert [each.content.text for each in heard] == ["one", "two"]
    assert len(failed) == 2


async def test_a_message_that_breaks_our_reading_is_counted_and_stops_nothing(
    rig: XmppRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor, whole = await rig.lab.now(rig.connector), translate.is_told

    def broken(message: Element) -> bool:
        if "break" in "".join(message.itertext()):
            raise LookupError
        return whole(message)

    monkeypatch.setattr(translate, "is_told", broken)
    for text in ("break", "after"):
        await rig.far.alice.write(rig.room, text)
    heard = await rig.lab.messages(rig.connector, cursor, 2)
    assert [(each.unreadable, each.content.text) for each in heard] == [
        ("failed", ""),
        (None, "after"),
    ]


async def test_a_delivery_that_is_under_way_is_not_sent_beside_itself(rig: XmppRig) -> None:
    delivery = rig.lab.delivery(rig.room, "once", rig.far.alice, await rig.lab.person("bob"))
    ends = await asyncio.gather(
        *(outcome(asyncio.ensure_future(rig.connector.send(delivery))) for _ in range(2))
    )
    assert sorted(type(end).__name__ for end in ends) == ["Accepted", "Unavailable"]
    assert len(await rig.far.arrived(rig.room)) == 1
