"""`wallcross watch`: what happens, as it happens; never content."""

import typer

from orchestrator.cli.out import Out, as_json, plain
from orchestrator.cli.session import arun, serving
from orchestrator.client.views import Happening

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def watch(ctx: typer.Context) -> None:
    """Live list of what happens, until Ctrl-C. Needs a running `wallcross serve`."""
    settings = ctx.obj.settings()
    out = Out(ctx.obj, settings.config.home.time_zone)

    async def work() -> None:
        async with serving(ctx.obj, settings) as client:
            async for happening in client.watch():
                typer.echo(as_json(happening) if out.json else plain(_line(happening, out)))

    arun(work())


def _line(h: Happening, out: Out) -> str:
    words = [out.when(h.at), f"{h.kind:<10}", h.tier or "", h.channel or "", h.subject, h.reason]
    return "  ".join(word for word in words if word)
