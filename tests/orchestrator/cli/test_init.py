"""`init` and its channels: counsel's word on Signal first, and nothing written that is refused."""

import tomllib
from pathlib import Path

import pytest

from orchestrator.cli import init_channels
from orchestrator.cli.out import Out
from orchestrator.config.policy import read_policy

from .conftest import Wx

MATRIX = ("--channel", "matrix", "--homeserver", "https://m.example", "--user", "@w:m.example")
SIGNAL = ("--channel", "signal", "--api", "http://127.0.0.1:8080", "--number", "+491511234567")
MAIL = (
    *("--channel", "pgpmail", "--address", "deal@kestrel.example"),
    *("--smtp", "mail.kestrel.example", "--imap", "mail.kestrel.example"),
)
YES = ("--signal-decision", "yes", "--by", "Noor Ivanova")
DEAL = ("--deal", "HALCYON", "--host", "kestrel")
NO = ("--signal-decision", "no", "--by", "Noor Ivanova")


def _written(home: Path) -> dict[str, object]:
    return tomllib.loads((home / "wallcross.toml").read_text("utf-8"))


def _seats(home: Path) -> object:
    policy = tomllib.loads((home / "policy.toml").read_text("utf-8"))
    return policy["tiers"]["valuation"].get("channels")


def test_on_yes_valuation_is_on_signal_first_and_then_on_matrix(wx: Wx, home: Path) -> None:
    done = wx("init", "--no-input", *YES, *SIGNAL, *MATRIX, *MAIL)
    assert done.code == 0, done.err
    text = (home / "wallcross.toml").read_text("utf-8")
    found = tomllib.loads(text)
    assert list(found["channels"]) == ["signal", "matrix", "pgpmail"]
    assert found["channels"]["signal"]["settings"]["listen_port"] == 9440
    assert _seats(home) == ["signal", "matrix"]
    assert "#" not in text.partition("version")[2]  # the decision is a setting, not a remark
    decision = found["decisions"]["signal"]
    assert (decision["allowed"], decision["by"]) == (True, "Noor Ivanova")
    validated = wx("config", "validate")
    assert validated.code == 3  # well formed; only the secrets are not there yet
    refused = [line for line in validated.err.splitlines() if "no such" in line or "takes" in line]
    assert refused == []


def test_on_no_signal_is_not_offered_and_valuation_is_on_matrix(wx: Wx, home: Path) -> None:
    refused = wx("init", "--no-input", *NO, *SIGNAL)
    assert refused.code == 2
    assert "--channel signal needs counsel's" in refused.err
    assert not (home / "wallcross.toml").exists()
    assert init_channels.offered("no") == ("matrix", "pgpmail", "wickr", "xmpp")
    assert wx("init", "--no-input", *NO, *MATRIX).code == 0
    assert _seats(home) == ["matrix"]
    assert "signal" not in tomllib.loads((home / "wallcross.toml").read_text())["channels"]


def test_undecided_is_no_yes(wx: Wx, home: Path) -> None:
    assert wx("init", "--no-input", *SIGNAL).code == 2
    assert wx("init", "--no-input").code == 0
    assert "decisions" not in _written(home)
    assert _seats(home) is None


def test_a_decision_names_who_took_it(wx: Wx, home: Path) -> None:
    done = wx("init", "--no-input", "--signal-decision", "yes", *SIGNAL)
    assert done.code == 2
    assert "--by" in done.err
    assert not home.exists()


