"""A conversation that ends: nothing is taken for it any more, and its rooms are given up.

Rules kept here:

1. What waits is counted first, in the unit that closes it; while something does it is refused,
   unless whoever closes says so. What waited then is held, with its author, and lost nowhere.
2. That it is closed is one entry, in force once it is on disk. It is never open again: its record
   and its journal stay.
3. Its people are told in their own lines, without content, and put out; what is not seen is said.
"""

from dataclasses import replace

from orchestrator.client.conversing import Closed, ClosedRoom
from orchestrator.client.problems import Refused
from orchestrator.clock import MINUTE
from orchestrator.command.conversations import conversation_of, deal_of, ever_of
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from orchestrator.rooms.closing import GivenUp, settle
from orchestrator.rooms.conversation_rows import end
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation, RoomBinding
from tiers.ids import DealId
from tiers.routing import RoomView

_QUEUED = (
    "SELECT count(*) FROM delivery WHERE conversation_id = ? AND state IN ('queued', 'started')"
)
_HELD = "SELECT count(*) FROM message WHERE conversation_id = ? AND state = 'held'"
_UNROUTED = (
    "SELECT count(*) FROM message WHERE deal_id = ?1 AND state = 'accepted' AND (named = ?2 OR "
    "EXISTS (SELECT 1 FROM room WHERE room.connector = message.connector "
    "AND room.room = message.room AND room.conversation_id = ?2))"
)


class ConversationEnds:
    """Implements ``orchestrator.api.port_conversing.ConversingAccess``, of ends."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def conv_close(
        self, deal: DealId, name: str, *, even_waiting: bool, only_look: bool, actor: str
    ) -> Closed:
        """Ends a conversation, for good; called again, goes on with what is not confirmed.

        Args:
            deal: which.
            name: the conversation's label or id.
            even_waiting: also where something of it waits.
            only_look: says what waits and who is in, and changes nothing.
            actor: who asks.

        Raises:
            Refused: something of it waits.
        """
        view = deal_of(self._r, deal)
        made = ever_of(view, name)
        if only_look:
            found = await self._r.store.read(lambda tx: _counted(tx, made))
            cid = made.conversation_id
            lasts: tuple[RoomBinding, ...] = view.closing.get(cid) or ()
            state = ("closing" if lasts else "closed") if cid in view.closed else "open"
            there = view.rooms.get(cid, lasts)
            return replace(found, state=state, rooms=tuple(map(_there, there)))
        must_live(self._r)
        counted = Closed(conversation_id=made.conversation_id, label=made.label, state="closed")
        if made.conversation_id not in view.closed:
            made = conversation_of(view, name)
            rooms = await self._rooms_read(view, made)
            counted = await _close(self._r, view, made, actor, even_waiting=even_waiting)
            for room in rooms:
                await self._r.watcher.tell_closed(view, room)
        done = await self._r.closing.press(deal, made.conversation_id)
        left = deal_of(self._r, deal).closing.get(made.conversation_id)
        state = "closing" if left else "closed"
        return replace(counted, state=state, rooms=tuple(map(_room, done)))

    async def _rooms_read(self, view: DealView, made: Conversation) -> list[RoomView]:
        """Its rooms while people are in them, for telling them."""
        begins = self._r.now() - MINUTE
        rooms = view.rooms.get(made.conversation_id, ())
        return [await self._r.observer.view(view, b, not_before=begins) for b in rooms]


async def _close(
    runtime: Runtime, view: DealView, made: Conversation, actor: str, *, even_waiting: bool
) -> Closed:
    """States that it is closed, unless something of it waits; says what waited."""
    at, cid, deal = runtime.now(), made.conversation_id, view.deal_id

    def unit(tx: Tx) -> Closed:
        counted = _counted(tx, made)
        waiting = counted.queued + counted.held + counted.unrouted
        if waiting and not even_waiting:
            raise _waiting(counted)
        end(tx, made, at, actor)
        settle(tx, deal, cid, at)
        return counted

    counted = await runtime.store.write(unit)
    await runtime.book.reload(runtime.store, deal)
    return counted


def _counted(tx: Tx, made: Conversation) -> Closed:
    cid = made.conversation_id
    return Closed(
        conversation_id=cid,
        label=made.label,
        state="open",
        queued=_count(tx, _QUEUED, cid),
        held=_count(tx, _HELD, cid),
        unrouted=_count(tx, _UNROUTED, made.deal_id, cid),
    )


def _count(tx: Tx, sql: str, *params: object) -> int:
    row = tx.one(sql, params)
    return 0 if row is None else int(row[0])


def _waiting(counted: Closed) -> Refused:
    parts = (
        (counted.queued, "delivery is on its way", "deliveries are on their way"),
        (counted.held, "message is held", "messages are held"),
        (counted.unrouted, "message is not looked at yet", "messages are not looked at yet"),
    )
    return Refused(
        f"Something of #{counted.label} waits",
        still="It is open, as it was.",
        then="wallcross held list; or the same with --even-waiting: then they are held",
        details=[f"{n} {one if n == 1 else many}" for n, one, many in parts if n],
    )


def _there(binding: RoomBinding) -> ClosedRoom:
    return ClosedRoom(connector=binding.connector, room=binding.room, state="there")


def _room(done: GivenUp) -> ClosedRoom:
    return ClosedRoom(
        connector=done.binding.connector,
        room=done.binding.room,
        state="not confirmed" if done.how is None else "given up",
        how=done.how,
        out=done.out,
        still=done.still,
        why=done.why,
    )
