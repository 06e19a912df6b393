"""`wallcross version`."""

import platform
from importlib import metadata

import typer

from orchestrator.cli.out import Out

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def version(ctx: typer.Context) -> None:
    """What this is, and on what it runs."""
    found = {"wallcross": metadata.version("wallcross"), "python": platform.python_version()}
    Out(ctx.obj).one(found, lambda: [f"wallcross {found['wallcross']} on Python {found['python']}"])
