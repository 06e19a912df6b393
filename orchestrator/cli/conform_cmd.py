"""`wallcross conform`: a connector of somebody's, held to the public profile of connectors."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from orchestrator.cli.out import Out
from orchestrator.client.problems import Refused, Unready

app = typer.Typer(add_completion=False, rich_markup_mode=None)
REASONS = 12
"""Reasons that are printed; the report has all."""


@app.command()
def conform(
    ctx: typer.Context,
    tests: Annotated[
        list[str] | None, typer.Argument(help="Its contract tests, as pytest takes them.")
    ] = None,
    *,
    connector: Annotated[
        str | None, typer.Option(help="Its name, as it is registered; adds grade and version.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="A new file for the report, in the form of the schema.")
    ] = None,
    show: Annotated[
        Literal["profile", "schema"] | None, typer.Option(help="Prints that, and runs nothing.")
    ] = None,
) -> int:
    """Runs a connector's contract tests; says which rules are proven, excused or failed."""
    out, wiring = Out(ctx.obj), import_module("orchestrator.wiring.conform")
    if show is not None:
        typer.echo(wiring.published(show), nl=False)
        return 0
    if report is not None and report.exists():
        raise Refused(f"{report} is there already", still="Nothing was run", then="name a new file")
    if report is not None and not report.parent.is_dir():
        then = "make it, or name another file"
        raise Refused(f"There is no folder {report.parent}", still="Nothing was run", then=then)
    found = _run(wiring, tests or ["tests"], connector)
    if report is not None:
        report.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    out.one(found, lambda: _lines(found))
    return 0 if found["conforms"] != "no" else 1


def _run(wiring: Any, tests: list[str], connector: str | None) -> dict[str, Any]:
    try:
        found: dict[str, Any] = asyncio.run(wiring.conform(tests, connector, Path.cwd()))
    except LookupError as error:
        still, then = "Nothing was run", "wallcross channel list, or leave --connector out"
        raise Unready(str(error), still=still, then=then) from None
    return found


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for suite in found["suites"]:
        yield f"{suite['suite']}  {suite['connector_class'] or 'no connector was made'}"
        for rule in suite["rules"]:
            yield f"  {rule['state']:<13} {rule['rule']}{_counted(rule)}"
    reasons = [*_reasons(found)]
    yield from reasons[:REASONS]
    if len(reasons) > REASONS:
        yield f"  and {len(reasons) - REASONS} more: --report FILE has all"
    for test in found["strangers"]:
        yield f"  no rule of version {found['version']} knows {test}"
    yield _verdict(found)


def _counted(rule: dict[str, Any]) -> str:
    many = Counter(one["outcome"] for one in rule["tests"])
    told = ", ".join(f"{count} {outcome}" for outcome, count in many.items())
    return f"  ({told})"


def _reasons(found: dict[str, Any]) -> Iterator[str]:
    for suite in found["suites"]:
        for rule in suite["rules"]:
            for one in rule["tests"]:
                if one["outcome"] in {"failed", "not run", "excused"}:
                    yield f"  {one['outcome']}: {one['test']}: {one['reason']}"


def _verdict(found: dict[str, Any]) -> str:
    if not found["suites"]:
        return "No test of the contract was found: subclass connectors.testing's ConnectorContract"
    words = {
        "yes": "conforms to profile version",
        "with excuses": "conforms, with the excuses above, to profile version",
        "no": "does NOT conform to profile version",
    }
    return f"{words[found['conforms']]} {found['version']}"