def test_somebody_at_a_terminal_is_asked_in_words_for_a_lawyer(
    wx: Wx, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["HALCYON", "none", "no", "Noor Ivanova", "none", "auto", "none", "7"])
    asked: list[str] = []

    def ask(_: Out, question: str, *_given: object) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr(Out, "asks", True)
    monkeypatch.setattr(Out, "ask", ask)
    done = wx("init")
    assert done.code == 0, done.err
    assert "a program that Signal neither makes" in done.err
    assert [q[:1] for q in asked if q[:1] != " "] == ["1", "2", "3", "4", "5", "6"]
    (third,) = [q for q in asked if q.startswith("3")]
    assert "signal" not in third
    assert _seats(home) == ["matrix"]


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("--channel signal --api 127.0.0.1:8080 --number +491511234567", "--api"),
        ("--channel signal --api http://signal.example --number +491511234567", "--api"),
        ("--channel signal --api https://u:pw1@s.example --number +491511234567", "--api"),
        ("--channel signal --api http://127.0.0.1:8080 --number 01511234567", "--number"),
        (f"{' '.join(SIGNAL)} --webhook-port 99999", "--webhook-port"),
        (f"{' '.join(SIGNAL)} --webhook-port none", "--webhook-port"),
        ("--channel pgpmail --address deal --smtp m.example --imap m.example", "--address"),
        ("--channel pgpmail --address d@x.example --smtp smtp://m --imap m.example", "--smtp"),
        ("--channel pgpmail --address d@x.example --smtp m:70000 --imap m.example", "--smtp"),
        ("--channel pgpmail --address d@x.example --smtp m.example --imap /var/mail", "--imap"),
        ("--channel pgpmail --address d@x.example --smtp m.example", "--imap"),
        ("--channel teams", "--channel"),
        (f"{' '.join(MATRIX)} --number +491511234567", "--number"),
        ("--signal-decision perhaps", "--signal-decision"),
    ],
)
def test_what_a_connector_would_not_take_is_refused_by_its_option(
    wx: Wx, home: Path, line: str, option: str
) -> None:
    decided = () if "perhaps" in line else YES
    done = wx("init", "--no-input", *decided, *line.split())
    assert done.code == 2
    assert option in done.err
    assert "pw1" not in done.err
    assert not (home / "wallcross.toml").exists()


def test_mistakes_of_several_channels_are_told_at_once(wx: Wx) -> None:
    mail = ("--channel", "pgpmail", "--address", "d@x.example", "--imap", "m.example")
    done = wx("init", *YES, *SIGNAL, "--webhook-port", "99999", *mail, "--smtp", "m.example:70000")
    assert done.code == 2
    assert "--webhook-port" in done.err
    assert "--smtp" in done.err


def test_a_server_beyond_loopback_is_asked_for_its_proxys_credential(wx: Wx, home: Path) -> None:
    far = (
        "--channel",
        "signal",
        "--api",
        "https://signal.kestrel.example",
        "--number",
        "+15550100",
    )
    done = wx("init", "--no-input", *YES, *far)
    assert done.code == 0, done.err
    assert (
        'api_token = "keyring:wallcross/signal-api-token"' in (home / "wallcross.toml").read_text()
    )
    assert "RECEIVE_WEBHOOK_URL=http://127.0.0.1:9440/" in done.out


def test_submission_on_465_is_tls_from_the_first_byte(wx: Wx, home: Path) -> None:
    line = ("--channel", "pgpmail", "--address", "d@x.example", "--smtp", "m.example:465")
    assert wx("init", "--no-input", *line, "--imap", "m.example:1993").code == 0
    found = tomllib.loads((home / "wallcross.toml").read_text())["channels"]["pgpmail"]
    assert found["settings"]["smtp_tls"] == "tls"
    assert found["settings"]["imap_port"] == 1993
    assert set(found["secrets"]) == {"smtp_password", "passphrase"}


def test_the_written_policy_is_one_that_is_taken(wx: Wx, home: Path) -> None:
    assert wx("init", "--no-input", *YES, *DEAL, "--years", "3").code == 0
    read_policy((home / "policy.toml").read_text())
    assert wx("deal", "new", "HALCYON").code == 0


