"""`wallcross roster`: who may see what, from and to spreadsheets."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import insiders, roster_change_cmd, roster_past_cmd
from orchestrator.cli.adopting import roster_document, told
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.problems import Missing, Refused
from orchestrator.client.views import AdoptionView
from orchestrator.roster.document import document_hash, from_document
from orchestrator.roster.form import date, in_words
from orchestrator.roster.write import template as template_files
from orchestrator.roster.write import write_roster
from tiers.people import Person, Roster

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
roster_change_cmd.add(app)
roster_past_cmd.add(app)
insiders.add(app)
To = Annotated[Path, typer.Option("--to", help="Folder to write into; made if it is not there.")]
Source = Annotated[
    Path | None, typer.Argument(help="Folder or people.csv; else as in the settings.")
]


@app.callback()
def roster() -> None:
    """Who may see what."""


@app.command("import")
def import_(
    ctx: typer.Context,
    source: Source = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
) -> None:
    """Reads a list and puts it in force; every mistake is told at once with its line."""
    name = named(ctx, None)
    document = roster_document(ctx.obj.settings(), name, source)
    if document is None:
        raise Missing(
            "The settings name no roster for this deal", then="wallcross roster import FOLDER"
        )
    if dry_run:
        _checked(ctx, document)
        return
    found, out = call(ctx.obj, lambda c: c.adopt(name, "roster", document))
    out.one(_short(found), lambda: told(found))


@app.command()
def adopt(ctx: typer.Context, source: Source = None) -> None:
    """The same as import: what is read is put in force, with its hash in the audit."""
    import_(ctx, source)


@app.command()
def show(
    ctx: typer.Context,
    *,
    person: Annotated[str | None, typer.Option(help="One person's id.")] = None,
) -> None:
    """The roster in force, one line for each person and what he is granted or reads for another."""
    name = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.in_force(name, "roster"))
    listed = from_document(found.document)
    rows = [
        row
        for who in listed.people
        if person in {None, who.person_id}
        for row in _rows(listed, who)
    ]
    columns = [(key, lambda r, k=key: str(r[k] or "")) for key in _COLUMNS]
    out.many(rows, columns, "Nobody by that name is on this deal. That is also an answer.")


@app.command()
def export(ctx: typer.Context, to: To) -> None:
    """Writes the roster in force as CSV files that come back the same."""
    name = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.in_force(name, "roster"))
    written = _write(to, write_roster(from_document(found.document)))
    out.one({"files": written, "hash": found.hash}, lambda: written)


@app.command()
def template(ctx: typer.Context, to: To) -> None:
    """Writes CSV files to start from."""
    written = _write(to, template_files())
    Out(ctx.obj).one({"files": written}, lambda: written)


_WHO = ("person", "name", "side", "role")
_COLUMNS = (*_WHO, "compartment", "highest", "from", "until", "phases", "delegate_of")


def _rows(listed: Roster, who: Person) -> Iterable[dict[str, str | None]]:
    base: dict[str, str | None] = {
        "person": who.person_id,
        "name": who.name,
        "side": who.side,
        "role": who.role,
    }
    held = listed.held_by(who.person_id)
    for line in held:
        grant, lent = line.grant, line.through
        yield base | {
            "compartment": grant.compartment,
            "highest": grant.highest.value,
            "from": date(grant.span.start),
            "until": None if grant.span.end is None else date(grant.span.end),
            "phases": " ".join(in_words(grant.phases) or ()) or None,
            "delegate_of": None if lent is None else lent.principal,
        }
    if not held:
        yield base | dict.fromkeys(_COLUMNS[len(_WHO) :])


def _checked(ctx: typer.Context, document: str) -> None:
    listed = from_document(document)
    found = {
        "people": len(listed.people),
        "grants": len(listed.grants),
        "walls": len(listed.walls),
        "delegates": len(listed.delegations),
        "hash": document_hash(document),
    }
    text = f"{found['people']} people, {found['grants']} grants: no mistakes. Nothing was changed."
    Out(ctx.obj).one(found, lambda: [text])


def _short(adopted: AdoptionView) -> dict[str, object]:
    return {"hash": adopted.hash, "at": adopted.at, "new": adopted.new}


def _write(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise Refused(f"{folder} has {', '.join(there)} already", still="Nothing was written")
    for name, data in files.items():
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        (folder / name).write_bytes(data)
    return [str(folder / name) for name in files]
