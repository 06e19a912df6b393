"""`audit for-counsel`: an export with who asked and why on its first page, given once.

Rules kept here:

1. It goes the way of the desk's: where names go out, a founded deal's waits for two others, and the
   same command fetches it afterwards. What was given is not given again.
2. It is written for its owner alone, over nothing that is there; what was claimed and could not be
   written is told as given.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.export_asking import STILL, ready
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.audit_desk import ExportKind, ExportReason, ExportView
from orchestrator.client.problems import Refused


def for_counsel(
    ctx: typer.Context,
    what: Annotated[ExportKind, typer.Argument(help="What is wanted.")],
    *,
    why: Annotated[ExportReason, typer.Option(help="Why; it stands on the first page.")],
    to: Annotated[Path, typer.Option("--to", help="A new file.")],
    matter: Annotated[str | None, typer.Option(help="Matter number, in small letters.")] = None,
) -> None:
    """Asks for an export and writes it; where two have to agree first, ask again afterwards."""
    if to.exists():
        raise Refused(f"{to} is there already", still=STILL)
    deal = named(ctx, None)

    async def work(client: Client) -> ExportView:
        found = await ready(client, deal, what, why, matter)
        link = await client.export_link(deal, found.export_id)
        await _written(client.export_fetch(link), to)
        return found

    found, out = call(ctx.obj, work)
    out.one({"file": str(to), "export": found.export_id}, lambda: [str(to)])


async def _written(pieces: AsyncIterator[bytes], to: Path) -> None:
    first = await anext(pieces, b"")  # a refusal comes before anything is made
    with _own(to) as file:
        file.write(first)
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)


def _own(to: Path) -> BinaryIO:
    """A new file of its owner's alone, from its first instant."""
    return os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
