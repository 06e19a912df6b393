"""`wallcross demo`: the made-up deal, end to end, each step as the far side saw it.

Rule kept here: the exit code is 0 only when every step was seen. What people read while it plays
goes to stdout; with `--json` that is one object, and the rest goes to stderr.
"""

import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.out import Out, as_json, plain
from orchestrator.cli.session import arun
from orchestrator.client.views import Step

app = typer.Typer(add_completion=False, rich_markup_mode=None)
RIBBON = " Made-up deal "
STAYS = 30
"""Minutes for which the dashboard stays open where somebody watches."""


@app.command()
def demo(
    ctx: typer.Context,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="As quick as it can.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep its folder here.")] = None,
    stay: Annotated[
        int | None,
        typer.Option(
            min=0, max=480, help="Minutes for which the dashboard stays open; 30 on a terminal."
        ),
    ] = None,
) -> int:
    """Plays Project Halcyon on three networks of its own; exit code 1 when a step was not seen."""
    out = Out(ctx.obj)
    began = time.monotonic()
    steps: list[Step] = []

    def say(text: str) -> None:
        if out.json:
            out.note(text)
        else:
            typer.echo(plain(f"  {text}"))

    def show(step: Step) -> None:
        steps.append(step)
        _show(out, step)

    _ribbon(out)
    play = import_module("orchestrator.demo.play").play
    watched = sys.stdout.isatty() and not (fast or out.json)
    minutes = stay if stay is not None else STAYS if watched else 0
    seen = arun(play(fast=fast, keep=keep, show=show, say=say, stay_s=minutes * 60.0))
    took = time.monotonic() - began
    _end(out, steps, seen=seen, seconds=took)
    return 0 if seen else 1


def _ribbon(out: Out) -> None:
    text = "Project Halcyon. Nobody and nothing in it is real; the servers and phones are."
    if out.json:
        out.note(f"{RIBBON.strip()}: {text}")
        return
    typer.secho(RIBBON, reverse=True, bold=True, nl=False)
    typer.echo(f" {text}")


def _show(out: Out, step: Step) -> None:
    word, colour = ("seen", "green") if step.ok else ("NOT SEEN", "red")
    line = plain(f"{step.name}: {step.text} ({step.observed_by}, {step.seconds:.1f} s)")
    if out.json:
        out.note(f"{word} {line}")
        return
    typer.secho(word, fg=colour, bold=True, nl=False)
    typer.echo(f" {line}\n")


def _end(out: Out, steps: list[Step], *, seen: bool, seconds: float) -> None:
    if out.json:
        told = {"ok": seen, "made_up": True, "seconds": round(seconds, 3)}
        typer.echo(as_json(told | {"steps": [asdict(step) for step in steps]}))
    else:
        count = sum(step.ok for step in steps)
        last = "Every step was seen" if seen else "A step was not seen"
        typer.secho(f"{last}: {count} of {len(steps)}, {seconds:.0f} s.", bold=True)
