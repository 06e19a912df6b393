"""What needs no server: names, the form of a message, what is heard, what goes out."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.port import AccountId, DeliveryKey, RoomId
from connectors.port.errors import Rejected, Unreadable
from connectors.port.events import (
    Event,
    InboundMessage,
    KeyChanged,
    MembershipChange,
    MembershipChanged,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Attachment, Content, Delivery
from connectors.shared import frame
from connectors.testing.rig import attachment, hash_of
from connectors.wickr import ids, layout, outgoing, translate
from connectors.wickr.client import MOST_ENCODED, encoded, part
from connectors.wickr.folder import Folder
from connectors.wickr.ids import Kind

ROOM = RoomId("Sa6783e427e164d37f2e8177874ee192523e6cc9520416bf96850ca01730bf07")
LINE = "fb6e21630c05fde50ae39113c3626018712cf2c374b4a80eba4d28ced9419c07"
NAME = "3960e020ca4211e799802f2894564caa"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
MIB = 1024 * 1024


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("room", "kind"),
    [
        (ROOM, Kind.SECURE_ROOM),
        ("GC123456789", Kind.GROUP),
        ("1:ann@x", Kind.LINE),
        ("1:Sam@x", Kind.LINE),
        ("1:", None),
        (LINE, None),
        ("", None),
        ("!no-such-room:nowhere.invalid", None),
        ("S x", None),
    ],
)
def test_a_room_is_of_the_kind_that_its_first_letter_says(room: str, kind: Kind | None) -> None:
    assert ids.kind_of(RoomId(room)) is kind


def test_a_line_is_named_after_the_person_at_its_other_end() -> None:
    room = ids.line_with(AccountId("Gwen@x"))
    assert (ids.kind_of(room), ids.other_end(room)) == (Kind.LINE, "Gwen@x")


def test_each_attempt_of_ours_has_a_name_of_its_own() -> None:
    key = DeliveryKey("k")
    assert [ids.our_message(key, n) for n in (1, 2)] == ["ours/k", "ours/k/2"]


@given(st.text(max_size=40))
def test_a_part_of_a_path_stays_one_part(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert not set("/?#") & set(part(text))
    assert part(text) not in {".", ".."}


# --- the form of a message --------------------------------------------------------------------

names = (
    st.text(min_size=1, max_size=40)
    .map(frame.one_line)
    .filter(lambda n: bool(n) and n != frame.OURS and not n.endswith(frame.REPEATED.strip()))
)
bodies = st.one_of(
    texts,
    st.lists(
        st.sampled_from(["> ", "\n", "\r\n", "\u2028", "\x85", "Ann", "Wallcross", " ", "/", "@"])
    ).map("".join),
)


@given(author=st.none() | names, body=bodies, repeated=st.booleans())
@example(author=None, body="Ann Example\n> I approve", repeated=False)
@example(author=None, body="/kick ann", repeated=False)
@example(author="Ann", body="", repeated=True)
def test_no_body_imitates_an_author(author: str | None, body: str, repeated: bool) -> None:
    shown = frame.parse(layout.render(Content(body), author, repeated=repeated))
    assert (shown.author, shown.text, shown.repeated) == (author, body, repeated)


@given(body=bodies)
@example(body="/list")
@example(body=" \n@bot help")
def test_nothing_of_ours_begins_like_a_command(body: str) -> None:
    assert not layout.render(Content(body), None).lstrip().startswith(("/", "@"))


# --- what is heard: samples of AWS' documentation ---------------------------------------------


def sample(**more: Any) -> dict[str, Any]:
    plain = {
        "message_id": NAME,
        "message": "This is a typical message",
        "msg_ts": "1510777143.738976",
        "msgtype": 1000,
        "sender_type": "normal",
        "sender": "user003",
        "time": "7/11/23 5:19 PM",
        "time_iso": "2023-07-11 17:19:58.781",
        "ttl": "7/10/24 5:19 PM",
        "vgroupid": ROOM,
    }
    return {name: value for name, value in (plain | more).items() if value is not None}


def control(kind: int, **fields: Any) -> dict[str, Any]:
    return sample(message=None, msgtype=kind, control={"msgtype": kind, **fields})


def nothing(_: str) -> Attachment | None:
    return None


def told(raw: dict[str, Any], find: translate.FindFile = nothing) -> list[Event]:
    found = translate.heard(raw)
    assert found is not None
    return list(translate.events(found, find))


def message(raw: dict[str, Any], find: translate.FindFile = nothing) -> InboundMessage:
    (event,) = told(raw, find)
    assert isinstance(event, InboundMessage)
    return event


def test_a_text_in_a_room_is_read() -> None:
    heard = message(sample())
    assert (heard.room, heard.remote_id, heard.sender) == (ROOM, NAME, "user003")
    assert heard.content.text == "This is a typical message"
    assert (heard.sent_at, heard.direct) == (1_510_777_143_738_976, False)


def test_a_private_message_is_on_the_line_with_its_sender() -> None:
    heard = message(sample(vgroupid=LINE, receiver="user001"))
    assert (heard.room, heard.direct) == ("1:user003", True)


@pytest.mark.parametrize("group", ["Sx!", "G" + "y" * 200])
def test_what_is_written_in_a_room_is_never_taken_for_a_private_line(group: str) -> None:
    assert not message(sample(vgroupid=group)).direct


def test_a_links_target_is_told_where_the_text_hides_it() -> None:
    links = [{"url": "https://a.example/"}, {"url": "https://b.example/"}]
    heard = message(sample(message="see https://a.example/", links=links))
    assert heard.content.text == "see https://a.example/\nhttps://b.example/"


def test_a_message_without_an_id_has_the_same_name_each_time() -> None:
    first, second = message(sample(message_id=None)), message(sample(message_id=None))
    other = message(sample(message_id=None, message="other"))
    assert first.remote_id == second.remote_id != other.remote_id


def file_message(**more: Any) -> dict[str, Any]:
    file = {
        "filename": "picture.jpeg",
        "guid": "AD20D048-9B60-4F32-A691-2D4BE4152E58",
        "localfilename": "/opt/WickrIO/clients/bot/attachments/attachment_2017_picture.jpeg",
    }
    return sample(message=None, msgtype=6000, file=file | more)


def test_a_file_is_looked_for_under_its_base_name() -> None:
    asked: list[str] = []

    def find(name: str) -> Attachment:
        asked.append(name)
        return attachment(name, b"bytes")

    heard = message(file_message(), find)
    assert asked == ["attachment_2017_picture.jpeg"]
    assert [file.name for file in heard.content.attachments] == ["picture.jpeg"]


def test_a_file_out_of_reach_is_told_as_unreadable() -> None:
    heard = message(file_message())
    assert (heard.unreadable, heard.content.attachments) == ("file_out_of_reach", ())


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a/../../etc/passwd", "passwd"), ("..", ""), ("/", ""), ("a\\b\\..", ""), ("x\x00y", "")],
)
def test_a_files_place_is_one_name_in_one_folder(path: str, name: str) -> None:
    assert translate.file_of(file_message(localfilename=path)) == name


@pytest.mark.parametrize(
    ("more", "shows"),
    [({"isscreenshot": True}, True), ({"isscreenshot": "true"}, False), ({}, False)],
)
def test_a_screenshot_says_so(more: dict[str, Any], shows: bool) -> None:
    """Also where the file itself is out of reach."""
    read = message(file_message(**more), lambda name: attachment(name, b"bytes"))
    unread = message(file_message(**more))
    assert (read.screenshot, unread.screenshot) == (shows, shows)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (sample(message=None), "nothing_readable"),
        (sample(message=5), "nothing_readable"),
        (sample(msgtype=9000), "edit"),
        (sample(msgtype=9100), "reaction"),
        (sample(msgtype=1234), "unknown_kind"),
        (sample(msgtype=8000), "place"),
        (control(4011), "removal_of_nothing"),
    ],
)
def test_what_cannot_be_read_is_told_with_a_code(raw: dict[str, Any], code: str) -> None:
    heard = message(raw)
    assert (heard.unreadable, heard.content.text) == (code, "")


def test_a_place_is_its_figures() -> None:
    raw = sample(message=None, msgtype=8000, location={"latitude": 52.5, "longitude": "13.4"})
    assert message(raw).content.text == "52.5, 13.4"


def test_calls_and_marks_of_ones_own_are_silent() -> None:
    assert [told(sample(msgtype=kind)) for kind in (7000, 4012, 4013, 4014)] == [[], [], [], []]


def test_who_came_and_who_went_is_told_with_who_did_it() -> None:
    raw = control(4002, addedusers=["ann@x", {"name": "bob@x"}], deletedusers=["eve@x", 7])
    moved = [e for e in told(raw) if isinstance(e, MembershipChanged)]
    assert [(e.account, e.change, e.by) for e in moved] == [
        ("ann@x", MembershipChange.JOINED, "user003"),
        ("bob@x", MembershipChange.JOINED, "user003"),
        ("eve@x", MembershipChange.REMOVED, "user003"),
    ]
    assert len({e.remote_id for e in moved}) == 3


def test_who_leaves_is_told() -> None:
    (left,) = told(control(4003))
    assert isinstance(left, MembershipChanged)
    assert (left.account, left.change) == ("user003", MembershipChange.LEFT)


@pytest.mark.parametrize(
    ("kind", "setting"), [(4001, "created"), (4004, "settings"), (4005, "deleted")]
)
def test_a_change_of_a_room_is_a_hint_to_read_it(kind: int, setting: str) -> None:
    *moved, changed = told(control(kind, members=["user003", "ann@x"]))
    assert isinstance(changed, SettingsChanged)
    assert (changed.room, changed.setting, changed.by) == (ROOM, setting, "user003")
    assert len(moved) == (2 if kind == 4001 else 0)


@pytest.mark.parametrize("field", ["message_id", "msgid"])
def test_a_removal_names_what_was_taken_back(field: str) -> None:
    (gone,) = told(control(4011, **{field: "abc"}))
    assert isinstance(gone, Redacted)
    assert (gone.target, gone.by) == ("abc", "user003")


def test_a_key_to_be_verified_anew_is_a_hint() -> None:
    (hint,) = told(sample(message=None, msgtype=3000, keyverify={"verifiedkey": "k"}))
    assert isinstance(hint, KeyChanged)
    assert (hint.account, hint.device.key) == ("user003", "k")


wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*sample(), "control", "file", "links", "location", "keyverify"]), wild
    ),
    st.sampled_from([1000, 3000, 4001, 4002, 4003, 4004, 4005, 4011, 6000, 8000, 9000, 5]),
)
def test_nothing_from_outside_raises(fields: dict[str, Any], kind: int) -> None:
    heard = translate.heard(fields)
    assert heard is None or heard.name
    raw = sample() | fields | {"sender": "user003", "vgroupid": ROOM, "msgtype": kind}
    found = translate.heard(raw)
    assert found is not None
    assert isinstance(list(translate.events(found, nothing)), list)


@pytest.mark.parametrize(
    "raw",
    [
        *(None, 5, [], {}),
        *(sample(sender=None), sample(sender="a\nb"), sample(sender="")),
        *(sample(vgroupid=None), sample(vgroupid=""), sample(msgtype=None), sample(msgtype="x")),
    ],
    ids=range(11),
)
def test_what_the_client_would_not_make_is_not_heard(raw: object) -> None:
    assert translate.heard(raw) is None


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("1544019174.117057", 1_544_019_174_117_057),
        ("1544019174", 1_544_019_174_000_000),
        ("1544019174.5", 1_544_019_174_500_000),
        ("soon", 0),
        ("1.x", 0),
        (None, 0),
        ("9" * 30, 0),
    ],
)
def test_an_instant_is_seconds_and_their_fraction(stamp: str | None, at: int) -> None:
    assert translate.instant(sample(msg_ts=stamp)) == at


# --- what goes out ----------------------------------------------------------------------------


def delivery(room: RoomId = ROOM, text: str = "body", **more: Any) -> Delivery:
    files = more.pop("files", ())
    return Delivery(DeliveryKey("k"), room, Content(text, None, files), frozenset(), **more)


def test_a_room_is_named_alone_and_a_person_as_an_object() -> None:
    assert outgoing.text_body(delivery(), outgoing.AS_THE_ROOM) == {
        "vgroupid": ROOM,
        "message": "body",
    }
    line = outgoing.text_body(delivery(RoomId("1:ann@x")), outgoing.Lives(60, 5))
    assert line == {"users": [{"name": "ann@x"}], "message": "body", "ttl": 60, "bor": 5}


def test_an_empty_message_never_goes_out() -> None:
    with pytest.raises(Rejected):
        outgoing.text_body(delivery(text=""), outgoing.AS_THE_ROOM)
    assert (
        outgoing.text_body(delivery(text="", files=(attachment("x", b"x"),)), outgoing.AS_THE_ROOM)
        is None
    )


@given(texts.map(lambda t: t * 200))
@settings(deadline=None)
@example("\x00" * 30_000)
@example("\n" * 32_000)
def test_no_body_is_so_long_that_the_program_takes_it_for_an_empty_one(text: str) -> None:
    try:
        body = outgoing.text_body(
            delivery(text=text or "x", author_line="Ann"), outgoing.AS_THE_ROOM
        )
    except Rejected:
        return
    assert body is not None
    assert len(encoded(body)) <= MOST_ENCODED


@given(st.text(max_size=200))
@example("../../Offer <b>.pdf")
@example('a"; filename="b\r\n\r\n.exe')
@example(".")
@example("报价.pdf")
def test_a_files_name_is_one_ascii_word_in_one_folder(name: str) -> None:
    first, second = (outgoing.unique_name(name, word) for word in ("0" * 16, "1" * 16))
    assert first != second
    assert first.isascii()
    assert not set('/\\";:\r\n%') & set(first)
    assert not first.startswith(".")
    assert len(first) < 140


def test_a_files_kind_stays_its_kind() -> None:
    assert outgoing.unique_name("../Offer (final).pdf", "ab12") == "Offer (final).ab12.pdf"
    assert outgoing.unique_name("Offer", "ab12") == "Offer.ab12"


async def body_of(upload: outgoing.Upload) -> bytes:
    return b"".join([piece async for piece in upload.pieces()])


@pytest.mark.parametrize("size", [0, 1, 8192, 100_000])
async def test_an_upload_is_as_long_as_it_says(size: int) -> None:
    upload = outgoing.upload(attachment("x.pdf", b"y" * size), ROOM, outgoing.AS_THE_ROOM)
    body = await body_of(upload)
    assert len(body) == upload.length
    assert b'name="vgroupid"\r\n\r\n' + ROOM.encode() in body
    assert b"y" * size + b"\r\n--" in body


async def test_people_of_an_upload_are_plain_strings() -> None:
    upload = outgoing.upload(attachment("x", b"y"), RoomId("1:ann@x"), outgoing.Lives(60, 5))
    body = await body_of(upload)
    assert b'name="users"\r\n\r\n' + json.dumps(["ann@x"]).encode() in body
    assert b'name="ttl"\r\n\r\n60\r\n' in body
    assert b'name="bor"\r\n\r\n5\r\n' in body
    assert b"vgroupid" not in body


@pytest.mark.parametrize("announced", [4999, 5001])
async def test_a_file_of_another_length_does_not_pass(announced: int) -> None:
    file = attachment("x", b"x" * 5000, size=announced)
    with pytest.raises(Rejected):
        await outgoing.check_files((file,), MIB)
    upload = outgoing.upload(file, ROOM, outgoing.AS_THE_ROOM)
    with pytest.raises(Rejected):
        await body_of(upload)


async def test_a_source_that_fails_says_nothing_of_itself() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise LookupError("secret words")

    with pytest.raises(Rejected) as caught:
        await outgoing.check_files((Attachment("x", "text/plain", 5, broken),), MIB)
    assert caught.value.__context__ is None
    assert "secret" not in str(caught.value)


# --- the folder of files ----------------------------------------------------------------------


async def test_a_received_file_is_read_and_removed(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x" * 600_000)
    folder = Folder(tmp_path, MIB)
    found = folder.find("a.pdf")
    assert found is not None
    assert (found.size, found.media_type) == (600_000, "application/pdf")
    assert len(await hash_of(found)) == 64
    assert folder.remove("a.pdf")
    assert folder.find("a.pdf") is None
    assert folder.remove("a.pdf")


async def test_what_is_no_plain_file_of_the_folder_is_not_there(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "link").symlink_to(tmp_path / "secret")
    (inside / "folder").mkdir()
    (inside / "large").write_bytes(b"x" * 20)
    folder = Folder(inside, 10)
    wrong = ["../secret", "link", "folder", "", ".", "..", "none", "large", "a/b", "x\x00"]
    assert [folder.find(name) for name in wrong] == [None] * len(wrong)
    assert not folder.remove("../secret")
    assert (tmp_path / "secret").exists()


async def test_a_file_that_changes_while_it_is_kept_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"xx")
    found = Folder(tmp_path, MIB).find("a")
    assert found is not None
    (tmp_path / "a").write_bytes(b"xxx")
    with pytest.raises(Unreadable):
        await hash_of(found)
    (tmp_path / "a").unlink()
    with pytest.raises(Unreadable):
        await hash_of(found)


def test_what_we_sent_is_swept_by_our_word(tmp_path: Path) -> None:
    for name in ("Offer.aaaa.pdf", "Offer.bbbb.pdf", "Offer.pdf"):
        (tmp_path / name).touch()
    assert Folder(tmp_path, MIB).sweep(["aaaa", "cccc"]) == ["aaaa", "cccc"]
    assert sorted(f.name for f in tmp_path.iterdir()) == ["Offer.bbbb.pdf", "Offer.pdf"]
    assert Folder(None, MIB).sweep(["bbbb"]) == Folder(tmp_path / "gone", MIB).sweep(["bbbb"]) == []


def test_a_folder_that_is_not_mounted_has_nothing(tmp_path: Path) -> None:
    for path in (None, tmp_path / "gone"):
        folder = Folder(path, MIB)
        assert (folder.mounted, folder.find("x"), folder.count()) == (False, None, None)
