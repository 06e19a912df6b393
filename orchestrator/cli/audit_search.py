"""`wallcross audit search`: entries of a record by what they say, newest first.

Rule kept here: pages are asked for one after another and told as they come; no more of the record
is in memory than one page and what is to be shown as one table.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.instants import instant
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.audit_desk import AuditQuery
from orchestrator.client.paging import MOST
from orchestrator.client.views import AuditLine

NONE = "There is no such entry."


def columns(out: Out) -> Columns[AuditLine]:
    """How an entry stands in a table."""
    return [
        ("n", lambda e: str(e.n)),
        ("at", lambda e: out.when(e.at)),
        ("kind", lambda e: e.kind),
        ("actor", lambda e: e.actor),
        ("what", lambda e: json.dumps(e.body, ensure_ascii=False)),
    ]


def search(
    ctx: typer.Context,
    *,
    kind: Annotated[
        list[str] | None, typer.Option(help="Of this kind (docs/audit.md); again for more.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option(help="Whose act: local:ada, person:ada, or ada for either.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="About him, or done by him: his id.")] = None,
    conversation: Annotated[str | None, typer.Option(help="About it: label or id.")] = None,
    since: Annotated[str | None, typer.Option(help="From then on: a date or an instant.")] = None,
    until: Annotated[str | None, typer.Option(help="Before then.")] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="All of them, page by page.")] = False,
) -> None:
    """Entries of a deal by what they say, newest first; you find what the Audit page shows you."""
    deal = named(ctx, None)
    sought = AuditQuery(
        kinds=tuple(kind or ()),
        actor=actor,
        person=person,
        conversation=conversation,
        since=None if since is None else instant(since),
        until=None if until is None else instant(until),
    )
    zone = ctx.obj.settings().config.home.time_zone
    out = Out(ctx.obj, zone)

    async def work(client: Client) -> list[AuditLine] | None:
        if every:
            return await _tell_all(client, deal, sought, out)
        return await _first(client, deal, sought, count)

    found, _ = call(ctx.obj, work)
    if found is not None:
        out.many(found, columns(out), NONE)


async def _first(client: Client, deal: str, sought: AuditQuery, count: int) -> list[AuditLine]:
    found: list[AuditLine] = []
    async with aclosing(_pages(client, deal, sought, min(count, MOST))) as pages:
        async for page in pages:
            found += page
            if len(found) >= count:
                break
    return found[:count]


async def _tell_all(
    client: Client, deal: str, sought: AuditQuery, out: Out
) -> list[AuditLine] | None:
    """Tells each page as it comes; an empty list where there was nothing to tell."""
    told = False
    async with aclosing(_pages(client, deal, sought, MOST)) as pages:
        async for page in pages:
            if page:
                out.many(page, columns(out), NONE)
                told = True
    return None if told else []


async def _pages(
    client: Client, deal: str, sought: AuditQuery, limit: int
) -> AsyncGenerator[tuple[AuditLine, ...], None]:
    cursor: str | None = None
    while True:
        page = await client.audit_search(deal, sought, cursor=cursor, limit=limit)
        yield page.items
        if page.next is None:
            return
        cursor = page.next
