"""The insider list as Regulation (EU) 2022/1210 lays it out: columns, head and lines.

Rules kept here:

1. The columns are those of Annex I, template 1, in its order; what we know beside follows.
2. What we neither ask for nor keep is left empty for the side to fill, and the file says so: birth
   data, identification numbers, telephone numbers, home addresses. One name is known of a person:
   it stands whole where the surname does.
3. Each cell is text; whoever writes it into a file sees to it that nothing runs it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from orchestrator.client.people import InsiderView

COLUMNS = (
    "First name(s) of the insider",
    "Surname(s) of the insider",
    "Surname(s) of the insider at birth (if different)",
    "Professional telephone number(s)",
    "Company name and address",
    "Function and reason for being insider",
    "Obtained",
    "Ceased",
    "National Identification Number (if applicable)",
    "Date of birth",
    "Personal telephone numbers",
    "Personal full home address",
    "Person",
    "Notice acknowledged",
    "Notice (sha256)",
)
LEFT = (
    "To be filled by the side: first names, names at birth, telephone numbers, the company's "
    "address, identification numbers, dates of birth, home addresses. They are not kept here."
)
NOBODY = "on-no-list"
"""Stands for the side of accounts that are nobody's on the roster."""
Lines = list[tuple[str, ...]]


def by_side(found: Sequence[InsiderView]) -> Mapping[str, Sequence[InsiderView]]:
    """The list of each side, by the side's id."""
    sides = dict.fromkeys(row.side or NOBODY for row in found)
    return {side: [r for r in found if (r.side or NOBODY) == side] for side in sides}


def lines(rows: Sequence[InsiderView], deal: str, at: int) -> Lines:
    """The list of one side, head and columns first.

    Args:
        rows: of the side; one at least.
        deal: code name.
        at: when it was true, microseconds UTC.
    """
    return [
        ("Description of the source of the specific inside information", deal),
        ("Date and time of creation of this section", when(min(r.obtained_at for r in rows))),
        ("Date and time (last update)", when(at)),
        ("Date of transmission to the competent authority", ""),
        (LEFT,),
        COLUMNS,
        *map(_line, rows),
    ]


def _line(row: InsiderView) -> tuple[str, ...]:
    name = row.name or f"unknown: {row.account or row.person}"
    acknowledged = when(row.acknowledged_at) if row.acknowledged_at is not None else ""
    return (
        *("", name, "", "", row.side_name or "", row.role or "not on the roster"),
        when(row.obtained_at),
        when(row.ceased_at) if row.ceased_at is not None else "",
        *("", "", "", ""),
        *(row.person or "", acknowledged, row.notice or ""),
    )


def when(at: int) -> str:
    """An instant as the annex writes it."""
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d, %H:%M} UTC"
