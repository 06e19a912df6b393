"""`wallcross who-reads`: who can read what of a deal, as this installation is set up."""

from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.session import call
from orchestrator.client.problems import Missing
from orchestrator.client.reading import ReaderView, ReadingView

app = typer.Typer(add_completion=False, rich_markup_mode=None)
WORDS = {"never": "never", "sealed": "sealed, no key", "passing": "while it passes", "yes": "yes"}


@app.command()
def who_reads(
    ctx: typer.Context,
    reader: Annotated[
        str | None, typer.Argument(help="One of them, such as disk, with why; else all.")
    ] = None,
) -> None:
    """Who can read what: people at the desk, this machine, networks, and others outside."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.who_reads(deal))
    out.one(found, lambda: list(_all(found) if reader is None else _one(found, reader)))


def _all(found: ReadingView) -> Iterator[str]:
    yield f"{found.code}, as this installation ({found.host}) is set up now"
    for one in found.readers:
        yield f"{one.name}  [{one.key}]"
        for level, words in WORDS.items():
            things = [found.things[t] for t, cell in one.cells.items() if cell.level == level]
            if level != "never" and things:
                yield f"    {words + ':':<17}{', '.join(things)}"
        if all(cell.level == "never" for cell in one.cells.values()):
            yield "    nothing"
    yield "Whatever is not named is never read there. With why: wallcross who-reads KEY"


def _one(found: ReadingView, key: str) -> Iterator[str]:
    one: ReaderView | None = next((r for r in found.readers if r.key == key), None)
    if one is None:
        keys = ", ".join(r.key for r in found.readers)
        raise Missing(f"Nobody of that name; there are {keys}", then="wallcross who-reads")
    yield one.name
    for thing, cell in one.cells.items():
        yield f"  {found.things[thing]:<38}{WORDS[cell.level]:<16}{cell.why}"
