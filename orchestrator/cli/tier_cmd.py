"""`wallcross tier`: why a text lands where it does, and how well that works; never the text."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.cli.tier_entries import read_entries
from orchestrator.cli.tier_list import list_, show
from orchestrator.cli.tier_simulate import simulate
from orchestrator.client.problems import Missing, Wrong
from tiers.classify import Context, Part
from tiers.measure import explain as explained
from tiers.measure import judge, report
from tiers.model import load_classifier
from tiers.tier import Tier

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
TIERS = frozenset(tier.value for tier in Tier)
_WORDS = {"hold": "it stops", "ask": "its author is asked", "none": "nothing is raised"}


@app.callback()
def tier() -> None:
    """How sensitive a text is."""


app.command("list")(list_)
app.command()(show)
app.command()(simulate)


@app.command()
def explain(
    ctx: typer.Context,
    *,
    floor: Annotated[
        str, typer.Option(help="Tier of the conversation it would be written in.")
    ] = "coordination",
) -> None:
    """Reads a text from stdin and says its tier and why: rules and places, never the text."""
    if floor not in TIERS:
        raise Wrong(f"{floor} is no tier", then="--floor coordination, operations or valuation")
    text, deal = sys.stdin.read(), ctx.obj.deal
    if deal is None:
        found = load_classifier().classify([Part("body", text)], Context(floor=Tier(floor)))
        answer = explained(found)
    else:
        answer = call(ctx.obj, lambda c: c.tier_explain(deal, text, floor))[0]
    Out(ctx.obj).one(answer, lambda: _lines(answer, floor))


@app.command()
def watch(
    ctx: typer.Context,
    *,
    add: Annotated[
        bool, typer.Option("--add", help="Read lines from stdin: name TEXT, or amount TEXT.")
    ] = False,
) -> None:
    """How many code names and amounts the deal watches for; they are shown to nobody."""
    deal = named(ctx, None)
    if add:
        names, amounts = read_entries(sys.stdin)
        size = call(ctx.obj, lambda c: c.watch_add(deal, names, amounts))[0]
    else:
        size = call(ctx.obj, lambda c: c.watch_size(deal))[0]
    Out(ctx.obj).one({"entries": size}, lambda: [f"{size} entries on the watch list"])


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
    return row if isinstance(row, dict) and row.get("tier") in TIERS else None


def _lines(answer: Mapping[str, Any], floor: str) -> Iterator[str]:
    yield f"{answer['tier']}: in a conversation of {floor} {_WORDS[answer['strength']]}"
    for reason in answer["reasons"]:
        place = f"characters {reason['start']} to {reason['end']}"
        yield f"  {reason['rule']:<24} {reason['tier']:<13} {reason['strength']:<5} {place}"
    for name, value in answer["scores"].items():
        yield f"  score {name:<18} {value:.3f}"
    yield f"  language {answer['language']}"
    if answer["degraded"]:
        yield "  no model here: rules alone, at the strict end"
