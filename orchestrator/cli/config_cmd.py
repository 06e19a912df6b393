"""`wallcross config`: what is set, by whom, and whether it can be used."""

import json
from collections.abc import Iterator
from typing import Any

import typer

from orchestrator.cli.out import Out
from orchestrator.config import Settings
from orchestrator.config.layers import flat
from orchestrator.config.schema import json_schema

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def config() -> None:
    """Settings."""


@app.command()
def show(ctx: typer.Context) -> None:
    """Every setting with its value and who named it: flag, variable, file or default."""
    settings = ctx.obj.settings()
    rows = list(_rows(settings))
    out = Out(ctx.obj)
    columns = [(name, lambda r, n=name: str(r[n])) for name in ("setting", "value", "source")]
    out.many(rows, columns, "nothing is set")


@app.command()
def validate(ctx: typer.Context) -> None:
    """Tells every mistake at once, with its place and remedy; exit code 2 if there is one."""
    settings: Settings = ctx.obj.settings()
    found = {
        "ok": True,
        "file": None if settings.file is None else str(settings.file),
        "deals": len(settings.config.deals),
        "channels": len(settings.config.channels),
    }
    where = settings.file or "defaults (there is no file)"
    Out(ctx.obj).one(found, lambda: [f"ok: {where}"])


@app.command()
def schema() -> None:
    """The JSON schema of wallcross.toml, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2))


def _rows(settings: Settings) -> Iterator[dict[str, Any]]:
    values = dict(flat(settings.config.model_dump(mode="json")))
    yield {"setting": "state", "value": str(settings.state), "source": "flag, variable or default"}
    for path, value in values.items():
        name = ".".join(path)
        yield {"setting": name, "value": value, "source": settings.sources.get(name, "default")}
