"""`wallcross bench`: what tiering and the core do on this machine, on made-up data."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from orchestrator.cli.out import Out

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

LARGE = 1000
"""From here on a figure is shown whole."""


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
    _whole_home(ctx, import_module("orchestrator.bench.route").route_report, quick, folder)


@app.command()
def tier(
    ctx: typer.Context,
    *,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Messages of each length.")] = 25,
) -> None:
    """Milliseconds a message, by its length."""
    found = import_module("orchestrator.bench.tier").tier_report(rounds)
    Out(ctx.obj).one(found, lambda: _lines(found))


@app.command()
def plan(
    ctx: typer.Context,
    *,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Plans of each size.")] = 3,
) -> None:
    """Plans over 500 to 200,000 seats: seconds, peak memory, and how they grow."""
    found = import_module("orchestrator.bench.plan").plan_report(rounds)
    Out(ctx.obj).one(found, lambda: _lines(found))


@app.command()
def channel(
    ctx: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(help="matrix, xmpp, xmpp-omemo, pgpmail, wickr, signal or signal-json-rpc."),
    ],
    *,
    count: Annotated[int, typer.Option(min=8, help="Messages of a side in a turn.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Turns of each side.")] = 5,
) -> None:
    """A connector's sends beside the network's bare client, 8 in flight, on one server."""
    stages = import_module("orchestrator.wiring.benches.stages")
    if kind not in stages.KINDS:
        raise typer.BadParameter(f"a kind is one of {', '.join(stages.KINDS)}; not: {kind}")
    with TemporaryDirectory(prefix="wallcross-bench-") as folder:
        found = asyncio.run(stages.report(kind, Path(folder), count=count, rounds=rounds))
    Out(ctx.obj).one(found, lambda: _lines(found))


@app.command()
def dashboard(
    ctx: typer.Context,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="A minute; its figures mean little.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="On the disk to be measured.")] = None,
    people: Annotated[
        int | None, typer.Option(min=60, max=20_000, help="People of the large deal.")
    ] = None,
    entries: Annotated[
        int | None, typer.Option(min=1_000, help="Audit entries of the large deal.")
    ] = None,
) -> int:
    """50 people at the desk at once, and pages by the deal's size; exit code 1 if any failed."""
    desk = import_module("orchestrator.bench.desk")
    large = (desk.QUICK if quick else desk.FULL).large
    large = replace(large, people=people or large.people, audit=entries or large.audit)
    report = partial(desk.dashboard_report, large=large)
    found = _whole_home(ctx, report, quick, folder)
    return 1 if found["busy_failed"] else 0


@app.command()
def day(
    ctx: typer.Context,
    *,
    seed: Annotated[int, typer.Option(help="The same gives the same day.")] = 1,
    messages: Annotated[int, typer.Option(min=20, max=4000, help="How many are written.")] = 400,
) -> int:
    """A made-up day of 52 people on three networks; exit code 1 when a promise was not kept."""
    out = Out(ctx.obj)
    found = import_module("orchestrator.demo.day").day_report(seed, messages, out.note)
    out.one(found, lambda: _lines(found))
    return 0 if found["ok"] else 1


@app.command()
def leaks(
    ctx: typer.Context,
    *,
    mails: Annotated[
        Path | None, typer.Option(help="Labelled mails (JSON Lines: tier, text, subject).")
    ] = None,
    count: Annotated[int, typer.Option(min=24, max=1000, help="How many are planted.")] = 100,
    texts: Annotated[
        bool, typer.Option("--texts", help="False alarms on this machine's texts, too: minutes.")
    ] = False,
) -> int:
    """Planted leaks found, each kind apart, and what is found where there is none."""
    out = Out(ctx.obj)
    report = import_module("orchestrator.bench.leaks").leaks_report
    opens = import_module("orchestrator.wiring").open_runtime
    classifier = import_module("tiers.model").load_classifier()
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        import_module("orchestrator.logs").configured(nowhere),
    ):
        found = report(opens, classifier, out.note, labelled=mails, count=count, texts=texts)
    out.one(found, lambda: _lines(found))
    return 0 if found["ok"] else 1


def _whole_home(
    ctx: typer.Context,
    report: Callable[..., dict[str, object]],
    quick: bool,  # noqa: FBT001 - the option, handed on
    folder: Path | None,
) -> dict[str, object]:
    """Measures over the product's own wiring, whose log goes nowhere, and tells it."""
    out = Out(ctx.obj)
    opens = import_module("orchestrator.wiring").open_runtime
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        import_module("orchestrator.logs").configured(nowhere),
    ):
        found = report(opens, out.note, quick=quick, folder=folder)
    out.one(found, lambda: _lines(found))
    return found


def _lines(found: Mapping[str, object]) -> Iterator[str]:
    width = max(map(len, found))
    for name, value in found.items():
        yield f"{name:<{width}}  {figure(value)}"


def figure(value: object) -> str:
    """A figure for people: three digits that mean something, whatever was measured."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {figure(part)}" for name, part in value.items())
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= LARGE else f"{value:.3g}"
    return str(value)
