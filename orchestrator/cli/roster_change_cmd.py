"""`wallcross roster add|move|diff|history|review`: the roster changes by another roster."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.adopting import roster_document, told
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.instants import instant, span
from orchestrator.cli.out import Columns
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.problems import Missing, Wrong
from orchestrator.client.rosters import HistoryRow
from orchestrator.client.views import AdoptionView
from orchestrator.roster.changes import Change, changes
from orchestrator.roster.document import from_document, to_document
from orchestrator.roster.edit import STILL, Move, added, as_compartment, moved, new_grant
from orchestrator.roster.form import date
from tiers.ids import AccountId, ConnectorName, PersonId, SideId
from tiers.people import DEAL, Delegation, Person, Phase, Profile, Roster
from tiers.tier import Tier

Who = Annotated[str, typer.Argument(help="Person's id, such as ximena.park.")]
Highest = Annotated[Tier | None, typer.Option(help="Highest tier that he may read.")]
Until = Annotated[str | None, typer.Option(help="First instant no longer covered.")]
From = Annotated[str | None, typer.Option("--from", help="From when on; else from now.")]


def add(app: typer.Typer) -> None:
    """Adds these verbs."""
    app.command("add")(add_person)
    app.command()(move)
    app.command()(diff)
    app.command()(history)
    app.command()(review)


def add_person(
    ctx: typer.Context,
    person: Who,
    *,
    name: Annotated[str | None, typer.Option(help="Of somebody new: his name.")] = None,
    side: Annotated[str | None, typer.Option(help="Of somebody new: his side's id.")] = None,
    role: Annotated[str, typer.Option(help="Of somebody new.")] = "",
    profile: Annotated[Profile, typer.Option(help="Of somebody new.")] = Profile.ORGANISATIONAL,
    account: Annotated[
        list[str] | None, typer.Option(help="CHANNEL=ACCOUNT of somebody new; may be repeated.")
    ] = None,
    compartment: Annotated[str, typer.Option(help="What he is let in on.")] = DEAL,
    highest: Highest = None,
    delegate_of: Annotated[str | None, typer.Option(help="He reads for this person.")] = None,
    start: From = None,
    until: Until = None,
    phase: Annotated[list[Phase] | None, typer.Option(help="Only then; may be repeated.")] = None,
) -> None:
    """Puts somebody on the list, or grants somebody on it more."""
    who, when = PersonId(person), span(start, until)
    if delegate_of is not None and (highest is None or phase):
        raise Wrong("A delegate reads up to --highest, in every phase", still=STILL)
    grants, lent = [], []
    if highest is not None and delegate_of is None:
        limits = frozenset(phase) if phase else None
        grants.append(new_grant(who, compartment, highest, when, limits))
    elif highest is not None and delegate_of is not None:
        lent.append(Delegation(PersonId(delegate_of), who, highest, when))

    def edit(roster: Roster) -> Roster:
        known = roster.person(who)
        if known is None and (name is None or side is None):
            raise Wrong(f"{who} is new: --name and --side are needed", still=STILL)
        accounts = dict(map(_account, account or ()))
        new = Person(who, name or "", SideId(side or ""), role, profile, accounts)
        return added(roster, known if known is not None and name is None else new, grants, lent)

    _change(ctx, edit)


def move(
    ctx: typer.Context,
    person: Who,
    *,
    side: Annotated[str | None, typer.Option(help="The side that he is of now.")] = None,
    role: Annotated[str | None, typer.Option(help="The role that he has now.")] = None,
    compartment: Annotated[
        str | None, typer.Option(help="Only what he was granted of this one.")
    ] = None,
    into: Annotated[str | None, typer.Option(help="The compartment that he reads now.")] = None,
    highest: Highest = None,
    out: Annotated[bool, typer.Option("--out", help="It ends, and nothing begins.")] = False,
    at: From = None,
    until: Until = None,
) -> None:
    """Ends what somebody is granted and begins what he is granted instead, from a date on."""
    change = Move(
        instant(at),
        None if side is None else SideId(side),
        role,
        None if compartment is None else as_compartment(compartment),
        None if into is None else as_compartment(into),
        highest,
        out,
        None if until is None else instant(until),
    )
    _change(ctx, lambda roster: moved(roster, PersonId(person), change))


def diff(
    ctx: typer.Context,
    source: Annotated[
        Path | None, typer.Argument(help="Folder or people.csv; else as in the settings.")
    ] = None,
    *,
    since: Annotated[
        str | None, typer.Option("--from", help="Hash of an earlier roster; to the one in force.")
    ] = None,
) -> None:
    """What files would change, or what changed since an earlier roster; nothing is changed."""
    name = named(ctx, None)
    document = roster_document(ctx.obj.settings(), name, source) if since is None else None
    if since is None and document is None:
        raise Missing("Nothing to compare with", then="wallcross roster diff FOLDER")

    async def work(client: Client) -> tuple[str, str]:
        now = (await client.in_force(name, "roster")).document
        if since is not None:
            return await client.roster_once(name, since), now
        return now, document or now

    (before, after), out = call(ctx.obj, work)
    found = changes(from_document(before), from_document(after))
    out.many(found, _CHANGES, "They say the same.")


def history(ctx: typer.Context) -> None:
    """Every roster that was in force, every phase and every review, newest first."""
    name = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.roster_history(name))
    columns: Columns[HistoryRow] = [
        ("when", lambda r: out.when(r.at)),
        ("what", lambda r: r.what),
        ("roster", lambda r: (r.hash or "")[:12]),
        ("phase", lambda r: r.phase or ""),
        ("gained", lambda r: str(r.gained or "")),
        ("lost", lambda r: str(r.lost or "")),
        ("by", lambda r: r.by or r.actor),
    ]
    out.many(found, columns, "No roster was adopted yet. Next: wallcross roster import FOLDER")


def review(
    ctx: typer.Context,
    *,
    by: Annotated[str, typer.Option(help="Who looked through it; a person of the deal.")],
) -> None:
    """Records that somebody looked through who may see what, as it is in force."""
    name = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.roster_review(name, by))
    text = f"{by} looked through roster {found.hash[:12]}; due again by {out.when(found.next_by)}"
    out.one(found, lambda: [text])


def _change(ctx: typer.Context, edit: Callable[[Roster], Roster]) -> None:
    """Puts the roster in force that an edit makes of the one that is; says what it comes to."""
    name = named(ctx, None)

    async def work(client: Client) -> tuple[AdoptionView, list[Change]]:
        now = await client.in_force(name, "roster")
        before = from_document(now.document)
        after = edit(before)
        adopted = await client.adopt(name, "roster", to_document(after), in_place_of=now.hash)
        return adopted, changes(before, after)

    (adopted, found), out = call(ctx.obj, work)
    part = ctx.obj.settings().config.deals.get(name)
    if adopted.new and part is not None and part.roster is not None:
        then = "wallcross roster export --to NEW, and name it there"
        out.note(f"The files that the settings name are of an earlier roster now: {then}")
    value = {
        "hash": adopted.hash,
        "at": adopted.at,
        "new": adopted.new,
        "changes": [asdict(c) for c in found],
    }
    out.one(value, lambda: _lines(adopted, found))


def _lines(adopted: AdoptionView, found: list[Change]) -> Iterable[str]:
    yield from told(adopted)
    for change in found:
        yield f"  {change.change} {' '.join(cell for cell in _cells(change) if cell)}"


def _cells(change: Change) -> tuple[str, ...]:
    start = "" if change.since is None else f"from {date(change.since)}"
    end = "" if change.until is None else f"until {date(change.until)}"
    phases = f"in {' '.join(change.phases)}" if change.phases else ""
    place = (change.subject, change.compartment or "", change.highest or "")
    return (*place, start, end, phases, change.told)


_CHANGES: Columns[Change] = [
    ("change", lambda c: c.change),
    ("of", lambda c: c.subject),
    ("what", lambda c: " ".join(cell for cell in _cells(c)[1:] if cell)),
]


def _account(text: str) -> tuple[ConnectorName, AccountId]:
    channel, found, account = text.partition("=")
    if not found:
        raise Wrong(f"{text} is not CHANNEL=ACCOUNT", still=STILL)
    return ConnectorName(channel), AccountId(account)
