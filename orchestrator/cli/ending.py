"""`wallcross deal close` and `archive`: a deal's end, told first, and all of it for counsel.

Rules kept here:

1. What it comes to is told first, always. Nothing but its code name, typed or given, closes a deal.
2. A dry run tells that and asks for nothing.
3. The archive goes the way of every export with names: two agree first, and it is given once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.archive import unpack
from orchestrator.cli.export_asking import STILL as NOT_GIVEN
from orchestrator.cli.export_asking import ready
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.audit_desk import ExportReason
from orchestrator.client.closing import ClosingView
from orchestrator.client.problems import Partly, Refused, Wrong

STILL = "Nothing was changed"
SUMS = "SHA256SUMS"


def close(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code name of the deal.")],
    *,
    yes_close: Annotated[
        str | None, typer.Option(metavar="CODE", help="Its code name once more; do not ask.")
    ] = None,
    even_waiting: Annotated[
        bool, typer.Option("--even-waiting", help="What waits is dropped.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it comes to; change nothing.")
    ] = False,
) -> int:
    """Ends a deal for good: nothing is taken or sent any more, and everybody is put out.

    In a founded deal it waits for two people (6); while something waits it is refused (5).
    """
    found, out = call(ctx.obj, lambda c: c.deal_closing(code))
    if dry_run:
        out.one(found, lambda: list(_before(found, even_waiting=even_waiting)))
        return 0
    if found.closed_at is not None:
        raise Refused(f"{found.code} was closed before", still=STILL)
    for line in _before(found, even_waiting=even_waiting):
        out.note(line)
    typed = yes_close
    if typed is None:
        typed = out.ask(f"Type {found.code} to close it for good", "--yes-close CODE")
    if typed != found.code:
        raise Wrong(f"{typed} is not its code name", still=STILL)

    async def work(client: Client) -> ClosingView:
        return await client.deal_close(code, typed, even_waiting=even_waiting)

    done, out = call(ctx.obj, work, live=True)
    out.one(done, lambda: list(_after(done, out)))
    return Partly.exit_code if done.rooms else 0


def _before(found: ClosingView, *, even_waiting: bool) -> Iterator[str]:
    yield f"The end of {found.code} ({found.phase}) comes to this:"
    yield f"  conversations that end              {found.conversations}"
    yield f"  rooms that are given up             {found.rooms}"
    yield f"  tokens that are taken back          {found.tokens}"
    yield f"  signing windows that close          {found.windows}"
    yield f"  requests that come to nothing       {found.requests}"
    waits = found.held + found.possibly + found.queued
    if waits or found.unrouted or found.starting:
        what = "would be dropped" if even_waiting else "wait: it is refused while they do"
        yield (
            f"  {found.held} messages held, {found.possibly} possibly delivered, "
            f"{found.queued} under way {what}"
        )
        yield f"  {found.unrouted} not looked at yet, {found.starting} being handed over now"
    if found.unkept:
        yield f"  {found.unkept} of them are in no journal while a legal hold stands: refused"
    yield f"  legal holds that go on standing     {found.legal_holds}"
    yield "  the record and the journal stay"
    yield "  it takes two people" if found.two_people else "  one person closes it: not founded"


def _after(done: ClosingView, out: Out) -> Iterator[str]:
    yield f"{done.code} is closed for good since {out.when(done.closed_at)}"
    if done.dropped:
        yield f"  {done.dropped} messages that waited were dropped"
    if done.rooms:
        yield f"  {done.rooms} rooms are not confirmed empty yet; serve goes on trying"
    if done.report is not None:
        yield f"  what was prevented: wallcross prevented {done.code} --closing"
    yield f"  for counsel: wallcross deal archive {done.code} --to FOLDER"


def archive(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code name or id of the deal.")],
    *,
    to: Annotated[Path, typer.Option("--to", help="A new folder.")],
    why: Annotated[
        ExportReason | None, typer.Option(help="Why; of a deal that is closed: closing.")
    ] = None,
    matter: Annotated[str | None, typer.Option(help="Matter number, in small letters.")] = None,
) -> None:
    """Everything for counsel in one folder; where two have to agree first, ask again afterwards."""
    if to.exists() and any(to.iterdir()):
        raise Refused(f"{to} is not empty", still=NOT_GIVEN, then="name a new folder")

    async def work(client: Client) -> tuple[bool, list[str]]:
        closed = (await client.deal_closing(code)).closed_at is not None
        reason = why or ("closing" if closed else None)
        if reason is None:
            raise Wrong("The deal is open: say why with --why", still=NOT_GIVEN)
        found = await ready(client, code, "archive", reason, matter)
        link = await client.export_link(code, found.export_id)
        return closed, await unpack(client.export_fetch(link), to)

    (closed, files), out = call(ctx.obj, work)
    words = "complete: the deal is closed" if closed else "not complete: the deal is open"
    told = [
        f"{len(files)} files in {to}, {words}",
        f"  check it: cd {to} && sha256sum --check {SUMS}",
    ]
    out.one({"folder": str(to), "files": len(files), "complete": closed}, lambda: told)
