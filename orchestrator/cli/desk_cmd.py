"""`wallcross desk`: ways in for people, and out."""

from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import arun, call, serving
from orchestrator.client.directory import KnownView
from orchestrator.client.documents_desk import KeyLink
from orchestrator.client.problems import Wrong
from orchestrator.client.sign_in import NewLink

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def desk() -> None:
    """Ways in for people, and out; links need a running `wallcross serve`."""


@app.command()
def link(
    ctx: typer.Context,
    deal: Annotated[str | None, typer.Argument(help="Code name; none: your own link.")] = None,
    person: Annotated[str | None, typer.Argument(help="Person on its roster.")] = None,
) -> None:
    """Prints a one-time link, good for ten minutes: a person's, or your own who run the home."""
    if deal is not None and person is None:
        raise Wrong("A link is a person's", still="No link was made", then="desk link DEAL PERSON")
    settings = ctx.obj.settings()
    out = Out(ctx.obj, settings.config.home.time_zone)

    async def work() -> NewLink:
        async with serving(ctx.obj, settings) as client:
            if deal is None or person is None:
                return await client.desk_home_link()
            return await client.desk_link(deal, person)

    made = arun(work())
    out.one(made, lambda: [made.url, f"opens once, until {out.when(made.until)}"])


@app.command("key-link")
def key_link(
    ctx: typer.Context, person: Annotated[str, typer.Argument(help="Person of the deal.")]
) -> None:
    """Prints a one-time link by which an adviser hands in his certificate, good for a day."""
    settings, of = ctx.obj.settings(), named(ctx, None)
    out = Out(ctx.obj, settings.config.home.time_zone)

    async def work() -> KeyLink:
        async with serving(ctx.obj, settings) as client:
            return await client.key_link(of, person)

    made = arun(work())
    url = f"{settings.config.web.origin}{made.path}"
    told = [url, f"works once, until {out.when(made.until)}; two compare what comes in"]
    out.one({"url": url, "until": made.until}, lambda: told)


@app.command()
def known(ctx: typer.Context) -> None:
    """Whom the company's directory named, and who they are on our lists; it gives no seat."""
    found, out = call(ctx.obj, lambda c: c.directory_list())
    columns: Columns[KnownView] = (
        ("id", lambda k: k.identity_id),
        ("kind", lambda k: k.kind),
        ("name", lambda k: k.name),
        ("works there", lambda k: "yes" if k.active else "no"),
        ("on our lists", lambda k: ", ".join(k.persons) or "nobody"),
        ("since", lambda k: out.when(k.changed_at)),
    )
    out.many(found, columns, "No directory named anybody.")


@app.command("sign-out")
def sign_out(
    ctx: typer.Context,
    person: Annotated[str | None, typer.Argument(help="Person of the deal.")] = None,
    *,
    everybody: Annotated[bool, typer.Option(help="Everybody of every deal.")] = False,
) -> None:
    """Ends every session of a person, or of everybody, at once."""
    if (person is None) != everybody:
        raise Wrong("Name a person, or --everybody", still="Nobody was signed out")
    settings = ctx.obj.settings()
    of = None if person is None else named(ctx, None)

    async def work() -> int:
        async with serving(ctx.obj, settings) as client:
            if of is None or person is None:
                return await client.desk_end_all()
            return await client.desk_end(of, person)

    ended = arun(work())
    Out(ctx.obj).one({"ended": ended}, lambda: [f"{ended} sessions ended"])
