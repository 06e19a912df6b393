"""`wallcross deal`: deals of this home, and what is in force for them."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator.cli.adopting import policy_document, roster_document, told
from orchestrator.cli.ending import archive, close
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.cli.signing_cmds import due, window_app
from orchestrator.cli.signing_cmds import told as told_signing
from orchestrator.client.api import Client
from orchestrator.client.problems import Waits, Wrong
from orchestrator.client.views import AdoptionView, DealView
from orchestrator.config.model import CODE
from tiers.people import Phase

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Code = Annotated[str | None, typer.Argument(help="Code name or id; else --deal.")]
PolicyFile = Annotated[Path | None, typer.Option(help="policy.toml; else as in the settings.")]


app.add_typer(window_app(), name="window")
app.command()(close)
app.command()(archive)


@app.callback()
def deal() -> None:
    """Deals."""


@app.command()
def new(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code name: capitals, digits and -.")],
    *,
    policy: PolicyFile = None,
    made_up: Annotated[bool, typer.Option("--made-up", help="A demo or sample.")] = False,
) -> None:
    """Makes a deal and puts its policy in force."""
    if CODE.fullmatch(code) is None:
        raise Wrong(
            f"{code} is no code name: two or more capitals, digits or -, a capital first",
            still="Nothing was made",
            then=f"wallcross deal new {code.upper()}",
        )
    settings = ctx.obj.settings()
    part = settings.config.deals.get(code)
    document = policy_document(settings, code, policy)
    made = made_up or (part is not None and part.made_up)
    found, out = call(
        ctx.obj, lambda c: c.deal_new(code, made_up=made, policy=document), makes=True
    )
    out.one(found, lambda: _lines(found, out))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """Every deal of this home."""
    found, out = call(ctx.obj, lambda c: c.deal_list())
    columns = [
        ("code", lambda d: d.code),
        ("phase", lambda d: d.phase),
        ("made up", lambda d: "yes" if d.made_up else ""),
        ("policy", lambda d: (d.policy_hash or "none")[:12]),
        ("roster", lambda d: (d.roster_hash or "none")[:12]),
        ("since", lambda d: out.when(d.created_at)),
    ]
    out.many(found, columns, "There is no deal yet. Next: wallcross deal new CODE")


@app.command()
def show(ctx: typer.Context, code: Code = None) -> None:
    """One deal."""
    name = named(ctx, code)
    found, out = call(ctx.obj, lambda c: c.deal_show(name))
    out.one(found, lambda: _lines(found, out))


@app.command()
def adopt(
    ctx: typer.Context,
    code: Code = None,
    *,
    policy: PolicyFile = None,
    roster: Annotated[Path | None, typer.Option(help="Folder or people.csv.")] = None,
) -> None:
    """Puts the policy and roster files of a deal in force, as the settings name them.

    In a founded deal each may wait for two people: then both are asked for, and it ends with 6.
    """
    name = named(ctx, code)
    settings = ctx.obj.settings()
    rules = policy_document(settings, name, policy)
    people = roster_document(settings, name, roster)

    documents: list[tuple[Literal["policy", "roster"], str]] = []
    documents += [("policy", rules)] if rules else []
    documents += [("roster", people)] if people else []

    async def work(client: Client) -> list[AdoptionView | Waits]:
        return [await _adopted(client, name, *document) for document in documents]

    if not documents:
        raise Wrong("The settings name neither a policy nor a roster for this deal")
    found, out = call(ctx.obj, work)
    for adopted in found:
        if isinstance(adopted, AdoptionView):
            out.one(_short(adopted), partial(told, adopted))
    waiting = [problem for problem in found if isinstance(problem, Waits)]
    if waiting:
        first, *more = waiting
        raise Waits(
            first.wrong,
            still=first.still,
            then=first.then,
            details=[f"{problem.wrong}; {problem.then}" for problem in more],
        )


async def _adopted(
    client: Client, name: str, kind: Literal["policy", "roster"], document: str
) -> AdoptionView | Waits:
    """What came of one document; that one waits keeps no other from being asked for."""
    try:
        return await client.adopt(name, kind, document)
    except Waits as waits:
        return waits


@app.command()
def found(ctx: typer.Context, code: Code = None) -> int:
    """Asks everybody whose key is enrolled to found the deal; exit code 6 until all have signed."""
    name = named(ctx, code)
    request, out = call(ctx.obj, lambda c: c.deal_found(name))
    missing = (f"  still missing: {lacking}" for lacking in request.missing)
    then = f"  next: wallcross approve yes {request.request_id} --as PERSON --key FILE"
    out.one(request, lambda: [*request.changes, *missing, then])
    return Waits.exit_code


@app.command()
def phase(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code name or id; or the phase, for --deal.")],
    to: Annotated[Phase | None, typer.Argument(help="The phase that it is in from now on.")] = None,
) -> None:
    """Puts a deal into a phase, on which grants and walls may depend."""
    name, into = (code, to) if to is not None else (named(ctx, None), _phase(code))
    changed, out = call(ctx.obj, lambda c: c.deal_phase(name, into.value))
    told = f"{name} is in {into.value}{' now' if changed else ' already'}"
    out.one({"deal": name, "phase": into.value, "changed": changed}, lambda: [told])


@app.command()
def signing(
    ctx: typer.Context,
    code: Annotated[
        str | None, typer.Argument(help="Code name or id; or the date, for --deal.")
    ] = None,
    date: Annotated[str | None, typer.Argument(help="2026-01-31, an instant, or none.")] = None,
) -> None:
    """Says when a deal is to be signed; of a plain day its end. Without a date: shows it."""
    zone = ctx.obj.settings().config.home.time_zone
    dated = date is None and code is not None and (code == "none" or code[:1].isdigit())
    name, when = (named(ctx, None), code) if dated else (named(ctx, code), date)
    if when is None:
        found, out = call(ctx.obj, lambda c: c.signing_show(name))
    else:
        at = due(when, zone)
        found, out = call(ctx.obj, lambda c: c.signing_set(name, at))
    out.one(found, lambda: list(told_signing(found, out)))


def _phase(word: str) -> Phase:
    try:
        return Phase(word.lower().replace("-", "_"))
    except ValueError:
        words = ", ".join(p.value for p in Phase)
        still = "Nothing was changed"
        raise Wrong(f"{word} is no phase", still=still, then=f"one of {words}") from None


@app.command()
def policy(ctx: typer.Context, code: Code = None) -> None:
    """The policy in force, as its canonical document."""
    name = named(ctx, code)
    found, out = call(ctx.obj, lambda c: c.in_force(name, "policy"))
    out.one(found, lambda: [found.document])


def named(ctx: typer.Context, code: str | None) -> str:
    """The deal that a command is about: as named, else the only one of the home.

    Raises:
        Wrong: none was named, and the home has none or several.
    """
    name: str | None = code or ctx.obj.deal
    if name is None and ctx.obj.settings().state.is_dir():
        found, _ = call(ctx.obj, lambda c: c.deal_list())
        if len(found) == 1:
            return found[0].code
    if name is None:
        raise Wrong("Which deal?", then="name it with --deal CODE; wallcross deal list shows them")
    return name


def _short(adopted: AdoptionView) -> dict[str, object]:
    return {
        "deal_id": adopted.deal_id,
        "kind": adopted.kind,
        "hash": adopted.hash,
        "at": adopted.at,
        "new": adopted.new,
    }


def _lines(found: DealView, out: Out) -> Iterable[str]:
    yield f"{found.code}  {found.phase}{'  made up' if found.made_up else ''}"
    yield f"  id      {found.deal_id}"
    yield f"  since   {out.when(found.created_at)}"
    yield f"  policy  {found.policy_hash or 'none in force'}"
    yield f"  roster  {found.roster_hash or 'none in force: wallcross roster import'}"
