"""`wallcross secret`: secrets by reference. A value goes in by stdin or a prompt, and never out.

Rule kept here: no value is an argument, an output or a log line; `where` says which source won.
"""

import secrets
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.out import Columns, Out
from orchestrator.cli.secret_value import read_value
from orchestrator.cli.session import make_home
from orchestrator.client.dry_run import WouldDo
from orchestrator.config import Settings
from orchestrator.query.checks import references
from orchestrator.secrets.reference import parse, put, resolve
from orchestrator.secrets.secret import SecretError, SecretMissing

if TYPE_CHECKING:
    from orchestrator.secrets.port import SecretStore

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Reference = Annotated[str, typer.Argument(help="keyring:SERVICE/NAME")]
FromFile = Annotated[
    Path | None, typer.Option(help="Read it from a file; - is stdin. Else it is asked for.")
]
New = Annotated[bool, typer.Option("--random", help="32 new random bytes, for keys of our own.")]
KEY_BYTES = 32


@app.callback()
def secret() -> None:
    """Secrets by reference."""


@app.command("set")
def set_(
    ctx: typer.Context,
    reference: Reference,
    *,
    from_file: FromFile = None,
    new: New = False,
) -> None:
    """Keeps a value under a keyring reference; headless, in an owner-only file, and says so."""
    _put(ctx, reference, _random() if new else read_value(from_file))


@app.command()
def rotate(
    ctx: typer.Context,
    reference: Reference,
    *,
    from_file: FromFile = None,
    new: New = False,
) -> None:
    """Puts a new value in place of one that is there."""
    resolve(reference, _vault(ctx.obj.settings()))
    _put(ctx, reference, _random() if new else read_value(from_file))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """Every reference of the settings and whether something answers to it."""
    settings: Settings = ctx.obj.settings()
    vault = _vault(settings)
    rows = [
        {"setting": place, "reference": reference, "found": _found(reference, vault)}
        for place, reference in references(settings.config)
    ]
    columns: Columns[dict[str, str]] = [
        ("setting", lambda r: r["setting"]),
        ("reference", lambda r: r["reference"]),
        ("found", lambda r: r["found"]),
    ]
    Out(ctx.obj).many(rows, columns, "The settings name no secret.")


@app.command()
def where(ctx: typer.Context, reference: Annotated[str | None, typer.Argument()] = None) -> None:
    """Which source answers for a reference, or for each of the home's own keys; never a value."""
    vault = _vault(ctx.obj.settings())
    if reference is not None:
        scheme = parse(reference).scheme
        answer = {"reference": reference, "source": scheme, "found": _found(reference, vault)}
        Out(ctx.obj).one(answer, lambda: [f"{reference}: {answer['found']}"])
        return
    rows = list(_own(vault))
    columns: Columns[dict[str, str]] = [
        ("name", lambda r: r["name"]),
        ("source", lambda r: r["source"]),
        ("where", lambda r: r["where"]),
    ]
    Out(ctx.obj).many(rows, columns, "This home keeps no secret yet.")


def _own(vault: "SecretStore") -> Iterator[dict[str, str]]:
    for name in vault.names():
        found = vault.where(name)
        yield {"name": name, "source": found.source, "where": found.text}


def _vault(settings: Settings) -> "SecretStore":
    make_home(settings.state)
    home_id = import_module("orchestrator.wiring").home_id_of(settings.state)
    vault: SecretStore = import_module("orchestrator.secrets.home").open_secrets(
        settings.state, home_id, settings.secrets_folder
    )
    return vault


def _put(ctx: typer.Context, reference: str, value: bytes) -> None:
    if ctx.obj.dry_run:
        raise WouldDo([f"{reference} answers with the value that was given."])
    source = put(reference, value, _vault(ctx.obj.settings()))
    out = Out(ctx.obj)
    if source == "file":
        out.note("no keyring answers on this machine: it lies in an owner-only file")
    out.one({"reference": reference, "source": source}, lambda: [f"{reference}: kept ({source})"])


def _random() -> bytes:
    return secrets.token_hex(KEY_BYTES).encode()


def _found(reference: str, vault: "SecretStore") -> str:
    try:
        resolve(reference, vault)
    except SecretMissing:
        return "no"
    except SecretError as error:
        return str(error)
    return "yes"
