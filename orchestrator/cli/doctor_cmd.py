"""`wallcross doctor`: what is right, what will need somebody, what to fix."""

from collections.abc import Sequence
from typing import Annotated

import typer

from orchestrator.cli.checking import home_checks, still_checks
from orchestrator.cli.front import hardening
from orchestrator.cli.out import COLOURS, Out, as_json, plain
from orchestrator.cli.session import arun, connected
from orchestrator.client.problems import Missing, Problem
from orchestrator.client.views import Check
from orchestrator.config import Settings
from orchestrator.config.mistakes import Invalid
from orchestrator.query.checks import config_red

app = typer.Typer(add_completion=False, rich_markup_mode=None)
NOT_READY = 3


@app.command()
def doctor(
    ctx: typer.Context,
    check: Annotated[str | None, typer.Argument(help="One check by its name.")] = None,
) -> int:
    """Checks settings, keys, channels, clock; says what to fix. Exit code 3 if something is red."""
    found = _all(ctx)
    if check is not None:
        found = [c for c in found if c.name == check or c.name.startswith(f"{check} ")]
        if not found:
            raise Missing("There is no such check", then="wallcross doctor")
    tell_checks(Out(ctx.obj), found)
    return NOT_READY if any(c.state == "fix" for c in found) else 0


def _all(ctx: typer.Context) -> list[Check]:
    try:
        settings: Settings = ctx.obj.settings()
    except Invalid as invalid:
        return [config_red(invalid)]
    still = still_checks(settings)
    if not settings.state.is_dir():
        return still

    async def work() -> list[Check]:
        pages = [await hardening(settings)] if settings.config.web.enabled else []
        async with connected(ctx.obj, settings, live=False) as client:
            return [*pages, *await home_checks(settings, client)]

    try:
        return [*still, *arun(work())]
    except Problem as problem:
        return [*still, Check(name="store", state="fix", text=problem.wrong, then=problem.then)]


def tell_checks(out: Out, found: Sequence[Check]) -> None:
    """Writes checks, one a line, and how many are red."""
    if out.json:
        for check in found:
            typer.echo(as_json(check))
        return
    width = max(len(check.name) for check in found)
    for check in found:
        state = typer.style(f"{check.state:<5}", fg=COLOURS[check.state])
        then = f"  -> {check.then}" if check.then else ""
        typer.echo(f"  {state} {check.name:<{width}}  {plain(check.text)}{plain(then)}")
    count = sum(check.state == "fix" for check in found)
    things = "thing" if count == 1 else "things"
    typer.echo(f"{count} {things} to fix." if count else "Nothing to fix.")
