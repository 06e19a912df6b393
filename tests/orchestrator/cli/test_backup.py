"""`wallcross backup`: one sealed file of a home, also while `serve` runs; checked and restored."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pyrage
import pytest

from orchestrator.cli import backup_cmd
from orchestrator.store.lock import home_lock

from .conftest import Serve, Wx

CANARY = "We would go to 27.50 a share, qwzyx"


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, str]:
    """A public key, and the file of its private half."""
    identity = pyrage.x25519.Identity.generate()
    file = tmp_path / "key.txt"
    file.write_text(f"# made for a test\n{identity}\n")
    file.chmod(0o600)
    return str(identity.to_public()), str(file)


def _kinds(wx: Wx, deal: str) -> list[str]:
    return [e["kind"] for e in wx("audit", "tail", "--deal", deal, "--json").lines]


def test_a_backup_is_made_checked_and_restored(
    deal: Wx, tmp_path: Path, keys: tuple[str, str]
) -> None:
    public, private = keys
    file, to = tmp_path / "b.age", tmp_path / "again"
    done = deal("backup", "create", "--to", str(file), "--for", public, "--json")
    assert done.code == 0, done.err
    assert done.json["bytes"] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "backup.made" in _kinds(deal, "home")
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []

    found = deal("backup", "verify", str(file), "--identity", private, "--json")
    assert found.code == 0, found.err + found.out
    assert (found.json["ok"], found.json["deals"], found.json["problems"]) == (True, 1, [])
    assert "HALCYON" not in found.out
    again = deal("backup", "verify", str(file), "--identity", "-", stdin=Path(private).read_text())
    assert (again.code, "as it was made" in again.out) == (0, True)

    line = ["backup", "restore", str(file), "--identity", private, "--to", str(to)]
    assert deal(*line, "--dry-run").code == 0
    assert not to.exists()
    done = deal(*line)
    assert done.code == 0, done.err
    assert {stat.S_IMODE(p.stat().st_mode) for p in to.rglob("*") if p.is_file()} == {0o600}
    assert {stat.S_IMODE(p.stat().st_mode) for p in (to, *to.rglob("*")) if p.is_dir()} == {0o700}
    assert deal(*line).code == 5  # never over a home
    assert [p.name for p in tmp_path.iterdir() if "restoring" in p.name] == []


def test_a_restored_home_is_red_until_a_named_person_accepts_it(
    deal: Wx,
    serve: Serve,
    home: Path,
    tmp_path: Path,
    keys: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    public, private = keys
    file, text = tmp_path / "b.age", '[channels.m]\nkind = "memory"\n'
    (home / "wallcross.toml").write_text(text)
    (home / "wallcross.toml").chmod(0o600)
    assert deal("backup", "create", "--to", str(file), "--for", public).code == 0
    home.rename(tmp_path / "lost")
    line = ["backup", "restore", str(file), "--identity", private, "--to", str(home)]
    assert deal(*line).code == 0
    assert (home / "wallcross.toml").read_text() == text
    red = deal("doctor", "restored", "--json")
    assert (red.code, red.lines[0]["state"]) == (3, "fix")
    for chain in ("HALCYON", "home"):
        assert _kinds(deal, chain).count("home.restored") == 1
    refused = deal("serve")
    assert refused.code == 3
    assert "nobody said that it may go on" in refused.err
    alone = deal("channel", "test", "m")  # a single command opens no channel either
    assert alone.code == 3
    assert "nobody said that it may go on" in alone.err

    serve("--allow", "restored")
    shown = deal("channel", "list", "--json").lines
    assert [(c["name"], c["state"]) for c in shown] == [("m", "paused")]
    assert deal("doctor", "restored", "--json").lines[0]["state"] == "ok"
    assert "process.started" in _kinds(deal, "HALCYON")
    assert "home.accepted" in _kinds(deal, "home")
    assert deal("channel", "resume", "m").code == 0
    assert deal("audit", "verify", "--deal", "HALCYON").code == 0
    monkeypatch.setattr(backup_cmd, "TELL_EVERY", 1)
    told = deal("backup", "create", "--to", str(tmp_path / "c.age"), "--for", public)
    assert (told.code, "written" in told.err) == (0, True)


def test_it_is_whole_while_messages_come(
    deal: Wx, serve: Serve, tmp_path: Path, keys: tuple[str, str]
) -> None:
    public, private = keys
    serve()
    over = threading.Event()
    sent: list[int] = []
    line = ["send", "text", "--deal", "HALCYON", "--person", "ximena.park"]
    command = [sys.executable, "-m", "orchestrator.cli", *line]

    def write() -> None:
        while not over.is_set():
            done = subprocess.run(
                command, input=CANARY, text=True, capture_output=True, check=False
            )
            sent.append(done.returncode)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(3):
            file = tmp_path / f"{n}.age"
            done = deal("backup", "create", "--to", str(file), "--for", public)
            assert done.code == 0, done.err
    finally:
        over.set()
        writer.join()
    assert set(sent) == {0}
    for n in range(3):
        found = deal("backup", "verify", str(tmp_path / f"{n}.age"), "--identity", private)
        assert found.code == 0, found.out
        assert "qwzyx" not in found.out + found.err
    assert list((tmp_path / "home" / "tmp").glob("backup-*")) == []


def test_what_is_refused_leaves_nothing(
    deal: Wx, home: Path, tmp_path: Path, keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    public, private = keys
    file = tmp_path / "b.age"
    create = ["backup", "create", "--to", str(file)]
    assert deal(*create).code == 2
    secret = Path(private).read_text().split("\n")[1]
    wrong = deal(*create, "--for", secret)
    assert (wrong.code, secret in wrong.err) == (2, False)
    assert deal(*create, "--for", public, "--server", "https://kestrel.example").code == 5
    assert deal("backup", "create", "--to", str(home / "b"), "--for", public).code == 5
    assert deal(*create, "--for", public, "--dry-run").code == 0
    assert not file.exists()
    file.write_text("mine")
    assert deal(*create, "--for", public).code == 5
    assert file.read_text() == "mine"
    file.unlink()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "link", full)  # no room for its name
        told = deal(*create, "--for", public)
    assert (told.code, "No space left" in told.err) == (1, True)
    assert [p.name for p in tmp_path.iterdir() if "b.age" in p.name] == []
    monkeypatch.setattr("orchestrator.cli.session.PATIENCE_S", 0.2)
    with home_lock(home):
        locked = deal(*create, "--for", public)
    assert locked.code == 3
    assert f"process {os.getpid()}" in locked.err
    assert not file.exists()
    Path(private).chmod(0o644)
    assert deal(*create, "--for-file", str(tmp_path / "none")).code == 1
    assert deal("backup", "verify", private, "--identity", private).code == 5


def test_the_wrong_key_and_no_backup_are_told_apart(
    deal: Wx, tmp_path: Path, keys: tuple[str, str]
) -> None:
    public, private = keys
    file, other = tmp_path / "b.age", tmp_path / "other.txt"
    assert deal("backup", "create", "--to", str(file), "--for", public).code == 0
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    other.chmod(0o600)
    wrong = deal("backup", "verify", str(file), "--identity", str(other))
    assert (wrong.code, "sealed to other keys" in wrong.err) == (1, True)
    none = deal("backup", "verify", str(other), "--identity", private)
    assert (none.code, "This is no backup" in none.err) == (1, True)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    cut = deal("backup", "verify", str(file), "--identity", private)
    assert (cut.code, "damaged or cut short" in cut.err) == (1, True)
    to = tmp_path / "again"
    assert deal("backup", "restore", str(file), "--identity", private, "--to", str(to)).code == 1
    assert not to.exists()


def test_killed_in_the_middle_it_leaves_nothing_that_can_be_read(
    deal: Wx, home: Path, tmp_path: Path, keys: tuple[str, str]
) -> None:
    """The program is stopped once the snapshot is there, and killed."""
    public, private = keys
    file = tmp_path / "b.age"
    program = (
        "import os, signal, sys\n"
        "from orchestrator.backup import pack\n"
        "pack._header = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from orchestrator.cli.main import run\n"
        "run(sys.argv[1:])\n"
    )
    line = ["backup", "create", "--to", str(file), "--for", public]
    done = subprocess.run([sys.executable, "-c", program, *line], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not file.exists()
    assert len(list((home / "tmp").glob("backup-*/store.db"))) == 1
    assert stat.S_IMODE(next((home / "tmp").glob("backup-*")).stat().st_mode) == 0o700
    assert deal("deal", "list").code == 0
    assert list((home / "tmp").iterdir()) == []
    assert deal(*line).code == 0
    assert deal("backup", "verify", str(file), "--identity", private).code == 0
