"""The table of invariants names tests that are there, and code that is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import assert_none

ROOT = Path(__file__).parents[2]
TEST = re.compile(r"`(?:((?:\w+/)*test_\w+\.py))?::(test_\w+)`")
CODE = re.compile(r"`((?:tiers|connectors|tests|orchestrator)/[\w/.]+)`")


def missing_tests(page: str, folder: Path) -> Iterator[str]:
    """Tests that a page names and that are nowhere; `::name` means the file named before it."""
    file = ""
    for named, test in TEST.findall(page):
        file = named or file
        texts = [path.read_text(encoding="utf-8") for path in folder.rglob(file)] if file else []
        if not any(f"def {test}(" in text for text in texts):
            yield f"{file}::{test}"


@pytest.fixture(scope="session")
def page() -> str:
    return (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["docs/architecture.md", "SECURITY.md"])
def test_every_test_that_is_named_is_there(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert len(TEST.findall(page)) > 40
    assert_none(missing_tests(page, ROOT / "tests"))


def test_every_module_that_is_named_is_there(page: str) -> None:
    assert_none(name for name in CODE.findall(page) if not (ROOT / name).exists())


def test_all_fourteen_stand_in_the_table(page: str) -> None:
    assert re.findall(r"^\| \*\*(\d+)\.", page, re.MULTILINE) == [str(n) for n in range(1, 15)]


def test_a_test_that_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_one() -> None: ...\n", encoding="utf-8")
    page = "`test_a.py::test_one`, `::test_two`, `x/test_b.py::test_one`"
    assert list(missing_tests(page, tmp_path)) == ["test_a.py::test_two", "x/test_b.py::test_one"]
