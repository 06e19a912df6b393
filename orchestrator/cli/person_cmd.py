"""`wallcross person`: people of a deal, one by one."""

from collections.abc import Iterable
from typing import Annotated

import typer

from orchestrator.cli import insiders, person_keys_cmd
from orchestrator.cli.completing import Person
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.people import (
    AccountView,
    EnrolmentView,
    GrantView,
    NoticeView,
    PersonView,
    SeatView,
)
from orchestrator.client.problems import Wrong

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
person_keys_cmd.add(app)
insiders.add(app)


@app.callback()
def person() -> None:
    """People of a deal, one by one."""


@app.command()
def show(ctx: typer.Context, person: Annotated[str | None, typer.Argument()] = None) -> None:
    """What is known of a person: side, what he may see, seats, accounts, keys, findings."""
    deal = named(ctx, None)
    if person is None:
        everybody, out = call(ctx.obj, lambda c: c.person_list(deal))
        out.many(everybody, _COLUMNS, "Nobody is on this deal.")
        return
    found, out = call(ctx.obj, lambda c: c.person_show(deal, person))
    out.one(found, lambda: lines(found, out))


By = Annotated[str, typer.Option(help="Who answers for it; not the person himself.")]


@app.command()
def cross(
    ctx: typer.Context,
    person: Person,
    *,
    by: By,
    reason: Annotated[str, typer.Option(help="A short code.")] = "needed",
) -> None:
    """Shows a person the insider notice of his side, in his line with us."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_cross(deal, person, by, reason), live=True)
    told = "It is on its way into his line." if found.told else "He has no line: hand it to him."
    then = "He answers there; or wallcross person ack --paper"
    out.one(found, lambda: [*lines(found.person, out), f"  {told} {then}"])


@app.command()
def agree(
    ctx: typer.Context,
    person: Person,
    *,
    as_: Annotated[str, typer.Option("--as", help="Who of his side's control room agrees.")],
) -> None:
    """Records that a person's control room agrees, before he is crossed."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_agree(deal, person, as_))
    out.one(found, lambda: lines(found, out))


@app.command()
def ack(
    ctx: typer.Context,
    person: Person,
    *,
    by: By,
    paper: Annotated[bool, typer.Option("--paper", help="You hold it, signed by him.")] = False,
) -> None:
    """Records an acknowledgement on paper; else the person answers in his own line."""
    if not paper:
        raise Wrong(
            "A person acknowledges in his own line",
            still="Nothing was changed",
            then="with a paper that he signed: --paper",
        )
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_ack(deal, person, by))
    out.one(found, lambda: lines(found, out))


@app.command()
def cleanse(
    ctx: typer.Context,
    person: Person,
    *,
    by: By,
    reason: Annotated[str, typer.Option(help="A short code, such as deal-public.")],
) -> None:
    """Records that a person ceases to be an insider; at once, he is cleared for nothing."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_cleanse(deal, person, by, reason))
    out.one(found, lambda: lines(found, out))


@app.command()
def enrol(
    ctx: typer.Context,
    person: Person,
    *,
    by: By,
    channel: Annotated[
        list[str] | None, typer.Option(help="Which channel; none: where he has no account yet.")
    ] = None,
) -> None:
    """Hands out six words for each channel, which a person sends us from his own account there."""
    deal = named(ctx, None)
    wanted = channel or []
    found, out = call(ctx.obj, lambda c: c.person_enrol(deal, person, wanted, by), live=True)
    out.one(found, lambda: _codes(found, out))


@app.command()
def attest(
    ctx: typer.Context,
    person: Person,
    account: Annotated[str, typer.Argument(help="The account, as its network writes it.")],
    *,
    by: Annotated[str, typer.Option(help="Counsel of his party, who says that it is his.")],
    channel: Annotated[str, typer.Option(help="Which channel.")],
) -> None:
    """Records counsel's word that an account is a person's; it lapses after 30 days."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_attest(deal, person, channel, account, by))
    out.one(found, lambda: lines(found, out))


def _codes(found: EnrolmentView, out: Out) -> Iterable[str]:
    yield f"{found.person}  good once each, until {out.when(found.until)}; told here only"
    for code in found.codes:
        yield f"  on {code.channel}, to {code.to}, he writes: {' '.join(code.words)}"
        yield f"    as a link: {code.link}"
    yield "  Read them out on a number that you had before, or hand them over; not in a chat."


@app.command()
def lost(
    ctx: typer.Context,
    person: Person,
    *,
    device: Annotated[str, typer.Option(help="The device, as the network names it.")],
) -> None:
    """Takes a lost device out for good; its owner keeps his seats."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.person_lost(deal, person, device), live=True)
    still = [f"  #{label} stands still until its people are verified" for label in found.paused]
    out.one(found, lambda: [f"{found.channel} {found.device}  {found.state}", *still])


_COLUMNS: Columns[PersonView] = [
    ("person", lambda p: p.person),
    ("name", lambda p: p.name),
    ("side", lambda p: p.side_name),
    ("role", lambda p: p.role),
    ("notice", lambda p: p.notice.stands.replace("_", " ")),
    ("seats", lambda p: str(len(p.seats))),
    ("stands", lambda p: "; ".join(p.barred)),
    ("findings", lambda p: str(len(p.findings) or "")),
]


def lines(found: PersonView, out: Out) -> Iterable[str]:
    """A person in one screen."""
    yield f"{found.name}  {found.role}  {found.side_name} ({found.party})"
    yield f"  id        {found.person}  {found.profile.replace('_', ' ')}"
    yield f"  notice    {_notice(found.notice, out)}"
    yield from (f"  nothing counts now: {why}" for why in found.barred)
    yield from _part("may see", [_grant(g, out) for g in found.sees], "nothing")
    seats = [_seat(seat, out) for seat in found.seats]
    yield from _part("sits", seats, "nowhere")
    yield from _part("accounts", [_account(a, out) for a in found.accounts], "none")
    told = [f"{f.severity}  {'; '.join(f.reasons)}  (next: {f.remedy})" for f in found.findings]
    yield from _part("findings", told, "none")


def _notice(notice: NoticeView, out: Out) -> str:
    instants = (
        ("agreed", notice.agreed_at),
        ("crossed", notice.crossed_at),
        ("acknowledged", notice.acknowledged_at),
        ("counts until", notice.counts_until),
        ("cleansed", notice.cleansed_at),
    )
    said = [f"{word} {out.when(at)}" for word, at in instants if at is not None]
    return "; ".join([notice.stands.replace("_", " "), *said])


def _part(title: str, rows: list[str], none: str) -> Iterable[str]:
    first, *more = rows or [none]
    yield f"  {title:<9} {first}"
    yield from (f"  {'':<9} {row}" for row in more)


def _seat(seat: SeatView, out: Out) -> str:
    since = out.when(seat.obtained_at)
    seen = f"seen since {since}" if since else "asked in, not seen there"
    return f"#{seat.label}  {seat.floor}  {seat.channel} {seat.room}  {seen}"


def _grant(grant: GrantView, out: Out) -> str:
    until = f" until {out.when(grant.until)}" if grant.until is not None else ""
    now = "" if grant.counts else "  (not now)"
    return f"{grant.compartment} up to {grant.highest}, since {out.when(grant.since)}{until}{now}"


def _account(account: AccountView, out: Out) -> str:
    keys = ", ".join(f"{count} {state}" for state, count in sorted(account.keys.items()))
    by = account.by if account.until is None else f"{account.by} until {out.when(account.until)}"
    return f"{account.channel}  {account.account}  by {by}  keys: {keys or 'none seen'}"
