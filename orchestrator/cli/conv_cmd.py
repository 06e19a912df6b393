"""`wallcross conv`: conversations and their rooms, as read back."""

from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.conversing import Closed, TierChange, tier_of
from orchestrator.client.problems import Partly, Wrong
from orchestrator.client.views import (
    ConversationView,
    GuaranteeView,
    NewConversation,
    NewRoom,
    RoomView,
)
from orchestrator.config.spans import microseconds, words

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only says what it would come to.")]
Name = Annotated[str, typer.Argument(help="Label or id.")]


@app.callback()
def conv() -> None:
    """Conversations."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """All conversations of a deal."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.conv_list(deal))
    columns = [
        ("conversation", lambda c: c.label or c.conversation_id),
        ("tier", lambda c: c.floor),
        ("compartment", lambda c: c.compartment),
        ("side", lambda c: c.side or "joint"),
        ("rooms", lambda c: ", ".join(map(_short, c.rooms))),
        ("state", lambda c: c.state),
    ]
    out.many(found, columns, "There is no conversation yet. Next: wallcross conv new LABEL")


@app.command()
def new(
    ctx: typer.Context,
    label: Annotated[str, typer.Argument(help="What people call it and write after #.")],
    *,
    tier: Annotated[str, typer.Option(help="coordination, operations or valuation.")],
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Where people sit: on the first that they are on; none: the policy's."),
    ] = None,
    owner: Annotated[list[str], typer.Option(help="Person who is admin beside our account.")],
    compartment: Annotated[str, typer.Option(help="Its need-to-know set.")] = "deal",
    side: Annotated[str | None, typer.Option(help="Private to this side; else joint.")] = None,
    member: Annotated[
        list[str] | None, typer.Option(help="Person; none: everybody whom the roster clears.")
    ] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Only our account posts (relay).")] = False,
) -> None:
    """Makes its rooms, hardens them, invites from the adopted roster and reads back."""
    deal, channels = named(ctx, None), channel or []
    asked = NewConversation(
        label=label,
        floor=tier,
        channel=channels[0] if channels else None,
        also=tuple(channels[1:]),
        owner=owner[0],
        owners=tuple(owner[1:]),
        compartment=compartment,
        side=side,
        members=None if member is None else tuple(member),
        gate=gate,
    )
    found, out = call(ctx.obj, lambda c: c.conv_new(deal, asked), live=True)
    out.one(found, lambda: _lines(found, out))


rooms = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(rooms, name="room", help="Rooms of a conversation.")


@rooms.command()
def add(
    ctx: typer.Context,
    name: Name,
    *,
    channel: Annotated[str, typer.Option(help="A channel of the settings.")],
    owner: Annotated[
        list[str] | None, typer.Option(help="Person who is admin beside our account.")
    ] = None,
    member: Annotated[
        list[str] | None, typer.Option(help="Person; none: whoever is cleared, there, unseated.")
    ] = None,
    alternate_of: Annotated[
        str | None, typer.Option(help="Room that it stands in for, with exactly its people.")
    ] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Only our account posts (relay).")] = False,
) -> None:
    """Gives a conversation seats on one more channel, or a room an alternate."""
    deal = named(ctx, None)
    asked = NewRoom(
        channel=channel,
        owners=tuple(owner or ()),
        members=None if member is None else tuple(member),
        gate=gate,
        alternate_of=alternate_of,
    )
    found, out = call(ctx.obj, lambda c: c.conv_room_add(deal, name, asked), live=True)
    out.one(found, lambda: _lines(found, out))


@app.command()
def show(ctx: typer.Context, name: Name) -> None:
    """One conversation: its rooms, members and guarantees with their evidence."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.conv_show(deal, name), live=True)
    out.one(found, lambda: _lines(found, out))


@app.command()
def attest(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(help="Room id, label or id of the conversation.")],
    guarantee: Annotated[str, typer.Argument(help="Such as timer.")],
    value: Annotated[str | None, typer.Argument(help="For timer: its length, such as 7d.")] = None,
    *,
    by: Annotated[str, typer.Option(help="Person who saw it on his own device.")],
) -> None:
    """Records that a named person saw a guarantee; it lapses after 30 days."""
    deal, length = named(ctx, None), _length(value)
    found, out = call(ctx.obj, lambda c: c.conv_attest(deal, room, guarantee, length, by=by))
    out.one(found, lambda: _lines(found, out))


@app.command()
def pause(
    ctx: typer.Context,
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="Why; members are told if serve runs.")],
) -> None:
    """Stops what we send there; what people write directly goes on."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.conv_pause(deal, name, reason))
    out.one(found, lambda: _lines(found, out))


