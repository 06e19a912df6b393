"""`wallcross channel rotate`: the value goes in by stdin or a file, and comes out nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import registry
from connectors.memory import network

from .conftest import Wx

NETWORK = "of-the-secrets"
FACTORY = "tests.scenarios.locked.connector:open_connector"
OLD, NEW, NEWER = "the-old-password-7731", "the-new-password-9942", "the-newer-password-1157"
REFERENCE = "keyring:locked/password"
SETTINGS = """
[channels.chat]
kind = "locked"
settings = {{ network = "{network}", lock = "{lock}" }}
secrets = {{ password = "{password}", state_key = "keyring:locked/state" }}
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """What the network takes."""
    path = tmp_path / "lock"
    path.write_text(OLD)
    return path


@pytest.fixture
def channel(wx: Wx, home: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wx]:
    """A channel whose account has a password."""
    monkeypatch.setitem(registry.SHIPPED, "locked", FACTORY)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    network.shared(NETWORK)
    settle(home, lock, REFERENCE)
    assert wx("secret", "set", REFERENCE, stdin=OLD).code == 0
    assert wx("secret", "set", "keyring:locked/state", stdin="never changed").code == 0
    yield wx
    network.forget(NETWORK)


def settle(home: Path, lock: Path, password: str) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    settings = home / "wallcross.toml"
    settings.write_text(SETTINGS.format(network=NETWORK, lock=lock, password=password))
    settings.chmod(0o600)


def test_by_stdin_or_a_file_and_told_without_it(channel: Wx, lock: Path, tmp_path: Path) -> None:
    lock.write_text(NEW)
    done = channel("channel", "rotate", "chat", stdin=f"{NEW}\n")
    assert done.code == 0, done.err
    assert done.out.startswith(f"chat  password  {REFERENCE}  changed\n")
    lock.write_text(NEWER)
    kept = tmp_path / "value"
    kept.write_text(NEWER)
    again = channel("channel", "rotate", "chat", "--from-file", str(kept), "--json")
    assert (again.code, again.json["state"]) == (0, "changed")
    for said in (done, again):
        for value in (OLD, NEW, NEWER):
            assert value not in said.out + said.err
    assert channel("channel", "list", "--json").json["state"] in {"up", "closed"}


def test_what_is_not_taken_is_refused_and_said(channel: Wx) -> None:
    done = channel("channel", "rotate", "chat", stdin=NEW)
    assert done.code == 5
    assert "The old value is in force." in done.err
    assert NEW not in done.out + done.err
    assert channel("channel", "rotate", "chat", stdin="").code == 2


def test_a_look_says_which_and_how(channel: Wx) -> None:
    look = channel("channel", "rotate", "chat", "--dry-run")
    assert look.code == 0, look.err
    assert "never by this" in look.out
    assert "--make" in look.out
    fixed = channel("channel", "rotate", "chat", "--secret", "state_key", stdin=NEW)
    assert (fixed.code, "set up a new folder instead" in fixed.err) == (5, True)


def test_made_here_it_is_shown_to_nobody(channel: Wx, lock: Path) -> None:
    done = channel("channel", "rotate", "chat", "--make")
    assert done.code == 0, done.err
    made = lock.read_text()
    assert made != OLD
    assert made not in done.out + done.err
    assert "its network told" in done.out
    assert channel("secret", "list").out.count("yes") == 2


def test_one_that_lies_elsewhere_is_read_from_there(
    channel: Wx, home: Path, lock: Path, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(NEW)
    file.chmod(0o600)
    lock.write_text(NEW)
    settle(home, lock, f"file:{file}")
    given = channel("channel", "rotate", "chat", stdin=NEW)
    assert (given.code, "kept by other means (file:)" in given.err) == (5, True)
    lock.write_text(NEWER)
    file.write_text(NEWER)
    done = channel("channel", "rotate", "chat", "--reread")
    assert done.code == 0, done.err
