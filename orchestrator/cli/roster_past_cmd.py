"""`wallcross roster could-see|who-could-see`: answered from the records, with the reasons."""

from collections.abc import Iterable
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.instants import instant
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.rosters import Conversed, CouldSee, Reader, WhoCouldSee

At = Annotated[str, typer.Option(help="The instant asked of, such as 2026-03-01T09:00:00Z.")]
KnownAt = Annotated[
    str | None, typer.Option(help="As it was known then; else as it was known at that instant.")
]


_BARRED = {
    "phase": ": not in that phase",
    "standing": ": not as people stood",
    "wall": ": barred by a wall",
}


def add(app: typer.Typer) -> None:
    """Adds these verbs."""
    app.command("could-see")(could_see)
    app.command("who-could-see")(who_could_see)


def could_see(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(help="Person's id.")],
    *,
    at: At,
    known_at: KnownAt = None,
) -> None:
    """What a person might see at an instant, by the list, and where he was, as read back."""
    name, when, known = named(ctx, None), instant(at), _known(known_at)
    found, out = call(ctx.obj, lambda c: c.could_see(name, person, when, known))
    out.one(found, lambda: _person(found, out))


def who_could_see(
    ctx: typer.Context,
    conversation: Annotated[str, typer.Argument(help="Its label or id.")],
    *,
    at: At,
    known_at: KnownAt = None,
) -> None:
    """Who might read a conversation at an instant, by the list, and who was in it."""
    name, when, known = named(ctx, None), instant(at), _known(known_at)
    found, out = call(ctx.obj, lambda c: c.who_could_see(name, conversation, when, known))
    out.one(found, lambda: _conversation(found, out))


def _known(text: str | None) -> int | None:
    return None if text is None else instant(text)


def _person(found: CouldSee, out: Out) -> Iterable[str]:
    yield f"{found.name or found.person} at {out.when(found.at)}"
    yield from _ground(found, out)
    if found.roster_hash is not None and not found.listed:
        yield "  was not on the list"
    yield from (f"  {told}" for told in found.barred)
    for held in found.held:
        yield f"  {held.because}{'' if held.barred is None else _BARRED[held.barred]}"
    for talk in found.conversations:
        yield from _talk(talk, out)


def _talk(talk: Conversed, out: Out) -> Iterable[str]:
    where = "" if talk.side is None else f", private to {talk.side}"
    yield f"#{talk.label} ({talk.floor} of {talk.compartment}{where})"
    yield from _answers(talk, out)


def _conversation(found: WhoCouldSee, out: Out) -> Iterable[str]:
    where = "" if found.side is None else f", private to {found.side}"
    yield f"#{found.label} ({found.floor} of {found.compartment}{where}) at {out.when(found.at)}"
    yield from _ground(found, out)
    for reader in found.readers:
        yield _name(reader)
        yield from _answers(reader, out)
    if not found.readers:
        yield "  nobody might by the list, and nobody was in it"


def _name(reader: Reader) -> str:
    side = "" if reader.side is None else f" ({reader.side})"
    return f"{reader.name or reader.person or 'an account of nobody on the list'}{side}"


def _ground(found: CouldSee | WhoCouldSee, out: Out) -> Iterable[str]:
    """What the answer rests on."""
    if not found.whole:
        yield "  the record is not whole: wallcross audit verify --state"
    if found.roster_hash is None:
        yield f"  no list was in force, as known at {out.when(found.known_at)}"
        return
    adopted = f"roster {found.roster_hash[:12]} of {out.when(found.adopted_at)}"
    yield f"  by {adopted}, phase {found.phase}, as known at {out.when(found.known_at)}"


def _answers(found: Conversed | Reader, out: Out) -> Iterable[str]:
    """The two answers: what the list allowed, and where he was."""
    yield f"  might by the list: {'yes' if found.might else 'no'}: {'; '.join(found.because)}"
    if not found.was_in:
        yield "  was in the room as read back: no"
    for stay in found.was_in:
        until = "" if stay.ceased_at is None else f" until {out.when(stay.ceased_at)}"
        since = f"since {out.when(stay.obtained_at)}{until}"
        yield f"  was in the room as read back: {stay.channel} {stay.account} {since}"
