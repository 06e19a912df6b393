"""What a shell may complete: the people of the deals that whoever types is let see.

Rules kept here:

1. People are named to whoever is signed in: the user of a home whose `serve` answers, or a session
   with the server that is asked. Everybody else is offered nothing, and told nothing.
2. A key press waits no longer than a moment, and opens no home for it.
"""

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Annotated, Any

import typer

from orchestrator.cli.globals import Globals
from orchestrator.client.api import Client

PATIENCE_S = 2.0
Offered = list[tuple[str, str]]


def people(ctx: typer.Context, incomplete: str) -> Offered:
    """Ids of people that begin so, each with his name."""
    given = ctx.find_root().params
    asked = Globals(
        json=False,
        quiet=True,
        verbose=False,
        no_input=True,
        deal=given.get("deal") or os.environ.get("WALLCROSS_DEAL"),
        config=given.get("config"),
        home=given.get("home"),
        timeout=PATIENCE_S,
        flags=(),
        server=given.get("server") or os.environ.get("WALLCROSS_SERVER"),
    )
    try:
        found = import_module("orchestrator.cli.session").arun(_people(asked))
    except Exception:  # noqa: BLE001 - whatever it is, a key press is no place to tell of it
        return []
    return [one for one in found if one[0].startswith(incomplete)]


async def _people(asked: Globals) -> Offered:
    session = import_module("orchestrator.cli.session")
    async with AsyncExitStack() as stack:
        if asked.server is not None:
            reached = await stack.enter_async_context(session.elsewhere(asked))
        else:
            reached = await stack.enter_async_context(session.serving(asked, asked.settings()))
        client: Client = reached
        deals = await client.deal_list()
        named = [d for d in deals if asked.deal in {None, d.code, d.deal_id}]
        return _once([p for d in named for p in await client.person_list(d.deal_id)])


def _once(found: Sequence[Any]) -> Offered:
    """Each person once, by id; who is on several deals has one name in each."""
    return sorted({p.person: p.name for p in found}.items())


Person = Annotated[str, typer.Argument(help="Person on the roster.", autocompletion=people)]
PersonOption = Annotated[
    str, typer.Option(help="Person on the roster in whose name it goes.", autocompletion=people)
]
