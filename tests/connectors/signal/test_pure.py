"""What needs no server: names, the form of a message, envelopes, answers, what is kept."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.port import AccountId, DeliveryKey, Evidence, RoomId
from connectors.port.errors import (
    IdentityChanged,
    Outcome,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import (
    Event,
    InboundMessage,
    Receipt,
    ReceiptKind,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Attachment, Content, Delivery
from connectors.shared import frame
from connectors.shared.spool import Full
from connectors.signal import answers, groups, ids, outgoing, translate
from connectors.signal.doctor import older
from connectors.signal.ids import Own
from connectors.signal.ledger import ASKED, SEEN, Ledger, Seat, Timer
from connectors.signal.peers import read_devices, read_peers
from connectors.signal.spool import Spool
from connectors.testing.rig import attachment

UUID = "0f1e2d3c-4b5a-4968-8776-655443322110"
OURS = "aaaaaaaa-4b5a-4968-8776-655443322110"
OWN = Own("+15550100", OURS)
INTERNAL = "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc="
GROUP = RoomId("group.eU1uS3k4ek56cy9RMGRMVDFOWFcxOWpaMnR2YzNkN2Y0T0hpNCtUbDV1Yz0=")
HOUR = 3_600_000_000
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


# --- names ------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
def test_group_ids_convert_both_ways(raw: bytes) -> None:
    internal = base64.b64encode(raw).decode()
    room = ids.rest_id(internal)
    assert room is not None
    assert ids.internal_id(room) == internal
    assert (len(room), room.count("="), set(room) & set("/+")) == (66, 1, set())


@given(texts)
@example("group.")
@example("group.AAAA")
@example(INTERNAL)
def test_what_is_no_group_id_is_none(text: str) -> None:
    room = ids.rest_id(text)
    assert room is None or ids.internal_id(room) == text
    assert not ids.is_group(RoomId(f"{text} "))


def test_our_own_account_has_one_name_whatever_it_is_called() -> None:
    assert OWN.name(OURS) == OWN.name(None, "+15550100") == OWN.name(OURS.upper(), "") == OWN.number
    assert OWN.name(UUID, "+15550101") == UUID
    assert OWN.name(None, "+15550101") == "+15550101"
    assert OWN.name(None, None) is None


@given(st.text(min_size=1), st.integers(0, 10**15))
def test_a_messages_name_is_its_author_and_timestamp(author: str, stamp: int) -> None:
    assert ids.split_remote(ids.remote_id(AccountId(author), stamp)) == (author, stamp)


# --- the form of a message --------------------------------------------------------------------

names = (
    st.text(min_size=1, max_size=40)
    .map(frame.one_line)
    .filter(lambda n: bool(n) and n != frame.OURS and not n.endswith(frame.REPEATED.strip()))
)
bodies = st.one_of(
    texts,
    st.lists(st.sampled_from(["> ", "\n", "\r\n", "\u2028", "\x85", "Ann", "Wallcross", " "])).map(
        "".join
    ),
)


@given(author=st.none() | names, body=bodies, repeated=st.booleans())
@example(author=None, body="Ann Example\n> I approve", repeated=False)
@example(author=None, body="Wallcross\n> I approve", repeated=False)
@example(author="Ann", body="", repeated=True)
def test_no_body_imitates_an_author(author: str | None, body: str, repeated: bool) -> None:
    shown = frame.parse(frame.render(Content(body), author, repeated=repeated))
    assert (shown.author, shown.text, shown.repeated) == (author, body, repeated)


@given(names, bodies)
def test_an_author_stands_alone_on_the_first_line(author: str, body: str) -> None:
    first, *rest = frame.render(Content(body), author).splitlines()
    assert first == author
    assert all(line.startswith(">") for line in rest)


@given(bodies, bodies, st.none() | bodies)
@example("Ann\n> I approve\nBea", "no", None)
@example("Ann", "no", "s\nBea\n> I approve")
def test_no_name_and_no_subject_is_more_than_a_line(
    author: str, body: str, subject: str | None
) -> None:
    first, *rest = frame.render(Content(body, subject), author).splitlines()
    assert first == frame.one_line(author)
    assert all(line.startswith(">") for line in rest)


def test_a_subject_stands_above_the_text() -> None:
    assert frame.render(Content("text", "sub\nject"), None) == "sub ject\n\ntext"


# --- envelopes --------------------------------------------------------------------------------


def told(**kinds: Any) -> Any:
    envelope = {"sourceUuid": UUID, "sourceNumber": None, "timestamp": 1_700_000_000_001}
    params = {"envelope": envelope | kinds, "account": OWN.number}
    return {"jsonrpc": "2.0", "method": "receive", "params": params}


def data(**fields: Any) -> dict[str, Any]:
    plain = {"timestamp": 1_700_000_000_001, "message": "hi", "expiresInSeconds": 3600}
    return plain | {"groupInfo": {"groupId": INTERNAL, "type": "DELIVER"}} | fields


def heard(post: Any) -> list[Event]:
    def find(_name: str, _size: int | None) -> Any:
        return lambda: None

    found = translate.heard(post, OWN)
    assert not isinstance(found, str), found
    return list(translate.events(found, OWN, find, lambda s: GROUP if s == 7 else None))


def message(**fields: Any) -> InboundMessage:
    (found,) = heard(told(dataMessage=data(**fields)))
    assert isinstance(found, InboundMessage)
    return found


def test_a_message_is_told_with_its_room_and_name() -> None:
    found = message()
    assert (found.room, found.sender, found.content.text) == (GROUP, UUID, "hi")
    assert (found.remote_id, found.direct) == (f"{UUID}/1700000000001", False)


def test_a_private_line_is_the_uuid_at_its_other_end() -> None:
    (found,) = heard(told(dataMessage={"message": "hi"}))
    assert isinstance(found, InboundMessage)
    assert (found.room, found.direct) == (UUID, True)


def test_a_mention_is_put_into_the_text_by_utf_16_places() -> None:
    mention = {"name": "Bob", "number": None, "uuid": OURS, "start": 3, "length": 1}
    text = "\U0001f469 \ufffc, and \ufffc"
    second = mention | {"start": 10, "name": "", "number": "+1"}
    assert message(message=text, mentions=[second, mention]).content.text == (
        "\U0001f469 @Bob, and @+1"
    )


@pytest.mark.parametrize("mentions", [[{"start": 99, "length": 1}], [{"start": "x"}], "x", [None]])
def test_a_mention_that_makes_no_sense_harms_nothing(mentions: Any) -> None:
    assert message(mentions=mentions).content.text.startswith("hi")


@pytest.mark.parametrize(
    "mentions",
    [
        [{"start": 0, "length": 26, "name": "Bob"}],
        [{"start": 0, "length": 10_000, "name": "Bob"}],
        [{"start": 3, "length": 9, "name": "Bob"}, {"start": 0, "length": 30, "name": "Eve"}],
        [{"start": n, "length": 1, "name": "Bob"} for n in range(26)],
    ],
)
def test_a_mention_hides_no_text_from_us(mentions: Any) -> None:
    said = "we offer 27.50 per share  "
    shown = message(message=said, mentions=mentions).content.text
    assert shown.replace("@Bob", "").replace("@Eve", "") == said


def test_whatever_a_member_sees_is_text() -> None:
    found = message(
        pollCreate={"question": "Sell?", "options": ["yes at 40", "no"]},
        contacts=[
            {
                "name": {"given": "Eve"},
                "phone": [{"value": "+1555", "label": "by noon"}],
                "address": [{"street": "27.50 per share", "region": None}],
            }
        ],
        previews=[{"title": "Offer", "description": "40 a share", "url": "https://x"}],
        attachments=[{"id": "a", "caption": "the deck", "size": 3}],
    ).content.text
    card = ("Eve", "+1555", "by noon", "27.50 per share")
    for words in ("hi", "Sell?", "yes at 40", *card, "40 a share", "the deck"):
        assert words in found


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"message": None, "sticker": {"packId": "x"}}, "sticker"),
        ({"message": None, "payment": {"note": "x"}}, "payment"),
        ({"message": None, "viewOnce": True}, "view_once"),
        ({"message": None}, "nothing_readable"),
        ({"groupInfo": {"groupId": "broken"}}, "no_room"),
    ],
)
def test_what_cannot_be_read_is_told_with_a_code(fields: dict[str, Any], code: str) -> None:
    assert (message(**fields).unreadable, message(**fields).content.text) == (code, "")


def test_an_unknown_kind_is_told_and_silent_ones_are_not() -> None:
    (found,) = heard(told(novelty={"x": 1}))
    assert isinstance(found, InboundMessage)
    assert found.unreadable == "unknown_kind"
    for kind in ("typingMessage", "callMessage", "storyMessage"):
        assert heard(told(**{kind: {"x": 1}})) == []
    assert heard(told(syncMessage={"readMessages": []})) == []


def test_a_reaction_of_words_is_text_and_an_emoji_is_none() -> None:
    reaction = {"emoji": "yes", "targetAuthorUuid": OURS, "targetSentTimestamp": 5}
    found = message(message=None, reaction=reaction)
    assert (found.content.text, found.reply_to) == ("yes", "+15550100/5")
    plain = told(dataMessage=data(message=None, reaction=reaction | {"emoji": "\U0001f44d"}))
    assert heard(plain) == []


def test_edits_deletes_and_changes() -> None:
    edit = {"targetSentTimestamp": 5, "dataMessage": data(message="new")}
    (found,) = heard(told(editMessage=edit))
    assert isinstance(found, InboundMessage)
    assert (found.edits, found.content.text) == (f"{UUID}/5", "new")
    (gone,) = heard(told(dataMessage=data(message=None, remoteDelete={"timestamp": 5})))
    assert isinstance(gone, Redacted)
    assert (gone.target, gone.by) == (f"{UUID}/5", UUID)
    admin = {"targetAuthorUuid": OURS, "targetSentTimestamp": 6}
    (gone,) = heard(told(dataMessage=data(message=None, adminDelete=admin)))
    assert isinstance(gone, Redacted)
    assert gone.target == "+15550100/6"
    changed = told(
        dataMessage=data(message=None, groupInfo={"groupId": INTERNAL, "type": "UPDATE"})
    )
    (setting,) = heard(changed)
    assert isinstance(setting, SettingsChanged)
    assert setting.room == GROUP


def test_receipts_are_told_for_messages_of_ours_alone() -> None:
    receipt = {"when": 9, "isDelivery": False, "isRead": True, "timestamps": [7, 8]}
    (found,) = heard(told(receiptMessage=receipt))
    assert found == Receipt(GROUP, ids.remote_id(OWN.account, 7), AccountId(UUID), READ, 9000)


READ = ReceiptKind.READ


def test_a_copy_of_our_own_goes_by_its_destination() -> None:
    sent = data(groupInfo=None, destinationUuid=UUID) | {"message": "mine"}
    del sent["groupInfo"]
    post = told(syncMessage={"sentMessage": sent})
    post["params"]["envelope"] |= {"sourceUuid": OURS, "sourceNumber": OWN.number}
    (found,) = heard(post)
    assert isinstance(found, InboundMessage)
    assert (found.sender, found.room, found.direct) == (OWN.number, UUID, True)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["groupInfo", "quote", "mentions", "attachments", "timestamp", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
kinds = st.sampled_from(["dataMessage", "editMessage", "receiptMessage", "syncMessage", "x"])


@given(kinds, junk, st.booleans())
def test_nothing_from_outside_raises(kind: str, inner: Any, sync: bool) -> None:
    body = {"sentMessage": inner} if sync else inner
    post = told(**{kind: body})
    assert isinstance(heard(post), list)
    found = translate.heard(post, OWN)
    assert not isinstance(found, str)
    translate.timer_seen(found, OWN)
    translate.changed_group(found.envelope)
    assert all(isinstance(name, str) for name in translate.files(found.envelope))


@given(junk)
def test_no_post_of_any_form_raises(inner: Any) -> None:
    assert isinstance(translate.heard(inner, OWN), str)
    translate.heard({"method": "receive", "params": inner}, OWN)


@pytest.mark.parametrize(
    "fields",
    [
        {"message": "half \ud800"},
        {"message": "x", "quote": {"id": 1, "authorUuid": OURS, "text": "\ud800"}},
        {"attachments": [{"id": "a", "filename": "\udc00", "contentType": "\udc00"}]},
        {"mentions": [{"start": 0, "length": 1, "name": "\ud800"}]},
    ],
)
def test_what_is_no_unicode_becomes_it(fields: dict[str, Any]) -> None:
    found = message(**fields)
    words = [found.content.text, found.quoted or "", found.remote_id, found.sender]
    words += [w for a in found.content.attachments for w in (a.name, a.media_type)]
    assert all(word.encode() is not None for word in words)


def test_a_number_that_no_database_takes_is_none() -> None:
    assert answers.number(2**53) == 2**53
    for wrong in (2**53 + 1, 10**30, -1, True, "9" * 17, "1.5", None, [1]):
        assert answers.number(wrong) is None


def test_a_timer_is_seen_in_what_members_send() -> None:
    found = translate.heard(told(dataMessage=data()), OWN)
    assert not isinstance(found, str)
    assert translate.timer_seen(found, OWN) == (GROUP, 3600)


def test_an_exceptions_name_is_a_code() -> None:
    assert translate.stable("org.x.UntrustedIdentityException") == "untrusted_identity"
    assert translate.stable("<script>") == "undecryptable"


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"timestamp": "5"}, [{"timestamp": "5"}], [{"timestamp": 5}]])
def test_both_shapes_of_a_send(body: Any) -> None:
    assert answers.check_sent(answers.sent(body), 3) == 5


@pytest.mark.parametrize("body", [{}, [], None, [{}], "x", [{"timestamp": "x"}], {"timestamp": 0}])
def test_a_send_without_a_timestamp_is_uncertain(body: Any) -> None:
    with pytest.raises(Uncertain):
        answers.check_sent(answers.sent(body), 1)


def failed(*reasons: str) -> answers.Sent:
    listed = [{"number": "+1", "reason": reason} for reason in reasons]
    return answers.sent([{"timestamp": "5", "errors": {"recipients": listed}}])


@pytest.mark.parametrize(
    ("reasons", "readers", "kind"),
    [
        (["IDENTITY_FAILURE"], 1, IdentityChanged),
        (["UNREGISTERED_FAILURE"], 1, Rejected),
        (["RATE_LIMIT_FAILURE"], 1, Unavailable),
        (["NETWORK_FAILURE"], 1, Unavailable),
        (["NETWORK_FAILURE"], 2, Uncertain),
        (["something new"], 3, Uncertain),
        (["NETWORK_FAILURE", "IDENTITY_FAILURE"], 2, IdentityChanged),
    ],
)
def test_who_was_not_reached_decides(reasons: list[str], readers: int, kind: type) -> None:
    with pytest.raises(kind):
        answers.check_sent(failed(*reasons), readers)


@given(st.integers(400, 599), st.text(max_size=50), st.booleans())
def test_no_error_quotes_the_server(status: int, said: str, acts: bool) -> None:
    error = answers.refusal(status, {"error": f"canary {said}"}, acts=acts)
    assert "canary" not in str(error)
    if status < 500:
        assert error.outcome is Outcome.NOT_SENT


def test_odd_challenge_tokens_are_not_shown() -> None:
    assert answers.challenge({"challenge_tokens": ["a", 5, "x" * 300, "é", "\x1b[1m"]}) == ("a",)


# --- rooms and keys ---------------------------------------------------------------------------


def listed(**fields: Any) -> dict[str, Any]:
    plain = {
        "id": GROUP,
        "members": [{"number": "+15550100", "uuid": OURS}, {"number": "", "uuid": UUID}],
        "pending_invites": [],
        "admins": [{"number": "+15550100", "uuid": OURS}],
        "member": True,
        "invite_link": "",
        "permissions": {"add_members": "only-admins", "send_messages": "every-member"},
    }
    return plain | fields


@pytest.mark.parametrize(
    "fields",
    [
        {"members": "x"},
        {"members": [5]},
        {"members": [{}]},
        {"pending_invites": None},
        {"admins": 3},
        {"invite_link": None},
        {"id": None},
        {"member": None},
        {"member": "yes"},
    ],
)
def test_a_listing_of_the_wrong_form_tells_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        groups.read_group(listed(**fields), OWN)


@pytest.mark.parametrize("told_of", [None, {}, "x", [None], [{}], [listed(), None]])
def test_a_list_of_all_groups_that_is_not_whole_tells_nothing(told_of: Any) -> None:
    """An empty one too would be taken for: our account is in none."""
    with pytest.raises(Unreadable):
        groups.read_groups(told_of, OWN)
    assert len(groups.read_groups([listed()], OWN)) == 1


def test_people_are_read_by_name_or_expanded() -> None:
    plain = groups.read_group(listed(members=["+15550100", UUID], admins=["+15550100"]), OWN)
    assert plain == groups.read_group(listed(), OWN)


def test_what_is_known_of_a_timer() -> None:
    now = 100 * HOUR
    asked, seen = Timer(3600, now - HOUR), Timer(7200, now)

    def found(one: Timer | None, other: Timer | None) -> tuple[Evidence, int | None] | None:
        holding = groups.timer_of(one, other, now)
        return None if holding is None else (holding.evidence, holding.value)

    assert found(None, None) is None
    assert found(asked, None) == (Evidence.REQUESTED, HOUR)
    assert found(asked, seen) == (Evidence.VERIFIED, 2 * HOUR)
    assert found(Timer(60, now), Timer(7200, now - HOUR)) == (Evidence.REQUESTED, HOUR // 60)
    assert found(None, Timer(7200, now - 25 * HOUR)) == (Evidence.REQUESTED, 2 * HOUR)
    assert found(None, Timer(7200, now + HOUR)) == (Evidence.REQUESTED, 2 * HOUR)
    assert found(asked, Timer(0, now)) is None


def test_the_latest_key_of_somebody_counts() -> None:
    entry = {"number": "", "uuid": UUID, "fingerprint": "05", "status": "TRUSTED_VERIFIED"}
    old = entry | {"safety_number": "1" * 60, "added": "1"}
    new = entry | {"safety_number": "22222 " * 12, "added": "2", "status": "UNTRUSTED"}
    for order in ([old, new], [new, old]):
        (peer,) = read_peers(order, OWN).values()
        assert (peer.key, peer.untrusted) == ("2" * 60, True)


@pytest.mark.parametrize("told_of", [None, {}, [{}], [{"uuid": UUID}], ["x"]])
def test_keys_of_the_wrong_form_tell_nothing(told_of: Any) -> None:
    with pytest.raises(Unreadable):
        read_peers(told_of, OWN)


def test_devices_are_a_number_and_an_instant() -> None:
    assert read_devices([{"id": 1, "creation_timestamp": 5}, {"id": 2}]) == {(1, 5), (2, 0)}
    wrongs: list[Any] = [None, {}, [{}], [{"id": -1}]]
    for wrong in wrongs:
        with pytest.raises(Unreadable):
            read_devices(wrong)


@pytest.mark.parametrize(
    ("version", "least", "expected"),
    [
        ("0.100", "0.100", False),
        ("0.99", "0.100", True),
        ("0.101-dev", "0.100", False),
        ("1", "0.100", False),
        ("unset", "0.100", None),
        ("", "0.100", None),
    ],
)
def test_releases_compare_by_number(version: str, least: str, expected: bool | None) -> None:
    assert older(version, least) is expected


# --- what goes out ----------------------------------------------------------------------------


def delivery(*files: Attachment, text: str = "see") -> Delivery:
    return Delivery(DeliveryKey("k"), GROUP, Content(text, None, files), frozenset())


async def whole(request: outgoing.Request) -> bytes:
    return b"".join([piece async for piece in request.pieces()])


@given(st.lists(st.binary(max_size=50), max_size=3), st.integers(1, 7), texts)
def test_the_body_is_json_of_the_length_announced(datas: list[bytes], step: int, name: str) -> None:
    def cut(data: bytes) -> Attachment:
        async def read() -> AsyncIterator[bytes]:
            for start in range(0, len(data), step):
                yield data[start : start + step]

        return Attachment(name, 'text/"plain"', len(data), read)

    request = outgoing.request(delivery(*map(cut, datas)), OWN, GROUP, 100)
    body = asyncio.run(whole(request))
    assert len(body) == request.length
    coded = json.loads(body).get("base64_attachments", [])
    assert [base64.b64decode(each.rpartition(";base64,")[2]) for each in coded] == datas
    assert all(each.count(";") == 2 and each.count(",") == 1 for each in coded)


@given(texts)
@example("..")
@example("../../x")
@example("")
def test_a_file_name_is_one_plain_name(name: str) -> None:
    safe = outgoing.safe_name(name)
    assert safe
    assert not safe.startswith(".")
    assert not set(safe) & set("/\\;,:\"'\n\r\x00")
    assert len(safe.encode()) <= 200


async def test_a_body_ends_before_its_json_is_whole_when_a_file_is_not_as_it_said() -> None:
    for size in (4, 6):
        request = outgoing.request(delivery(attachment("x", b"12345", size=size)), OWN, GROUP, 9)
        pieces: list[bytes] = []
        with pytest.raises(Rejected):
            await gathered(request, pieces)
        with pytest.raises(ValueError, match="Unterminated"):
            json.loads(b"".join(pieces))


async def gathered(request: outgoing.Request, into: list[bytes]) -> None:
    async for piece in request.pieces():
        into.append(piece)  # noqa: PERF401 - what came before the end counts


def test_too_much_is_refused() -> None:
    for wrong in (
        delivery(text="x" * (outgoing.MAX_BODY + 1)),
        delivery(text="half \ud800"),
        delivery(attachment("x", b"x", size=11)),
    ):
        with pytest.raises(Rejected):
            outgoing.request(wrong, OWN, GROUP, 10)


# --- what is kept -----------------------------------------------------------------------------


def test_the_spool_keeps_order_and_forgets_what_was_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path, b"k" * 32)
    for n in range(5):
        spool.put({"n": n}, n, [f"file{n}"])
    first = spool.after(0, 3)
    assert [w.told["n"] for w in first] == [0, 1, 2]
    spool.taken(first[-1].seq)
    assert [w.told["n"] for w in spool.after(0, 9)] == [3, 4]
    assert spool.leftovers() == ["file0", "file1", "file2"]
    spool.removed("file1")
    place = spool.cursor(first[-1].seq)
    spool.close()
    again = Spool(tmp_path, b"k" * 32)
    assert again.of_cursor(place) == first[-1].seq
    assert again.of_cursor("other.4") == 0
    assert again.of_cursor("nonsense") == 0
    assert again.leftovers() == ["file0", "file2"]
    assert again.now() == 5
    again.close()


def test_a_full_spool_still_takes_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.shared.spool.MOST_WAITING", 1)
    spool = Spool(tmp_path, b"k" * 32)
    spool.put({"n": 1}, 1)
    with pytest.raises(Full):
        spool.put({"n": 2}, 2)
    spool.put({"note": 3}, 3, always=True)
    spool.taken(1)
    spool.taken(2)
    spool.put({"n": 4}, 4)
    spool.close()


def test_the_ledger_keeps_what_it_is_told(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ann = AccountId(UUID)
    ledger.sent(5, GROUP, DeliveryKey("k"), 100)
    assert (ledger.room_of(5), ledger.room_of(6)) == (GROUP, None)
    ledger.note_timer(GROUP, SEEN, Timer(60, 10))
    ledger.note_timer(GROUP, SEEN, Timer(90, 9))  # older news
    assert (ledger.timer(GROUP, SEEN), ledger.timer(GROUP, ASKED)) == (Timer(60, 10), None)
    ledger.acknowledged(8, ann, "delivered", 50)  # it overtakes the answer
    assert ledger.removal_asked_at(5) is None
    ledger.asked_removal(5, 8, 60)
    assert ledger.removal_asked_at(5) == 60
    assert ledger.removal_seen(5) == {ann}
    ledger.keep_seats(GROUP, {ann: Seat("joined", admin=True)})
    assert ledger.seats(GROUP) == {ann: Seat("joined", admin=True)}
    ledger.forget_before(1_000)
    assert (ledger.room_of(5), ledger.removal_seen(5)) == (None, frozenset())
    ledger.close()
