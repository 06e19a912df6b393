"""Moves what waits for a room that fails on to the room's alternate.

Rules kept here:

1. Only what certainly never left: queued, and no attempt of it in doubt. What was started stays in
   its room, where it is settled or marked.
2. The route decides again, on facts read now. A room into which something was tried in vain counts
   as failing for what waited so long, also if it can be read.
3. The delivery to the room ends in the unit that begins the one to the alternate.
4. A copy of a formal document waits for its reader's own room: it goes nowhere else instead.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import MINUTE, Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.flow.plan import Waiting, Writer
from orchestrator.outbox import rows
from orchestrator.outbox.marks import DELIVERY_COLUMNS, Target, is_planted
from orchestrator.outbox.port import OURS
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.conversation import Place
from tiers.ids import ConnectorName, ConversationId, DealId, RoomId
from tiers.routing import Held, Leg, Placed, Route
from tiers.tier import Tier

PATIENCE: Final = 2 * MINUTE
"""For how long a room may fail before what waits for it goes to its alternate."""
_MOST: Final = 64
_WAITS = f"""
SELECT {DELIVERY_COLUMNS.format("d")}, d.mark,
    EXISTS (SELECT 1 FROM delivery h
        WHERE h.lane = d.lane AND h.state = 'queued' AND h.attempts AND h.seq <= d.seq)
FROM delivery d JOIN message m USING (message_id)
WHERE d.state = 'queued' AND NOT d.possibly AND d.kind = 'send' AND m.state = 'delivering'
    AND m.connector <> ? AND m.accepted_at < ? AND NOT EXISTS (
        SELECT 1 FROM document f WHERE f.message_id = d.message_id) AND (d.connector, d.room) IN (
        SELECT alternate_connector, alternate_room FROM room WHERE alternate_room IS NOT NULL)
ORDER BY d.lane, d.seq LIMIT ?"""  # noqa: S608 - our own columns


@dataclass(frozen=True, slots=True)
class _Waits:
    """A delivery that waits for a room which has an alternate."""

    delivery_id: str
    message_id: str
    deal_id: str
    conversation_id: str
    as_tier: str
    connector: str
    room: str
    tried: bool
    """It, or what stands before it in its lane, was tried and did not get out."""

    @property
    def place(self) -> Place:
        return ConnectorName(self.connector), RoomId(self.room)


def _waiting(tx: Tx, late: int) -> list[_Waits]:
    """What waits since ``late``; a delivery that this home did not write moves nowhere."""
    found = []
    for *goes, mark, tried in tx.all(_WAITS, (OURS, late, _MOST)):
        goal = Target(*goes)
        if goal.conversation_id is not None and not is_planted(tx.pen, goal, mark):
            placed = (goal.deal_id, goal.conversation_id, goal.as_tier, goal.connector, goal.room)
            found.append(_Waits(goal.delivery_id, goal.message_id, *placed, bool(tried)))
    return found


class StandIns:
    """Looks for deliveries that an alternate can take over.

    Args:
        book: deals in force.
        writer: has the alternate's lane drained.
        route: decides for a conversation on facts read now.
        open_row: reads a message's row.
        now: the clock.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        writer: Writer,
        route: Callable[[DealView, Placed, Waiting, frozenset[Place]], Awaitable[Route | Held]],
        open_row: Callable[[Tx, str], Waiting],
        now: Clock,
    ) -> None:
        self._store = store
        self._book = book
        self._writer = writer
        self._route = route
        self._open_row = open_row
        self._now = now

    async def look(self) -> None:
        """Moves what can be moved now."""
        late = self._now() - PATIENCE
        waiting = await self._store.read(lambda tx: _waiting(tx, late))
        failing = frozenset(w.place for w in waiting if w.tried)
        for waits in waiting:
            await self._move(waits, failing)

    async def _move(self, waits: _Waits, failing: frozenset[Place]) -> None:
        deal = self._book.deals.get(DealId(waits.deal_id))
        if deal is None:
            return
        conversation = deal.conversations.get(ConversationId(waits.conversation_id))
        if conversation is None:
            return
        placed = Placed(conversation, max(Tier(waits.as_tier), conversation.floor))
        row = await self._store.read(lambda tx: self._open_row(tx, waits.message_id))
        outcome = await self._route(deal, placed, row, failing)
        legs = outcome.legs if isinstance(outcome, Route) else ()
        leg = next((leg for leg in legs if leg.binding.alternate_of == waits.place), None)
        if leg is None:
            return
        with suppress(StoreError):  # started, stopped or settled meanwhile, it stays what it is
            await self._store.write(lambda tx: self._write(tx, waits, leg, deal))

    def _write(self, tx: Tx, waits: _Waits, leg: Leg, deal: DealView) -> None:
        at = self._now()
        tx.expect(
            "UPDATE delivery SET state = 'stopped', reason = 'alternate', settled_at = ? "
            "WHERE delivery_id = ? AND state = 'queued' AND NOT possibly",
            (at, waits.delivery_id),
        )
        lane = rows.enqueue(
            tx,
            kind="send",
            message_id=waits.message_id,
            deal_id=waits.deal_id,
            conversation_id=waits.conversation_id,
            connector=leg.binding.connector,
            room=leg.binding.room,
            as_tier=waits.as_tier,
            blocks=deal.policy.tiers[Tier(waits.as_tier)].poison_blocks,
            at=at,
        )
        body: dict[str, Json] = {
            "message": waits.message_id,
            "conversation": waits.conversation_id,
            "as_tier": waits.as_tier,
            "from_room": waits.room,
            "rooms": [leg.binding.room],
        }
        append(tx, waits.deal_id, Kind.MESSAGE_ROUTED, body, at=at, actor=rows.ACTOR)
        self._writer.wake(lane, at, tx)
