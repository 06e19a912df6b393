"""Runs command lines in this process, against a home of the test's own."""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Wx = Callable[..., Ended]
Serve = Callable[..., subprocess.Popen[str]]
START_S = 60.0


@pytest.fixture
def wx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Wx]:
    """`wallcross …`, with what a process would keep to itself put back afterwards."""
    monkeypatch.setenv("WALLCROSS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "secrets"))
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("WALLCROSS_DEAL", raising=False)

    def call(*args: str, stdin: str = "") -> Ended:
        given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", given)
        capsys.readouterr()
        code = run(args)
        seen = capsys.readouterr()
        return Ended(code, seen.out, seen.err)

    before = os.umask(0o077)
    yield call
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the home lies."""
    return tmp_path / "home"


@pytest.fixture
def deal(wx: Wx, tmp_path: Path) -> Wx:
    """A made-up deal HALCYON with the template's roster in force."""
    wx("roster", "template", "--to", str(tmp_path / "roster"))
    assert wx("deal", "new", "HALCYON", "--made-up").code == 0
    done = wx("roster", "import", str(tmp_path / "roster"), "--deal", "HALCYON")
    assert done.code == 0, done.err
    return wx


@pytest.fixture
def serve(wx: Wx, home: Path, tmp_path: Path) -> Iterator[Serve]:  # noqa: ARG001 - makes the environment
    """Starts `serve` in a process of its own, in the environment that ``wx`` has made."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str) -> subprocess.Popen[str]:
        with (tmp_path / "serve.err").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator.cli", "serve", "--no-dashboard", *args],
                stdout=subprocess.DEVNULL,
                stderr=log,
                text=True,
                env=dict(os.environ),
            )
        started.append(process)
        _listens(process, home / "run" / "wallcross.sock")
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def _listens(process: subprocess.Popen[str], path: Path) -> None:
    deadline = time.monotonic() + START_S
    while not path.exists():
        assert process.poll() is None, "serve ended before it listened"
        assert time.monotonic() < deadline
        time.sleep(0.05)
