"""`wallcross audit`: the record, its check, and its export."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.audit.offline.command import main as verify_export
from orchestrator.cli.archive import unpack
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.views import AuditLine, AuditReport
from orchestrator.config.spans import words

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """The record."""


@app.command()
def tail(
    ctx: typer.Context,
    *,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 20,
) -> None:
    """The newest entries of a deal: who did what, and the hash that follows."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.audit_tail(deal, count))
    columns: Columns[AuditLine] = [
        ("n", lambda e: str(e.n)),
        ("at", lambda e: out.when(e.at)),
        ("kind", lambda e: e.kind),
        ("actor", lambda e: e.actor),
        ("what", lambda e: json.dumps(e.body, ensure_ascii=False)),
    ]
    out.many(found, columns, "There is no entry.")


@app.command()
def verify(
    ctx: typer.Context,
    export: Annotated[
        Path | None, typer.Argument(help="An export to check offline; none: this home's chain.")
    ] = None,
    *,
    anchor: Annotated[
        list[Path] | None, typer.Option(help="What was kept outside the host.")
    ] = None,
) -> int:
    """Checks a chain, its signed heads and anchors; exit code 1 when something does not hold."""
    if export is not None:
        kept = [word for path in anchor or () for word in ("--anchor", str(path))]
        return verify_export([str(export), *kept, *(["--json"] if ctx.obj.json else [])])
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.audit_verify(deal))
    out.one(found, lambda: _lines(found))
    return 0 if found.ok else 1


@app.command()
def export(
    ctx: typer.Context,
    to: Annotated[Path, typer.Option("--to", help="A new folder.")],
) -> None:
    """Writes the signed record with the program that checks it; the export is an entry itself."""
    deal = named(ctx, None)

    async def work(client: Client) -> list[str]:
        return await unpack(client.audit_export(deal), to)

    found, out = call(ctx.obj, work)
    program = to / "verify_audit.py"
    out.one(
        {"folder": str(to), "files": found}, lambda: [*found, f"check it: python {program} {to}"]
    )


def _lines(found: AuditReport) -> Iterator[str]:
    yield "The chain holds." if found.ok else "The chain does not hold."
    yield f"  {found.entries} entries, {found.heads} signed heads, {found.anchors} anchors"
    yield f"  not yet anchored: {found.unanchored} entries; longest: {words(found.longest_gap)}"
    if not found.anchors:
        yield "  no anchor: the host's word alone"
    for problem in found.problems:
        yield f"  {problem}"
