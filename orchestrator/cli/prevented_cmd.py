"""`wallcross prevented`: what was held or stopped in a deal, with evidence; no content."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.instants import instant
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.prevented import PreventedRow, PreventedView
from orchestrator.clock import SECOND

app = typer.Typer(add_completion=False, rich_markup_mode=None)
LISTED = 20
WORDS = {
    "held": "held before anybody saw them",
    "withdrawn": "withdrawn after some time in a room",
    "stopped": "stopped for some of their readers",
    "paused": "rooms or people paused",
    "stood": "not prevented: stood where they were written",
}
BECAME = {
    "waits": "waits",
    "let_go": "let go by two",
    "moved": "sent to a stricter place",
    "dropped": "dropped",
    "lapsed": "lapsed, never sent",
    "stands": "",
}
Date = Annotated[str | None, typer.Option(help="2026-01-31, or an instant.")]


@app.command()
def prevented(
    ctx: typer.Context,
    deal: Annotated[str | None, typer.Argument(help="Code name or id; else --deal.")] = None,
    *,
    since: Date = None,
    until: Date = None,
    report: Annotated[
        Path | None, typer.Option(help="Writes the printable report (HTML); it is recorded.")
    ] = None,
    closing: Annotated[
        bool, typer.Option("--closing", help="The report of its close, and whether it is the same.")
    ] = False,
) -> None:
    """What was held, withdrawn, stopped and paused, and how that is known."""
    name = named(ctx, deal)
    begin, end = (None if t is None else instant(t) for t in (since, until))
    if closing:
        _closing(ctx, name)
        return
    if report is not None:
        _written(ctx, name, begin, end, report)
        return
    found, out = call(ctx.obj, lambda c: c.prevented_show(name, begin, end))
    out.one(found, lambda: list(_lines(found, out)))


def _closing(ctx: typer.Context, name: str) -> None:
    found, out = call(ctx.obj, lambda c: c.prevented_closing(name))
    told = "is the same to the byte" if found.same else "IS NOT THE SAME: wallcross audit verify"
    out.one(
        found,
        lambda: [
            f"The report of its close was made {out.when(found.at)}, up to entry {found.upto}.",
            f"  sha256 {found.hash}",
            f"  made anew now it {told}",
        ],
    )


def _written(ctx: typer.Context, name: str, begin: int | None, end: int | None, path: Path) -> None:
    async def work(client: Client) -> bytes:
        return b"".join([piece async for piece in client.prevented_report(name, begin, end)])

    data, out = call(ctx.obj, work)
    path.write_bytes(data)
    told = f"Written to {path}; that it was made is on the record."
    out.one({"report": str(path), "size": len(data)}, lambda: [told])


def _lines(found: PreventedView, out: Out) -> Iterator[str]:
    if not any(found.counts.values()):
        yield f"{found.code}: nothing had to be stopped."
    else:
        yield f"{found.code}: what was prevented, by its record up to entry {found.upto}"
    for kind, words in WORDS.items():
        if found.counts.get(kind):
            yield f"  {found.counts[kind]:>6}  {words}"
    for row in found.rows[:LISTED]:
        yield f"  {out.when(row.at)}  {_line(row)}"
    rest = found.more + max(0, len(found.rows) - LISTED)
    if rest:
        yield f"  and {rest} more; wallcross prevented {found.code} --report FILE.html lists them"
    if found.unbelieved:
        yield f"  {found.unbelieved} entries are not ours: wallcross audit verify"


def _line(row: PreventedRow) -> str:
    gone = "" if row.ended_at is None else f", gone after {(row.ended_at - row.at) // SECOND} s"
    what = f"{row.kind}{gone}" if row.what == "message" else f"{row.what} paused"
    seen = "" if not row.seen else f"up to {row.seen} may have seen it"
    words = (what, row.tier, ", ".join(row.rules), seen, BECAME[row.became])
    entries = f"entry {', '.join(map(str, row.entries))}"
    return "  ".join((*(word for word in words if word), entries))
