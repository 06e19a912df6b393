"""What is read out of stanzas, and what is put into them: recorded ones, and any at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port import AccountId, DeliveryKey, DeviceId, Evidence, Guarantee, RoomId, Source
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    ReadersChanged,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import InboundMessage, Missed, Redacted
from connectors.port.messages import Content, Device, Presence, Reader, RoomSpec
from connectors.shared import frame
from connectors.xmpp import addresses, files, layout, rooms, translate, wire
from connectors.xmpp.line import refusal
from connectors.xmpp.rooms import Lists, Reading
from connectors.xmpp.sealing import Opened
from connectors.xmpp.sender import check_readers, usable
from connectors.xmpp.store import Attempt, Store
from connectors.xmpp.wire import Form

ROOM, OWN = RoomId("ab12@rooms.deal.test"), AccountId("bot@deal.test")
ALICE, BOB = AccountId("alice@deal.test"), AccountId("bob@deal.test")
KEY = bytes(range(32))


def stanza(text: str) -> ET.Element:
    named = text.replace("<message", "<message xmlns='jabber:client'", 1)
    return ET.fromstring(named)  # noqa: S314 (our own)


def told(text: str, sender: AccountId = ALICE, **more: Any) -> list[dict[str, Any]]:
    """What a message of the room says."""
    came = translate.in_room(ROOM, "name-1", sender, 7, stanza(text))
    found: Iterator[dict[str, Any]] = translate.heard(
        came, OWN, more.get("opened"), more.get("called", lambda _: None), more.get("takes_back")
    )
    return list(found)


def text_of(text: str, **more: Any) -> str | None:
    (one,) = told(text, **more)
    return str(one["text"]) if one["unreadable"] is None else None


# --- messages as they were recorded -----------------------------------------------------------

RECORDED = (
    "<message type='groupchat' to='bot@deal.test/wallcross' from='ab12@rooms.deal.test/alice'"
    " id='17' xml:lang='en'><body>hello</body><x xmlns='jabber:x:oob'><url>https://a.example/b"
    "</url></x><stanza-id xmlns='urn:xmpp:sid:0' by='ab12@rooms.deal.test' id='iC6mPAP'/></message>"
)


def test_a_recorded_message() -> None:
    message = stanza(RECORDED)
    assert translate.mark_of(message, ROOM, ALICE, believed=True) == "iC6mPAP"
    assert text_of(RECORDED) == "hello\n\nhttps://a.example/b"


def test_a_name_that_nobody_vouches_for_is_made_of_all_that_the_message_holds() -> None:
    one = translate.mark_of(stanza(RECORDED), ROOM, ALICE, believed=False)
    other = stanza(RECORDED.replace("hello", "hallo"))
    assert one.startswith("~")
    assert one != translate.mark_of(other, ROOM, ALICE, believed=False)
    assert one != translate.mark_of(stanza(RECORDED), ROOM, BOB, believed=False)
    assert one == translate.mark_of(stanza(RECORDED), ROOM, ALICE, believed=False)


def test_of_two_marks_of_a_room_none_is_believed() -> None:
    twice = RECORDED.replace(
        "</message>",
        "<stanza-id xmlns='urn:xmpp:sid:0' by='ab12@rooms.deal.test' id='forged'/></message>",
    )
    assert translate.mark_of(stanza(twice), ROOM, ALICE, believed=True).startswith("~")


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<body>one</body><body xml:lang='de'>zwei</body>", "one\n\nzwei"),
        ("<body>one</body><body xml:lang='de'>one</body>", "one"),
        ("<subject>about</subject><body>it</body>", "about\n\nit"),
        (
            (
                "<body>plain</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body"
                " xmlns='http://www.w3.org/1999/xhtml'><p>shown <b>instead</b></p></body></html>"
            ),
            "plain\n\nshown instead",
        ),
        (
            "<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>yes</reaction></reactions>",
            "yes",
        ),
    ],
)
def test_what_any_client_shows_is_text(inside: str, text: str) -> None:
    assert text_of(f"<message type='groupchat'>{inside}</message>") == text


@pytest.mark.parametrize(
    "inside",
    [
        "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>",
        "<subject/>",
        "<thread>t</thread>",
        "<x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x>",
        "",
    ],
)
def test_what_shows_nothing_is_no_message(inside: str) -> None:
    assert not translate.is_told(stanza(f"<message type='groupchat'>{inside}</message>"))


def test_what_we_do_not_know_is_counted() -> None:
    unknown = (
        "<message type='groupchat'><poll xmlns='urn:example:poll'><q>Yes?</q></poll></message>"
    )
    assert translate.is_told(stanza(unknown))
    assert told(unknown)[0]["unreadable"] == "unsupported"


def test_an_invitation_said_in_a_room_is_counted_as_its_reason_may_say_anything() -> None:
    asked = "<x xmlns='jabber:x:conference' jid='a@rooms.deal.test' reason='buy at 12'/>"
    assert told(f"<message type='groupchat'>{asked}</message>")[0]["unreadable"] == "unsupported"
    assert translate.is_told(stanza(f"<message type='groupchat'>{asked}</message>"))


def test_what_others_sealed_cannot_be_read_and_its_fallback_is_no_text() -> None:
    sealed = (
        "<message type='groupchat'><body>I sent you an OMEMO message</body>"
        "<encrypted xmlns='eu.siacs.conversations.axolotl'/></message>"
    )
    (one,) = told(sealed)
    assert (one["unreadable"], one["text"]) == ("sealed", "")


def test_what_was_opened_is_the_text_and_nothing_beside_it() -> None:
    sealed = (
        "<message type='groupchat'><body>see instead: evil</body>"
        "<encrypted xmlns='eu.siacs.conversations.axolotl'/></message>"
    )
    device = Device(DeviceId("1"), "aa")
    assert text_of(sealed, opened=Opened("inside", device)) == "inside"
    assert told(sealed, opened=Opened(None, device)) == []
    (shut,) = told(sealed, opened=Opened(None, None, "no_session"))
    assert shut["unreadable"] == "no_session"


def test_who_takes_back_his_own_is_told_and_what_old_clients_show_of_it_too() -> None:
    retract = "<retract xmlns='urn:xmpp:message-retract:1' id='m0'/>"
    silent = f"<message type='groupchat'>{retract}</message>"
    usual = (
        f"<message type='groupchat'>{retract}<body>This person attempted to retract a previous"
        " message, but it's unsupported by your client.</body></message>"
    )
    telling = f"<message type='groupchat'>{retract}<body>buy at 12</body></message>"
    assert [each["kind"] for each in told(silent, takes_back="m0")] == ["redacted"]
    assert [each["kind"] for each in told(usual, takes_back="m0")] == ["redacted"]
    assert [each["kind"] for each in told(telling, takes_back="m0")] == ["redacted", "message"]
    assert [each["unreadable"] for each in told(silent)] == ["foreign_retraction"]


def test_nobody_hides_a_text_by_calling_it_taken_back() -> None:
    hidden = (
        "<message type='groupchat'><retracted xmlns='urn:xmpp:message-retract:1'/>"
        "<body>buy at 12</body></message>"
    )
    assert text_of(hidden) == "buy at 12"
    empty = "<message type='groupchat'><retracted xmlns='urn:xmpp:message-retract:1'/></message>"
    assert [each["kind"] for each in told(empty)] == ["redacted"]


def test_only_what_we_wrote_in_a_room_has_a_delivery_key() -> None:
    message = "<message type='groupchat' id='key-1'><body>x</body></message>"
    assert told(message, OWN)[0]["key"] == "key-1"
    assert told(message, ALICE)[0]["key"] is None


def test_an_archived_messages_sender_is_the_last_mark_which_is_the_servers() -> None:
    mark = (
        "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='{}' affiliation='member'/></x>"
    )
    marks = mark.format("bob@deal.test/phone") + mark.format("alice@deal.test")
    message = stanza(f"<message from='{ROOM}/alice'><body>x</body>{marks}</message>")
    assert translate.archived_sender(message, ROOM) == ALICE
    unmarked = stanza(f"<message from='{ROOM}/alice'><body>x</body></message>")
    assert translate.archived_sender(unmarked, ROOM) == f"{ROOM}/alice"


def test_an_event_comes_back_from_disk_as_it_was() -> None:
    def no_file(_: str, __: int) -> Any:
        raise AssertionError

    (one,) = told("<message type='groupchat' id='k'><body>x</body></message>", OWN)
    heard = translate.event(one, no_file)
    assert isinstance(heard, InboundMessage)
    assert (heard.content.text, heard.delivery_key, heard.sent_at) == ("x", "k", 7)
    missed = translate.event({"kind": "missed", "since": 1, "until": 2, "code": "c"}, no_file)
    assert missed == Missed(1, 2, "c")
    gone = told("<message><retracted xmlns='urn:xmpp:message-retract:1'/></message>")[0]
    assert isinstance(translate.event(gone, no_file), Redacted)


SPACES = ["jabber:client", wire.SID, wire.RETRACT, wire.REPLY, wire.CORRECT, wire.MUC_USER]
SPACES += [wire.MAM, wire.FORWARD, "eu.siacs.conversations.axolotl", "urn:xmpp:reactions:0", ""]
NAMES = ["body", "subject", "stanza-id", "retract", "retracted", "reply", "replace", "x", "item"]
NAMES += ["result", "forwarded", "message", "encrypted", "reactions", "reaction", "html", "delay"]
attributes = st.dictionaries(st.sampled_from(["id", "by", "jid", "from", "to", "stamp"]), st.text())


def elements(depth: int) -> st.SearchStrategy[ET.Element]:
    inner = st.just([]) if depth == 0 else st.lists(elements(depth - 1), max_size=3)

    def build(space: str, name: str, told: dict[str, str], text: str, inside: Any) -> ET.Element:
        return wire.made(f"{{{space}}}{name}" if space else name, *inside, text=text, **told)

    return st.builds(
        build, st.sampled_from(SPACES), st.sampled_from(NAMES), attributes, st.text(), inner
    )


@given(inside=st.lists(elements(2), max_size=5), believed=st.booleans())
def test_no_stanza_however_made_raises_or_vanishes(
    inside: list[ET.Element], *, believed: bool
) -> None:
    """Whatever a member writes: something is told, or it shows nobody anything."""
    message = wire.made(f"{{{wire.CLIENT}}}message", *inside, type="groupchat", id="1")
    assert translate.mark_of(message, ROOM, ALICE, believed=believed)
    assert translate.archived_sender(message, ROOM)
    wire.archived(message, "q")
    came = translate.in_room(ROOM, "n", ALICE, 1, message)
    found = list(translate.heard(came, OWN, None, lambda _: None, None))
    bodies = [b.text for b in message.findall(f"{{{wire.CLIENT}}}body") if b.text]
    if translate.is_told(message) and not translate.is_sealed(message):
        assert found
        readable = [each for each in found if each["kind"] == "message" and not each["unreadable"]]
        for body in bodies:
            known = " ".join(body.split())
            texts = [" ".join(each["text"].split()) for each in readable]
            foreign = any(each.get("unreadable") == "foreign_retraction" for each in found)
            assert foreign or any(known in text for text in texts)
    else:
        assert translate.is_sealed(message) or not any(bodies)


# --- forms and what they show -----------------------------------------------------------------

FORM = Form(
    {
        "FORM_TYPE": ("http://jabber.org/protocol/muc#roomconfig",),
        "muc#roomconfig_roomname": ("",),
        "muc#roomconfig_membersonly": (),
        "muc#roomconfig_whois": ("moderators",),
        "muc#roomconfig_publicroom": ("1",),
        "muc#roomconfig_persistentroom": ("0",),
        "muc#roomconfig_changesubject": ("1",),
        "muc#roomconfig_historylength": ("20",),
        "muc#roomconfig_enablearchiving": ("1",),
        "{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites": ("1",),
        "muc#roomconfig_lang": ("en",),
    },
    {"muc#roomconfig_whois": frozenset({"moderators", "anyone"})},
)
SPEC = RoomSpec("quiet", frozenset(), frozenset(), None, gate=False)
LISTS = Lists(frozenset({OWN}), frozenset(), frozenset({ALICE}), frozenset({OWN}), hidden=False)


def set_so(form: Form, *, archive: bool) -> Form:
    return Form(rooms.filled(form, SPEC, archive=archive), form.options)


def held(
    form: Form, *, sealed: bool = False, features: frozenset[str] = frozenset()
) -> set[Guarantee]:
    reading = Reading(form, features, LISTS, sealed, at=5)
    found = rooms.holdings(reading, secure=True)
    assert all(h.evidence is Evidence.VERIFIED and h.at == 5 for h in found)
    return {h.guarantee for h in found}


def test_what_a_form_offers_is_set_and_all_else_stays() -> None:
    told = rooms.filled(FORM, SPEC, archive=False)
    assert told["muc#roomconfig_membersonly"] == ("1",)
    assert told["muc#roomconfig_whois"] == ("anyone",)
    assert told["muc#roomconfig_lang"] == ("en",)
    assert told["muc#roomconfig_roomname"] == ("quiet",)
    assert set(told) == set(FORM.values)


def test_what_a_form_does_not_offer_is_named() -> None:
    assert rooms.missing(FORM) == ()
    fewer = {k: v for k, v in FORM.values.items() if "history" not in k and "whois" not in k}
    lacking = rooms.missing(Form(fewer, {}))
    assert lacking == ("muc#roomconfig_whois", "muc#roomconfig_historylength")


def test_an_option_that_is_not_offered_is_not_chosen() -> None:
    told = rooms.filled(
        Form(FORM.values, {"muc#roomconfig_whois": frozenset({"moderators"})}), SPEC, archive=True
    )
    assert told["muc#roomconfig_whois"] == ("moderators",)


def test_a_room_as_it_is_made_first_holds_nothing_but_our_line() -> None:
    assert held(FORM) == {Guarantee.ENCRYPTED_IN_TRANSIT}


def test_a_room_as_we_set_it_holds_what_is_promised() -> None:
    common = {
        Guarantee.ENCRYPTED_IN_TRANSIT,
        Guarantee.INVITE_ONLY,
        Guarantee.NO_PUBLIC_LINK,
        Guarantee.MEMBERS_READABLE,
    }
    assert held(set_so(FORM, archive=True)) == common
    assert held(set_so(FORM, archive=False)) == common | {Guarantee.HISTORY_HIDDEN}
    sealed = held(set_so(FORM, archive=True), sealed=True)
    assert sealed == common | {Guarantee.HISTORY_HIDDEN, Guarantee.END_TO_END_ENCRYPTED}


@pytest.mark.parametrize("name", sorted(set(FORM.values) - {"FORM_TYPE", "muc#roomconfig_lang"}))
def test_a_field_that_is_not_there_holds_nothing_more(name: str) -> None:
    """A default that we know of is no reading."""
    hard = set_so(FORM, archive=False)
    fewer = Form({k: v for k, v in hard.values.items() if k != name}, hard.options)
    assert held(fewer) <= held(hard)


def test_an_archive_that_the_room_offers_counts_whatever_its_form_says() -> None:
    hard = set_so(FORM, archive=False)
    assert Guarantee.HISTORY_HIDDEN not in held(hard, features=frozenset({wire.MAM}))


def test_what_we_seal_is_shown_by_cryptography() -> None:
    reading = Reading(set_so(FORM, archive=True), frozenset(), LISTS, sealed=True, at=5)
    sources = {h.guarantee: h.source for h in rooms.holdings(reading, secure=True)}
    assert sources[Guarantee.END_TO_END_ENCRYPTED] is Source.CRYPTOGRAPHY
    assert sources[Guarantee.INVITE_ONLY] is Source.SERVER


def test_what_an_operator_says_of_his_archive_is_a_timer_that_is_only_requested() -> None:
    form, week = set_so(FORM, archive=True), 7 * 24 * 3600 * 1_000_000
    reading = Reading(form, frozenset(), LISTS, sealed=True, at=5, forgets_after=week)
    found = rooms.holdings(reading, secure=True)
    (timer,) = (h for h in found if h.guarantee is Guarantee.TIMER)
    assert (timer.evidence, timer.source, timer.value) == (Evidence.REQUESTED, Source.PERSON, week)
    assert not timer.stands(5)


def test_who_is_in_and_on_no_list_counts_and_the_lists_are_not_whole() -> None:
    lists = Lists(LISTS.owners, LISTS.admins, LISTS.members, frozenset({OWN, BOB}), hidden=False)
    assert not lists.complete
    found = {m.account: m for m in rooms.members(lists, frozenset({ALICE}))}
    assert set(found) == {OWN, ALICE, BOB}
    assert found[ALICE].presence is Presence.JOINED
    assert found[BOB].admin is False


# --- readers ----------------------------------------------------------------------------------

PHONE, TABLET = Device(DeviceId("1"), "aa"), Device(DeviceId("2"), "bb")


def test_nobody_reads_beyond_those_named() -> None:
    check_readers(LISTS, frozenset({ALICE}), OWN)
    with pytest.raises(ReadersChanged):
        check_readers(LISTS, frozenset({BOB}), OWN)
    with pytest.raises(Rejected):
        check_readers(LISTS, frozenset({ALICE, OWN}), BOB)
    hiding = Lists(LISTS.owners, LISTS.admins, LISTS.members, frozenset(), hidden=True)
    with pytest.raises(ReadersChanged):
        check_readers(hiding, frozenset({ALICE}), OWN)


def test_only_devices_that_were_agreed_to_are_sealed_to() -> None:
    both = frozenset({PHONE, TABLET})
    assert usable(both, None, frozenset()) == both
    assert usable(both, None, frozenset({TABLET})) == {PHONE}
    assert usable(frozenset({PHONE}), both, frozenset()) == {PHONE}
    with pytest.raises(IdentityChanged):
        usable(both, frozenset({PHONE}), frozenset())
    with pytest.raises(Unavailable):
        usable(None, None, frozenset())
    with pytest.raises(Unavailable):
        usable(frozenset({Device(DeviceId("3"), "")}), None, frozenset())


# --- answers ----------------------------------------------------------------------------------


def answer(inside: str) -> ET.Element:
    return stanza(f"<message type='error'>{inside}</message>")


def no(condition: str, kind: str) -> str:
    space = "urn:ietf:params:xml:ns:xmpp-stanzas"
    return (
        f"<error type='{kind}'><{condition} xmlns='{space}'/><text xmlns='{space}'>t</text></error>"
    )


@pytest.mark.parametrize(
    ("inside", "acts", "kind"),
    [
        (no("forbidden", "auth"), True, Rejected),
        (no("item-not-found", "cancel"), False, Rejected),
        (no("resource-constraint", "wait"), True, Unavailable),
        (no("policy-violation", "wait"), True, Unavailable),
        ("", True, Uncertain),
        ("", False, Unreadable),
        ("<error type='cancel'/>", True, Uncertain),
        ("<error type='cancel'><forbidden xmlns='urn:forged'/></error>", True, Uncertain),
    ],
)
def test_what_an_error_means(inside: str, *, acts: bool, kind: type[ConnectorError]) -> None:
    assert type(refusal(answer(inside), acts=acts)) is kind


def test_a_list_that_makes_no_sense_is_none() -> None:
    def listing(items: str) -> ET.Element:
        space = "http://jabber.org/protocol/muc#admin"
        return stanza(f"<message><query xmlns='{space}'>{items}</query></message>")

    good = "<item jid='alice@deal.test' affiliation='member'/>"
    assert wire.listed(listing(good), "member") == frozenset({ALICE})
    assert wire.listed(listing(""), "member") == frozenset()
    assert wire.listed(listing(good), "owner") is None
    assert wire.listed(listing("<item affiliation='member'/>"), "member") is None
    assert wire.listed(stanza("<message/>"), "member") is None


# --- addresses --------------------------------------------------------------------------------


def test_two_spellings_are_one_account() -> None:
    assert addresses.bare("Alice@Deal.Test/Phone") == ALICE
    assert not addresses.is_account("Alice@deal.test")
    assert addresses.is_account(ALICE)
    assert addresses.bare("deal.test") is None
    assert addresses.bare(None) is None


@given(st.text(max_size=40))
def test_no_address_raises(text: str) -> None:
    addresses.bare(text)
    addresses.split(text)
    addresses.is_account(text)
    assert not (addresses.is_room(text, "rooms.deal.test") and "@" not in text)


# --- files ------------------------------------------------------------------------------------


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_a_files_name_comes_back_whatever_it_is(name: str) -> None:
    link = files.Link("https://files.deal.test/x/1.pdf", bytes(12), bytes(32), name)
    assert files.link_in(files.body_of(link)) == link
    assert len(files.body_of(link).splitlines()) == 2


def test_a_file_of_another_client_is_named_by_its_link() -> None:
    body = f"aesgcm://files.deal.test/a/Offer%20b.pdf#{'00' * 12}{'11' * 32}"
    link = files.link_in(body)
    assert link is not None
    assert link.name == "Offer b.pdf"
    assert files.link_in(f"{body} and more") is None
    assert files.link_in(f"see {body}") is None


# --- the author's line ------------------------------------------------------------------------


@given(text=st.text(), author=st.one_of(st.none(), st.text(min_size=1)), repeated=st.booleans())
def test_what_is_rendered_is_parsed_back(text: str, author: str | None, *, repeated: bool) -> None:
    named = None if author is None else frame.one_line(author)
    shown = frame.parse(layout.render(Content(text), author, repeated=repeated))
    assert shown.text == text
    assert shown.repeated is repeated or (named or "").endswith(frame.REPEATED)
    if named not in {None, "", frame.OURS} and not str(named).endswith(frame.REPEATED):
        assert shown.author == named


def test_a_command_of_ours_is_no_command() -> None:
    assert layout.render(Content("/me leaves"), None).startswith("Wallcross\n> /me")


# --- what is kept -----------------------------------------------------------------------------


def test_what_waits_is_sealed_and_offered_until_it_is_taken(tmp_path: Path) -> None:
    store = Store(tmp_path, KEY)
    for n in range(3):
        store.put({"kind": "x", "text": f"canary-{n}"})
    assert [w.told["text"] for w in store.after(0, 9)] == ["canary-0", "canary-1", "canary-2"]
    place = store.after(0, 9)[1].seq
    cursor = store.cursor(place)
    store.taken(place)
    store.close()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"canary" not in held
    again = Store(tmp_path, KEY)
    assert [w.told["text"] for w in again.after(again.of_cursor(cursor), 9)] == ["canary-2"]
    assert again.of_cursor("another.7") == 0
    again.close()
    with pytest.raises(Rejected) as caught:
        Store(tmp_path, bytes(32))
    assert caught.value.code == "state_key_differs"


def test_what_is_written_together_is_written_or_not(tmp_path: Path) -> None:
    store = Store(tmp_path, KEY)

    def half() -> None:
        with store.together():
            store.put({"kind": "x"})
            store.moved(ROOM, "m1", 5)
            raise LookupError

    with pytest.raises(LookupError):
        half()
    assert store.after(0, 9) == []
    assert store.place(ROOM) is None
    with store.together():
        assert store.is_new(ROOM, "m1", 5)
        store.moved(ROOM, "m1", 5)
    assert not store.is_new(ROOM, "m1", 6)
    store.moved(ROOM, None, 9)
    place = store.place(ROOM)
    assert place is not None
    assert (place.last, place.at) == ("m1", 9)
    store.close()


def test_an_attempt_is_remembered_with_whom_it_was_sealed_to(tmp_path: Path) -> None:
    store = Store(tmp_path, KEY)
    readers = frozenset({Reader(ALICE, frozenset({PHONE, TABLET}))})
    store.attempted(DeliveryKey("k"), ROOM, Attempt(5, readers))
    store.attempted(DeliveryKey("k"), ROOM, Attempt(6, None))
    assert store.attempts(DeliveryKey("k")) == [Attempt(5, readers), Attempt(6, None)]
    store.forget_before(6)
    assert store.attempts(DeliveryKey("k")) == [Attempt(6, None)]
    store.close()


def test_what_its_author_calls_a_message_leads_to_its_name_and_back(tmp_path: Path) -> None:
    store = Store(tmp_path, KEY)
    store.call(ROOM, ALICE, "1", "m1", 5)
    store.call(ROOM, ALICE, "1", "m2", 6)  # the same id again does not move the first
    assert store.name_of(ROOM, ALICE, "1") == "m1"
    assert store.name_of(ROOM, BOB, "1") is None
    assert store.own_id(ROOM, ALICE, "m1") == "1"
    assert store.own_id(ROOM, BOB, "m1") is None
    store.close()
