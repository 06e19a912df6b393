"""`wallcross mail inspect`: the published interface, from outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .mails import CANARY, OUTER, Post, encrypted, having, mail, part
from .people import People

KEYS = ["verdict", "class", "reasons", "signer", "released"]


def inspect(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orchestrator.cli", "mail", "inspect", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def options(people: People) -> list[str]:
    contact = f"alice@lawfirm.test={people.prints['alice']}"
    return ["--gnupg-home", str(people.home("bot")), "--contact", contact, "--json"]


def test_a_genuine_mail(post: Post, options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(post.good())
    done = inspect(str(file), *options)
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr, list(found)) == (0, "", KEYS)
    assert (found["verdict"], found["class"], found["released"]) == ("verified", "message", True)
    assert found["signer"] == post.people.prints["alice"]


def test_a_forged_mail(post: Post, options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(mail(encrypted(post.sealed(signer="mallory"))))
    done = inspect(str(file), *options)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"], found["released"]) == (0, "mismatch", False)
    assert found["reasons"] == ["signer_not_pinned"]


def test_people_are_told_what_to_do(options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(mail(part("text/plain", CANARY.encode()), having(OUTER, Subject=CANARY)))
    done = inspect(str(file), *options[:-1])
    assert done.returncode == 0
    assert done.stdout.startswith("downgrade")
    assert "still true" in done.stdout
    assert "next: " in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_a_file_that_cannot_be_read(options: list[str], tmp_path: Path) -> None:
    assert inspect(str(tmp_path / "none.eml"), *options).returncode == 1
    assert inspect(str(tmp_path), *options).returncode == 1


@pytest.mark.parametrize("raw", [b"", b"\0" * 100, b"From: a@b.test\n", b"hello", b"\xff\xfe"])
def test_whatever_it_is_it_is_judged(raw: bytes, options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(raw)
    done = inspect(str(file), *options)
    assert (done.returncode, json.loads(done.stdout)["released"]) == (0, False)


def test_wrong_use_is_told(people: People, tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(b"From: a@b.test\n\nhi")
    home = str(people.home("bot"))
    assert inspect(str(file), "--gnupg-home", home, "--contact", "a@b.test=12").returncode == 2
    assert inspect(str(file), "--gnupg-home", str(tmp_path / "none")).returncode == 2
