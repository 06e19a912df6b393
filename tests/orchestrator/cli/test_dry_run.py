"""`--dry-run`: every command that changes something has it, and it changes nothing."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.dry_run import OFFERED
from orchestrator.cli.main import COMMANDS, loaded

from .conftest import Wx

READS = frozenset(
    {
        *("doctor", "status", "watch", "whoami", "version", "prevented", "who-reads", "plan"),
        *("desk known", "token list", "deal list", "deal show", "deal policy", "deal window list"),
        *("legal-hold list",),
        *("roster diff", "roster history", "roster could-see", "roster who-could-see"),
        *("roster insiders", "roster show", "person devices", "person callback"),
        *("person insiders", "person show", "leave status", "leave check", "approve list"),
        *("approve show", "approver list", "conv list", "conv show", "tier explain"),
        *("tier list", "tier show", "tier simulate"),
        *("tier measure", "doc status", "held list", "held dead", "held possibly", "risk show"),
        *("risk list", "risk explain", "on-call show", "on-call alerts", "quarantine list"),
        *("quarantine show", "audit tail", "audit search", "audit verify", "evidence show"),
        *("journal verify", "journal test-share", "key list", "key show", "key expire-soon"),
        *("doc verify", "mail inspect", "channel list"),
        *("channel scorecard", "config show", "config validate", "config schema"),
        "backup verify",
        *("secret list", "secret where", "conform"),
    }
)
"""They change nothing."""
BESIDE = frozenset(
    {
        *("demo", "serve", "replay", "lab signal", "lab wickr", "lab office"),
        *("bench route", "bench tier", "bench plan", "bench channel", "bench dashboard"),
        *("bench day", "bench leaks"),
        *("roster export", "roster template", "leave proof", "audit export", "evidence export"),
        *("journal export", "journal open", "key export"),
        *("audit witness-key", "audit witness", "journal keygen", "journal counsel-key"),
        *("journal decide",),
        *("login", "logout", "desk link", "desk key-link", "desk sign-out"),
        *("apply", "channel rebuild", "channel test"),
    }
)
"""They run something, write files that the caller names, or change what is no home's; ``plan``
shows what ``apply`` does, ``--look`` what ``rebuild`` does, and a test's acts are the test."""


def leaves(command: Any, path: str) -> Iterator[tuple[str, bool]]:
    inner = getattr(command, "commands", None)
    if not inner:
        yield path, any("--dry-run" in p.opts for p in command.params)
        return
    for name, below in inner.items():
        yield from leaves(below, f"{path} {name}")


def test_each_command_that_changes_something_can_be_rehearsed() -> None:
    found = dict(one for name in COMMANDS for one in leaves(loaded(name), name))
    assert found.keys() >= OFFERED | READS | BESIDE, "what is listed is gone"
    without = {path for path, has in found.items() if not has}
    assert without == READS | BESIDE, "say which list it is on"
    assert not OFFERED & (READS | BESIDE)


def kept(home: Path) -> dict[str, list[str]]:
    """Every row of a home that nobody has open."""
    with sqlite3.connect(home / "store.db") as store:
        names = [n for (n,) in store.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {
            name: sorted(map(repr, store.execute(f"SELECT * FROM {name}")))  # noqa: S608 - its own names
            for name in names
        }


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("person", "pause", "{person}"), "paused"),
        (("deal", "phase", "signing"), "The deal is in the phase signing."),
        (("roster", "review", "--by", "{person}"), ""),
        (("token", "new", "intake", "--conversation", "x", "--person", "{person}"), None),
        (("deal", "new", "SECOND", "--made-up"), "The deal was set up."),
        (("person", "pause", "nobody.here"), None),
    ],
)
def test_it_says_what_would_be_and_changes_nothing(
    deal: Wx, home: Path, args: tuple[str, ...], says: str | None
) -> None:
    person = deal("roster", "show", "--json").lines[0]["person"]
    line = [word.format(person=person) for word in args]
    before = kept(home)
    done = deal(*line, "--dry-run")
    assert kept(home) == before
    real = deal(*line)
    assert (real.code == 0) is (done.code == 0), "a dry run is refused as the thing itself"
    if says is None:
        assert done.err == real.err
        return
    assert done.out.startswith("Dry run: nothing was changed.")
    assert says in done.out
    assert kept(home) != before


def test_settings_and_secrets_are_checked_and_not_written(wx: Wx, home: Path) -> None:
    named = ("init", "--no-input", "--deal", "HALCYON")
    assert "wallcross.toml is written." in wx(*named, "--dry-run").out
    assert not home.exists()
    wrong = wx(*named, "--host", "Not An Id", "--dry-run")
    assert (wrong.code, wrong.out) == (2, "")
    assert wx(*named).code == 0
    before = (home / "wallcross.toml").read_bytes()
    more = ("--setting", "account=bot@deal.example", "--setting", "rooms=rooms.deal.example")
    assert "has a channel xmpp" in wx("channel", "add", "xmpp", *more, "--dry-run").out
    assert wx("channel", "add", "xmpp", "--no-input", "--dry-run").code == 2
    assert (home / "wallcross.toml").read_bytes() == before
    reference = "keyring:wallcross-halcyon/xmpp-password"
    rehearsed = wx("secret", "set", reference, "--from-file", "-", "--dry-run", stdin="s3cret\n")
    assert rehearsed.code == 0
    assert "s3cret" not in rehearsed.out + rehearsed.err
    assert wx("secret", "where", reference, "--json").json["found"] == "no"


def test_for_machines_it_is_one_object(deal: Wx) -> None:
    done = deal("deal", "phase", "signing", "--dry-run", "--json")
    assert done.json == {
        "dry_run": True,
        "would_state": ["The deal is in the phase signing."],
        "would_ask_network": False,
    }
