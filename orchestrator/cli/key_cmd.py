"""`wallcross key`: keys and devices of people, and what they are worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator.cli.completing import Person
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.keys_desk import KeyCard, Lapse
from orchestrator.client.problems import Missing
from orchestrator.client.views import KeyView

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Device = Annotated[str, typer.Argument(help="Device, as the network names it.")]
Channel = Annotated[
    str | None, typer.Option(help="Which channel; none: the one that takes certificates.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
_GOOD = "verified"
DIFFERENT = 10
"""How ``expire-soon --exit-code`` ends where something lapses, as ``plan`` does."""


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
    armour = _armour(file)
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.key_add(deal, person, armour, channel), live=True)
    out.one(found, lambda: _to_compare(found))


@app.command()
def show(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="Person, fingerprint, or device name.")],
) -> None:
    """One key in full, or every key of a person: words, state, who vouched, end, and seats."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.key_show(deal, key))
    out.each(found, lambda card: _card(card, out), "No device was seen yet.")


@app.command()
def replace(
    ctx: typer.Context,
    person: Person,
    old: Annotated[str, typer.Argument(help="The key that it replaces: device or fingerprint.")],
    file: Annotated[Path, typer.Argument(help="His new OpenPGP certificate, in armour.")],
    *,
    channel: Channel = None,
    yes: Yes = False,
) -> int:
    """Takes in a new certificate in the place of an old key; two people compare it then.

    From now on nothing is sealed to the old key, and nothing to the new one until two compared it.
    The same ceremony ends the old one.
    """
    armour = _armour(file)
    deal = named(ctx, None)
    question = f"Stop everything that is sealed to {person} until two compared the new key?"
    if not Out(ctx.obj).agreed(question, yes=yes):
        return 1
    taken, out = call(
        ctx.obj, lambda c: c.key_replace(deal, person, old, armour, channel), live=True
    )
    out.one(taken, lambda: _to_compare(taken, replaces=old))
    return 0


@app.command("expire-soon")
def expire_soon(
    ctx: typer.Context,
    *,
    days: Annotated[int, typer.Option(min=1, max=366, help="How far to look ahead.")] = 30,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 10 where there is any.")
    ] = False,
) -> int:
    """Keys, comparisons, attestations and tokens that lapse soon, by person; our own key too."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.key_lapsing(deal, days))
    out.many(found, _lapses(out), f"Nothing lapses within {days} days.")
    return DIFFERENT if found and exit_code else 0


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


def _armour(file: Path) -> str:
    """A certificate as it lies in a file. Raises: Missing."""
    if not file.is_file():
        raise Missing(f"There is no file {file}", still="No key was changed")
    return file.read_text(encoding="ascii", errors="replace")


def _spelled(words: Sequence[str]) -> list[str]:
    return [f"  {' '.join(words[n : n + 4])}" for n in range(0, len(words), 4)]


def _to_compare(found: KeyView, replaces: str | None = None) -> list[str]:
    head = [f"{found.person}  {found.connector}  {found.state}", f"Fingerprint: {found.key}"]
    if found.state == _GOOD:
        return [*head, "It was compared already: nothing is to be done."]
    verify = f"wallcross person verify {found.person} --by A --by B --words WORDS"
    old = "" if replaces is None else f" --replaces {''.join(replaces.split())}"
    return [
        *head,
        "Words to compare, read out by its owner over a way that you trust:",
        *_spelled(found.words),
        f"Then: {verify}{old}",
    ]


def _card(card: KeyCard, out: Out) -> list[str]:
    key = card.key
    ends = "cannot be used now" if card.ends_at == 0 else out.when(card.ends_at) or "not foreseen"
    owner = card.name or "not on the list"
    since = f"{key.state} since {out.when(key.at)}"
    return [
        f"{owner}  {key.connector}  {key.device}",
        f"  state         {since}{'' if card.standing else ': nothing is sealed to it'}",
        f"  fingerprint   {key.key}",
        *(f"  words       {line}" for line in _spelled(key.words)),
        f"  vouched by    {', '.join(key.vouchers) or 'nobody'}",
        f"  compared until {out.when(key.lapses_at) or '-'}",
        f"  ends          {ends}",
        f"  seats         {', '.join(card.seats) or 'none'}",
    ]


def _lapses(out: Out) -> Columns[Lapse]:
    return [
        ("whose", lambda one: one.name),
        ("what", lambda one: one.what),
        ("kind", lambda one: one.kind),
        ("ends", lambda one: out.when(one.ends_at) if one.ends_at else "cannot be used now"),
        ("then", lambda one: one.then),
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
