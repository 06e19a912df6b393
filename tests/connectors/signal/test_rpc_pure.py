"""What of signal-cli's own daemon needs no server: stream, files, answers, lists, settings."""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.port import AccountId, ConnectorName
from connectors.port.connector import Setup
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Outcome,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.messages import RoomSpec
from connectors.signal.connector import open_connector
from connectors.signal.groups import ADMINS, EVERYBODY, hardened
from connectors.signal.ids import Own
from connectors.signal.rpc import answers, listing
from connectors.signal.rpc.base64_field import Broken, Field
from connectors.signal.rpc.sse import Event, Parser

OURS, ANN, BOB = (f"{c * 8}-4b5a-4968-8776-655443322110" for c in "abc")
OWN = Own("+15550100", OURS)
READERS = frozenset({AccountId(ANN), AccountId(BOB)})
INTERNAL = "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc="
SECRET = "SECRET words of somebody"

# --- the stream -------------------------------------------------------------------------------

lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


def parsed(data: bytes, cuts: list[int], most: int = 1000) -> list[Event]:
    parser = Parser(most)
    return [event for piece in pieces(data, cuts) for event in parser.feed(piece)]


@given(
    st.lists(lines, min_size=1, max_size=4), st.lists(st.integers(0, 500)), st.sampled_from("nrb")
)
@example(["{}"], [1, 2, 3, 4, 5, 6], "b")
def test_an_event_is_the_same_however_it_is_cut(
    texts: list[str], cuts: list[int], end: str
) -> None:
    newline = {"n": "\n", "r": "\r", "b": "\r\n"}[end]
    body = newline.join(
        (":", "event:receive", *(f"data: {text}" for text in texts), "", ":", "data:x", "", "")
    )
    found = parsed(body.encode(), cuts)
    assert found == [Event("receive", "\n".join(texts).encode()), Event("message", b"x")]


def test_what_breaks_off_is_no_event() -> None:
    assert parsed(b"event:receive\ndata:{}\n", []) == []
    assert parsed(b"event:receive\n\n:\n\nid:4\n\n", []) == []


@given(st.lists(st.integers(0, 5000)))
def test_what_is_too_large_is_told_and_not_kept(cuts: list[int]) -> None:
    data = b"event:receive\ndata:" + b"x" * 4000 + b"\n\nevent:receive\ndata:y\n\n"
    large, small = parsed(data, cuts)
    assert (large.too_large, large.data, small.data) == (True, b"", b"y")


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_no_bytes_end_the_reading(data: bytes, cuts: list[int]) -> None:
    parsed(data, cuts, 50)


# --- files ------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.lists(st.integers(0, 500)), st.booleans())
def test_a_file_is_the_same_however_its_answer_is_cut(
    data: bytes, cuts: list[int], spaced: bool
) -> None:
    told = {"jsonrpc": "2.0", "result": {"data": base64.b64encode(data).decode()}, "id": "a"}
    body = json.dumps(told, separators=(", ", ": ") if spaced else (",", ":")).encode()
    field = Field("data")
    assert b"".join(field.feed(piece) for piece in pieces(body, cuts)) == data
    field.end()


@pytest.mark.parametrize(
    "body", [b"", b'{"result":{}}', b'{"data":"AAA', b'{"data":"A?=="}', b"x" * 5000, b'{"data":4}']
)
def test_what_is_no_whole_file_is_broken(body: bytes) -> None:
    field = Field("data")
    with pytest.raises(Broken):  # noqa: PT012 - at either step
        field.feed(body)
        field.end()


# --- answers ----------------------------------------------------------------------------------


def error(code: int, said: str = SECRET, **response: Any) -> dict[str, Any]:
    data = {"response": response} if response else None
    return {
        "jsonrpc": "2.0",
        "error": {"code": code, "message": said, "data": data},
        "id": "a",
    }


def one(account: str, kind: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    return {"recipientAddress": {"uuid": account, "number": None}, "type": kind} | more


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "x",
        {},
        {"jsonrpc": "2.0", "id": "a"},
        {"jsonrpc": "2.0", "id": "b", "result": {}},
        {"jsonrpc": "2.0", "result": {}},
        {"jsonrpc": "2.0", "id": None, "result": {}},
        {"jsonrpc": "1.0", "id": "a", "result": {}},
        {"id": "a", "result": {}},
        {"jsonrpc": "2.0", "id": "a", "result": {}, "error": {"code": -1}},
        {"jsonrpc": "2.0", "id": "b", "error": {"code": -1}},
        {"jsonrpc": "2.0", "id": "a", "error": None},
    ],
)
def test_an_answer_to_something_else_proves_nothing(told: object) -> None:
    with pytest.raises(answers.Malformed):
        answers.result(told, "a")


