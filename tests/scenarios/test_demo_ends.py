"""The whole demo passes, also where Postfix cannot run; and nothing of it stays behind, ever.

What is looked for is looked for in the whole machine: processes by their command lines, working
folders and environments, files by their folder.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.client.views import Step
from orchestrator.demo import mailside, play
from orchestrator.demo.mailserver import cannot
from orchestrator.demo.stage import NotSeen, Stage

from .theatre import with_synapse

pytestmark = pytest.mark.long
PATIENCE_S = 300.0
"""Until the demo is as far as a test wants it, on a busy machine."""
SOON_S = 60.0
"""What was told to end may take its leave."""
FIRST = "seen roster in"
"""Told when the first step was seen."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder with a short path, for the whole demo."""
    with tempfile.TemporaryDirectory(prefix="wxt-", dir="/tmp") as made:
        Path(made).chmod(0o755)  # the mail server's own users must enter it
        yield Path(made)


def processes(folder: Path) -> list[str]:
    """Command lines of what lives and has to do with a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = [(process / name).read_bytes() for name in ("cmdline", "environ")]
            where = str((process / "cwd").readlink())
        except OSError:
            continue  # it has ended, or it is not ours to look at
        if str(folder).encode() in b"".join(told) or where.startswith(str(folder)):
            found.append(told[0].replace(b"\0", b" ").decode(errors="replace"))
    return found


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def nothing_left(folder: Path) -> None:
    end = time.monotonic() + SOON_S
    while time.monotonic() < end and (processes(folder) or names(folder)):
        time.sleep(0.1)
    assert not processes(folder)
    assert not names(folder)


def started(folder: Path) -> "subprocess.Popen[str]":
    """The demo, in a group of its own as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli", "demo", "--fast", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
    )


def heard(demo: "subprocess.Popen[str]", words: str) -> None:
    """Reads what it says until it says that."""
    assert demo.stderr is not None
    end = time.monotonic() + PATIENCE_S
    for line in demo.stderr:
        if words in line:
            return
        assert time.monotonic() < end
    raise AssertionError("the demo ended before")


def test_the_demo_passes_and_leaves_nothing(folder: Path) -> None:
    with_synapse()
    demo = started(folder)
    out, err = demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 0, err
    told = json.loads(out)
    assert told["ok"] is told["made_up"] is True
    assert [step["ok"] for step in told["steps"]] == [True] * len(play.STEPS)
    assert all(step["observed_by"] and step["seconds"] >= 0 for step in told["steps"])
    assert sum(step["seconds"] for step in told["steps"]) < told["seconds"]
    nothing_left(folder)


@pytest.mark.parametrize(
    ("after", "number", "to_all"),
    [
        (FIRST, signal.SIGINT, True),
        (FIRST, signal.SIGTERM, False),
        ("A Matrix homeserver runs", signal.SIGINT, True),
        ("A stand-in for Signal speaks", signal.SIGTERM, False),
    ],
    ids=["ctrl-c", "sigterm", "ctrl-c at the start", "sigterm at the start"],
)
def test_a_demo_that_is_broken_off_leaves_nothing(
    folder: Path, after: str, number: signal.Signals, *, to_all: bool
) -> None:
    """A terminal sends Ctrl-C to all of them; and the impatient press it again."""
    with_synapse()
    demo = started(folder)
    heard(demo, after)
    assert processes(folder)
    for _ in range(2):
        (os.killpg if to_all else os.kill)(demo.pid, number)
        time.sleep(0.3)
    out, err = demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 130, err
    assert not out
    assert "Traceback" not in err
    assert "Broken off: what was started is ended." in err
    nothing_left(folder)


def test_a_demo_that_fails_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step is not seen, and so the play ends, with all servers running."""
    with_synapse()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    async def fails(stage: Stage) -> str:
        assert stage.served.running
        assert processes(folder)
        raise NotSeen("nothing")

    steps = [("a step", "nobody", fails)]
    monkeypatch.setattr(play, "play", partial(play.play, steps=steps))
    assert run(["demo", "--fast", "--json"]) == 1
    assert "not seen: nothing" in capsys.readouterr().out
    nothing_left(folder)


async def test_it_plays_on_the_small_mail_server_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine where nobody is root: the same steps, the mailbox read from its folder."""
    with_synapse()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(mailside, "cannot", lambda: "not here")
    steps: list[Step] = []
    said: list[str] = []
    assert await play.play(fast=True, keep=None, show=steps.append, say=said.append), steps
    assert len(steps) == len(play.STEPS)
    assert any("A small mail server runs here" in text for text in said)
    await asyncio.to_thread(nothing_left, folder)


def test_without_gpg_the_demo_says_what_to_install(tmp_path: Path) -> None:
    with_synapse()
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "demo", "--fast"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 3
    assert "There is no gpg here, and PGP mail needs it" in done.stderr
    assert "apt-get install gnupg" in done.stderr
    assert not names(tmp_path)


def test_a_folder_that_others_cannot_enter_or_that_is_too_long_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sockets have short paths, and Postfix's own users must come in."""
    long = tmp_path / ("x" * 60)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    made = mailside.short_folder()
    made.rmdir()
    assert made.parent != long
    assert not names(long)


@pytest.mark.skipif(cannot() is not None, reason="Postfix is not run here")
def test_what_is_kept_holds_the_mail_servers_files_too(folder: Path) -> None:
    async def keeps() -> None:
        mail = mailside.MailSide("word", "phrase")
        await mail.open(["laura-penn"])
        await mail.close(folder)

    asyncio.run(keeps())
    assert (folder / "mail" / "mail" / "postfix.log").read_text()
    assert (folder / "mail" / "g0" / "pubring.kbx").exists()
    assert not processes(folder)
