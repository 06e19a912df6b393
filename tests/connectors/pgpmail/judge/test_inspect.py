"""`wallcross mail inspect`: the published interface, from outside."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.cli.main import run

from .mails import CANARY, OUTER, Post, encrypted, having, mail, part
from .people import People

KEYS = ["verdict", "class", "reasons", "signer", "released"]


def inspect(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orchestrator.cli", "mail", "inspect", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


Ended = tuple[int, str]


@pytest.fixture
def inspected(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """The same in this process: a process of its own is mostly its start."""

    def call(*words: str) -> Ended:
        capsys.readouterr()
        return run(["mail", "inspect", *words]), capsys.readouterr().out

    return call


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


def test_a_file_that_cannot_be_read(
    options: list[str], tmp_path: Path, inspected: Callable[..., Ended]
) -> None:
    assert inspected(str(tmp_path / "none.eml"), *options)[0] == 1
    assert inspected(str(tmp_path), *options)[0] == 1


@pytest.mark.parametrize("raw", [b"", b"\0" * 100, b"From: a@b.test\n", b"hello", b"\xff\xfe"])
def test_whatever_it_is_it_is_judged(
    raw: bytes, options: list[str], tmp_path: Path, inspected: Callable[..., Ended]
) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(raw)
    code, out = inspected(str(file), *options)
    assert (code, json.loads(out)["released"]) == (0, False)


def test_wrong_use_is_told(people: People, tmp_path: Path, inspected: Callable[..., Ended]) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(b"From: a@b.test\n\nhi")
    home = str(people.home("bot"))
    assert inspected(str(file), "--gnupg-home", home, "--contact", "a@b.test=12")[0] == 2
    assert inspected(str(file), "--gnupg-home", str(tmp_path / "none"))[0] == 2
