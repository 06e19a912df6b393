"""`wallcross replay`: real conversations through the whole path, every message accounted for."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.session import arun, connected
from orchestrator.cli.sources import rows_of
from orchestrator.client.api import Client
from orchestrator.client.problems import Partly
from orchestrator.client.views import ReplayReport, Row
from orchestrator.config import Settings
from orchestrator.config.model import ChannelPart

app = typer.Typer(add_completion=False, rich_markup_mode=None)
SAMPLE = "sample"
BATCH = 50
PATIENCE_S = 60.0
"""Seconds without any change after which what still waits is reported as waiting."""
FIELDS = (
    "accepted", "duplicate", "delivered", "possibly", "held", "dead", "lost",
    "by_tier", "reasons", "seconds",
)  # fmt: skip


@app.command()
def replay(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="mbox, folder of .eml, Maildir or JSON Lines.")],
    *,
    sample: Annotated[
        bool, typer.Option("--sample", help="The made-up deal; needs no set-up.")
    ] = False,
) -> int:
    """Hands each message in; exit code 0 when all are accounted for, 1 when one is lost."""
    settings: Settings = ctx.obj.settings()
    deal = None if sample else named(ctx, None)
    if sample:
        settings = with_sample(settings)
    out = Out(ctx.obj, settings.config.home.time_zone)
    total = sum(1 for _ in rows_of(file))

    async def work() -> ReplayReport:
        async with connected(ctx.obj, settings, live=True) as client:
            return await _replay(client, deal, rows_of(file), total, quiet=ctx.obj.quiet)

    report = arun(work())
    figures = {name: value for name, value in asdict(report).items() if name in FIELDS}
    out.one({name: figures[name] for name in FIELDS}, lambda: _lines(report))
    if report.lost:
        return 1
    return Partly.exit_code if report.pending else 0


def with_sample(settings: Settings) -> Settings:
    """The settings with the made-up deal's own network, unless they name one."""
    if SAMPLE in settings.config.channels:
        return settings
    part = ChannelPart(kind="memory", settings={"network": SAMPLE})
    channels = {**settings.config.channels, SAMPLE: part}
    return replace(settings, config=settings.config.model_copy(update={"channels": channels}))


async def _replay(
    client: Client, deal: str | None, rows: Iterable[Row], total: int, *, quiet: bool
) -> ReplayReport:
    run = await client.replay_start(deal, sample=deal is None)
    console = Console(stderr=True)
    with Progress(console=console, disable=quiet or not console.is_terminal) as progress:
        taken = progress.add_task("handed in", total=total)
        settled = progress.add_task("settled", total=total)
        for batch in _batches(rows):
            await client.replay_accept(run, batch)
            progress.advance(taken, len(batch))
            report = await client.replay_report(run)
            progress.update(settled, completed=_settled(report))
        return await _wait(client, run, lambda r: progress.update(settled, completed=_settled(r)))


async def _wait(client: Client, run: str, show: Callable[[ReplayReport], None]) -> ReplayReport:
    loop = asyncio.get_running_loop()
    before, changed = -1, loop.time()
    while True:
        report = await client.replay_report(run)
        show(report)
        if report.pending == 0 or loop.time() - changed > PATIENCE_S:
            return report
        if report.pending != before:
            before, changed = report.pending, loop.time()
        await asyncio.sleep(0.1)


def _settled(report: ReplayReport) -> int:
    return report.accepted + report.duplicate - report.pending


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _lines(report: ReplayReport) -> Iterator[str]:
    yield f"{report.accepted} accepted, {report.duplicate} known before"
    yield (
        f"  {report.delivered} delivered, {report.possibly} possibly, {report.held} held, "
        f"{report.dead} dead, {report.lost} lost"
    )
    if report.pending:
        yield f"  {report.pending} still wait"
    for tier, count in report.by_tier.items():
        yield f"  {tier:<13} {count}"
    for reason, count in sorted(report.reasons.items(), key=lambda item: -item[1]):
        yield f"  because of {reason}: {count}"
    yield f"  {report.seconds:.1f} s"