def test_what_could_not_be_read_has_no_id_and_is_an_answer() -> None:
    with pytest.raises(answers.Failed):
        answers.result({"jsonrpc": "2.0", "id": None, "error": {"code": -32700}}, "a")
    assert answers.result({"jsonrpc": "2.0", "id": "a", "result": None}, "a") is None


def meant(told: dict[str, Any], *, acts: bool = True, send: bool = True) -> ConnectorError:
    with pytest.raises(answers.Failed) as caught:
        answers.result(told, "a")
    readers = READERS if send else None
    return answers.meaning(caught.value, OWN, acts=acts, readers=readers)


BOTH = [one(ANN, "IDENTITY_FAILURE"), one(BOB, "IDENTITY_FAILURE")]
LIMITED = [one(ANN, "RATE_LIMIT_FAILURE", token="t-1", retryAfterSeconds=7)]


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        (error(-1), Rejected, "refused"),
        (error(-1, timestamp=5, results=[one(ANN), one(BOB, "NETWORK_FAILURE")]), Uncertain, None),
        (error(-1, results=[one(ANN, "NETWORK_FAILURE")]), Uncertain, None),
        (
            error(-1, results=[one(ANN, "NETWORK_FAILURE"), one(BOB, "NETWORK_FAILURE")]),
            Unavailable,
            "nobody_reached",
        ),
        (
            error(-1, results=[one(ANN, "UNREGISTERED_FAILURE"), one(BOB, "NETWORK_FAILURE")]),
            Rejected,
            "unregistered",
        ),
        (error(-3), Uncertain, "signal_unreachable"),
        (error(-4), IdentityChanged, "identity_untrusted"),
        (error(-4, results=BOTH), IdentityChanged, "identity_untrusted"),
        (error(-5), Unavailable, "rate_limited"),
        (error(-6), Rejected, "captcha_rejected"),
        (error(-32600), Rejected, "refused"),
        (error(-32601), Rejected, "method_unknown"),
        (error(-32602, "Specified account does not exist"), Unavailable, "not_registered"),
        (error(-32602), Rejected, "refused"),
        (error(-32603), Uncertain, "signal_unreachable"),
        (error(-32700), Rejected, "refused"),
        (error(-1, "please first update your profile"), Rejected, "no_profile"),
        (error(-1, "Failed to set the trust for this number, make sure"), IdentityChanged, None),
        (error(-99), Rejected, "refused"),
    ],
)
def test_each_error_has_its_type(told: dict[str, Any], kind: type, code: str | None) -> None:
    found = meant(told)
    assert type(found) is kind
    assert code is None or found.code == code
    assert SECRET not in f"{found} {found!r}"


def test_what_only_reads_is_never_uncertain() -> None:
    for code in (-1, -3, -4, -5, -32603):
        found = meant(error(code), acts=False, send=False)
        assert found.outcome is Outcome.NOT_SENT, code


def test_a_change_that_failed_in_telling_others_may_have_been_made() -> None:
    found = meant(error(-1, timestamp=5, results=LIMITED), send=False)
    assert (type(found), found.code) == (Uncertain, "done_not_told")


