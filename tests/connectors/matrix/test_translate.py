"""Matrix events become the port's values; the samples are like those of our own clients."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.matrix import translate
from connectors.matrix.formatted import shown_text, with_shown
from connectors.matrix.plain import Opened, read_payload
from connectors.port import AccountId, DeviceId, RoomId
from connectors.port.events import (
    InboundMessage,
    MembershipChange,
    MembershipChanged,
    ReceiptKind,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Device

ROOM = RoomId("!r")
ANNA = AccountId("@anna:deal.test")
BOT = AccountId("@bot:deal.test")
DEVICE = Device(DeviceId("PHONE"), "key")


async def _pieces() -> AsyncIterator[bytes]:
    yield b"x"


def find_file(content: Mapping[str, Any]) -> Any:
    return _pieces if "file" in content else None


def event(kind: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"event_id": "$e", "sender": ANNA, "origin_server_ts": 1_700_000_000_000}
    return {"type": kind, "content": content, **plain, **more}


def read(content: dict[str, Any], kind: str = "m.room.message", **more: Any) -> InboundMessage:
    found = maybe(content, kind, **more)
    assert found is not None
    return found


def maybe(
    content: dict[str, Any], kind: str = "m.room.message", *, ours: bool = False, outer: Any = None
) -> InboundMessage | None:
    raw = event("m.room.encrypted", outer or {})
    opened = Opened(kind, content, DEVICE, ours)
    return translate.message(ROOM, raw, opened, find_file, direct=False)


def test_a_text_is_read_with_who_when_and_by_which_device() -> None:
    found = read({"msgtype": "m.text", "body": "lunch at one"})
    assert (found.content.text, found.sender, found.room) == ("lunch at one", ANNA, ROOM)
    assert (found.sent_at, found.sender_device) == (1_700_000_000_000_000, DEVICE)
    assert (found.remote_id, found.unreadable, found.edits) == ("$e", None, None)


def test_an_answer_names_its_message_and_gives_the_quote_apart() -> None:
    body = "> <@bob:deal.test> the price\n> is 52\n\nI agree\n\nreally"
    relation = {"m.in_reply_to": {"event_id": "$q"}}
    found = read({"msgtype": "m.text", "body": body, "m.relates_to": relation})
    assert (found.reply_to, found.content.text) == ("$q", "I agree\n\nreally")
    assert found.quoted == "<@bob:deal.test> the price\nis 52"


def test_what_merely_looks_like_a_quote_stays_in_the_text() -> None:
    body = "> the price is 52\n\nI agree"
    found = read({"msgtype": "m.text", "body": body})
    assert (found.content.text, found.quoted, found.reply_to) == (body, None, None)


def test_the_relation_may_stand_outside_the_sealed_part() -> None:
    outer = {"m.relates_to": {"m.in_reply_to": {"event_id": "$q"}}}
    assert read({"msgtype": "m.text", "body": "yes"}, outer=outer).reply_to == "$q"


def test_an_edit_gives_the_new_text_and_names_the_old_message() -> None:
    content = {
        "msgtype": "m.text",
        "body": "* new",
        "m.new_content": {"msgtype": "m.text", "body": "new"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$old"},
    }
    found = read(content)
    assert (found.edits, found.content.text) == ("$old", "new")


def test_a_file_has_name_type_and_caption() -> None:
    content = {
        "msgtype": "m.image",
        "body": "see the table",
        "filename": "table.png",
        "file": {},
        "info": {"mimetype": "image/png", "size": 7},
    }
    found = read(content)
    (file,) = found.content.attachments
    assert (file.name, file.media_type, file.size) == ("table.png", "image/png", 7)
    assert found.content.text == "see the table"


def test_a_files_body_is_its_name_where_there_is_no_other() -> None:
    found = read({"msgtype": "m.file", "body": "loi.pdf", "file": {}})
    assert (found.content.attachments[0].name, found.content.text) == ("loi.pdf", "")


def test_a_poll_is_text() -> None:
    poll = {
        "question": {"m.text": [{"body": "Which price?"}]},
        "answers": [{"m.text": [{"body": "50"}]}, {"org.matrix.msc1767.text": "52"}],
    }
    found = read({"m.poll": poll}, kind="m.poll.start")
    assert found.content.text == "Which price?\n- 50\n- 52"
    older = {"question": {"org.matrix.msc1767.text": "Which?"}, "answers": []}
    found = read({"org.matrix.msc3381.poll.start": older}, kind="org.matrix.msc3381.poll.start")
    assert found.content.text == "Which?"


def test_a_place_is_text() -> None:
    found = read({"msgtype": "m.location", "body": "the office", "geo_uri": "geo:1,2"})
    assert found.content.text == "the office\ngeo:1,2"


@pytest.mark.parametrize(("key", "told"), [("👍", False), ("❤️", False), ("sell at 52", True)])
def test_a_reaction_counts_when_it_is_words(key: str, told: bool) -> None:
    relation = {"rel_type": "m.annotation", "event_id": "$q", "key": key}
    found = maybe({"m.relates_to": relation}, kind="m.reaction")
    assert (found is not None) is told
    if found:
        assert (found.content.text, found.reply_to) == (key, "$q")


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        ({"msgtype": "org.example.new", "body": "x"}, "m.room.message", "unknown_type"),
        ({"body": "x"}, "m.room.message", "unknown_type"),
        ({"x": 1}, "org.example.thing", "unknown_type"),
        ({"msgtype": "m.file", "body": "x"}, "m.room.message", "file_malformed"),
    ],
)
def test_what_we_do_not_know_is_unreadable_and_counted(
    content: dict[str, Any], kind: str, code: str
) -> None:
    found = read(content, kind)
    assert (found.unreadable, found.content.text) == (code, "")


def test_steps_of_a_verification_say_nothing() -> None:
    assert maybe({}, kind="m.key.verification.start") is None


def test_a_delivery_key_counts_on_our_own_devices_messages_only() -> None:
    content = {"msgtype": "m.text", "body": "x", "org.wallcross.delivery": "k"}
    assert read(content, ours=True).delivery_key == "k"
    assert read(content).delivery_key is None


@pytest.mark.parametrize(
    ("plain", "html", "read_as"),
    [
        ("**bold** text", "<b>bold</b> text", "**bold** text"),
        ("1. one\n2. two", "<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("lunch?", "<p>the offer is 52</p>", "lunch?\n\nthe offer is 52"),
        ("lunch", 'lunch<img alt="offer 52">', "lunch\n\nlunch offer 52"),
        ("5 2", "5<b>2</b>", "5 2\n\n52"),
        (
            "hi",
            '<a href="https://x.example/offer-52">hi</a>',
            "hi\n\nhttps://x.example/offer-52 hi",
        ),
        ("Bob: hi", '<a href="https://matrix.to/#/@bob:x">Bob</a>: hi', "Bob: hi"),
        ("yes", "<mx-reply>offer 52</mx-reply>yes", "yes\n\noffer 52yes"),
        ("a < b", "a &lt; b", "a < b"),
        ("hi", "hi <offer 52", "hi\n\nhi <offer 52"),
        ("hi", "<b title='x > offer 52'>hi</b>", "hi\n\nx offer 52'>hi"),
    ],
)
def test_what_is_shown_beyond_the_plain_text_is_read_too(
    plain: str, html: str, read_as: str
) -> None:
    content = {"msgtype": "m.text", "body": plain, "formatted_body": html}
    assert read(content).content.text == read_as


markup = st.text(st.sampled_from("<>![]-?/&;#x a1\"'="), max_size=60)


def test_the_quote_of_an_old_style_answer_is_not_said_twice() -> None:
    content = {
        "msgtype": "m.text",
        "body": "> <@bob:x> old\n\nyes",
        "formatted_body": "<mx-reply><blockquote>In reply to Bob<br>old</blockquote></mx-reply>yes",
        "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}},
    }
    assert read(content).content.text == "yes"


PIECES = ["<a ", "<", "<a x='", "<!--", "</", "<a href=x ", "<?", "<>a", "&", "alt=", "<a>"]


@pytest.mark.parametrize("piece", PIECES)
def test_no_formatted_body_takes_long(piece: str) -> None:
    for html in (piece * (65_536 // len(piece)), piece * (65_536 // len(piece)) + ">"):
        started = time.process_time()
        shown_text(html)
        assert time.process_time() - started < 1


@given(st.text(max_size=200), st.text(max_size=200) | markup)
@example("lunch", "<![x[offer 52]]>")
@example("lunch", "<!-- offer 52")
def test_every_word_that_is_shown_is_in_what_is_read(plain: str, html: str) -> None:
    read_as = with_shown(plain, html)
    assert read_as.startswith(plain)
    assert set(re.findall(r"\w+", shown_text(html))) <= set(re.findall(r"\w+", read_as))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = ["msgtype", "body", "formatted_body", "m.relates_to", "m.new_content", "file", "info"]
FIELDS += ["m.poll", "m.in_reply_to", "event_id", "rel_type", "key", "answers", "filename"]
contents = st.dictionaries(
    st.sampled_from(FIELDS), json_values | st.sampled_from(["m.text", "m.file", "m.replace"])
)
kinds = st.sampled_from(
    ["m.room.message", "m.poll.start", "m.reaction", "m.sticker", "m.room.member", "x"]
)


@given(kinds, contents, contents)
@example("m.room.message", {"msgtype": []}, {})
def test_nothing_that_a_member_sends_breaks_the_reading(
    kind: str, content: dict[str, Any], outer: dict[str, Any]
) -> None:
    found = maybe(content, kind, outer={**outer, "ciphertext": "x"})
    assert found is None or isinstance(found.content.text, str)
    told = translate.other(ROOM, event(kind, content, state_key=""))
    assert all(isinstance(each, MembershipChanged) for each in told)


def member(before: str | None, after: str, by: AccountId = ANNA) -> list[object]:
    unsigned = {} if before is None else {"prev_content": {"membership": before}}
    raw = event("m.room.member", {"membership": after}, sender=by, state_key=ANNA)
    return list(translate.other(ROOM, {**raw, "unsigned": unsigned}))


@pytest.mark.parametrize(
    ("before", "after", "by", "change"),
    [
        (None, "invite", BOT, MembershipChange.INVITED),
        ("invite", "join", ANNA, MembershipChange.JOINED),
        ("join", "leave", ANNA, MembershipChange.LEFT),
        ("join", "leave", BOT, MembershipChange.REMOVED),
        ("join", "ban", BOT, MembershipChange.REMOVED),
        ("join", "join", ANNA, None),
    ],
)
def test_who_came_and_went_is_told(
    before: str | None, after: str, by: AccountId, change: MembershipChange | None
) -> None:
    wanted = [] if change is None else [MembershipChanged(ROOM, ANNA, change, by, "$e")]  # type: ignore[arg-type]
    assert member(before, after, by) == wanted


def test_changed_levels_are_a_setting_and_a_role_of_each_account_named_apart() -> None:
    raw = event("m.room.power_levels", {"users": {ANNA: 100, BOT: 50}}, state_key="", sender=BOT)
    raw["unsigned"] = {"prev_content": {"users": {BOT: 50}}}
    found = list(translate.other(ROOM, raw))
    assert isinstance(found[0], SettingsChanged)
    assert found[1:] == [MembershipChanged(ROOM, ANNA, MembershipChange.ROLE, BOT, f"$e/{ANNA}")]  # type: ignore[arg-type]


@pytest.mark.parametrize("inside", [True, False], ids=["version 11", "version 10"])
def test_a_message_taken_back_is_told_in_either_form(inside: bool) -> None:
    raw = event("m.room.redaction", {"redacts": "$t"} if inside else {})
    raw |= {} if inside else {"redacts": "$t"}
    assert list(translate.other(ROOM, raw)) == [Redacted(ROOM, "$t", ANNA, "$e")]  # type: ignore[arg-type]


def test_a_receipt_counts_for_messages_of_ours() -> None:
    told = {"$ours": {"m.read": {ANNA: {"ts": 5}}}, "$theirs": {"m.read": {ANNA: {"ts": 5}}}}
    raw = {"type": "m.receipt", "content": told}
    (found,) = translate.receipts(ROOM, raw, lambda target: target == "$ours")
    assert (found.remote_id, found.kind, found.at) == ("$ours", ReceiptKind.READ, 5000)


def test_an_invitation_is_named_by_room_and_position() -> None:
    state = [{"type": "m.room.member", "state_key": BOT, "sender": ANNA, "content": {}}]
    found = translate.invitation(ROOM, BOT, state, "s1")
    assert (found.account, found.by, found.remote_id) == (BOT, ANNA, "invite/!r/s1")
    assert translate.invitation(ROOM, BOT, None, "s1").by is None


def test_what_was_sealed_for_another_room_is_not_read_here() -> None:
    plain = '{"type":"m.room.message","content":{},"room_id":"!other"}'
    assert read_payload(plain, ROOM) is None
    assert read_payload(plain, "!other") == ("m.room.message", {})
