"""A page that is named is there: in code, in the docs, and in the links between pages."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from .conftest import Source, assert_none

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\b[A-Z][A-Z_-]+\.md\b")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")


def present() -> set[str]:
    return {path.name for folder in (ROOT, ROOT / "docs") for path in folder.glob("*.md")}


def missing_pages(sources: Iterable[Source], there: set[str]) -> list[str]:
    """Pages that a text names by their capitals (SECURITY.md) and that are not in the tree."""
    return [
        f"{source.path}:{number} names {name}"
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        for name in NAMED.findall(line)
        if name not in there
    ]


def broken_links(pages: Iterable[Path]) -> list[str]:
    """Links between pages that lead nowhere."""
    return [
        f"{page} links to {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]


@pytest.fixture(scope="session")
def pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_pages_that_are_named_are_there(everything: list[Source], pages: list[Path]) -> None:
    ours = [source for source in everything if source.path != "tests/architecture/test_pages.py"]
    texts = [Source(str(p.relative_to(ROOT)), p.read_text(encoding="utf-8")) for p in pages]
    assert_none(missing_pages([*ours, *texts], present()))


def test_a_page_that_is_not_there_is_found() -> None:
    assert missing_pages([Source("a.py", "x\n# see NOWHERE.md")], present()) == [
        "a.py:2 names NOWHERE.md"
    ]
    assert missing_pages([Source("a.py", "# see SECURITY.md")], present()) == []


def test_links_lead_somewhere(pages: list[Path]) -> None:
    assert_none(broken_links(pages))


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("[a](docs/x.md) [b](https://x.org) [c](#d) [e](a.md#g)", encoding="utf-8")
    assert broken_links([page]) == [f"{page} links to docs/x.md"]
