"""`wallcross evidence`: what is proven of each room, and the signed pack of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.archive import fetch
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.evidence import (
    ControlView,
    ConversationEvidence,
    EvidenceView,
    MemberKeyView,
    RoomEvidence,
)
from orchestrator.config.spans import words as span_words

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def evidence() -> None:
    """What is proven."""


@app.command()
def show(
    ctx: typer.Context,
    conversation: Annotated[str | None, typer.Argument(help="A label or id; else all.")] = None,
) -> int:
    """Each control of each room: grade, by whom, age; 1 when a demand is not met."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.evidence_show(deal, conversation))
    out.one(found, lambda: _lines(found, out))
    rooms = (room for one in found.conversations for room in one.rooms)
    return 0 if all(control.met for room in rooms for control in room.controls) else 1


@app.command()
def export(
    ctx: typer.Context,
    to: Annotated[Path, typer.Option("--to", help="A new folder.")],
) -> None:
    """Writes a signed pack for counsel; the pack is an entry of the record itself."""
    deal = named(ctx, None)
    fetch(ctx, to, lambda client: client.evidence_export(deal))


def _lines(found: EvidenceView, out: Out) -> Iterator[str]:
    made = " (MADE UP)" if found.made_up else ""
    yield f"{found.code}{made}, {found.phase}, as known at {out.when(found.at)}"
    if not found.live:
        yield "  rooms were not read back: no serve runs"
    yield f"  signatures count of: {', '.join(found.approvers) or 'nobody; it is not founded'}"
    waiting = sum(one.state == "open" for one in found.approvals)
    done = sum(one.state == "done" for one in found.approvals)
    yield f"  approvals: {done} done, {waiting} open; findings open: {len(found.findings)}"
    for conversation in found.conversations:
        yield from _conversation(conversation, found.at, out)


def _conversation(one: ConversationEvidence, at: int, out: Out) -> Iterator[str]:
    name = f"#{one.label}" if one.label is not None else one.conversation_id
    yield ""
    yield f"{name}  {one.floor}, {one.side or 'joint'}; journal: {one.journal or 'NONE'}"
    for because in one.against:
        yield f"  nothing goes through it: {because}"
    for room in one.rooms:
        yield from _room(room, at, out)


def _room(room: RoomEvidence, at: int, out: Out) -> Iterator[str]:
    yield f"  {room.connector} {room.room}, hosted by {room.host}"
    if room.paused is not None:
        yield f"    paused: {room.paused}"
    if room.read_at is None:
        yield "    members: not read back"
    else:
        whole = "" if room.complete else ", NOT the whole list"
        age = span_words(max(0, at - room.read_at))
        yield f"    members: {len(room.members)}, read back {age} ago{whole}"
    told = "nobody" if room.told_at is None else f"{len(room.told)}, {out.when(room.told_at)}"
    yield f"    told what the room is: {told}"
    for control in room.controls:
        yield f"    {_control(control, at)}"
    for key in room.keys:
        yield f"    {_key(key, out)}"


def _control(one: ControlView, at: int) -> str:
    value = f" {span_words(one.value)}" if one.value is not None else ""
    demanded = f"{one.demanded} is demanded" if one.demanded is not None else "not demanded"
    mark = "ok " if one.met else "NO "
    if one.evidence is None or one.at is None:
        return f"{mark} {one.guarantee}: nobody says so ({demanded})"
    said = f"{one.evidence}, {one.by or one.source}, {span_words(max(0, at - one.at))} ago"
    return f"{mark} {one.guarantee}{value}: {said} ({demanded})"


def _key(one: MemberKeyView, out: Out) -> str:
    by = f" by {' and '.join(one.by)}" if one.by else ""
    return f"key of {one.person or one.account}, {one.device}: {one.state}{by}, {out.when(one.at)}"
