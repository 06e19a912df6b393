"""`wallcross legal-hold`: duties to preserve. One person places one; two let it go."""

from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.legal_holds import LegalHoldView, NewLegalHold, UnkeptView
from orchestrator.clock import DAY

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def legal_hold() -> None:
    """Duties to preserve."""


@app.command()
def new(
    ctx: typer.Context,
    *,
    matter: Annotated[str, typer.Option(help="Matter number or code, in small letters.")],
    by: Annotated[str, typer.Option(help="Who places it: a person's id.")],
    conversation: Annotated[
        list[str] | None, typer.Option(help="What was said in it is kept; several.")
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option(help="What he said or could read is kept; several.")
    ] = None,
) -> None:
    """Keeps what it covers from now on, at once; of neither a conversation nor a person: all."""
    deal = named(ctx, None)
    wanted = NewLegalHold(
        matter=matter, by=by, conversations=tuple(conversation or ()), persons=tuple(person or ())
    )
    found, out = call(ctx.obj, lambda c: c.legal_hold_new(deal, wanted))
    out.one(found, lambda: list(_lines(found, out)))


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were released too.")] = False,
) -> None:
    """Legal holds that stand, what each keeps, and what it wants kept that nobody keeps here."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.legal_hold_list(deal, every=every))
    out.each(found, lambda hold: _lines(hold, out), "There is no legal hold.")


@app.command()
def release(ctx: typer.Context, legal_hold: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Ends one; in a founded deal it waits for two people, and ends with 6."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.legal_hold_release(deal, legal_hold))
    out.one(found, lambda: list(_lines(found, out)))


def _lines(hold: LegalHoldView, out: Out) -> Iterator[str]:
    yield f"{hold.legal_hold}  {hold.state}  matter {hold.matter}, by {hold.by}"
    told = [*(f"#{label}" for label in hold.conversations), *hold.persons]
    yield f"keeps {', '.join(told) or 'the whole deal'} since {out.when(hold.placed_at)}"
    if hold.released_at is not None:
        yield f"released {out.when(hold.released_at)}"
        return
    yield f"{hold.copies} sealed copies, {hold.overdue} of them past their time"
    if hold.request is not None:
        yield f"its release waits: wallcross approve show {hold.request}"
    yield from map(_unkept, hold.unkept)


def _unkept(found: UnkeptView) -> str:
    after = found.forgets_after
    vanishes = "" if after is None else f", and its rooms forget after {after // DAY} days"
    return f"not kept here: #{found.label} ({found.floor}) is not journaled{vanishes}"
