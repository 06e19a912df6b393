"""Exit codes, streams, global options and errors are those of docs/cli.md, for every command."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from orchestrator.cli import main
from orchestrator.cli.globals import FLAGS, VALUED, hoisted
from orchestrator.cli.main import COMMANDS, loaded
from orchestrator.cli.out import plain
from orchestrator.cli.tell import tell
from orchestrator.client import problems

from .conftest import Wx

CANARY = "the price is forty-two a share"
DOC = Path(__file__).parents[3] / "docs" / "cli.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_helps(wx: Wx, name: str) -> None:
    assert loaded(name).name == name
    shown = wx(name, "--help")
    assert shown.code == 0
    assert f"wallcross {name}" in shown.out


def test_the_help_names_every_command_without_loading_one() -> None:
    program = (
        "import sys; from orchestrator.cli.main import run; run(['--help']); "
        "print([m for m in sys.modules if m.endswith('_cmd')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in COMMANDS)
    assert done.stdout.splitlines()[-1] == "[]"


def test_starting_costs_at_most_three_times_a_bare_program() -> None:
    bare = "import typer; a = typer.Typer()\n" + "\n".join(
        f"@a.command()\ndef c{i}(): ..." for i in range(len(COMMANDS))
    )
    ours = "from orchestrator.cli.main import run; run(['version'])"

    def best(program: str) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
            times.append(time.perf_counter() - began)
        return min(times)

    assert best(ours) <= 3 * best(f"{bare}\na(['c1'], standalone_mode=False)")


@pytest.mark.parametrize("args", [("nope",), ("deal", "nope"), ("--bad",), ("deal", "new"), ()])
def test_wrong_use_ends_with_2_and_says_what_next(wx: Wx, args: tuple[str, ...]) -> None:
    done = wx(*args)
    assert (done.code, done.out) == (2, "")
    assert "wallcross" in done.err


def test_global_options_stand_anywhere(wx: Wx) -> None:
    assert wx("version", "--json").json == wx("--json", "version").json
    line = ["deal", "list", "--json", "--deal", "X", "--set=a=b", "--", "--json"]
    assert hoisted(line) == ["--json", "--deal", "X", "--set=a=b", "deal", "list", "--", "--json"]
    assert hoisted(["x", "--deal"]) == ["--deal", "x"]


def test_hoisted_options_are_those_of_the_program() -> None:
    known = {o for p in main.program().params for o in p.opts if o.startswith("--")}
    assert known - {"--help", "--install-completion", "--show-completion"} == FLAGS | VALUED


def test_an_error_says_what_is_wrong_what_is_true_and_what_next(wx: Wx) -> None:
    wx("deal", "new", "HALCYON", "--made-up")
    done = wx("deal", "show", "NOPE")
    assert (done.code, done.out) == (1, "")
    assert "NOPE" in done.err
    assert "next: wallcross deal list" in done.err


def test_an_error_is_one_object_with_json(wx: Wx) -> None:
    done = wx("deal", "show", "NOPE", "--json")
    assert json.loads(done.err)["type"] == "urn:wallcross:problem:missing"
    usage = wx("deal", "new", "--json")
    assert json.loads(usage.err)["type"] == "urn:wallcross:problem:wrong"


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_nobody_expected_is_told_without_its_words(
    capsys: pytest.CaptureFixture[str], *, verbose: bool, as_json: bool
) -> None:
    def fail(secret: str) -> None:
        raise RuntimeError(secret)

    with pytest.raises(RuntimeError) as caught:
        fail(CANARY)
    code = tell(caught.value, as_json=as_json, verbose=verbose, name="wallcross")
    seen = capsys.readouterr()
    assert code == 1
    assert "RuntimeError" in seen.err
    assert CANARY not in seen.err + seen.out
    assert ("in fail" in seen.err or " fail" in seen.err) or not verbose


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, wx: Wx) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    app = typer.Typer(add_completion=False)
    app.command()(interrupt)
    monkeypatch.setattr(main, "loaded", lambda _: typer.main.get_command(app))
    assert wx("version").code == 130


def test_a_closed_pipe_is_no_traceback() -> None:
    program = f"{sys.executable} -m orchestrator.cli config schema | head -c 10"
    environ = {**os.environ, "WALLCROSS_HOME": "/nonexistent"}
    done = subprocess.run(
        ["sh", "-c", program], capture_output=True, text=True, env=environ, check=False
    )
    assert done.stderr == ""


def test_the_documented_exit_codes_are_those_of_the_problems() -> None:
    table = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|", DOC.read_text("utf-8"), re.MULTILINE))
    used = {kind.exit_code for kind in problems.KINDS.values()} | {0, 2, 3, 130}
    assert used <= {int(code) for code in table}


def test_nothing_from_outside_moves_the_cursor() -> None:
    assert plain("a\x1b[31mb\rc\u202ed") == "a\ufffd[31mb\ufffdc\ufffdd"
    assert plain("Ximena Park\n\tü") == "Ximena Park\n\tü"
