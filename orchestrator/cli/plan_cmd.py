"""`wallcross plan`: where the channels differ from the roster. It changes nothing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.plan_lines import plan_lines
from orchestrator.cli.session import call

app = typer.Typer(add_completion=False, rich_markup_mode=None)
DIFFERENT = 10


@app.command()
def plan(
    ctx: typer.Context,
    *,
    to: Annotated[
        Path | None, typer.Option("--to", help="Keep the plan in this file, for apply.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 10 where anything differs.")
    ] = False,
) -> int:
    """Reads every room and says what would be done; nothing is changed."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.plan(deal), live=True)
    if to is not None:
        to.write_text(json.dumps(asdict(found), ensure_ascii=False, indent=1) + "\n", "utf-8")
        out.note(f"Saved to {to}")
    out.one(found, lambda: plan_lines(found, None if to is None else str(to)))
    differs = found.acts or found.held or found.left or found.unread
    return DIFFERENT if exit_code and differs else 0