def test_a_rate_limit_names_its_token_and_its_end() -> None:
    results = [*LIMITED, one(BOB, "RATE_LIMIT_FAILURE", token="t-2", retryAfterSeconds=9)]
    found = meant(error(-5, results=results))
    assert found.retry_after == 9_000_000
    assert "t-1 or t-2" in found.hint
    assert "9 s" in found.hint
    odd = [one(a, "RATE_LIMIT_FAILURE", token="\n" * 3, retryAfterSeconds=-4) for a in (ANN, BOB)]
    plain = meant(error(-5, results=odd))
    assert (plain.retry_after, "captcha" in plain.hint) == (None, False)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"timestamp": 5}, "results_missing"),
        ({"timestamp": 5, "results": None}, "results_missing"),
        ({"timestamp": 5, "results": []}, "results_missing"),
        ({"timestamp": 5, "results": [one(ANN)]}, "results_missing"),
        ({"timestamp": 5, "results": [one(ANN), one(ANN)]}, "results_missing"),
        ({"timestamp": 5, "results": [one(ANN), {"type": "SUCCESS"}]}, "results_missing"),
        ({"results": [one(ANN), one(BOB)]}, "answer_malformed"),
        ({"timestamp": 0, "results": [one(ANN), one(BOB)]}, "answer_malformed"),
        ({}, "answer_malformed"),
        (None, "answer_malformed"),
        (
            {"timestamp": 5, "results": [one(ANN), one(BOB, "RATE_LIMIT_FAILURE")]},
            "partial_rate_limit_failure",
        ),
        ({"timestamp": 5, "results": [one(ANN), one(BOB, "NEW_KIND")]}, "partial_unknown"),
    ],
)
def test_a_send_without_each_readers_success_is_uncertain(told: object, code: str) -> None:
    with pytest.raises(Uncertain) as caught:
        answers.check_sent(told, OWN, READERS)
    assert caught.value.code == code


def test_a_send_that_names_each_reader_is_accepted() -> None:
    results = [one(ANN), one(BOB), one(OURS, "NETWORK_FAILURE")]  # of our own other devices
    assert answers.check_sent({"timestamp": 5, "results": results}, OWN, READERS) == 5
    assert answers.check_sent({"timestamp": 5, "results": []}, OWN, frozenset()) == 5


@pytest.mark.parametrize(
    ("status", "acts", "kind"),
    [
        (401, True, Unavailable),
        (415, True, Rejected),
        (404, False, Rejected),
        (429, True, Unavailable),
        (500, True, Uncertain),
        (500, False, Unavailable),
        (502, True, Uncertain),
        (503, True, Unavailable),
    ],
)
def test_another_status_is_a_proxys(status: int, acts: bool, kind: type) -> None:
    found = answers.http_refusal(status, "12", acts=acts)
    assert type(found) is kind
    assert found.retry_after == (12_000_000 if status == 429 else None)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_nothing_from_outside_raises_anything_else(inner: Any) -> None:
    for told in (inner, {"timestamp": 5, "results": inner}, {"results": [inner]}):
        with pytest.raises(ConnectorError):
            answers.check_sent(told, OWN, READERS)
    found = meant(error(-1, results=inner, timestamp=inner))
    assert isinstance(found, ConnectorError)


# --- listings ---------------------------------------------------------------------------------


def listed(**fields: Any) -> dict[str, Any]:
    plain = {
        "id": INTERNAL,
        "isMember": True,
        "messageExpirationTime": 3600,
        "members": [{"number": "+15550100", "uuid": OURS}, {"number": None, "uuid": ANN}],
        "pendingMembers": [{"number": None, "uuid": BOB}],
        "admins": [{"number": "+15550100", "uuid": OURS}],
        "banned": [],
        "permissionAddMember": "ONLY_ADMINS",
        "permissionEditDetails": "EVERY_MEMBER",
        "permissionSendMessage": "EVERY_MEMBER",
        "groupInviteLink": None,
    }
    return plain | fields


def test_a_group_shows_its_timer_all_permissions_and_who_is_banned() -> None:
    (group,) = listing.read_groups([listed(banned=[{"number": None, "uuid": BOB}])], OWN)
    assert (group.timer, group.adds, group.edits, group.posts) == (
        3600,
        ADMINS,
        EVERYBODY,
        EVERYBODY,
    )
    assert (set(group.members), set(group.invited)) == ({"+15550100", ANN}, {BOB})
    assert (set(group.banned), group.our_uuid, group.link) == ({BOB}, OURS, "")


@pytest.mark.parametrize(
    "fields",
    [
        *({name: None} for name in listed() if name != "groupInviteLink"),
        {"members": "x"},
        {"members": [5]},
        {"members": [{}]},
        {"id": "AAAA"},
        {"messageExpirationTime": -1},
        {"messageExpirationTime": "soon"},
        {"permissionSendMessage": "SOMEBODY"},
        {"groupInviteLink": 4},
    ],
    ids=str,
)
def test_a_listing_of_the_wrong_form_tells_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        listing.read_groups([listed(**fields)], OWN)


def test_a_group_of_the_first_kind_hides_no_other() -> None:
    """Old accounts still list some; their ids have 16 bytes."""
    old = {"id": base64.b64encode(bytes(16)).decode(), "members": None}
    assert len(listing.read_groups([old, listed()], OWN)) == 1


