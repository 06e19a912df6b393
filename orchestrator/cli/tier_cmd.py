"""`wallcross tier`: why a text lands where it does, and how well that works; never the text."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.problems import Missing, Wrong
from tiers.classify import Context, Part
from tiers.measure import explain as explained
from tiers.measure import judge, report
from tiers.model import load_classifier
from tiers.watch import WatchList, watch_list

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
_WORDS = {"hold": "it stops", "ask": "its author is asked", "none": "nothing is raised"}


@app.callback()
def tier() -> None:
    """How sensitive a text is."""


@app.command()
def explain(ctx: typer.Context) -> None:
    """Reads a text from stdin and says its tier and why: rules and places, never the text."""
    text = sys.stdin.read()
    found = load_classifier().classify([Part("body", text)], Context(watch=_watch(ctx)))
    answer = explained(found)
    Out(ctx.obj).one(answer, lambda: _lines(answer))


@app.command()
def measure(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON Lines: id, subject, text, tier.")],
) -> None:
    """Figures over labelled messages; exit code 0 whatever they are."""
    classifier = load_classifier()
    rows = list(read_rows(file))
    began = time.perf_counter()
    judged = [judge(classifier, row) for row in rows]
    figures = report(judged, time.perf_counter() - began)
    Out(ctx.obj).one(figures, lambda: [f"{name:<20} {value}" for name, value in figures.items()])


def read_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """Labelled rows of a JSON Lines file.

    Raises:
        Missing: there is no such file.
        Wrong: a line is no object with a known tier; it is named by its number alone.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        raise Missing(f"There is no file {file}") from None
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise Wrong(f"{file} holds no message")
    for number, line in numbered:
        row = _row(line)
        if row is None:
            raise Wrong(f"Line {number} of {file} is no labelled message")
        yield row


def _row(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    known = {"coordination", "operations", "valuation"}
    return row if isinstance(row, dict) and row.get("tier") in known else None


def _watch(ctx: typer.Context) -> WatchList:
    name: str | None = ctx.obj.deal
    if name is None:
        return WatchList()
    deal, _ = call(ctx.obj, lambda c: c.deal_show(name))
    return watch_list([deal.code], [])


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"{answer['tier']}: {_WORDS[answer['strength']]}"
    for reason in answer["reasons"]:
        place = f"characters {reason['start']} to {reason['end']}"
        yield f"  {reason['rule']:<24} {reason['tier']:<13} {reason['strength']:<5} {place}"
    for name, value in answer["scores"].items():
        yield f"  score {name:<18} {value:.3f}"
    yield f"  language {answer['language']}"
    if answer["degraded"]:
        yield "  no model here: rules alone, at the strict end"
