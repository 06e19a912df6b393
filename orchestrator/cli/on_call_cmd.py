"""`wallcross on-call`: who is told that something needs somebody, in which order, by which ways."""

from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.session import call
from orchestrator.client.notify import AlertView, NewOnCall, OnCallView
from orchestrator.client.problems import Wrong

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
WORDS = {
    "held": "a held message",
    "deadline": "a deadline that is near",
    "request": "a request that waits",
    "channel": "a channel that is down",
    "finding": "a serious finding",
}
WAYS = {"push": "browser", "line": "private line", "mail": "mail", "webhook": "webhook"}
STATES = {
    "queued": "waits",
    "started": "under way",
    "sent": "told",
    "dead": "did not reach",
    "settled": "not needed any more",
}


@app.callback()
def on_call() -> None:
    """Who is told that something needs somebody."""


@app.command()
def show(ctx: typer.Context) -> None:
    """The list, in its order."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.on_call_show(deal))
    out.many(found, _columns(), f"Nobody is told. Next: wallcross on-call set --deal {deal} PERSON")


@app.command("set")
def set_(
    ctx: typer.Context,
    people: Annotated[
        list[str], typer.Argument(help="PERSON or PERSON:push,line,mail, in their order.")
    ],
    *,
    mail: Annotated[list[str] | None, typer.Option(help="PERSON=ADDRESS")] = None,
    quiet_hours: Annotated[list[str] | None, typer.Option(help="PERSON=22:00-07:00")] = None,
    zone: Annotated[list[str] | None, typer.Option(help="PERSON=Europe/Berlin")] = None,
) -> None:
    """Puts a whole list in the place of the one before; of a plain PERSON: his private line.

    The first is told at once, the next after 5 minutes, everybody after 15. Quiet hours never
    cover a held message.
    """
    deal = named(ctx, None)
    mails, hours, zones = (_pairs(said) for said in (mail, quiet_hours, zone))
    home = ctx.obj.settings().config.home.time_zone
    listed = [_one(word, mails, hours, zones, home) for word in people]
    strangers = {*mails, *hours, *zones} - {p.person for p in listed}
    if strangers:
        raise Wrong(f"{min(strangers)} is not on the list", still="Nothing was changed")
    found, out = call(ctx.obj, lambda c: c.on_call_set(deal, listed))
    out.many(found, _columns(), "Nobody is told.")


@app.command()
def alerts(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
) -> None:
    """What needs somebody, who was told of it, and who is next."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.alert_list(deal, every=every))
    if out.json or not found:
        out.many(found, [("alert", lambda a: a.alert)], "Nothing needs anybody.")
        return
    for alert in found:
        out.one(alert, lambda alert=alert: list(_told(alert, out)))  # type: ignore[misc]  # bound at once


@app.command()
def answer(ctx: typer.Context, alert: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Says that you see to it: nobody else is told."""
    deal = named(ctx, None)
    _, out = call(ctx.obj, lambda c: c.alert_answer(deal, alert))
    out.one({"alert": alert, "answered": True}, lambda: ["Nobody else is told of it."])


def _pairs(said: list[str] | None) -> dict[str, str]:
    found = dict(word.partition("=")[::2] for word in said or ())
    if not all(found.values()):
        raise Wrong("Write PERSON=VALUE", still="Nothing was changed")
    return found


def _one(
    word: str, mails: dict[str, str], hours: dict[str, str], zones: dict[str, str], home: str
) -> NewOnCall:
    person, _, ways = word.partition(":")
    listed = tuple(way for way in ways.split(",") if way) or ("line",)
    return NewOnCall(
        person=person,
        ways=listed,
        mail=mails.get(person),
        quiet=hours.get(person),
        zone=zones.get(person, home),
    )


def _columns() -> Columns[OnCallView]:
    return [
        ("person", lambda p: p.person),
        ("by", lambda p: ", then ".join(WAYS[way] for way in p.ways)),
        ("mail", lambda p: p.mail or ""),
        ("browsers", lambda p: str(p.browsers) if p.browsers else ""),
        ("quiet", lambda p: f"{p.quiet} {p.zone}" if p.quiet else ""),
        ("", lambda p: "" if p.told else "left or paused: told nothing"),
    ]


def _told(alert: AlertView, out: Out) -> Iterator[str]:
    yield f"{out.when(alert.opened_at)}  {WORDS[alert.kind]}  {_now(alert, out)}  {alert.alert}"
    for send in alert.sends:
        again = ", perhaps twice" if send.again else ""
        why = f" ({send.code})" if send.state in {"queued", "dead"} and send.code else ""
        who, way = send.person or "the webhook", WAYS[send.way]
        yield f"    {out.when(send.at)}  {STATES[send.state]}: {who}, by {way}{again}{why}"


def _now(alert: AlertView, out: Out) -> str:
    if alert.settled_at is not None:
        return f"settled {out.when(alert.settled_at)}"
    if alert.answered_at is not None:
        return f"{alert.answered_by} sees to it"
    if alert.next_at is None:
        return "everybody was told"
    return f"open; the next is told {out.when(alert.next_at)}"
