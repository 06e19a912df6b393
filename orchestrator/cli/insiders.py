"""`insiders`: the insider list, also as files with the columns of Regulation (EU) 2022/1210.

Rules kept here:

1. The columns are those of Annex I, template 1, in its order; what we know beside follows.
2. What we neither ask for nor keep is left empty for the side to fill, and the file says so: birth
   data, identification numbers, telephone numbers, home addresses. One name is known of a person:
   it stands whole where the surname does.
3. Each cell is text, whatever it begins with.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.people import InsiderView
from orchestrator.client.problems import Refused, Wrong
from orchestrator.clock import now
from orchestrator.roster import cells


def add(app: typer.Typer) -> None:
    """Adds `insiders` to a group of commands."""
    app.command()(insiders)


def insiders(
    ctx: typer.Context,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="One file for each side.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the files.")] = None,
) -> None:
    """Who had access, from when until when, as the rooms were read back; never typed."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_insiders(deal))
    if not as_csv:
        out.many(found, _insiders(out), "Nobody was read back in a room of this deal yet.")
        return
    if to is None:
        raise Wrong("A list of insiders goes into a folder", then="name one with --to FOLDER")
    written = write_new(to, files(found, deal, now()))
    out.one({"files": written}, lambda: [*written, LEFT])


def _insiders(out: Out) -> Columns[InsiderView]:
    return [
        ("person", lambda r: r.person or f"unknown: {r.account}"),
        ("name", lambda r: r.name or ""),
        ("side", lambda r: r.side_name or ""),
        ("obtained", lambda r: out.when(r.obtained_at)),
        ("ceased", lambda r: out.when(r.ceased_at)),
        ("acknowledged", lambda r: out.when(r.acknowledged_at)),
    ]


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
"""Stands for a side in the name of the file of accounts that are nobody's on the roster."""


def files(found: Sequence[InsiderView], deal: str, at: int) -> dict[str, bytes]:
    """One file for each side, by its name.

    Args:
        found: the whole list.
        deal: code name.
        at: when it was true, microseconds UTC.
    """
    sides = dict.fromkeys(row.side or NOBODY for row in found)
    return {
        f"insiders-{side}.csv": _file([r for r in found if (r.side or NOBODY) == side], deal, at)
        for side in sides
    }


def write_new(folder: Path, found: Mapping[str, bytes]) -> list[str]:
    """Writes files for their owner alone, over nothing that is there; returns their paths.

    Raises:
        Refused: one of them is there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = [name for name in found if (folder / name).exists()]
    if there:
        raise Refused(f"{folder} has {', '.join(there)} already", still="Nothing was written")
    for name, data in found.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    return [str(folder / name) for name in found]


def _file(rows: Sequence[InsiderView], deal: str, at: int) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    head: Iterable[tuple[str, ...]] = (
        ("Description of the source of the specific inside information", deal),
        ("Date and time of creation of this section", _when(min(r.obtained_at for r in rows))),
        ("Date and time (last update)", _when(at)),
        ("Date of transmission to the competent authority", ""),
        (LEFT,),
        COLUMNS,
    )
    for line in (*head, *map(_line, rows)):
        writer.writerow([cells.write(cell) for cell in line])
    return out.getvalue().encode()


def _line(row: InsiderView) -> tuple[str, ...]:
    name = row.name or f"unknown: {row.account or row.person}"
    acknowledged = _when(row.acknowledged_at) if row.acknowledged_at is not None else ""
    return (
        *("", name, "", "", row.side_name or "", row.role or "not on the roster"),
        _when(row.obtained_at),
        _when(row.ceased_at) if row.ceased_at is not None else "",
        *("", "", "", ""),
        *(row.person or "", acknowledged, row.notice or ""),
    )


def _when(at: int) -> str:
    """An instant as the annex writes it."""
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d, %H:%M} UTC"
