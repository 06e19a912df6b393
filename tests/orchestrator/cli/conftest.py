"""Runs command lines in this process, against a home of the test's own."""

import io
import json
import os
import sys
import tempfile
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
