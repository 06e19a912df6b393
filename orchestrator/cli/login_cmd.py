"""`wallcross login`: a session with a server, by a code that is confirmed at its desk."""

import asyncio
import platform
import re
from typing import Annotated

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.servers import address, client_of, keep, vault_of
from orchestrator.cli.session import arun
from orchestrator.client.api import Client
from orchestrator.client.problems import Refused, TooOften
from orchestrator.client.sign_in import DeviceAsk, MeView

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def login(
    ctx: typer.Context,
    server: Annotated[str, typer.Argument(help="Such as https://wallcross.kestrel.example.")],
) -> None:
    """Shows a code, waits until you confirmed it at the desk, and keeps the session."""
    out, where, vault = Out(ctx.obj), address(server), vault_of(ctx.obj)

    async def work() -> tuple[MeView, str]:
        async with client_of(where, None, ctx.obj.timeout) as client:
            asked = await client.device_begin(_label())
            out.note(f"Open {asked.url} and type in {asked.shown}")
            secret = await _confirmed(client, asked)
        async with client_of(where, secret, ctx.obj.timeout) as client:
            return await client.me(), secret

    me, secret = arun(work())
    keep(vault, where, secret)
    out.one(me, lambda: [f"{me.name} at {where}, until {out.when(me.until or 0)}"])


async def _confirmed(client: Client, asked: DeviceAsk) -> str:
    """The session's secret, once its owner confirmed. Raises: Refused."""
    for _ in range(asked.lasts_s // max(1, asked.interval_s)):
        await asyncio.sleep(asked.interval_s + 0.2)
        try:
            told = await client.device_token(asked.device)
        except TooOften:
            continue
        if told.secret is not None:
            return told.secret
    raise Refused("Nobody confirmed the code in time", still="You are not signed in")


def _label() -> str:
    """This machine's name, as far as it is plain."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", platform.node())[:64] or "a-machine"
