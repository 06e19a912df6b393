"""`wallcross person`: what concerns keys and trouble of one person.

Rule kept here: whatever takes away needs no answer to a question; what gives back says who waits.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated

import typer

from orchestrator.cli.completing import Person
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.trouble import CallBackView, TroubleView
from orchestrator.client.views import KeyView

_WORDS_A_LINE = 5


def add(app: typer.Typer) -> None:
    """Adds the commands to `wallcross person`."""
    for name, command in _COMMANDS.items():
        app.command(name)(command)


def verify(
    ctx: typer.Context,
    person: Person,
    *,
    by: Annotated[list[str], typer.Option(help="Who compared, out of band; twice.")],
    words: Annotated[
        str | None,
        typer.Option(help="The words or digits that he read out, of one key; none: every key."),
    ] = None,
    replaces: Annotated[
        str | None, typer.Option(help="A device of his that counts no more from now on.")
    ] = None,
) -> None:
    """Records the ceremony: two named people compared a key with its owner, out of band."""
    if len(by) != 2:  # noqa: PLR2004 - a ceremony has two people
        raise typer.BadParameter("a ceremony takes two people: --by A --by B")
    deal = named(ctx, None)
    found, out = call(
        ctx.obj,
        lambda c: c.key_verify(deal, person, by[0], by[1], words=words, replaces=replaces),
        live=True,
    )
    out.many(found, _columns(out), "No device was seen yet.")


def devices(ctx: typer.Context, person: Person) -> None:
    """Every key and device of a person on every channel, its state and its words."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.key_list(deal, person))
    out.many(found, [*_columns(out), ("words", _words)], "No device was seen yet.")


def pause(
    ctx: typer.Context,
    person: Person,
    *,
    reason: Annotated[
        str, typer.Option(help="asked, doubt, lost_phone, phished or travel.")
    ] = "asked",
) -> None:
    """Clears one person for nothing, at once; one command of anybody is enough."""
    _do(ctx, lambda c, deal: c.person_pause(deal, person, reason))


def resume(ctx: typer.Context, person: Person) -> None:
    """Gives a paused person back what the roster grants him."""
    _do(ctx, lambda c, deal: c.person_resume(deal, person))


def phished(ctx: typer.Context, person: Person) -> None:
    """A person was phished: paused everywhere, his keys out, the owners told elsewhere."""
    _do(ctx, lambda c, deal: c.person_phished(deal, person))


def newphone(ctx: typer.Context, person: Person) -> None:
    """A person has a new phone: its key is expected, and nothing is opened."""
    _do(ctx, lambda c, deal: c.person_new_phone(deal, person))


def callback(ctx: typer.Context, person: Person) -> None:
    """How to ask a person back, and what to have him read out; we keep no numbers."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_call_back(deal, person))
    out.one(found, lambda: list(_back(found, out)))


_COMMANDS: dict[str, Callable[..., None]] = {
    "verify": verify,
    "devices": devices,
    "pause": pause,
    "resume": resume,
    "phished": phished,
    "newphone": newphone,
    "callback": callback,
}


def _do(ctx: typer.Context, act: Callable[[Client, str], Awaitable[TroubleView]]) -> None:
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: act(c, deal))
    out.one(found, lambda: list(_done(found)))


def _done(found: TroubleView) -> Iterable[str]:
    yield f"{found.person}  {found.stands}  in {', '.join(found.deals)}"
    if found.rooms:
        yield f"  rooms being read back: {found.rooms}"
    if found.keys:
        yield f"  keys that count no more: {found.keys}"
    if found.told:
        yield f"  told: {', '.join(found.told)}"
    yield from (f"  next: {step}" for step in found.then)


def _back(found: CallBackView, out: Out) -> Iterable[str]:
    since = out.when(found.listed_since) if found.listed_since is not None else "no roster yet"
    yield f"{found.name}: {found.where}."
    yield f"  The roster in force has him since {since} ({found.roster[:12]})."
    yield "  Wallcross keeps no numbers. Have him read out the words of:"
    yield from (f"    {key}" for key in found.ask or ("no key was seen yet",))
    yield f"  Compare with: wallcross person devices {found.person}"


def _words(key: KeyView) -> str:
    rows = range(0, len(key.words), _WORDS_A_LINE)
    return " / ".join(" ".join(key.words[n : n + _WORDS_A_LINE]) for n in rows)


def _columns(out: Out) -> Columns[KeyView]:
    return [
        ("channel", lambda k: k.connector),
        ("device", lambda k: k.device),
        ("state", lambda k: k.state),
        ("since", lambda k: out.when(k.at)),
        ("until", lambda k: out.when(k.lapses_at) if k.lapses_at is not None else ""),
        ("vouched by", lambda k: ", ".join(k.vouchers)),
        ("key", lambda k: k.key),
    ]
