"""`wallcross config`: what is set, by whom, and whether it can be used."""

import json
from collections.abc import Iterator
from typing import Any

import typer

from orchestrator.cli.adopting import roster_document
from orchestrator.cli.config_migrate import migrate, mistakes_in
from orchestrator.cli.out import Out
from orchestrator.client.problems import Unready
from orchestrator.config import ConfigInvalid, Look, Settings
from orchestrator.config.layers import flat
from orchestrator.config.mistakes import Invalid
from orchestrator.config.schema import json_schema
from orchestrator.roster.document import from_document

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
    """Tells every mistake at once, with its place and remedy, those of connectors and secrets too.

    Exit code 2: something is not well formed. 3: only secrets are missing.
    """
    seen: Look = ctx.obj.look()
    data = seen.layers.data
    wrong, lost = mistakes_in(seen)
    if wrong:
        raise ConfigInvalid(seen.file, [*wrong, *lost])
    if lost:
        raise Unready(
            f"{seen.file} names secrets that cannot be read",
            still="Nothing was changed; the rest is well formed",
            then="wallcross secret list",
            details=[str(mistake) for mistake in lost],
        )
    file = str(seen.file) if seen.there else None
    warnings = list(_warnings(ctx.obj.settings()))
    found = {
        "ok": True,
        "file": file,
        "deals": len(data.get("deals", {})),
        "channels": len(data.get("channels", {})),
        "warnings": warnings,
    }
    out = Out(ctx.obj)
    for warning in warnings:
        out.note(f"soon: {warning}")
    out.one(found, lambda: [f"ok: {file or 'defaults (there is no file)'}"])


@app.command()
def schema() -> None:
    """The JSON schema of wallcross.toml, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2))


app.command()(migrate)


def _warnings(settings: Settings) -> Iterator[str]:
    """What is well formed and yet not as it should be: rosters of real deals without notices."""
    for code, part in settings.config.deals.items():
        if part.made_up or part.roster is None:
            continue
        try:
            document = roster_document(settings, code, None)
        except Invalid:
            yield f"deals.{code}.roster cannot be used; wallcross roster import --dry-run says why"
            continue
        listed = from_document(document) if document is not None else None
        here = {p.side for p in listed.people} if listed is not None else set()
        for side in listed.sides if listed is not None else ():
            if side.side_id in here and side.notice is None:
                told = f"deals.{code}: {side.side_id} has no insider notice"
                yield f"{told}; write notices/{side.side_id}.txt beside people.csv"


def _rows(settings: Settings) -> Iterator[dict[str, Any]]:
    values = dict(flat(settings.config.model_dump(mode="json")))
    yield {"setting": "state", "value": str(settings.state), "source": "flag, variable or default"}
    for path, value in values.items():
        name = ".".join(path)
        yield {"setting": name, "value": value, "source": settings.sources.get(name, "default")}
