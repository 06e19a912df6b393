"""The pages name what there is: every command, every setting, every column, every default."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.main import COMMANDS, loaded
from orchestrator.config import Config
from orchestrator.config.policy import default_text
from orchestrator.config.spans import microseconds
from orchestrator.roster.read import (
    CONTROL_ROOM,
    DELEGATE_COLUMNS,
    GRANT_COLUMNS,
    PERSON_COLUMNS,
    PHASES,
    SIDE_COLUMNS,
    WALL_COLUMNS,
)
from tiers.people import Phase

COLUMNS = 3
"""One a tier, at the end of a row."""
DOCS = Path(__file__).parents[3] / "docs"


def _page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def _verbs(name: str) -> Iterator[str]:
    commands = getattr(loaded(name), "commands", {})
    yield from (f"{name} {verb}" for verb in commands) if commands else [name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_verb_is_on_the_page(name: str) -> None:
    page = _page("cli.md")
    assert [verb for verb in _verbs(name) if f"`{verb}" not in page] == []


def test_every_setting_is_on_the_page() -> None:
    page = _page("configuration.md")
    for section, field in Config.model_fields.items():
        assert f"`{section}" in page, section
        for name in getattr(field.annotation, "model_fields", {}):
            assert f"{section}.{name}`" in page, (section, name)


def test_every_column_is_on_the_page() -> None:
    page = _page("roster.md")
    files = (PERSON_COLUMNS, GRANT_COLUMNS, SIDE_COLUMNS, WALL_COLUMNS, DELEGATE_COLUMNS)
    for column in {CONTROL_ROOM, PHASES, *(c for columns in files for c in columns)}:
        assert f"`{column}`" in page, column


def test_every_phase_is_on_the_pages() -> None:
    for name in ("roster.md", "cli.md"):
        assert all(phase.value in _page(name) for phase in Phase)


def test_the_policys_tables_are_the_policy_that_ships() -> None:
    shipped = tomllib.loads(default_text())["tiers"]
    rows = re.findall(r"^\| `(\w+)[^|]*\|(.*)\|$", _page("policy.md"), re.MULTILINE)
    tiers = reversed([row for row in rows if row[1].count("|") >= COLUMNS - 1])  # the first counts
    found = {name: [cell.strip() for cell in cells.split("|")][-COLUMNS:] for name, cells in tiers}
    for column, tier in enumerate(("valuation", "operations", "coordination")):
        for name in ("fresh_for", "grade", "changed_key", "repeat_after_unknown", "body_for"):
            written, meant = found[name][column], shipped[tier][name]
            assert (
                microseconds(written) == microseconds(meant) if " " in meant else written == meant
            )
        for name, least in shipped[tier]["demands"].items():
            said = f"{least['least']}, {least['at_most']}" if isinstance(least, dict) else least
            assert found[name][column] == said
