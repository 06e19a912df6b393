"""`wallcross deal signing` and `deal window`: when a deal is signed, and what one settles then."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from orchestrator.cli.instants import instant
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.signing import NewWindow, SigningView, WindowView
from orchestrator.clock import DAY, SECOND, now

PLAIN = len("2026-01-31")
NOBODY = "none"


def due(text: str, zone: str) -> int | None:
    """The instant of a signing: of a plain day its last second, in the home's zone; ``none``: none.

    Raises:
        Wrong: it is no date.
    """
    if text == NOBODY:
        return None
    found = instant(text)
    if len(text) != PLAIN:
        return found
    day = datetime.fromisoformat(text).date() + timedelta(days=1)
    return (int(datetime.combine(day, time(), ZoneInfo(zone)).timestamp()) - 1) * SECOND


def told(found: SigningView, out: Out) -> Iterator[str]:
    """When, and how long until then."""
    if found.signing is None:
        yield f"{found.code}: nobody said when it is to be signed"
        return
    left = found.signing - now()
    days = "is over" if left < 0 else f"in {left // DAY} days" if left >= DAY else "within a day"
    yield f"{found.code} is to be signed by {out.when(found.signing)} ({days})"


def window_app() -> typer.Typer:
    """`wallcross deal window`."""
    about = "Signing windows: one settles a release that another asked for, in the last 72 hours."
    app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help=about)
    app.command("ask")(ask)
    app.command("list")(list_)
    app.command("close")(close)
    return app


Deal = Annotated[str, typer.Argument(help="Code name or id.")]
People = Annotated[list[str], typer.Option("--person", help="Who acts in it; twice or more.")]
Talks = Annotated[list[str], typer.Option("--into", help="A conversation; once or more.")]
Date = Annotated[str | None, typer.Option(help="2026-01-31T09:00:00+01:00")]


def ask(
    ctx: typer.Context,
    deal: Deal,
    *,
    person: People,
    into: Talks,
    opens: Date = None,
    closes: Date = None,
) -> None:
    """Asks two people for a window; nothing of it is open before they signed."""
    begin, end = (None if t is None else instant(t) for t in (opens, closes))
    new = NewWindow(people=tuple(person), conversations=tuple(into), opens=begin, closes=end)
    call(ctx.obj, lambda c: c.window_new(deal, new))


def list_(ctx: typer.Context, deal: Deal) -> None:
    """Windows that were agreed to and not withdrawn."""
    found, out = call(ctx.obj, lambda c: c.window_list(deal))
    columns = [
        ("window", lambda w: w.window),
        ("state", _state),
        ("opens", lambda w: out.when(w.opens)),
        ("closes", lambda w: out.when(w.closes)),
        ("people", lambda w: ", ".join(w.people)),
        ("conversations", lambda w: str(len(w.conversations))),
    ]
    out.many(found, columns, "There is no signing window: each release takes two signatures.")


def _state(window: WindowView) -> str:
    words = {"later": "not yet open", "moved": "over: the signing was moved"}
    return words.get(window.state, window.state)


def close(ctx: typer.Context, deal: Deal, window: Annotated[str, typer.Argument()]) -> None:
    """Ends a window, at once. What was released in it stays released."""
    _, out = call(ctx.obj, lambda c: c.window_close(deal, window))
    out.one({"window": window, "closed": True}, lambda: ["The window is closed."])
