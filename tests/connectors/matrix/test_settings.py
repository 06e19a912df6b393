"""Settings, secrets, the kept session and the meaning of answers, without a server."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.matrix.client import cut, part, refusal, stable
from connectors.matrix.connector import open_connector
from connectors.matrix.media import EncryptedFile
from connectors.matrix.session import Session, SessionFile, new_device_id
from connectors.port import ConnectorName
from connectors.port.connector import Setup
from connectors.port.door import AnswerTooLarge, DoorClosed
from connectors.port.errors import ConnectorError, Outcome, Rejected, Unavailable, Uncertain
from connectors.port.settings import key_bytes

KEY = bytes(range(32))
GOOD: dict[str, Any] = {"homeserver": "https://matrix.example.org", "user": "@bot:example.org"}
SECRETS = {"password": "p", "pickle_key": base64.b64encode(KEY).decode()}


def setup(folder: Path, settings: dict[str, Any], given_secrets: dict[str, str]) -> Setup:
    return Setup(ConnectorName("matrix"), settings, given_secrets, folder, lambda: 0)


def test_good_settings_open_nothing_yet(tmp_path: Path) -> None:
    connector = open_connector(setup(tmp_path / "state", GOOD, SECRETS))
    assert connector.account == "@bot:example.org"
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"homeserver": "http://matrix.example.org"}, "homeserver"),
        ({"homeserver": "http://10.0.0.1"}, "homeserver"),
        ({"homeserver": "ftp://matrix.example.org:21"}, "homeserver"),
        ({"homeserver": "matrix.example.org"}, "homeserver"),
        ({"user": "bot"}, "user"),
        ({"room_version": "1"}, "room_version"),
        ({"sync_wait": 300}, "sync_wait"),
        ({"trust_everything": True}, "trust_everything"),
    ],
)
def test_a_setting_that_opens_a_door_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    with pytest.raises(Rejected) as refused:
        open_connector(setup(tmp_path, {**GOOD, **change}, SECRETS))
    assert place in refused.value.hint


def test_all_problems_come_at_once_and_quote_no_value(tmp_path: Path) -> None:
    secret = "this-is-not-a-key"
    with pytest.raises(Rejected) as refused:
        open_connector(setup(tmp_path, {"homeserver": "https://x.example"}, {"pickle_key": secret}))
    assert {"user", "password"} <= set(refused.value.hint.replace(":", " ").split())
    assert secret not in str(refused.value)
    assert secret not in repr(refused.value.args)


@pytest.mark.parametrize(
    "written",
    [
        KEY.hex(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
        f" {KEY.hex()}\n",
    ],
)
def test_a_key_is_read_in_each_of_its_forms(written: str) -> None:
    assert key_bytes(written, "pickle_key") == KEY


@given(st.text(max_size=80))
def test_what_is_no_key_is_refused_without_being_quoted(text: str) -> None:
    told = ""
    try:
        key = key_bytes(text, "pickle_key")
    except ValueError as error:
        told = str(error)
    else:
        assert len(key) == 32
    assert len(text.strip()) < 8 or text.strip() not in told


ACCOUNT = ("@bot:example.org", "https://matrix.example.org")


def test_a_session_is_kept_sealed_and_for_one_account_and_key(tmp_path: Path) -> None:
    kept = Session(new_device_id(), "syt_secret_token")
    SessionFile(tmp_path / "s", KEY, ACCOUNT).save(kept)
    data = (tmp_path / "s" / "session.json").read_bytes()
    assert kept.token is not None
    assert kept.token.encode() not in data
    assert kept.token not in repr(kept)
    assert SessionFile(tmp_path / "s", KEY, ACCOUNT).load() == kept
    assert (tmp_path / "s" / "session.json").stat().st_mode & 0o777 == 0o600
    others = (
        SessionFile(tmp_path / "s", bytes(32), ACCOUNT),
        SessionFile(tmp_path / "s", KEY, ("", "")),
    )
    for other in others:
        with pytest.raises(Rejected):
            other.load()


def test_a_session_that_was_begun_names_its_device(tmp_path: Path) -> None:
    file = SessionFile(tmp_path, KEY, ACCOUNT)
    assert file.load() is None
    file.save(Session("D"))
    assert file.load() == Session("D")


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"device":"D","token":"AAAA"}'])
def test_a_damaged_session_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "session.json").write_bytes(damage)
    with pytest.raises(Rejected):
        SessionFile(tmp_path, KEY, ACCOUNT).load()


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (403, b'{"errcode":"M_FORBIDDEN","error":"secret words"}', Rejected, "forbidden"),
        (401, b'{"errcode":"M_UNKNOWN_TOKEN"}', Unavailable, "signed_out"),
        (403, b'{"errcode":"M_USER_DEACTIVATED"}', Unavailable, "signed_out"),
        (429, b'{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":4555}', Unavailable, "rate_limited"),
        (413, b"<html>", Rejected, "too_large"),
        (400, b'{"errcode":"M_TOO_LARGE"}', Rejected, "too_large"),
        (404, b'{"errcode":"M_NOT_FOUND"}', Rejected, "not_found"),
        (400, b'{"errcode":"secret words"}', Rejected, "http_400"),
        (502, b"<html>", Uncertain, "server_fault"),
        (400, b"[]", Rejected, "http_400"),
    ],
)
def test_what_an_error_answer_means(
    status: int, body: bytes, kind: type[ConnectorError], code: str
) -> None:
    found = refusal(status, body, {}, acts=True)
    assert (type(found), found.code) == (kind, code)
    assert "secret" not in repr(found.args)


def test_a_wait_is_read_from_the_header_before_the_body() -> None:
    body = b'{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":4555}'
    assert refusal(429, body, {}, acts=True).retry_after == 4_555_000
    assert refusal(429, body, {"retry-after": "7"}, acts=True).retry_after == 7_000_000


@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectError("x"), Outcome.NOT_SENT),
        (httpx.ConnectTimeout("x"), Outcome.NOT_SENT),
        (httpx.PoolTimeout("x"), Outcome.NOT_SENT),
        (DoorClosed("redirect_refused", "x"), Outcome.NOT_SENT),
        (httpx.WriteError("x"), Outcome.UNKNOWN),
        (httpx.ReadTimeout("x"), Outcome.UNKNOWN),
        (httpx.RemoteProtocolError("x"), Outcome.UNKNOWN),
        (TimeoutError(), Outcome.UNKNOWN),
        (AnswerTooLarge("x", "x"), Outcome.UNKNOWN),
    ],
)
def test_what_a_cut_means(error: Exception, outcome: Outcome, *, acts: bool) -> None:
    found = cut(error, acts=acts)
    assert found.outcome is (outcome if acts else Outcome.NOT_SENT)


@given(st.text())
def test_a_part_of_a_path_stays_one_part(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    quoted = part(text)
    assert not set(quoted) & set("/?#")
    assert quoted not in {".", ".."}


@given(st.text(max_size=60))
def test_an_error_code_is_stable_or_nothing(text: str) -> None:
    found = stable(text)
    assert found == "" or (found.isascii() and found == found.lower() and " " not in found)


FILE: dict[str, Any] = {
    "v": "v2",
    "url": "mxc://deal.test/abc",
    "key": {"k": base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")},
    "iv": base64.b64encode(bytes(16)).decode().rstrip("="),
    "hashes": {"sha256": base64.b64encode(bytes(32)).decode()},
}


@pytest.mark.parametrize(
    "change",
    [
        {"v": "v1"},
        {"url": "https://elsewhere.example/x"},
        {"url": "mxc://deal.test/a/../../b"},
        {"key": {"k": "AAAA"}},
        {"key": None},
        {"iv": 5},
        {"hashes": {}},
    ],
)
def test_a_malformed_file_is_no_file(change: dict[str, Any]) -> None:
    assert EncryptedFile.read(FILE) is not None
    assert EncryptedFile.read({**FILE, **change}) is None
