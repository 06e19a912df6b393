"""`wallcross key`: keys and devices of people, and what they are worth."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.problems import Missing
from orchestrator.client.views import KeyView

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Person = Annotated[str, typer.Argument(help="Person on the roster.")]
Device = Annotated[str, typer.Argument(help="Device, as the network names it.")]
Channel = Annotated[
    str | None, typer.Option(help="Which channel; none: the one that takes certificates.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.callback()
def key() -> None:
    """Keys and devices of people."""


@app.command("list")
def list_(ctx: typer.Context, person: Annotated[str | None, typer.Argument()] = None) -> None:
    """The newest state of each device, with who vouched for it."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.key_list(deal, person))
    out.many(found, _columns(out), "No device was seen yet.")


@app.command()
def add(
    ctx: typer.Context,
    person: Person,
    file: Annotated[Path, typer.Argument(help="His OpenPGP certificate, in armour.")],
    *,
    channel: Channel = None,
) -> None:
    """Takes in the certificate that a person handed over, and shows the words to compare.

    The renewed certificate of a key that was compared already needs no second comparison. Devices
    of other networks are seen there by themselves, and are not added.
    """
    if not file.is_file():
        raise Missing(f"There is no file {file}", still="No key was changed")
    armour = file.read_text(encoding="ascii", errors="replace")
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.key_add(deal, person, armour, channel), live=True)
    out.one(found, lambda: _to_compare(found))


@app.command()
def export(ctx: typer.Context, *, channel: Channel = None) -> None:
    """Our own certificate, for advisers to take in; to stdout."""
    found, out = call(ctx.obj, lambda c: c.key_export(channel), live=True)
    out.one(found, lambda: found.rstrip().splitlines())


@app.command()
def verify(
    ctx: typer.Context,
    person: Person,
    *,
    by: Annotated[list[str], typer.Option(help="Who compared, out of band; twice.")],
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="A key that was compared; none: every present one."),
    ] = None,
) -> None:
    """Records the ceremony: two named people compared the keys of a person's devices."""
    if len(by) != 2:  # noqa: PLR2004 - a ceremony has two people
        raise typer.BadParameter("a ceremony takes two people: --by A --by B")
    deal = named(ctx, None)
    found, out = call(
        ctx.obj, lambda c: c.key_verify(deal, person, by[0], by[1], key or None), live=True
    )
    out.many(found, _columns(out), "No device was seen yet.")


@app.command()
def revoke(ctx: typer.Context, person: Person, device: Device, *, yes: Yes = False) -> int:
    """Takes a device out for ever; it never comes back."""
    return _mark(ctx, (person, device), "revoke", yes=yes)


@app.command()
def compromised(ctx: typer.Context, person: Person, device: Device, *, yes: Yes = False) -> int:
    """Says that a device is in other hands; it never comes back."""
    return _mark(ctx, (person, device), "compromise", yes=yes)


def _mark(
    ctx: typer.Context,
    whose: tuple[str, str],
    event: Literal["revoke", "compromise"],
    *,
    yes: bool,
) -> int:
    person, device = whose
    deal = named(ctx, None)
    if not Out(ctx.obj).agreed(f"Take {device} of {person} out for ever?", yes=yes):
        return 1
    found, out = call(ctx.obj, lambda c: c.key_mark(deal, person, device, event))
    out.one(found, lambda: [f"{found.device}  {found.state}"])
    return 0


def _to_compare(found: KeyView) -> list[str]:
    words = [" ".join(found.words[n : n + 4]) for n in range(0, len(found.words), 4)]
    return [
        f"{found.person}  {found.connector}  {found.state}",
        f"Fingerprint: {found.key}",
        "Words to compare, read out by its owner over a way that you trust:",
        *(f"  {line}" for line in words),
        f"Then: wallcross key verify {found.person} --by A --by B",
    ]


def _columns(out: Out) -> Columns[KeyView]:
    return [
        ("person", lambda k: k.person or "not on the list"),
        ("channel", lambda k: k.connector),
        ("device", lambda k: k.device),
        ("state", lambda k: k.state),
        ("since", lambda k: out.when(k.at)),
        ("vouched by", lambda k: ", ".join(k.vouchers)),
        ("key", lambda k: k.key),
    ]
