"""`wallcross held`: messages that wait, and their ways out. Their content is never shown."""

from typing import Annotated, Literal

import typer

from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.views import DeliveryView, HeldView

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Message = Annotated[str, typer.Argument(help="Id of the held message.")]
State = Literal["dead", "possibly"]


@app.callback()
def held() -> None:
    """Messages that wait."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """What waits: whose it is, why, until when, and where it may go."""
    found, out = call(ctx.obj, lambda c: c.held_list(ctx.obj.deal))
    columns: Columns[HeldView] = [
        ("message", lambda h: h.message_id),
        ("tier", lambda h: h.tier),
        ("author", lambda h: h.author or "unknown"),
        ("why", lambda h: ", ".join(h.reasons)),
        ("owner", lambda h: h.owner or ""),
        ("then", lambda h: h.next_person or ""),
        ("until", lambda h: out.when(h.deadline)),
        ("may go to", lambda h: ", ".join(h.fits)),
    ]
    out.many(found, columns, "Nothing waits.")


@app.command()
def move(
    ctx: typer.Context,
    message: Message,
    conversation: Annotated[str, typer.Argument(help="Label or id: the same or a stricter one.")],
) -> None:
    """Sends it to the right room; to a stricter one, one person is enough."""
    found, out = call(ctx.obj, lambda c: c.held_move(message, conversation), live=True)
    _told(found, out, "moved")


@app.command()
def drop(
    ctx: typer.Context,
    message: Message,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Gives it up: it is destroyed and never sent."""
    if not Out(ctx.obj).agreed(f"Drop {message}? It is never sent.", yes=yes):
        return 1
    found, out = call(ctx.obj, lambda c: c.held_drop(message))
    _told(found, out, "dropped")
    return 0


@app.command()
def release(ctx: typer.Context, message: Message) -> None:
    """Sends it as it was addressed; exit code 6 where that takes a second person."""
    found, out = call(ctx.obj, lambda c: c.held_release(message), live=True)
    _told(found, out, "released")


@app.command()
def dead(ctx: typer.Context) -> None:
    """Deliveries that did not go, each with its reason."""
    _deliveries(ctx, "dead")


@app.command()
def possibly(ctx: typer.Context) -> None:
    """Deliveries that may have gone; a person decides."""
    _deliveries(ctx, "possibly")


@app.command()
def retry(
    ctx: typer.Context,
    delivery: Annotated[str, typer.Argument(help="Id of the delivery.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Sends a dead or possibly delivered one again, marked as a possible repetition."""
    if not Out(ctx.obj).agreed(f"Send {delivery} again? It may arrive twice.", yes=yes):
        return 1
    found, out = call(ctx.obj, lambda c: c.delivery_retry(delivery), live=True)
    out.one(found, lambda: [f"{found.delivery_id}  {found.state}"])
    return 0


def _deliveries(ctx: typer.Context, state: State) -> None:
    async def work(client: Client) -> list[DeliveryView]:
        return list(await client.delivery_list(ctx.obj.deal, state))

    found, out = call(ctx.obj, work)
    columns: Columns[DeliveryView] = [
        ("delivery", lambda d: d.delivery_id),
        ("message", lambda d: d.message_id),
        ("channel", lambda d: d.channel),
        ("attempts", lambda d: str(d.attempts)),
        ("why", lambda d: d.reason or ""),
        ("since", lambda d: out.when(d.settled_at)),
    ]
    out.many(found, columns, "None.")


def _told(found: HeldView, out: Out, verb: str) -> None:
    out.one(found, lambda: [f"{found.message_id}  {verb}, on the record"])
