"""`wallcross channel`: channel accounts, and how far each is proven here."""

from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrator.cli.out import Columns
from orchestrator.cli.session import call
from orchestrator.client.views import ChannelTest, ChannelView

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the channel in the settings.")]


@app.callback()
def channel() -> None:
    """Channel accounts."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """Every configured channel: is it up, is it proven, what waits."""
    found, out = call(ctx.obj, lambda c: c.channel_list())
    columns: Columns[ChannelView] = [
        ("channel", lambda c: c.name),
        ("kind", lambda c: c.kind),
        ("state", lambda c: c.state),
        ("why", lambda c: c.why or ""),
        ("account", lambda c: c.account or ""),
        ("proven", lambda c: c.grade),
        ("tested", lambda c: out.when(c.tested_at)),
        ("queued", lambda c: str(c.queued)),
    ]
    out.many(found, columns, "No channel is configured. Next: wallcross init")


@app.command("test")
def live_check(
    ctx: typer.Context,
    name: Name,
    *,
    real_server: Annotated[
        str | None, typer.Option(help="Your name: you say that this is no stand-in; recorded.")
    ] = None,
) -> int:
    """The safe live check: own room or mail, own message, read back, gone; signed and dated."""
    found, out = call(ctx.obj, lambda c: c.channel_test(name, real_server), live=True)
    out.one(found, lambda: _lines(found))
    if found.grade == "lab" and real_server is None:
        out.note(
            "A stand-in answers alike: --real-server NAME says, on the record, that it is none."
        )
    return 0 if all(step.ok for step in found.steps) else 1


@app.command()
def pause(
    ctx: typer.Context, name: Name, *, reason: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Stops what we send there; messages wait, nothing is sent another way."""
    found, out = call(ctx.obj, lambda c: c.channel_pause(name, reason))
    out.one(found, lambda: [f"{found.name}  {found.state}"])


@app.command()
def resume(ctx: typer.Context, name: Name) -> None:
    """Lets it go on, where its check is not red."""
    found, out = call(ctx.obj, lambda c: c.channel_resume(name), live=True)
    out.one(found, lambda: [f"{found.name}  {found.state}"])


def _lines(found: ChannelTest) -> Iterator[str]:
    for step in found.steps:
        text = f": {step.text}" if step.text else ""
        yield f"  {'ok ' if step.ok else 'no '} {step.name} ({step.observed_by}){text}"
    yield f"{found.channel}: proven {found.grade}"
