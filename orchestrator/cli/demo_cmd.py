"""`wallcross demo`: the made-up deal, end to end, each step as the far side saw it."""

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.out import Out, as_json, plain
from orchestrator.cli.session import arun
from orchestrator.client.views import Step

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    ctx: typer.Context,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="As quick as it can.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep its folder here.")] = None,
) -> int:
    """Runs Project Halcyon on a homeserver of its own; exit code 1 when a step was not seen."""
    out = Out(ctx.obj)
    steps: list[Step] = []

    def show(step: Step) -> None:
        steps.append(step)
        if not out.json:
            typer.echo(plain(_line(step)))

    arun(import_module("orchestrator.demo.play").play(fast=fast, keep=keep, show=show))
    ok = bool(steps) and all(step.ok for step in steps)
    if out.json:
        typer.echo(as_json({"ok": ok, "steps": [asdict(step) for step in steps]}))
    return 0 if ok else 1


def _line(step: Step) -> str:
    text = f": {step.text}" if step.text else ""
    state = "ok " if step.ok else "NO "
    return f"  {state} {step.name} ({step.observed_by}, {step.seconds:.1f} s){text}"
