"""`wallcross risk`: what could get out, why, and what is done about it; never content."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.paging import every
from orchestrator.client.problems import Missing, Wrong
from orchestrator.client.risk import FindingAnsweredView, FindingView, RiskView, RuleView
from orchestrator.clock import DAY

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Finding = Annotated[str, typer.Argument(help="Id of the finding.")]


@app.callback()
def risk() -> None:
    """What could get out."""


@app.command()
def show(ctx: typer.Context) -> None:
    """The score, its parts, and what it falls to."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.risk_show(deal))
    out.one(found, lambda: _shown(found))


def _shown(found: RiskView) -> Iterator[str]:
    yield found.says
    score = found.score
    if score is None:
        return
    yield f"Members' safety {score.members}, messages' safety {score.messages}."
    for part in score.parts:
        where = f"  {part.conversation_name}" if part.conversation_name else ""
        known = "  (known and accepted)" if part.silent else ""
        yield f"{part.n:>3}  {part.points:>4}  {part.title}{where} ({part.count}){known}"
        yield f"{'':>10}falls to {part.falls_to}"


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Closed ones of 30 days too.")] = False,
) -> None:
    """Findings, newest first, each with the fact that closes it."""
    deal = named(ctx, None)

    async def work(client: Client) -> list[FindingView]:
        pages = every(lambda cursor: client.finding_list(deal, every=all_, cursor=cursor))
        return [item async for item in pages]

    found, out = call(ctx.obj, work)
    out.each(found, lambda f: _lines(f, out), "Nothing is known that could get out.")


def _lines(found: FindingView, out: Out) -> Iterator[str]:
    where = f"  {found.conversation_name}" if found.conversation_name else ""
    yield f"{found.finding_id}  {found.severity}  {found.points}  {found.title}{where}"
    for reason in found.reasons:
        yield f"  {reason}"
    yield f"  first {out.when(found.first_seen)}, last {out.when(found.last_seen)}"
    if found.closed_at is not None:
        yield f"  closed {out.when(found.closed_at)}"
        return
    if found.accepted is not None:
        yield f"  accepted until {out.when(found.accepted.until)} by {found.accepted.by}"
    yield f"  closes when {found.closes}"
    for answer in found.answers:
        takes = "".join(f" --set-value {name}=..." for name in answer.takes)
        yield f"  {answer.title}: {answer.command}{takes}" + ("" if answer.may else "  (another)")


@app.command()
def explain(
    ctx: typer.Context,
    rule: Annotated[str | None, typer.Argument(help="A rule's name, or a finding's id.")] = None,
) -> None:
    """What a rule looks for, what it costs, and what closes it; without a name: all of them."""
    deal = named(ctx, None)

    async def work(client: Client) -> list[RuleView]:
        rules = list(await client.risk_rules(deal))
        if rule is None:
            return rules
        name = rule
        if rule.startswith("fnd_"):
            name = (await client.finding_show(deal, rule)).rule
        return [one for one in rules if one.rule == name]

    found, out = call(ctx.obj, work)
    if rule is not None and not found:
        raise Missing("There is no rule of that name", then="wallcross risk explain")
    out.each(found, _ruled, "There is no rule.")


def _ruled(rule: RuleView) -> Iterator[str]:
    yield f"{rule.rule}  {rule.severity}  {rule.points} points, {rule.figure}' safety"
    yield f"  {rule.title}."
    yield f"  Closes when {rule.closes}."
    yield f"  First the work of: {rule.owner.replace('_', ' ')}. Kept {rule.keep_days} days."
    yield f"  What can be done: {'; '.join(rule.answers)}."
    if not rule.on:
        yield "  Off until the deal's policy names it in risk_on."


@app.command()
def answer(
    ctx: typer.Context,
    finding: Finding,
    answer_: Annotated[str, typer.Argument(metavar="ANSWER", help="One that its card offers.")],
    *,
    values: Annotated[
        list[str] | None,
        typer.Option("--set-value", help="name=value, or name=@FILE, where it takes more."),
    ] = None,
    days: Annotated[int | None, typer.Option(help="With accept: for how many days.")] = None,
    because: Annotated[str | None, typer.Option(help="With accept: why.")] = None,
) -> int:
    """Does it; what closes the finding is what is seen afterwards. `accept` silences it."""
    deal, given = named(ctx, None), given_values(values or ())

    async def work(client: Client) -> FindingAnsweredView:
        if answer_ != "accept":
            return await client.finding_answer(deal, finding, answer_, given)
        if days is None or because is None:
            raise Wrong("accept takes --days and --because")
        now = (await client.risk_show(deal)).at
        return await client.finding_accept(deal, finding, until=now + days * DAY, because=because)

    found, out = call(ctx.obj, work, live=True)
    out.one(found, lambda: _answered(found))
    return 0


def given_values(values: list[str] | tuple[str, ...]) -> Mapping[str, str]:
    """What was given, by name; of ``name=@FILE`` the file's text. Raises: Wrong."""
    pairs = [value.partition("=") for value in values]
    if any(not equals for _, equals, _ in pairs):
        raise Wrong("write --set-value name=value")
    return {name: _value(value) for name, _, value in pairs}


def _value(value: str) -> str:
    """A value, or with @ the text of a file."""
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Wrong("that file cannot be read as text", then="--set-value name=@FILE") from None


def _answered(found: FindingAnsweredView) -> Iterator[str]:
    yield from found.done
    yield from (f"  {line}" for line in found.shown)
    if found.plan is not None and not found.done:
        yield f"Plan {found.plan}. Send it again with --set-value plan={found.plan}"
    yield "Closed." if found.closed else found.then
