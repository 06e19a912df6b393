"""`wallcross channel add`: one more channel, nothing else touched, and none that could not open."""

import tomllib
from pathlib import Path

import pytest

from .conftest import Wx

BEFORE = """# our own words, which stay
version = 1

[home]
time_zone = "Europe/Paris"  # and these

[channels.matrix]
kind = "matrix"

[channels.matrix.settings]
homeserver = "https://hs.example.com"
user = "@bot:example.com"

[channels.matrix.secrets]
password = "keyring:wallcross-halcyon/matrix-password"
pickle_key = "keyring:wallcross-halcyon/matrix-pickle-key"
"""
XMPP = ("--setting", "account=bot@deal.example", "--setting", "rooms=rooms.deal.example")
WICKR = ("--setting", "api=https://wickr.example.com", "--setting", "user=deal-bot")
SIGNAL = (
    *("--setting", "api=http://127.0.0.1:8080", "--setting", "number=+491511234567"),
    *("--setting", "listen_port=9440"),
)
COUNSEL = ("--signal-decision", "yes", "--by", "Lena Brandt")


@pytest.fixture
def file(tmp_path: Path, wx: Wx) -> Path:  # noqa: ARG001 - the home is the one that wx has
    found = tmp_path / "home" / "wallcross.toml"
    found.parent.mkdir(mode=0o700)
    found.write_text(BEFORE)
    found.chmod(0o600)
    return found


@pytest.mark.parametrize(
    ("kind", "more"), [("xmpp", XMPP), ("wickr", WICKR), ("signal", (*SIGNAL, *COUNSEL))]
)
def test_it_stands_behind_what_is_there(
    wx: Wx, file: Path, kind: str, more: tuple[str, ...]
) -> None:
    found = wx("channel", "add", kind, *more, "--json")
    assert found.code == 0, found.err
    text = file.read_text()
    assert text.startswith(BEFORE)
    assert (file.stat().st_mode & 0o777) == 0o600
    part = tomllib.loads(text)["channels"][kind]
    assert part["kind"] == kind
    assert set(part["secrets"].values()) <= {
        f"keyring:wallcross-halcyon/{kind}-{s.replace('_', '-')}" for s in part["secrets"]
    }
    assert f"wallcross channel test {kind}" in found.json["next"]
    shown = wx("config", "validate")
    assert "there is no such" not in shown.out + shown.err


def test_what_a_setting_calls_for_is_asked_for_and_nothing_else(wx: Wx, file: Path) -> None:
    """Signal's two programs need different settings and secrets."""
    assert wx("channel", "add", "signal", *SIGNAL, *COUNSEL).code == 0
    daemon = (*SIGNAL[:4], "--setting", "backend=json-rpc")
    assert wx("channel", "add", "signal", "--name", "other", *daemon).code == 0
    channels = tomllib.loads(file.read_text())["channels"]
    assert set(channels["signal"]["secrets"]) == {"webhook_secret", "state_key"}
    assert set(channels["other"]["secrets"]) == {"state_key"}
    without = file.read_text().replace("webhook_secret = ", "api_token = ")
    file.write_text(without)
    shown = wx("config", "validate")
    assert "channels.signal.secrets.webhook_secret" in shown.out + shown.err


def test_what_another_program_must_know_is_typed_and_not_made(wx: Wx, file: Path) -> None:
    steps = wx("channel", "add", "signal", *SIGNAL, *COUNSEL, "--json").json["next"]
    where = "keyring:wallcross-halcyon/signal"
    assert f"wallcross secret set {where}-webhook-secret" in steps
    assert f"wallcross secret set {where}-state-key --random" in steps
    assert any("RECEIVE_WEBHOOK_URL=http://127.0.0.1:9440/" in step for step in steps)
    matrix = ("--setting", "homeserver=https://n.example", "--setting", "user=@b:n.example")
    assert wx("channel", "add", "matrix", "--name", "second", *matrix).code == 0
    secrets = tomllib.loads(file.read_text())["channels"]["second"]["secrets"]
    assert set(secrets) == {"password", "pickle_key"}


def test_where_our_own_api_is_posted_to_its_address_is_the_one_to_give(wx: Wx, file: Path) -> None:
    there = "https://desk.example.com/api/v1/webhooks/signal"
    given = (*SIGNAL[:4], "--setting", f"reached_at={there}", *COUNSEL)
    done = wx("channel", "add", "signal", *given, "--json")
    assert done.code == 0, done.err
    assert "listen_port" not in tomllib.loads(file.read_text())["channels"]["signal"]["settings"]
    assert any(f"RECEIVE_WEBHOOK_URL={there}/<" in step for step in done.json["next"])


def test_one_of_that_name_is_not_written_over(wx: Wx, file: Path) -> None:
    found = wx("channel", "add", "matrix", "--setting", "user=@b:c")
    assert found.code != 0
    assert "is there already" in found.err
    assert file.read_text() == BEFORE


def test_a_second_of_a_kind_has_a_name_of_its_own(wx: Wx, file: Path) -> None:
    assert wx("channel", "add", "xmpp", *XMPP).code == 0
    assert wx("channel", "add", "xmpp", "--name", "xmpp-two", *XMPP).code == 0
    assert {"xmpp", "xmpp-two"} <= tomllib.loads(file.read_text())["channels"].keys()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("xmpp", *XMPP, "--setting", "tls=never"), "channels.xmpp.settings.tls"),
        (("xmpp", *XMPP, "--setting", "trust=all"), "channels.xmpp.settings.trust"),
        (("wickr", "--setting", "api=http://far.example", "--setting", "user=b"), "https"),
        (("signal", *SIGNAL), "counsel"),
        (("signal", *SIGNAL, "--signal-decision", "no", "--by", "L"), "counsel"),
        (("xmpp", "--name", "Not Good", *XMPP), "--name"),
        (("xmpp", "--setting", "account"), "NAME=VALUE"),
        (("pigeon",), "no connector 'pigeon'"),
    ],
)
def test_what_would_not_open_is_not_kept(
    wx: Wx, file: Path, line: tuple[str, ...], told: str
) -> None:
    found = wx("channel", "add", *line, "--no-input")
    assert found.code != 0
    assert told in found.err
    assert file.read_text() == BEFORE


def test_what_is_needed_and_left_out_is_named(wx: Wx, file: Path) -> None:
    found = wx("channel", "add", "xmpp", "--no-input")
    assert found.code != 0
    assert "--setting account" in found.err
    assert file.read_text() == BEFORE


def test_without_settings_there_is_nothing_to_add_to(wx: Wx) -> None:
    found = wx("channel", "add", "xmpp", *XMPP)
    assert found.code != 0
    assert "wallcross init" in found.err
