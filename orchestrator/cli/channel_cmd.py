"""`wallcross channel`: channel accounts, and how far each is proven here."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.channel_add import added
from orchestrator.cli.channel_table import KINDS
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.secret_value import read_value
from orchestrator.cli.session import call
from orchestrator.client.problems import Missing, Partly, Refused, SignInFirst, Unready
from orchestrator.client.rebuilding import RebuiltRoom
from orchestrator.client.rotating import Rotated
from orchestrator.client.scorecard import CardView
from orchestrator.client.views import ChannelTest, ChannelView
from orchestrator.config.load import config_file, state_folder

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the channel in the settings.")]


@app.callback()
def channel() -> None:
    """Channel accounts."""


@app.command()
def add(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}, or yours.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="In the settings; the kind, if left out.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE; what is needed and left out is asked.")
    ] = None,
    signal_decision: Annotated[
        str | None, typer.Option(help="Counsel on unofficial Signal clients: yes, no or later.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who of counsel decided that.")] = None,
) -> None:
    """Adds a channel to the settings; nothing else in them is touched, no secret is written."""
    out = Out(ctx.obj)
    file = config_file(ctx.obj.config, state_folder(ctx.obj.home, os.environ), os.environ)
    made = added(out, file, kind, name or kind, setting or ())
    made.decide(out, signal_decision, by)
    made.keep(file, dry=ctx.obj.dry_run)
    steps = [*made.steps()]
    told = {"config": str(file), "channel": made.name, "next": steps}
    out.one(told, lambda: [f"added {made.name} to {file}", "next:", *(f"  {s}" for s in steps)])


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
def scorecard(
    ctx: typer.Context,
    kind: Annotated[list[str] | None, typer.Argument(help="Kinds; none: all that ship.")] = None,
) -> None:
    """Compares kinds of channel: guarantees, protocol, post-quantum, metadata, retention."""
    try:
        cards: list[CardView] = import_module("orchestrator.wiring.scorecard").scorecard(kind or ())
    except LookupError as error:
        raise Missing(str(error), then="wallcross channel scorecard") from None
    out, here = Out(ctx.obj), _configured(ctx)
    cards = [card if here is None else replace(card, here=_of(card, here)) for card in cards]
    if not out.json and len(cards) > 1:
        typer.echo("\n".join([*_grid(cards), ""]))
    out.each(cards, _card, "No kind of channel ships.")
    if here is None:
        out.note("No home answers: what is proven here is not shown. Next: wallcross serve")


def _configured(ctx: typer.Context) -> list[ChannelView] | None:
    """The channels of the home that answers; None while none does."""
    try:
        found, _ = call(ctx.obj, lambda c: c.channel_list())
    except (Missing, Refused, SignInFirst, Unready):
        return None
    return list(found)


def _grid(cards: Sequence[CardView]) -> Iterator[str]:
    """The guarantees, a line each, with what a room of each kind may hold at best."""
    names = sorted({g for card in cards for g in (*card.can, *card.cannot)})
    wide = max((len(name) for name in names), default=0)
    yield " " * wide + "".join(f"  {card.kind:<8}" for card in cards)
    for name in names:
        cells = ("yes" if name in card.can else "-" for card in cards)
        yield f"{name.replace('_', ' '):<{wide}}" + "".join(f"  {cell:<8}" for cell in cells)


def _of(card: CardView, here: Sequence[ChannelView]) -> tuple[str, ...]:
    return tuple(f"{c.name} ({c.grade})" for c in here if c.kind == card.kind)


def _card(card: CardView) -> Iterator[str]:
    yield card.kind
    yield f"proven        {card.shipped_grade or 'nothing'} for this release{_proven_here(card)}"
    if card.protocol is None:
        yield "nothing else is published of it (FACTS.toml)"
        return
    yield f"protocol      {card.protocol}"
    yield f"post-quantum  {card.post_quantum}: {card.post_quantum_says}"
    yield f"at best       {_words(card.can)}"
    yield f"never         {_words(card.cannot) or 'nothing of the list'}"
    for seen in card.metadata:
        yield f"metadata      {seen}"
    yield f"retention     {card.retention}"


def _proven_here(card: CardView) -> str:
    return f"; here: {', '.join(card.here)}" if card.here else ""


def _words(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


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


@app.command()
def rotate(
    ctx: typer.Context,
    name: Name,
    *,
    secret: Annotated[
        str | None, typer.Option(help="Which, by its name in the settings; none: the only one.")
    ] = None,
    from_file: Annotated[
        Path | None, typer.Option(help="Read it from a file; - is stdin. Else it is asked for.")
    ] = None,
    make: Annotated[
        bool, typer.Option("--make", help="Made here, and the network is told (a password).")
    ] = False,
    reread: Annotated[
        bool, typer.Option("--reread", help="It was changed where its reference leads.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only says which, and how.")] = False,
) -> None:
    """Another secret of its account: proven with the network first, then kept and in force."""
    value = None
    if not (make or reread or dry_run):
        value = read_value(from_file, twice=True).decode()
    found, out = call(
        ctx.obj,
        lambda c: c.channel_rotate(name, secret, value, make=make, only_look=dry_run),
        live=True,
    )
    out.one(found, lambda: _rotated(found, out))


def _rotated(found: Rotated, out: Out) -> Iterator[str]:
    kept = f"{found.channel}  {found.secret}  {found.reference}"
    yield f"{kept}  {found.state}{', and its network told' if found.made else ''}"
    if found.account is not None:
        yield f"  account  {found.account}"
    if found.paused is not None:
        yield f"  paused   {found.paused}"
    if found.state == "as it was":
        yield f"  last     {out.when(found.last) or 'never by this'}"
        how = "made here with --make, or given" if found.can_make else "given"
        yield f"  next     wallcross channel rotate {found.channel} --secret {found.secret}: {how}"


@app.command()
def rebuild(
    ctx: typer.Context,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
    look: Annotated[bool, typer.Option("--look", help="Only says which rooms are lost.")] = False,
) -> int:
    """After the loss of an account: makes its rooms anew from the roster, seat for seat."""
    lost, out = call(ctx.obj, lambda c: c.channel_rebuild(name, only_look=True), live=True)
    many = sum(room.state == "lost" for room in lost)
    if look or not many:
        out.each(lost, _room, f"No conversation has a room on {name}.")
        return _rebuilt_code(lost)
    out.note(
        "The old rooms stay on people's devices, and go on there for who is in them: we can put"
        " nobody out of a room that we are not in. Each leaves it himself."
    )
    if not out.agreed(f"Make {many} room(s) on {name} anew, and ask their people in?", yes=yes):
        return 1
    done, _ = call(ctx.obj, lambda c: c.channel_rebuild(name, only_look=False), live=True)
    out.each(done, _room, f"No conversation has a room on {name}.")
    out.note(
        "Nothing is sent to the old rooms any more, nor read there. Have everybody who is named as"
        " still in one leave it, and say so to him in the new one. What waited for them is held:"
        " wallcross held list"
    )
    return _rebuilt_code(done)


def _rebuilt_code(rooms: Sequence[RebuiltRoom]) -> int:
    """Partly done where a room was not made, or could not be judged."""
    partly = any(room.state == "not made" or room.unsure for room in rooms)
    return Partly.exit_code if partly else 0


def _room(room: RebuiltRoom) -> Iterator[str]:
    yield f"{room.deal} #{room.conversation}  {room.state}"
    if room.was is not None:
        yield f"{room.people} asked in; in the place of {room.was}"
    if room.left_out:
        yield f"left out, as they may not read there or have no account: {', '.join(room.left_out)}"
    if room.why is not None:
        yield room.why
    if room.then is not None:
        yield f"next: {room.then}"
    if room.behind:
        yield f"may be in the old room still: {', '.join(room.behind)}"
        yield f"each of them, {room.leaving}"


def _lines(found: ChannelTest) -> Iterator[str]:
    for step in found.steps:
        text = f": {step.text}" if step.text else ""
        yield f"  {'ok ' if step.ok else 'no '} {step.name} ({step.observed_by}){text}"
    yield f"{found.channel}: proven {found.grade}"
