"""`wallcross lab`: stand-ins of networks on this machine, for trying out without an account.

Rule kept here: loopback only, nobody real on the other side, and what runs says so.
"""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.out import Out
from orchestrator.client.problems import Refused, Unready

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def lab() -> None:
    """Stand-ins of networks."""


@app.command()
def signal(
    ctx: typer.Context,
    *,
    backend: Annotated[str, typer.Option(help="rest or json-rpc.")] = "rest",
    port: Annotated[int, typer.Option(help="Of the program stood in for; 0: any.")] = 0,
    control: Annotated[int, typer.Option(help="Of the far side's hand; 0: any.")] = 0,
    webhook: Annotated[str, typer.Option(help="Where received messages are posted.")] = "",
    mode: Annotated[str, typer.Option(help="Of rest: json-rpc or normal.")] = "json-rpc",
    release: Annotated[str, typer.Option(help="Of rest: 0.100 or 0.101.")] = "0.101",
    receive_mode: Annotated[
        str, typer.Option(help="Of json-rpc: on-start or on-connection.")
    ] = "on-start",
) -> None:
    """Signal's server programs with people behind them; docs/lab.md says what they are like."""
    Out(ctx.obj).note("A stand-in: nothing here is Signal, and nobody is real. Ctrl-C ends it.")
    given = {"--port": port, "--control": control, "--webhook": webhook, "--mode": mode}
    given |= {"--version": release, "--backend": backend, "--receive-mode": receive_mode}
    options = [f"{name}={value}" for name, value in given.items()]
    import_module("orchestrator.wiring.lab").signal(options)


@app.command()
def wickr(
    ctx: typer.Context,
    *,
    port: Annotated[int, typer.Option(help="Of the web interface; 0: any.")] = 0,
    control: Annotated[int, typer.Option(help="Of the far side's hand; 0: any.")] = 0,
    folder: Annotated[str, typer.Option(help="Attachments folder of the bot's host.")] = "",
    modify: Annotated[
        str, typer.Option(help="Of a room's lists: replace, add, ignore.")
    ] = "replace",
    on_failure: Annotated[str, typer.Option(help="Of a callback: lose, queue.")] = "lose",
) -> None:
    """Wickr's web interface with people behind it; docs/lab.md says what it is like."""
    Out(ctx.obj).note("A stand-in: nothing here is Wickr, and nobody is real. Ctrl-C ends it.")
    given = {"--port": port, "--control": control, "--folder": folder, "--modify": modify}
    options = [f"{name}={value}" for name, value in (given | {"--on-failure": on_failure}).items()]
    import_module("orchestrator.wiring.lab").wickr(options)


@app.command()
def office(
    ctx: typer.Context, to: Annotated[Path, typer.Option("--to", help="A new folder for it.")]
) -> None:
    """A Matrix homeserver, a mail server and twelve made-up people; docs/first-hour.md uses it."""
    out = Out(ctx.obj)
    if to.exists() and any(to.iterdir()):
        raise Refused(f"{to} is not empty", still="Nothing was started", then="name a new folder")
    out.note("An office of made-up people, on this machine alone. Ctrl-C closes it.")
    out.note("Opening takes some seconds, on a busy machine a minute.")

    def ready(found: Mapping[str, str]) -> None:
        typer.echo(json.dumps(found) if out.json else "\n".join(_where(found)))

    try:
        import_module("orchestrator.demo.office").office(to, out.note, ready)
    except RuntimeError as error:
        raise Unready(str(error), still="Nothing runs", then="make env") from None


def _where(found: Mapping[str, str]) -> list[str]:
    return [
        f"homeserver    {found['homeserver']}",
        f"channels      {found['channels']}  (add it to wallcross.toml)",
        f"roster        {found['roster']}  (twelve people: wallcross roster import)",
        f"adviser's key {found['adviser']}  (wallcross key add)",
        f"our key       put what `wallcross key export` writes to {found['ours_goes_to']}",
        f"screens       {found['screens']}  (what each person's program shows)",
    ]
