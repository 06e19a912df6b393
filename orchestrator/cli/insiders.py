"""`insiders`: the insider list, also as files with the columns of Regulation (EU) 2022/1210.

Rule kept here: each cell is text, whatever it begins with.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.insider_list import LEFT, Lines, by_side, lines
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


def files(found: Sequence[InsiderView], deal: str, at: int) -> dict[str, bytes]:
    """One file for each side, by its name.

    Args:
        found: the whole list.
        deal: code name.
        at: when it was true, microseconds UTC.
    """
    return {
        f"insiders-{side}.csv": _file(lines(rows, deal, at))
        for side, rows in by_side(found).items()
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


def _file(found: Lines) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for line in found:
        writer.writerow([cells.write(cell) for cell in line])
    return out.getvalue().encode()
