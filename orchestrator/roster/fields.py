"""Reads one cell of a roster's table, or notes what is wrong with it and how to mend it.

Rule kept here: nothing is guessed; a cell that is not one of the words for it is a mistake.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from orchestrator.roster import form
from orchestrator.roster.table import Line, Table
from tiers.ids import CompartmentId
from tiers.people import Phase, Phases, Span

T = TypeVar("T")
_BETWEEN = re.compile(r"[\s,;]+")
_PHASES = {p.value: p for p in Phase}


def read_id(table: Table, line: Line, column: str) -> str:
    """An id of ours."""
    text = line[column]
    if not form.ID.fullmatch(text):
        remedy = "Write lower-case letters, digits, . _ and -, such as ximena.park"
        table.wrong(line.number, column, "not an id", remedy)
    return text


def read_name(table: Table, line: Line, column: str) -> str:
    """A name for people."""
    text = line[column]
    if not text or not form.is_name(text):
        table.wrong(line.number, column, "not a name", "Write 1 to 200 letters that can be seen")
    return text


def read_choice(table: Table, line: Line, column: str, known: Mapping[str, T]) -> T | None:
    """One of the words in ``known``, however it is spaced."""
    text = _word(line[column])
    if text in known:
        return known[text]
    words = ", ".join(name or "nothing" for name in known)
    table.wrong(line.number, column, "not one of the words for it", f"Write one of: {words}")
    return None


def read_span(table: Table, line: Line) -> Span | None:
    """The time between ``from`` and ``until``."""
    start, end = read_instant(table, line, "from"), None
    if line["until"]:
        end = read_instant(table, line, "until")
        if start is not None and end is not None and end <= start:
            table.wrong(line.number, "until", "it ends before it begins", "Correct the dates")
            return None
        if end is None:
            return None
    return None if start is None else Span(start, end)


def read_instant(table: Table, line: Line, column: str) -> int | None:
    """A date, or an instant."""
    try:
        return form.instant(line[column])
    except ValueError:
        remedy = "Write a date such as 2026-01-31, or 2026-01-31T09:00:00+01:00"
        table.wrong(line.number, column, "not a date", remedy)
        return None


def read_phases(table: Table, line: Line) -> Phases:
    """Phases with blanks between them; a blank cell: each of them."""
    named = [_word(word) for word in read_words(line["phases"])]
    unknown = [name for name in named if name not in _PHASES]
    if unknown:
        remedy = f"Write some of these with blanks between them, or nothing: {', '.join(_PHASES)}"
        table.wrong(line.number, "phases", "not the name of a phase", remedy)
    return frozenset(_PHASES[name] for name in named if name in _PHASES) or None


def read_words(cell: str) -> list[str]:
    """What stands in one cell with blanks, commas or semicolons between."""
    return [word for word in _BETWEEN.split(cell) if word]


def read_compartment(table: Table, line: Line, column: str) -> CompartmentId:
    """The name of a compartment."""
    if not form.COMPARTMENT.fullmatch(line[column]):
        table.wrong(line.number, column, "not a compartment", "Write deal, or clean-team")
    return CompartmentId(line[column])


def _word(text: str) -> str:
    return text.lower().replace("-", "_").replace(" ", "_")
