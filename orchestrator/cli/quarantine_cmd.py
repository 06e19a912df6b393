"""`wallcross quarantine`: what came in and nobody believes. Its text is never shown."""

from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.strangers import KeptView

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Kept = Annotated[str, typer.Argument(help="Its id.")]


@app.callback()
def quarantine() -> None:
    """What came in and nobody believes."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what is no longer kept.")] = False,
) -> None:
    """Strangers and mails that are kept sealed: who they say they are, and what is odd."""
    found, out = call(ctx.obj, lambda c: c.quarantine_list(every=every))
    out.many(found, _columns(out), "Nothing is kept.")


@app.command()
def show(ctx: typer.Context, kept: Kept) -> None:
    """One: who says he is whom, and what is odd."""
    found, out = call(ctx.obj, lambda c: c.quarantine_show(kept))
    out.one(found, lambda: list(_lines(found, out)))


@app.command()
def drop(
    ctx: typer.Context,
    kept: Kept,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Destroys it; the record that it came stays."""
    if not Out(ctx.obj).agreed(f"Destroy {kept}?", yes=yes):
        return 1
    found, out = call(ctx.obj, lambda c: c.quarantine_drop(kept))
    out.one(found, lambda: list(_lines(found, out)))
    return 0


@app.command()
def admit(
    ctx: typer.Context,
    kept: Kept,
    *,
    person: Annotated[str, typer.Option(help="Who he is, by another way than his word.")],
    by: Annotated[str, typer.Option(help="Who answers for it; not the person himself.")],
) -> None:
    """Hands out a code for a person's account on that channel; the account proves itself by it."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.quarantine_admit(kept, deal, person, by), live=True)
    codes = [f"  {c.channel}: {' '.join(c.words)}" for c in found.codes]
    until = f"  good once, until {out.when(found.until)}; read it to him on a call that you make"
    out.one(found, lambda: [f"{found.person} sends these words to us himself:", *codes, until])


def _columns(out: Out) -> Columns[KeptView]:
    return [
        ("id", lambda k: k.kept_id),
        ("channel", lambda k: k.channel),
        ("what", lambda k: k.verdict),
        ("account", lambda k: k.account or ""),
        ("says he is", lambda k: k.name),
        ("odd", lambda k: ", ".join(k.reasons)),
        ("at", lambda k: out.when(k.received_at)),
    ]


def _lines(found: KeptView, out: Out) -> Iterator[str]:
    yield f"{found.kept_id}  {found.verdict}  {found.channel}  {out.when(found.received_at)}"
    yield f"  account     {found.account or 'none named'}"
    yield f"  says he is  {found.name or 'nothing'}  (his word; nobody checked it)"
    yield f"  odd         {', '.join(found.reasons)}"
    state = f"{found.size} bytes, sealed" if found.kept else "destroyed"
    yield f"  kept        {state}; its text is shown to nobody"
