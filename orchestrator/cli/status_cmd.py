"""`wallcross status`: does anything need me?"""

from collections.abc import Iterator

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.views import ChannelView, DealStatus, Status

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
TIERS = ("valuation", "operations", "coordination")


@app.command()
def status(ctx: typer.Context) -> None:
    """The overview in one screen; its first line is the answer."""
    found, out = call(ctx.obj, lambda c: c.status())
    out.one(found, lambda: lines(found, out))


def lines(found: Status, out: Out) -> Iterator[str]:
    """The overview in words."""
    yield f"{verdict(found)}  (checked {out.when(found.at)}, {hosted(found.host)})"
    for number, need in enumerate(found.needs, 1):
        yield f"  {number}  {need.text}  {need.then}"
    for deal in found.deals:
        yield from _deal(deal)
    for channel in found.channels:
        yield _channel(channel, out)


def verdict(found: Status) -> str:
    """The answer in a sentence. What cannot be told is never called good."""
    if not found.clock_trusted:
        return "We cannot tell right now: the clock is not trusted. What would be allowed is held."
    if not found.serving:
        return "Nothing is sent now: no serve runs."
    wanting = list(_wanting(found))
    if wanting:
        total = sum(count for count, _ in wanting)
        many = "thing needs" if total == 1 else "things need"
        kinds = ", ".join(said for _, said in wanting)
        return f"{_number(total)} {many} you: {kinds}. Everything else is where it should be."
    return "Nothing needs you."


def hosted(host: str) -> str:
    """Who runs this home, in words."""
    return "made-up deals only" if host == "made-up" else f"hosted by {host}"


def _number(count: int) -> str:
    """A count at the beginning of a sentence, as the Overview of the desk says it."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _wanting(found: Status) -> Iterator[tuple[int, str]]:
    """Everything that waits for a person, counted by its kind, with that in words."""
    counts = (
        (len(found.needs), "finding", "findings"),
        (sum(d.held for d in found.deals), "held message", "held messages"),
        (sum(d.possibly for d in found.deals), "possibly delivered", "possibly delivered"),
        (sum(d.dead for d in found.deals), "dead message", "dead messages"),
        (
            sum(c.state != "up" for c in found.channels),
            "channel that is not up",
            "channels that are not up",
        ),
    )
    for count, one, many in counts:
        if count:
            yield count, f"{count} {one if count == 1 else many}"


def _deal(deal: DealStatus) -> Iterator[str]:
    made_up = " · made up" if deal.made_up else ""
    yield f"{deal.code} · {deal.phase}{made_up} · {deal.people} people"
    for tier in TIERS:
        yield f"  {tier.capitalize():<13} {deal.today.get(tier, 0):>5} today"
    yield (
        f"  {deal.waiting} waiting, {deal.held} held, {deal.possibly} possibly delivered, "
        f"{deal.dead} dead"
    )


def _channel(channel: ChannelView, out: Out) -> str:
    if channel.again_at is not None and channel.state == "closed":
        again = f"trying again at {out.when(channel.again_at)}"
        return f"{channel.name}: closed ({channel.why}), {again}, {channel.queued} queued"
    why = f" ({channel.why})" if channel.why else ""
    return f"{channel.name}: {channel.state}{why}, proven {channel.grade}, {channel.queued} queued"
