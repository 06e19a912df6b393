"""A CSV file as lines with a number, whichever spreadsheet wrote it.

Rules kept here: UTF-8, with or without a mark; comma, semicolon or tab between cells (told by the
head line); an unknown column, a missing one or a line that is too long is a mistake, never skipped.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.config.mistakes import Mistake
from orchestrator.roster import cells

MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file, and its cells by column, tidied."""

    number: int
    cells: Mapping[str, str] = field(repr=False)

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(slots=True)
class Table:
    """A file's lines, and what is wrong with its form."""

    name: str
    columns: tuple[str, ...] = ()
    lines: list[Line] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, line: int, column: str, wrong: str, remedy: str) -> None:
        """Notes a mistake."""
        place = f"{self.name}, column {column}" if column else self.name
        self.mistakes.append(Mistake(place, wrong, remedy, line))


def read_table(
    name: str, data: bytes, needed: Sequence[str], *, also: Callable[[str], bool]
) -> Table:
    """Reads a CSV file.

    Args:
        name: how mistakes name it.
        data: the bytes.
        needed: columns that must be there.
        also: whether a further column is known.
    """
    table = Table(name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        table.wrong(1, "", "it is not UTF-8", "Save it as CSV UTF-8")
        return table
    if len(data) > MAX_BYTES:
        table.wrong(1, "", "it is larger than 16 MB", "Keep to one line a person and grant")
        return table
    try:
        _fill(table, text, needed, also)
    except csv.Error:
        table.wrong(1, "", "it is not CSV", "Save it as CSV UTF-8")
    return table


def _fill(table: Table, text: str, needed: Sequence[str], also: Callable[[str], bool]) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    head = next(reader, [])
    table.columns = tuple(cell.strip().lower() for cell in head)
    _check_head(table, needed, also)
    start = reader.line_num
    for row in reader:
        number, start = start + 1, reader.line_num
        if not any(cell.strip() for cell in row):
            continue
        if any(cell.strip() for cell in row[len(table.columns) :]):
            table.wrong(number, "", "more cells than columns", "Put texts with commas in quotes")
        tidied = (cells.tidy(cell) for cell in row)
        table.lines.append(Line(number, dict(zip(table.columns, tidied, strict=False))))


def _check_head(table: Table, needed: Sequence[str], also: Callable[[str], bool]) -> None:
    columns = table.columns
    for column in needed:
        if column not in columns:
            table.wrong(1, column, "it is missing", "See wallcross roster template")
    for column in dict.fromkeys(columns):
        if column and column not in needed and not also(column):
            table.wrong(1, column, "there is no such column", "Remove it, or correct its name")
        if column and columns.count(column) > 1:
            table.wrong(1, column, "it is there twice", "Keep one")


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file that spreadsheets read as UTF-8, each cell written as text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([cells.write(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
