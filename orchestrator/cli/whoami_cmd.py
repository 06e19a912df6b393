"""`wallcross whoami`: who you are at a server, and in which deals."""

from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.servers import client_of, known, vault_of
from orchestrator.cli.session import arun
from orchestrator.client.sign_in import MeView

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def whoami(
    ctx: typer.Context,
    server: Annotated[str | None, typer.Argument(help="None: the one of the last login.")] = None,
) -> None:
    """Who you are there; ends with 4 when you are not signed in."""
    out = Out(ctx.obj)
    where, secret = known(vault_of(ctx.obj), server)

    async def work() -> MeView:
        async with client_of(where, secret, ctx.obj.timeout) as client:
            return await client.me()

    me = arun(work())
    out.one(me, lambda: _lines(me, where, out))


def _lines(me: MeView, where: str, out: Out) -> Iterator[str]:
    yield f"{me.name} at {where}, until {out.when(me.until or 0)}"
    for deal in me.deals:
        yield f"{deal.code}: {', '.join(deal.roles).replace('_', ' ')}"
