"""CI runs each test once: none is in no run of it, and none in two.

The runs are read where they are written, in .ci/run and in what `make` says that it would do.
"""

import os
import re
import shlex
import subprocess
import tomllib
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

ROOT = Path(__file__).parents[2]
MARKS = ("long", "real", "alone", "deep")
COMBINATIONS = [
    frozenset(mark for mark, has in zip(MARKS, hold, strict=True) if has)
    for hold in product((False, True), repeat=len(MARKS))
]
OF_ITSELF = "not long"
"""What addopts chooses where a command does not."""


def pytests(command: str) -> list[list[str]]:
    """The words of each run of pytest that a command of CI makes, but for what failed run again."""
    said = subprocess.run(
        [*shlex.split(command), "-n"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},  # not the settings of a `make` that runs this test
        check=True,
        capture_output=True,
        text=True,
    ).stdout.replace("\\\n", " ")
    firsts = (line.partition("||")[0] for line in said.splitlines())
    return [shlex.split(line) for line in firsts if "/pytest -q" in line]


def runs() -> list[list[str]]:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    made = [line.partition("#")[0] for line in lines if line.startswith("make ")]
    return [words for command in made for words in pytests(command)]


def chosen(words: list[str]) -> Expression:
    return Expression.compile(words[words.index("-m") + 1] if "-m" in words else OF_ITSELF)


def in_run(words: list[str], marks: frozenset[str]) -> bool:
    return chosen(words).evaluate(lambda name, /, **_: name in marks)


def of_this_environment() -> list[list[str]]:
    return [words for words in runs() if words[0] == ".venv/bin/pytest"]


@pytest.mark.parametrize("marks", COMBINATIONS, ids=lambda marks: "-".join(sorted(marks)) or "none")
def test_each_test_is_in_one_run_of_ci_and_the_deep_ones_in_none(marks: frozenset[str]) -> None:
    held = [words for words in of_this_environment() if in_run(words, marks)]
    assert len(held) == (0 if {"long", "deep"} <= marks else 1), held


def test_no_run_of_ci_leaves_a_folder_out() -> None:
    assert len(of_this_environment()) == 3
    for words in of_this_environment():
        assert not {"-k", "--ignore", "--deselect"} & set(words)
        assert not [word for word in words if word.startswith("tests/")]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert settings["testpaths"] == ["tests"]
    assert settings["addopts"][-2:] == ["-m", OF_ITSELF]
    assert {re.match(r"\w+", mark)[0] for mark in settings["markers"]} - {"tampers"} == set(MARKS)  # type: ignore[index]  # each begins with its name


def test_a_long_test_is_called_so_in_its_own_file() -> None:
    """Others are not looked at where long ones are asked for: no mark is inherited or imported."""
    marking = [
        path
        for folder in ("tests", "connectors", "orchestrator", "dashboard")
        for path in (ROOT / folder).rglob("*.py")
        if "pytest.mark.long" in path.read_text(encoding="utf-8")
    ]
    assert [path for path in marking if not path.name.startswith("test_")] == []
    marks = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert not [text for text in marks if re.search(r"import .*\bpytestmark\b|\bmark import", text)]


def lacks(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return True
    return False


def test_what_this_environment_lacks_is_in_the_one_of_omemo() -> None:
    (words,) = [words for words in runs() if words[0] == ".venv-omemo/bin/pytest"]
    lacking = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        for module in re.findall(r"importorskip\(\s*\"([\w.]+)", path.read_text(encoding="utf-8"))
        if lacks(module)
    }
    assert lacking <= set(words)
    assert "-k" not in words
    assert {marks for marks in COMBINATIONS if not in_run(words, marks)} == {
        marks for marks in COMBINATIONS if marks & {"alone", "deep"}
    }
