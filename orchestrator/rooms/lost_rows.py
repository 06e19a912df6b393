"""The rows of a room that is lost, and of those that stood in for it.

Rules kept here:

1. A row goes in the unit that states its end in the audit, and only for a room in whose place
   another is made in that unit.
2. What stood in for a lost room stands in for the one in its place: stated anew, with its owners.
"""

from dataclasses import replace

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.deals.book import DealView
from orchestrator.deals.intents import MadeRoom, Meant, room_intent
from orchestrator.deals.stated import room_body
from orchestrator.store.unit import Tx
from tiers.conversation import RoomBinding

_WHY: dict[str, Json] = {"because": "account_lost"}


def forget(tx: Tx, deal: DealView, lost: RoomBinding, at: int, actor: str) -> None:
    """Ends a lost room and its seats."""
    body = {**room_body(lost), **_WHY}
    append(tx, deal.deal_id, Kind.ROOM_REPLACED, body, at=at, actor=actor)
    tx.run("DELETE FROM seat WHERE connector = ? AND room = ?", lost.place)
    tx.run("DELETE FROM room WHERE connector = ? AND room = ?", lost.place)


def stand_in(
    tx: Tx, deal: DealView, lost: RoomBinding, made: RoomBinding, at: int, actor: str
) -> None:
    """Has the alternates of a lost room stand in for the one that took its place."""
    for other in deal.rooms.get(made.conversation_id, ()):
        if other.alternate_of != lost.place:
            continue
        body = {**room_body(other), **_WHY}
        append(tx, deal.deal_id, Kind.ROOM_REPLACED, body, at=at, actor=actor)
        tx.run(
            "UPDATE room SET alternate_connector = ?, alternate_room = ?"
            " WHERE connector = ? AND room = ?",
            (*made.place, *other.place),
        )
        was = deal.made.get(other.place, MadeRoom())
        named = deal.meant.get(made.conversation_id, Meant()).named
        now = replace(other, alternate_of=made.place)
        told = {**room_body(now), **room_intent(was.owners or (), named, gate=bool(was.gate))}
        append(tx, deal.deal_id, Kind.ROOM_CREATED, told, at=at, actor=actor)