@app.command()
def resume(ctx: typer.Context, name: Name) -> None:
    """Lets it go on where a fresh reading allows it."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.conv_resume(deal, name), live=True)
    out.one(found, lambda: _lines(found, out))


@app.command()
def tier(
    ctx: typer.Context,
    name: Name,
    stricter: Annotated[
        str | None, typer.Argument(metavar="TIER", help="Left out: says what it counts as.")
    ] = None,
    *,
    by: Annotated[str | None, typer.Option(help="Person on whose word it is raised.")] = None,
    dry_run: DryRun = False,
) -> None:
    """What it counts as at least; with a stricter tier, raises it, and nothing lowers it again."""
    deal = named(ctx, None)
    if stricter is None:
        shown, out = call(ctx.obj, lambda c: c.conv_show(deal, name))
        out.one(tier_of(shown), lambda: [f"#{shown.label or shown.conversation_id}  {shown.floor}"])
        return
    word, person = stricter, by
    if person is None:
        raise Wrong("Somebody raises it: --by PERSON is needed", still="Nothing was changed")
    found, out = call(
        ctx.obj, lambda c: c.conv_tier(deal, name, word, by=person, only_look=dry_run), live=True
    )
    out.one(found, lambda: _raised(found, dry_run=dry_run))
    if found.uncleared or found.strangers:
        out.note("next: wallcross plan, which puts out who may not read there")


@app.command()
def close(
    ctx: typer.Context,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for its name.")] = False,
    even_waiting: Annotated[
        bool, typer.Option("--even-waiting", help="Also where something waits; it is held then.")
    ] = False,
    dry_run: DryRun = False,
) -> int:
    """Ends it, for good: nothing is taken any more, everybody is put out; 7 while not confirmed."""
    deal, out = named(ctx, None), Out(ctx.obj)
    if not (yes or dry_run):
        typed = out.ask(f"Nobody opens it again. Type {name} to close it", "--yes")
        if typed.removeprefix("#") != name.removeprefix("#"):
            raise Wrong("That is not its name", still="It is open, as it was")
    found, out = call(
        ctx.obj,
        lambda c: c.conv_close(deal, name, even_waiting=even_waiting, only_look=dry_run),
        live=not dry_run,
    )
    out.one(found, lambda: _closed(found))
    return Partly.exit_code if found.state == "closing" else 0


def _raised(found: TierChange, *, dry_run: bool) -> Iterator[str]:
    name = found.label or found.conversation_id
    if found.was == found.floor:
        yield f"#{name} counts as {found.floor} already"
    elif dry_run:
        yield f"#{name} would count as {found.floor}; it counts as {found.was}"
    else:
        yield f"#{name} counts as {found.floor} from now on; it counted as {found.was}"
    for person in found.uncleared:
        yield f"  not cleared, and in: {person}"
    for account in found.strangers:
        yield f"  not on the list, and in: {account}"
    for because in found.against:
        yield f"  held   {because}"


def _closed(found: Closed) -> Iterator[str]:
    yield f"#{found.label or found.conversation_id}  {found.state}"
    waits = (
        (found.queued, "on the way"),
        (found.held, "held"),
        (found.unrouted, "to be looked at"),
    )
    if any(count for count, _ in waits):
        yield f"  waits  {', '.join(f'{n} {what}' for n, what in waits if n)}"
    for room in found.rooms:
        yield f"  room   {room.room}  {room.connector}  {room.state}"
        if room.how is not None:
            yield f"    {_HOW[room.how]}; {room.out} seen gone"
        elif room.why is not None:
            yield f"    {room.why}; {room.still} may be in; it is tried again"


_HOW = {
    "left": "everybody is out, and so are we",
    "alone": "everybody is out; our account stays in it alone",
    "gone": "the network has us in it no more",
    "mailing": "nothing is mailed to its reader any more",
}


def _length(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return int(str(microseconds(value)))
    except ValueError as error:
        raise Wrong(f"That is no length: {error}", still="Nothing was recorded") from None


def _short(room: RoomView) -> str:
    return f"{room.connector}{' (paused)' if room.paused else ''}"


def _lines(found: ConversationView, out: Out) -> Iterator[str]:
    joint = f"private to {found.side}" if found.side else "joint"
    yield f"{found.label or found.conversation_id}  {found.floor}  {joint}  {found.compartment}"
    yield f"  id     {found.conversation_id}"
    for because in found.against:
        yield f"  held   {because}"
    if len(found.rooms) > 1 and found.guarantees:
        yield "  all its rooms together promise"
        yield from _promises(found.guarantees, out)
    for room in found.rooms:
        yield from _room(room, out)
    for told in found.told:
        yield f"  not asked in: {told}"


def _room(room: RoomView, out: Out) -> Iterator[str]:
    yield f"  room   {room.room}  {room.connector}  {room.mode or 'not read yet'}  on {room.host}"
    if room.alternate_of:
        yield f"    stands in for {room.alternate_of}"
    if room.paused:
        yield f"    paused: {room.paused}"
    if room.members is not None:
        whole = "" if room.complete else " (the list is not whole)"
        count = len(room.members)
        people = "1 person" if count == 1 else f"{count} people"
        yield f"    {people}{whole}, read {out.when(room.read_at)}"
    for stranger in room.strangers:
        yield f"    not on the list: {stranger}"
    yield from _promises(room.guarantees, out)


def _promises(guarantees: tuple[GuaranteeView, ...], out: Out) -> Iterator[str]:
    for held in guarantees:
        value = f" {words(held.value)}" if held.value is not None else ""
        by = f" by {held.by}" if held.by else ""
        known = f"{held.evidence}{by}, {held.source}, {out.when(held.at)}"
        yield f"    {held.guarantee}{value}: {known}"
