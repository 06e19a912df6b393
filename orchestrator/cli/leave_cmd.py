"""`wallcross leave`: one person out of everything, at once, and the proof of it."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from orchestrator.audit.extract import differences
from orchestrator.audit.offline.command import main as verify_export
from orchestrator.cli.archive import unpack
from orchestrator.cli.completing import Person
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.leave_words import CHAIN, ENTRIES, PAGE, holds_line, step_line
from orchestrator.client.leaves import LeaveView
from orchestrator.client.problems import Missing, Partly
from orchestrator.clock import SECOND

_VERBS = ("out", "status", "undo", "check", "proof")


class Verbs(TyperGroup):
    """`leave PERSON` is `leave out PERSON`: whoever is in a hurry types two words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the verb in where a person is named first; `--proof` is `leave proof`."""
        if "--proof" in args:
            args = ["proof", *(a for a in args if a != "--proof")]
        elif args and args[0] not in (*_VERBS, "-h", "--help"):
            args = ["out", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=Verbs, add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.callback()
def leave() -> None:
    """One person out of every room on every channel; `leave PERSON` is enough."""


@app.command("out")
def out_(
    ctx: typer.Context,
    person: Person,
    *,
    reason: Annotated[str, typer.Option(help="A code: left, replaced, conflict, phished.")],
    yes: Yes = False,
) -> int:
    """Takes a person out, at once; 7 while something is not confirmed."""
    deal = named(ctx, None)
    if not Out(ctx.obj).agreed(f"Take {person} out of every room of {deal}, now?", yes=yes):
        return 1
    found, out = call(ctx.obj, lambda c: c.leave(deal, person, reason), live=True)
    out.one(found, lambda: lines(found, out))
    return Partly.exit_code if found.state == "open" else 0


@app.command()
def status(ctx: typer.Context, person: Annotated[str | None, typer.Argument()] = None) -> int:
    """Leaves under way and done; with a person, every step of his."""
    deal = named(ctx, None)
    if person is not None:
        found, out = call(ctx.obj, lambda c: c.leave_show(deal, person))
        out.one(found, lambda: lines(found, out))
        return Partly.exit_code if found.state == "open" else 0
    listed, out = call(ctx.obj, lambda c: c.leave_list(deal))
    out.many(listed, _columns(out), "Nobody has left this deal.")
    return Partly.exit_code if any(f.state == "open" for f in listed) else 0


@app.command()
def undo(ctx: typer.Context, person: Person, *, yes: Yes = False) -> int:
    """Brings a person back within half an hour; two people must agree."""
    deal = named(ctx, None)
    if not Out(ctx.obj).agreed(f"Bring {person} back?", yes=yes):
        return 1
    found, out = call(ctx.obj, lambda c: c.leave_undo(deal, person), live=True)
    out.one(found, lambda: lines(found, out))
    return 0


@app.command()
def proof(
    ctx: typer.Context,
    person: Person,
    to: Annotated[Path, typer.Option("--to", help="A new folder.")],
) -> None:
    """Writes the signed proof that a person is out, per channel, with a page in plain words."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: unpack(c.leave_proof(deal, person), to))
    out.one(
        {"folder": str(to), "files": found},
        lambda: [*found, f"read it: {to / PAGE}", f"check it: wallcross leave check {to}"],
    )


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="What `leave proof` wrote.")]) -> int:
    """Holds a proof against itself, offline: the signed chain, and each entry in it."""
    chain, entries = folder / CHAIN / "audit.jsonl", folder / ENTRIES
    if not (chain.is_file() and entries.is_file()):
        raise Missing(f"{folder} holds no proof of a leave", then="wallcross leave proof PERSON")
    code = verify_export([str(folder / CHAIN)])
    with entries.open("rb") as extract, chain.open("rb") as whole:
        wrong = differences(extract, whole)
    for line in wrong or ["Every entry about him is one of that chain."]:
        typer.echo(f"{ENTRIES}: {line}" if wrong else line)
    return 1 if wrong else code


def lines(found: LeaveView, out: Out) -> Iterable[str]:
    """A leave in words: first what holds, then what does not."""
    missing = [s for s in found.steps if s.state == "not_confirmed"]
    yield f"{found.name} left {out.when(found.began_at)} ({found.reason}, by {found.by})"
    yield _stands(found, len(missing), out)
    yield from (f"  {step_line(s)}" for s in missing)
    yield from (f"  {name}: {count} rooms seen without him" for name, count in _seen(found))
    yield from _deliveries(found)
    yield from (f"  {told}" for told in found.told)
    if found.holds:
        yield "What he may still hold:"
        yield from (f"  {holds_line(h)}" for h in found.holds)
    if found.undo_until is not None:
        yield f"Two people can undo it until {out.when(found.undo_until)}: wallcross leave undo"
    if found.state == "open":
        yield "Next: it is tried on by itself while serve runs; wallcross leave status"


def _stands(found: LeaveView, missing: int, out: Out) -> str:
    took = "" if found.took is None else f", {found.took / SECOND:.1f} s after he left"
    if found.state == "undone":
        return "Undone: the roster counts for him again."
    if found.state == "gone":
        return f"Gone. Last read-back {out.when(found.last_seen_at)}{took}."
    return f"Nothing is sent to him. Not confirmed yet: {missing} of {len(found.steps)} steps."


def _seen(found: LeaveView) -> list[tuple[str, int]]:
    seen = (s.channel for s in found.steps if s.kind == "room" and s.state == "seen")
    return sorted(Counter(seen).items())


def _deliveries(found: LeaveView) -> Iterable[str]:
    counted = {
        "open deliveries to him taken back": found.withdrawn,
        "possibly delivered by an earlier attempt": found.possibly,
        "under way when he left: they end as their network says": found.under_way,
    }
    return (f"  {words}: {count}" for words, count in counted.items() if count)


def _columns(out: Out) -> Columns[LeaveView]:
    return [
        ("person", lambda f: f.person),
        ("left", lambda f: out.when(f.began_at)),
        ("state", lambda f: f.state),
        ("not confirmed", lambda f: str(sum(s.state == "not_confirmed" for s in f.steps) or "")),
        ("last seen", lambda f: out.when(f.last_seen_at)),
        ("by", lambda f: f.by),
        ("reason", lambda f: f.reason),
    ]
