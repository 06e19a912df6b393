"""`wallcross apply`: carries out exactly the plan that was shown."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.plan_lines import done_line, plan_lines
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.plans import DoneLine
from orchestrator.client.problems import Partly, Wrong

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def apply(
    ctx: typer.Context,
    plan: Annotated[
        str | None, typer.Argument(help="The plan: digits of its hash, or its file.")
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Removals first; says of each act whether it was seen. Ends with 7 where it was not of all."""
    deal, out = named(ctx, None), Out(ctx.obj)
    name, document = _named(plan)
    if name is None:
        found, out = call(ctx.obj, lambda c: c.plan(deal), live=True)
        if not found.acts:
            out.one(found, lambda: plan_lines(found, None))
            return 0
        for line in plan_lines(found, None):
            out.note(line)
        name, document = found.hash, found.document
    if not out.agreed(f"Carry out plan {name[:8]} now?", yes=yes):
        return 1

    def told(done: DoneLine) -> None:
        out.note(done_line(done))

    return _applied(ctx, deal, name, document, told)


def _applied(
    ctx: typer.Context,
    deal: str,
    name: str,
    document: str | None,
    told: Callable[[DoneLine], None],
) -> int:
    async def work(client: Client) -> list[DoneLine]:
        done = []
        async for each in client.plan_apply(deal, name, document):
            told(each)
            done.append(each)
        return done

    done, out = call(ctx.obj, work, live=True)
    counts = {o: sum(d.outcome == o for d in done) for o in ("seen", "not_confirmed", "refused")}
    result = {"plan": name, **counts, "acts": [asdict(each) for each in done]}
    left = len(done) - counts["seen"]
    words = "Done." if not left else "Partly done: the same plan again does the rest."
    counted = (
        f"{counts['seen']} seen, {counts['not_confirmed']} requested and not confirmed, "
        f"{counts['refused']} not done. {words}"
    )
    out.one(result, lambda: [counted])
    return Partly.exit_code if left else 0


def _named(plan: str | None) -> tuple[str | None, str | None]:
    """A plan's hash, and its document where a file was named. Raises: Wrong."""
    if plan is None or not Path(plan).is_file():
        return plan, None
    try:
        kept = json.loads(Path(plan).read_text("utf-8"))
        return str(kept["hash"]), str(kept["document"])
    except (ValueError, KeyError, TypeError):
        raise Wrong(
            f"{plan} holds no plan", still="Nothing was done.", then="wallcross plan --to FILE"
        ) from None
