"""`wallcross bench`: what tiering and the core do on this machine, on made-up data."""

import os
import statistics
import time
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.out import Out
from tiers.classify import Context, Part
from tiers.measure import length_class
from tiers.model import load_classifier

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
SENTENCES = (
    "The room for Thursday is booked and the visitors' names are at the desk.",
    "Please find the comments of the works council on the second draft of the integration plan.",
    "Our side would go to 27.50 a share if the break fee stays below two per cent.",
    "Die Datenraumfreigabe verzögert sich, bitte die offenen Punkte bis Freitag klären.",
    "Le comité se réunit lundi pour arrêter la fourchette de prix et le calendrier.",
)
LENGTHS = (1, 4, 10, 25)
"""Sentences a message; they give the four classes of length."""


@app.callback()
def bench() -> None:
    """Figures of this machine."""


@app.command()
def route(
    ctx: typer.Context,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Some seconds; its figures mean little.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="On the disk to be measured.")] = None,
) -> None:
    """Accept, route and drain beside a bare send in the same run; docs/performance.md explains."""
    out = Out(ctx.obj)
    report = import_module("orchestrator.bench.route").route_report
    opens = import_module("orchestrator.wiring").open_runtime
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        import_module("orchestrator.logs").configured(nowhere),
    ):
        found = report(opens, out.note, quick=quick, folder=folder)
    out.one(found, lambda: [f"{name:<14} {value}" for name, value in found.items()])


@app.command()
def tier(
    ctx: typer.Context,
    *,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Messages of each length.")] = 25,
) -> None:
    """Milliseconds a message, by its length."""
    found = _tier(rounds)
    Out(ctx.obj).one(found, lambda: [f"{name:<18} {value}" for name, value in found.items()])


def _tier(rounds: int) -> dict[str, Any]:
    began = time.perf_counter()
    classifier = load_classifier()
    loaded = time.perf_counter() - began
    spent: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds):
        for length in LENGTHS:
            text = _message(turn, length)
            start = time.perf_counter()
            classifier.classify([Part("body", text)], Context())
            spent[length_class(text)].append(1000 * (time.perf_counter() - start))
    everything = [ms for times in spent.values() for ms in times]
    return {
        "messages": len(everything),
        "load_s": loaded,
        "ms_median": statistics.median(everything),
        "ms_p95": statistics.quantiles(everything, n=20)[-1],
        "per_s": 1000 * len(everything) / sum(everything),
        "ms_by_length": {name: statistics.median(times) for name, times in spent.items()},
    }


def _message(turn: int, length: int) -> str:
    """A text that no earlier one equals, so that nothing remembered helps."""
    words = (SENTENCES[(turn + i) % len(SENTENCES)] for i in range(length))
    return " ".join(f"{sentence} ({turn}.{i})" for i, sentence in enumerate(words))
