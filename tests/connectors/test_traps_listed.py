"""The list of traps in the documentation names tests that exist, and each test once."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "channels" / "traps.md"
_NAMED = re.compile(r"`([a-z/]+/test_\w+\.py)::(test_\w+)`")
_ROW = re.compile(r"^\| (?!seen|---)")


def named(text: str) -> list[tuple[str, str]]:
    return _NAMED.findall(text)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("file", sorted({file for file, _ in named(PAGE.read_text())}))
def test_each_trap_has_the_test_that_is_named_after_it(file: str) -> None:
    wanted = {name for where, name in named(PAGE.read_text()) if where == file}
    assert wanted <= functions_of(HERE / file)


def test_no_trap_stands_there_without_a_test_and_no_test_for_two_of_them() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if _ROW.match(line)]
    assert len(rows) > 90
    assert [row for row in rows if not named(row)] == []
    each = named(PAGE.read_text())
    assert len(each) == len(set(each))


def test_what_a_channels_page_calls_a_file_of_tests_is_one() -> None:
    below = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for page in PAGE.parent.glob("*.md"):
        whole = re.findall(r"`(?:[\w/]+/)?(test_\w+\.py)", page.read_text())
        assert set(whole) <= below, page.name
