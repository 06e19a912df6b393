"""`wallcross logout`: ends the session with a server, there and here."""

from contextlib import suppress
from typing import Annotated

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.servers import client_of, forget, known, vault_of
from orchestrator.cli.session import arun
from orchestrator.client.problems import SignInFirst

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def logout(
    ctx: typer.Context,
    server: Annotated[str | None, typer.Argument(help="None: the one of the last login.")] = None,
) -> None:
    """Ends the session there, and forgets it here."""
    vault = vault_of(ctx.obj)
    where, secret = known(vault, server)

    async def work() -> None:
        async with client_of(where, secret, ctx.obj.timeout) as client:
            with suppress(SignInFirst):  # it was over already
                await client.session_end()

    try:
        arun(work())
    finally:
        forget(vault, where)  # also where it does not answer: it ends there by itself
    Out(ctx.obj).one({"server": where}, lambda: [f"signed out of {where}"])
