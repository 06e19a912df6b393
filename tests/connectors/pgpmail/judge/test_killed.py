"""A process that is killed in mid-decrypt leaves no plaintext on any disk, and no key."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.pgpmail.judge.keyring import Keyring

from .mails import CANARY, Post, payload
from .people import People

JUDGE = """
import sys
from pathlib import Path
from connectors.pgpmail.judge.judge import Court
from connectors.pgpmail.judge.keyring import Keyring
from connectors.pgpmail.judge.sender import Known
mail, home, program = sys.argv[1:]
with Keyring(Path(home), program) as keyring:
    print(Court(keyring, Known({}, frozenset()), 0).judge(Path(mail).read_bytes()).verdict)
"""
MEMORY = Path("/dev/shm")  # noqa: S108 - where the copies lie


def slow(folder: Path) -> Path:
    """A gpg that has given all its plaintext and has not ended."""
    program = folder / "gpg"
    decrypting = f'case "$*" in *--decrypt*) touch "{folder}/given"; exec sleep 60;; esac'
    program.write_text(f'#!/bin/sh\ngpg "$@"\n{decrypting}\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def holding(canary: bytes, *folders: Path) -> list[Path]:
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                if path.is_file() and canary in path.read_bytes():
                    found.append(path)
            except OSError:
                continue
    return found


@pytest.fixture
def killed(people: People, post: Post, tmp_path: Path) -> Iterator[int]:
    """The id of a judge that was killed while it held the plaintext."""
    mail = tmp_path / "a.eml"
    mail.write_bytes(post.good(payload(f"{CANARY}\n" * 20_000)))
    (tmp_path / "tmp").mkdir()
    words = [sys.executable, "-c", JUDGE, str(mail), str(people.home("bot")), str(slow(tmp_path))]
    environ = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    running = subprocess.Popen(words, env=environ, start_new_session=True)
    try:
        ends = time.monotonic() + 30
        while not (tmp_path / "given").exists():
            assert time.monotonic() < ends
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        yield running.pid
    finally:
        os.killpg(running.pid, signal.SIGKILL)


def test_a_kill_in_mid_decrypt_leaves_nothing(killed: int, people: People, tmp_path: Path) -> None:
    assert holding(CANARY.encode(), tmp_path, people.home("bot")) == []
    left = [path for path in MEMORY.iterdir() if path.name.startswith(f"wallcross-keys-{killed}-")]
    assert holding(CANARY.encode(), *left) == []
    private = [key for folder in left for key in (folder / "private-keys-v1.d").iterdir()]
    assert len(left) == 1
    assert private
    assert all(key.is_symlink() for key in private)
    with Keyring(people.home("bot")):
        assert not left[0].exists()
