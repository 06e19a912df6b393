"""A table of text as a workbook (XLSX).

Rules kept here:

1. Each cell is a string, never a formula, a number or a link, whatever it begins with; what a
   spreadsheet would act on when it is typed anew is marked as text besides (``quotePrefix``).
2. It is made in memory. The library's way for large files writes each sheet to a temporary file in
   the clear, and so does its usual way while it packs them; ``in_memory`` does neither.
"""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from xlsxwriter import Workbook
from xlsxwriter.format import Format

from orchestrator.clock import SECOND
from orchestrator.roster.cells import RISKY

LONGEST_CELL, LONGEST_NAME, MOST_ROWS = 32_767, 31, 1_048_576
"""Characters of a cell and of a sheet's name, and rows of a sheet, that the format has."""
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", "-"))
_WIDEST = 60
Table = Sequence[Sequence[str]]


def workbook(sheets: Sequence[tuple[str, Table]], at: int) -> bytes:
    """A workbook.

    Args:
        sheets: tables with the names of their sheets, the first page first.
        at: when it was made, microseconds UTC.

    Raises:
        ValueError: a table is longer than a sheet.
    """
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with Workbook(out, options) as book:
        created = datetime.fromtimestamp(at / SECOND, UTC)
        book.set_properties({"author": "Wallcross", "created": created})
        tables = [table for _, table in sheets]
        formats = book.add_format(), book.add_format({"quote_prefix": True})
        for name, table in zip(_names([n for n, _ in sheets]), tables, strict=True):
            _sheet(book, name, table, formats)
    return out.getvalue()


def _sheet(book: Workbook, name: str, table: Table, formats: tuple[Format, Format]) -> None:
    if len(table) > MOST_ROWS:
        raise ValueError("a sheet has no room for so many rows")
    sheet, (plain, marked) = book.add_worksheet(name), formats
    for y, row in enumerate(table):
        for x, cell in enumerate(row):
            text = cell[:LONGEST_CELL]
            sheet.write_string(y, x, text, marked if text.startswith(RISKY) else plain)
    for x, width in enumerate(_widths(table)):
        sheet.set_column(x, x, width)


def _widths(table: Table) -> list[int]:
    """Wide enough for what stands in rows that are rows of a table."""
    columns = max((len(row) for row in table), default=0)
    wide = [row for row in table if len(row) > 1]
    return [
        min(_WIDEST, 2 + max((len(row[x]) for row in wide if len(row) > x), default=8))
        for x in range(columns)
    ]


def _names(wanted: Sequence[str]) -> list[str]:
    """Names that sheets may have: each once, also without regard to capitals."""
    found: list[str] = []
    for name in wanted:
        plain = "".join(c for c in name.translate(_NOT_IN_NAMES) if c.isascii() and c.isprintable())
        base = plain[: LONGEST_NAME - 4].strip() or "sheet"
        known, tried, n = {f.lower() for f in found}, base, 1
        while tried.lower() in {*known, "history"}:
            n += 1
            tried = f"{base} {n}"
        found.append(tried)
    return found
