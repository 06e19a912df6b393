"""What the guard asks of a conversation's rooms together, where it has several.

Rules kept here:

1. Seats and the policy's word on mirroring are asked again before the wire. Other rooms count as
   last read whole: whether they answer at this instant does not stop this one.
2. An alternate is sent to only while it holds all that its room promises, and exactly its people.
3. A room and its alternate never both: whatever may have begun in one keeps the other from it.
"""

from orchestrator.clock import Clock
from orchestrator.deals.book import DealView
from orchestrator.flow.port import ReadsRooms
from orchestrator.outbox.item import Item
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place, RoomBinding
from tiers.decision import Decision, Effect, Reason, all_of
from tiers.ids import ConnectorName, RoomId, RuleId
from tiers.routing import Placed, RoomView, decide_together, stands_in


class Whole:
    """Decides about one room of a conversation in the light of its others.

    Args:
        rooms: tells how they were last read.
        store: for where the message went.
        now: the clock.
    """

    def __init__(self, rooms: ReadsRooms, store: Store, now: Clock) -> None:
        self._rooms = rooms
        self._store = store
        self._now = now

    async def decide(self, item: Item, deal: DealView, placed: Placed, view: RoomView) -> Decision:
        """Whether ``item`` may go to the room of ``view`` beside what else its message does."""
        bindings = deal.rooms.get(placed.conversation.conversation_id, ())
        if len(bindings) < 2:  # noqa: PLR2004 - one room has no others
            return _fine("it has one room")
        here = view.binding
        others = [await self._rooms.last_seen(b) for b in bindings if b.place != here.place]
        together = decide_together((view, *others), placed, deal.roster, deal.policy)
        return all_of((together, await self._alternate(item, deal, view, others)))

    async def _alternate(
        self, item: Item, deal: DealView, view: RoomView, others: list[RoomView]
    ) -> Decision:
        group = [other for other in others if _primary(other.binding) == _primary(view.binding)]
        if not group:
            return _fine("it has no alternate")
        places = {other.binding.place for other in group}
        if await self._store.read(lambda tx: _elsewhere(tx, item, places)):
            because = "it went, or may have gone, to the room that this one is an alternate to"
            return Decision((Reason(RuleId("alternate"), Effect.HOLD, because),))
        if view.binding.alternate_of is None:
            return _fine("it is the room itself")
        primary = next((o for o in group if o.binding.place == view.binding.alternate_of), None)
        if primary is None:
            return Decision()
        return stands_in(view, primary, deal.roster, at=self._now())


def _primary(binding: RoomBinding) -> Place:
    return binding.alternate_of or binding.place


def _elsewhere(tx: Tx, item: Item, places: set[Place]) -> bool:
    """Whether another delivery of the message in one of the rooms began, or is about to."""
    rows = tx.all(
        "SELECT connector, room FROM delivery WHERE message_id = ? AND delivery_id <> ? "
        "AND kind = 'send' AND (possibly OR state IN ('queued', 'started', 'done', 'possibly'))",
        (item.message_id, item.delivery_id),
    )
    return any((ConnectorName(c), RoomId(r)) in places for c, r in rows)


def _fine(because: str) -> Decision:
    return Decision((Reason(RuleId("seat"), Effect.ALLOW, because),))
