"""`wallcross token`: what programs hand messages in with."""

from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.bots import NewToken, Scope, TokenView, TokenWanted

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def token() -> None:
    """What programs hand messages in with, or a directory says who works here, and no more."""


@app.command()
def new(
    ctx: typer.Context,
    label: Annotated[str, typer.Argument(help="What it is for, such as crm-feed.")],
    *,
    conversation: Annotated[
        list[str] | None, typer.Option(help="Into which; may be repeated.")
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option(help="For whom it speaks; may be repeated.")
    ] = None,
    scope: Annotated[
        Scope, typer.Option(help="send; or scim, of the company's directory.")
    ] = "send",
    tier: Annotated[str, typer.Option(help="The highest tier that it sends.")] = "coordination",
    days: Annotated[int, typer.Option(help="For how many days.")] = 90,
    per_minute: Annotated[int, typer.Option(help="Messages a minute.")] = 30,
) -> None:
    """Makes a token and shows its secret, once; in a founded deal two people agree first."""
    wanted = TokenWanted(
        label=label,
        highest=tier,
        conversations=tuple(conversation or ()),
        persons=tuple(person or ()),
        days=days,
        each_minute=per_minute,
        scope=scope,
    )
    deal = named(ctx, None)
    made, out = call(ctx.obj, lambda c: c.token_new(deal, wanted))
    out.one(made, lambda: _told(made, out))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """A deal's tokens; never their secrets."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.token_list(deal))
    out.many(found, _columns(out), "There is no token.")


@app.command()
def revoke(
    ctx: typer.Context, token_id: Annotated[str, typer.Argument(help="As `token list` shows it.")]
) -> None:
    """Takes a token away, at once."""
    deal = named(ctx, None)
    gone, out = call(ctx.obj, lambda c: c.token_revoke(deal, token_id))
    out.one(gone, lambda: [f"{gone.label} hands nothing in any more"])


def _told(made: NewToken, out: Out) -> list[str]:
    lines = [made.secret, f"shown once; good until {out.when(made.until)}"]
    if made.request is not None:
        lines.append(f"it counts once two people agreed: wallcross approve show {made.request}")
    return lines


def _columns(out: Out) -> Columns[TokenView]:
    return (
        ("token", lambda t: t.token_id),
        ("for", lambda t: t.label),
        ("scope", lambda t: t.scope),
        ("tier", lambda t: t.highest),
        ("into", lambda t: ", ".join(t.conversations)),
        ("speaks for", lambda t: ", ".join(t.persons)),
        ("until", lambda t: "over" if t.over else out.when(t.until)),
    )
