"""People are told: who hosts their room, that Wallcross is a member and reads, what is journaled.

Rules kept here (docs/product.md section 3, "People are told"):

1. A room is told when its first member is in, again for newcomers, and once a month. Newcomers who
   come together are told together.
2. The notice is decided like any message of the room's tier, here and by the guard: what would
   not be let in for an author is not let in for us. Until then it waits, and nothing behind it.
3. It says what is so now, and nothing of any message.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from orchestrator.clock import DAY, MINUTE, SECOND, Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.flow.notices import Notice
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import ReadsRooms
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Conversation, RoomBinding
from tiers.ids import AccountId, ConnectorName, RoomId, SideId
from tiers.routing import Placed, decide_leg

LANE = "@notice/"
"""Begins the lane of a room's notice; no channel's name begins so."""
MONTH = 30 * DAY
QUIET = 3 * SECOND
"""How long nobody must have come in, so that those who come together are told together."""
AT_LAST = MINUTE
"""After this long they are told although others still come in."""

Place = tuple[ConnectorName, RoomId]
JoinedOf = Callable[[ConnectorName, RoomId], Awaitable[frozenset[AccountId] | None]]
"""The accounts that are in a room by a whole list, ours left out; None where it was not told."""
Journaled = Callable[[Tx, DealView, Conversation], bool | None]
"""Whether a conversation is journaled; None while it may not be used at all."""


class RoomNotices:
    """Tells rooms.

    Args:
        store: keeps who was told.
        book: deals in force.
        writer: writes a notice into a room's lane.
        rooms: reads rooms back.
        joined: reads who is in a room.
        journaled: whether a conversation is journaled.
        wake: has a lane drained once the unit is on disk.
        now: the clock.
        clock_trusted: whether time may permit anything.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        writer: Writer,
        rooms: ReadsRooms,
        joined: JoinedOf,
        journaled: Journaled,
        wake: Callable[[str, int, Tx], None],
        now: Clock,
        clock_trusted: Callable[[], bool],
    ) -> None:
        self._store = store
        self._book = book
        self._writer = writer
        self._rooms = rooms
        self._joined = joined
        self._journaled = journaled
        self._wake = wake
        self._now = now
        self._clock_trusted = clock_trusted
        self._coming: dict[Place, tuple[frozenset[AccountId], int, int]] = {}

    async def see_all(self) -> None:
        """Has each room looked at in which somebody is not told yet, or not for a month."""
        for _, binding in self._book.rooms():
            await self.see(binding)

    async def see(self, binding: RoomBinding) -> None:
        """Has a room looked at when somebody is not told yet, or not for a month."""
        place = (binding.connector, binding.room)
        if await self._due(place):
            lane = f"{LANE}{binding.connector}/{binding.room}"
            await self._store.write(lambda tx: self._wake(lane, 0, tx))

    async def drain(self, lane: str) -> int | None:
        """Tells one room what is due; returns when to come again."""
        connector, _, room = lane.removeprefix(LANE).partition("/")
        place = (ConnectorName(connector), RoomId(room))
        found = self._book.room(*place)
        due = await self._due(place) if found is not None else frozenset()
        if found is None or not due:
            self._coming.pop(place, None)
            return None
        at = self._now()
        before, since, changed = self._coming.get(place, (frozenset(), at, at))
        changed = at if before != due else changed
        if at - changed < QUIET and at - since < AT_LAST:  # also when it is looked at in between
            self._coming[place] = (due, since, changed)
            return changed + QUIET
        self._coming.pop(place, None)
        if await self._fits(*found):
            await self._store.write(partial(self._tell, found[0], found[1], due, at))
        return None  # a room that does not fit is seen again

    async def _fits(self, deal: DealView, binding: RoomBinding) -> bool:
        conversation = deal.conversations[binding.conversation_id]
        placed = Placed(conversation, conversation.floor)
        not_before = self._now() - deal.policy.tiers[conversation.floor].fresh_for // 2
        view = await self._rooms.view(deal, binding, not_before=not_before)
        at, trusted = self._now(), self._clock_trusted()
        roster, policy = deal.roster, deal.policy
        return bool(decide_leg(view, placed, roster, policy, at=at, clock_trusted=trusted))

    async def _due(self, place: Place) -> frozenset[AccountId]:
        """The members to be told: newcomers, else everybody after a month."""
        joined = await self._joined(*place)
        if not joined:
            return frozenset()
        told = await self._store.read(partial(_told, place=place))
        newcomers = frozenset(joined - told.keys())
        if newcomers:
            return newcomers
        stale = self._now() - max(told.values()) >= MONTH
        return joined if stale else frozenset()

    def _tell(
        self, deal: DealView, binding: RoomBinding, due: frozenset[AccountId], at: int, tx: Tx
    ) -> None:
        conversation = deal.conversations[binding.conversation_id]
        journaled = self._journaled(tx, deal, conversation)
        if journaled is None:
            return  # such a room is not open: nothing goes into it, and nothing to tell of
        text = wording(deal, conversation, journaled=journaled)
        notice = Notice(conversation.conversation_id, text)
        told = Told(notice, binding.connector, binding.room, conversation)
        message_id = self._writer.tell(tx, deal.deal_id, told, at)
        for account in due:
            tx.run(
                "INSERT OR REPLACE INTO room_notice VALUES (?, ?, ?, ?, ?)",
                (binding.connector, binding.room, account, message_id, at),
            )


def _told(tx: Tx, place: Place) -> Mapping[AccountId, int]:
    """Who was told and when; a notice that died on its way told nobody."""
    rows = tx.all(
        "SELECT account, at FROM room_notice n WHERE connector = ? AND room = ? AND NOT EXISTS "
        "(SELECT 1 FROM delivery d WHERE d.message_id = n.message_id AND d.state = 'dead')",
        place,
    )
    return {AccountId(account): at for account, at in rows}


def wording(deal: DealView, conversation: Conversation, *, journaled: bool) -> str:
    """What a room is told."""
    host = _side(deal, deal.roster.host)
    lines = [
        f"This conversation is hosted by {host}.",
        "Wallcross is a member of it and can read what is written here; so can who runs the host.",
        _kept(deal, conversation, journaled=journaled),
    ]
    rooms = deal.rooms.get(conversation.conversation_id, ())
    if len(rooms) > 1:
        networks = ", ".join(sorted({b.connector for b in rooms}))
        lines.append(
            f"It is held in {len(rooms)} rooms ({networks}): what is written in one is carried "
            "to the others."
        )
    return "\n".join(lines)


def _kept(deal: DealView, conversation: Conversation, *, journaled: bool) -> str:
    if not journaled:
        return "By counsel's signed decision nothing of it is journaled."
    if conversation.side is None:
        return (
            "A sealed copy of each message is kept for counsel: "
            "only counsel of the sides together can open it."
        )
    own = _side(deal, conversation.side)
    return f"A sealed copy of each message is kept for counsel: only counsel of {own} can open it."


def _side(deal: DealView, side_id: SideId) -> str:
    return next((s.name for s in deal.roster.sides if s.side_id == side_id), str(side_id))