def test_a_no_beside_a_signal_channel_is_red_and_a_yes_is_not(wx: Wx, home: Path) -> None:
    assert wx("init", "--no-input", *YES, *SIGNAL).code == 0
    file = home / "wallcross.toml"
    checks = {c["name"]: c for c in wx("doctor", "--json").lines}
    assert checks["counsel"]["state"] == "ok"
    assert "Noor Ivanova said yes" in checks["counsel"]["text"]
    file.write_text(file.read_text().replace("allowed = true", "allowed = false"))
    ended = wx("doctor", "counsel", "--json")
    assert ended.code == 3
    assert ended.json["state"] == "fix"
    assert wx("serve").code == 3
    file.write_text(
        file.read_text().partition("[decisions.signal]")[0] + '[channels.signal]\nkind = "signal"\n'
    )
    assert wx("doctor", "counsel", "--json").json["state"] == "soon"


WICKR = (
    *("--channel", "wickr", "--setting", "wickr.api=https://wickr.kestrel.example"),
    *("--setting", "wickr.user=deal-bot"),
)
XMPP = (
    *("--channel", "xmpp", "--setting", "xmpp.account=bot@kestrel.example"),
    *("--setting", "xmpp.rooms=rooms.kestrel.example"),
)


def test_it_offers_every_network_that_can_be_added_later(wx: Wx, home: Path) -> None:
    done = wx("init", "--no-input", *YES, *XMPP, *WICKR, *SIGNAL)
    assert done.code == 0, done.err
    channels = tomllib.loads((home / "wallcross.toml").read_text("utf-8"))["channels"]
    assert list(channels) == ["signal", "wickr", "xmpp"]
    assert channels["wickr"]["settings"]["user"] == "deal-bot"
    assert set(channels["wickr"]["secrets"]) == {"api_key", "auth_token", "state_key"}
    assert channels["xmpp"]["secrets"]["password"] == "keyring:wallcross/xmpp-password"
    assert "keyring:wallcross/xmpp-state-key --random" in done.out
    assert "signal-webhook-secret\n" in done.out  # the API server must know it: it is not made here


def test_signals_own_daemon_is_asked_for_no_webhook(wx: Wx, home: Path) -> None:
    done = wx("init", "--no-input", *YES, *SIGNAL, "--backend", "json-rpc")
    assert done.code == 0, done.err
    found = tomllib.loads((home / "wallcross.toml").read_text("utf-8"))["channels"]["signal"]
    assert found["settings"]["backend"] == "json-rpc"
    assert "listen_port" not in found["settings"]
    assert set(found["secrets"]) == {"state_key"}
    assert "RECEIVE_WEBHOOK_URL" not in done.out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("--channel", "xmpp", "--setting", "xmpp.account=b@c.example"), "--setting xmpp.rooms"),
        ((*XMPP, "--setting", "xmpp.tls=never"), "--setting xmpp.tls"),
        ((*XMPP, "--setting", "tls=direct"), "--setting is"),
        ((*XMPP, "--setting", "wickr.user=b"), "belongs to --channel wickr"),
        ((*MATRIX, "--setting", "matrix.user=@a:b"), "stands beside --setting matrix.user"),
        ((*SIGNAL, "--backend", "webhooks"), "--backend"),
        ((*SIGNAL, "--backend", "json-rpc", "--webhook-port", "9440"), "--webhook-port"),
        ((*WICKR[:2], "--setting", "wickr.user=b", "--setting", "wickr.api=http://f.x"), "https"),
    ],
)
def test_a_setting_that_would_not_be_taken_is_told(
    wx: Wx, home: Path, line: tuple[str, ...], told: str
) -> None:
    done = wx("init", "--no-input", *YES, *line)
    assert done.code == 2, done.err
    assert told in done.err
    assert not (home / "wallcross.toml").exists()


def test_mail_that_is_read_from_a_folder_is_asked_for_no_mailbox(wx: Wx, home: Path) -> None:
    line = (*MAIL[:6], "--setting", "pgpmail.maildir=/srv/mail")
    done = wx("init", "--no-input", *line)
    assert done.code == 0, done.err
    found = tomllib.loads((home / "wallcross.toml").read_text("utf-8"))["channels"]["pgpmail"]
    assert found["settings"]["maildir"] == "/srv/mail"
    assert "imap_host" not in found["settings"]
