"""`wallcross held`: messages that wait, and their ways out. Their content is never shown."""

from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.views import DeliveryView, HeldView

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Message = Annotated[str, typer.Argument(help="Id of the held message.")]
State = Literal["dead", "possibly"]
SEEN = {
    "nobody": "Held. Nobody has seen it.",
    "part": "Held. Some of the rooms that it was for have it already.",
    "withdrawing": "Asked for its removal. Not yet confirmed; people may have seen it.",
    "stays": "It could not be taken back. The people of its room can read it.",
}
"""The words for who has seen a message that waits."""


@app.callback()
def held() -> None:
    """Messages that wait."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """What waits: who has seen it, whose it is, why, until when, and where it may go."""
    found, out = call(ctx.obj, lambda c: c.held_list(ctx.obj.deal))
    out.each(found, lambda h: _lines(h, out), "Nothing waits.")


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
def release(
    ctx: typer.Context,
    message: Message,
    *,
    to: Annotated[
        str | None, typer.Option("--to", help="Another conversation than it was written to.")
    ] = None,
) -> None:
    """Sends it as it was addressed, or --to; exit code 6 where two people must agree first."""

    async def work(client: Client) -> HeldView:
        if to is None:
            return await client.held_release(message)
        return await client.held_move(message, to)

    found, out = call(ctx.obj, work, live=True)
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
    out.each(found, lambda d: _delivery_lines(d, out), "None.")


def _lines(held: HeldView, out: Out) -> Iterator[str]:
    yield f"{held.message_id}  {held.tier}"
    yield _seen(held)
    yield f"written by {held.author or 'somebody unknown'}, {out.when(held.held_at)}"
    yield f"why: {'; '.join(held.reasons)}"
    then = f", then {held.next_person}" if held.next_person else ""
    yield f"{held.owner or 'nobody'} decides until {out.when(held.deadline)}{then}"
    yield f"may go to: {', '.join(held.fits) or 'no other conversation'}"


def _seen(held: HeldView) -> str:
    """What may be said of it: *held* only of what went through us (docs/product.md)."""
    if held.seen == "withdrawn":
        after = f" after {held.visible_us / 1e6:.1f} s" if held.visible_us is not None else ""
        return f"Withdrawn{after}. The people of its room may have seen it."
    return SEEN[held.seen]


def _delivery_lines(found: DeliveryView, out: Out) -> Iterator[str]:
    attempts = f"{found.attempts} attempt{'' if found.attempts == 1 else 's'}"
    yield f"{found.delivery_id}  {found.channel}, {attempts}"
    yield f"of {found.message_id}, since {out.when(found.settled_at)}"
    yield f"why: {found.reason or 'not known'}"


def _told(found: HeldView, out: Out, verb: str) -> None:
    out.one(found, lambda: [f"{found.message_id}  {verb}, on the record"])
