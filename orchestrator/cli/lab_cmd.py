"""`wallcross lab`: stand-ins of networks on this machine, for trying out without an account.

Rule kept here: loopback only, nobody real on the other side, and what runs says so.
"""

from importlib import import_module
from typing import Annotated

import typer

from orchestrator.cli.out import Out

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def lab() -> None:
    """Stand-ins of networks."""


@app.command()
def signal(
    ctx: typer.Context,
    *,
    port: Annotated[int, typer.Option(help="Of the REST server; 0: any.")] = 0,
    control: Annotated[int, typer.Option(help="Of the far side's hand; 0: any.")] = 0,
    webhook: Annotated[str, typer.Option(help="Where received messages are posted.")] = "",
    mode: Annotated[str, typer.Option(help="json-rpc or normal.")] = "json-rpc",
    release: Annotated[str, typer.Option(help="0.100 or 0.101.")] = "0.101",
) -> None:
    """Signal's REST server with people behind it; docs/lab.md says what it is like."""
    Out(ctx.obj).note("A stand-in: nothing here is Signal, and nobody is real. Ctrl-C ends it.")
    given = {"--port": port, "--control": control, "--webhook": webhook, "--mode": mode}
    options = [f"{name}={value}" for name, value in (given | {"--version": release}).items()]
    import_module("orchestrator.wiring.lab").signal(options)