@pytest.mark.parametrize("name", list(listed()))
def test_what_a_listing_leaves_out_is_no_default(name: str) -> None:
    raw = listed()
    del raw[name]
    with pytest.raises(Unreadable):
        listing.read_groups([raw], OWN)


def test_a_group_is_hard_only_as_far_as_its_listing_shows() -> None:
    spec = RoomSpec("x", frozenset(), frozenset(), 3_600_000_000, gate=False)
    shut = {"permissionEditDetails": "ONLY_ADMINS"}
    for fields, expected in (
        (shut, True),
        ({}, False),
        (shut | {"messageExpirationTime": 0}, False),
        (shut | {"groupInviteLink": "https://signal.group/#x"}, False),
    ):
        (group,) = listing.read_groups([listed(**fields)], OWN)
        assert hardened(group, spec) is expected


def test_a_private_lines_timer_is_that_of_the_contact() -> None:
    contact = {"number": None, "uuid": ANN, "messageExpirationTime": 60}
    assert listing.line_timer([contact], AccountId(ANN), OWN) == 60
    assert listing.line_timer([], AccountId(ANN), OWN) == 0
    for wrong in (None, [contact | {"messageExpirationTime": ""}]):
        with pytest.raises(Unreadable):
            listing.line_timer(wrong, AccountId(ANN), OWN)


def test_keys_and_devices_are_read_under_their_own_names() -> None:
    identity = {
        "number": None,
        "uuid": ANN,
        "fingerprint": "05",
        "safetyNumber": "12345 67890",
        "trustLevel": "TRUSTED_VERIFIED",
        "addedTimestamp": 7,
    }
    (peer,) = listing.peers([identity], OWN).values()
    assert (peer.key, peer.status, peer.added) == ("1234567890", "TRUSTED_VERIFIED", 7)
    assert listing.devices([{"id": 2, "createdTimestamp": 5}]) == {(2, 5)}
    wrongs: tuple[object, ...] = (None, {}, ["x"])
    for wrong in wrongs:
        with pytest.raises(Unreadable):
            listing.peers(wrong, OWN)
        with pytest.raises(Unreadable):
            listing.devices(wrong)


# --- settings ---------------------------------------------------------------------------------

GOOD = {"backend": "json-rpc", "api": "http://127.0.0.1:8080", "number": "+15550100"}
KEY = {"state_key": "ab" * 32}


def opened(settings: dict[str, Any], secrets: dict[str, str]) -> object:
    setup = Setup(ConnectorName("signal"), settings, secrets, Path("nowhere"), lambda: 1)
    return open_connector(setup)


def test_the_daemon_needs_no_port_and_no_webhooks_secret() -> None:
    connector: Any = opened(GOOD, KEY)
    assert connector.capabilities.max_attachment_bytes == 14 * 1024 * 1024
    assert opened(GOOD | {"attachments": "/var/lib/signal-cli/attachments"}, KEY)


@pytest.mark.parametrize(
    ("settings", "secrets", "place"),
    [
        (GOOD | {"listen_port": 9000}, KEY, "listen_port"),
        (GOOD | {"reached_at": "https://x.example"}, KEY, "reached_at"),
        (GOOD | {"attachments": "here"}, KEY, "attachments"),
        (GOOD | {"backend": "dbus"}, KEY, "backend"),
        (GOOD, KEY | {"webhook_secret": "a1" * 32}, "webhook_secret"),
        (GOOD, {}, "state_key"),
        (GOOD | {"api": "http://192.0.2.7:8080"}, KEY, "api"),
        (GOOD | {"backend": "rest"}, KEY | {"webhook_secret": "a1" * 32}, "listen_port"),
        (GOOD | {"backend": "rest", "listen_port": 9000}, KEY, "webhook_secret"),
        (
            GOOD | {"backend": "rest", "listen_port": 9000, "attachments": "/x"},
            KEY | {"webhook_secret": "a1" * 32},
            "attachments",
        ),
    ],
    ids=range(10),
)
def test_a_setting_of_the_other_program_is_refused_with_its_place(
    settings: dict[str, Any], secrets: dict[str, str], place: str
) -> None:
    with pytest.raises(Rejected) as caught:
        opened(settings, secrets)
    assert place in caught.value.hint
