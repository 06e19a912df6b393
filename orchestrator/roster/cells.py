"""One cell of a spreadsheet: text, whatever it begins with.

Rules kept here:

1. What a spreadsheet would run as a formula is written as text, behind an apostrophe, and comes
   back without it (docs/product.md section 2, 11).
2. ``read(write(text)) == text`` for every text; a file that no spreadsheet touched loses nothing.
"""

RISKY = ("=", "+", "-", "@", "\t", "\r")
"""First characters that spreadsheets act on."""
_MARK = "'"


def write(text: str) -> str:
    """``text`` as a cell that no spreadsheet runs."""
    return _MARK + text if text.startswith((*RISKY, _MARK)) else text


def read(cell: str) -> str:
    """The text of a cell; an apostrophe before what is risky is the spreadsheets' mark for text."""
    marked = cell.startswith(_MARK) and cell[1:].startswith((*RISKY, _MARK))
    return cell[1:] if marked else cell


def tidy(cell: str) -> str:
    """The text of a cell with the white space that typing leaves (also inside) made plain."""
    return " ".join(read(cell.strip(" \u00a0")).split())
