"""The matrix of each deal, kept until something that it rests on changes.

Rules kept here:

1. No network is asked and nothing is guessed: what is kept of readings is what there is.
2. A deal of thousands is looked through in pieces, so that nothing else waits for it.
3. A reading older than two refreshes is none: then it is not known who is there.
4. What is kept is of the very deal, readings, seats and keys that there are now. It ends where a
   line of the list begins or ends, and after ten minutes: verifications end by time alone.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.client.memberships import Identity
from orchestrator.clock import MINUTE
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.lapsing import span_of
from orchestrator.query.identity import identity
from orchestrator.query.matrix import Column, Ground, Room, State, column
from orchestrator.store.unit import Tx
from tiers.conversation import Place, RoomBinding
from tiers.ids import ConnectorName, ConversationId, DealId, PersonId, RoomId

Sits = Mapping[ConversationId, Mapping[PersonId, Place]]
_PIECE = 500
_LEAST = 2 * MINUTE
_LONGEST = 10 * MINUTE
_INSIDE = frozenset({State.IN, State.PAUSED, State.EXTRA, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Board:
    """A deal's matrix.

    Attributes:
        seats: number of its seats, and when the last was taken.
        keys: how often a key had changed.
        until: when it is looked through anew, whatever happens.
        columns: the strictest tier first, mailings last.
        stands: how each person stands.
    """

    deal: DealView
    seats: tuple[int, int]
    keys: int
    until: int
    columns: tuple[Column, ...]
    stands: Mapping[PersonId, Identity]

    def same(self, deal: DealView, seats: tuple[int, int], keys: int, at: int) -> bool:
        """Whether it rests on these."""
        return self.deal is deal and (self.seats, self.keys) == (seats, keys) and at < self.until


class Boards:
    """Every deal's matrix.

    Args:
        runtime: the open home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._kept: dict[DealId, Board] = {}
        self._locks: dict[DealId, asyncio.Lock] = {}

    async def board(self, deal: DealView) -> Board:
        """A deal's matrix as it is now."""
        async with self._locks.setdefault(deal.deal_id, asyncio.Lock()):
            before = self._kept.get(deal.deal_id)
            seats = await self._r.store.read(lambda tx: _count(tx, deal.deal_id))
            fits = before is not None and before.same(
                deal, seats, self._r.keyring.changes, self._r.now()
            )
            found = await self._made(deal, seats, before, fits=fits)
            self._kept[deal.deal_id] = found
            return found

    async def _made(
        self, deal: DealView, seats: tuple[int, int], before: Board | None, *, fits: bool
    ) -> Board:
        rooms = await self._rooms(deal, before)
        if before is not None and fits:
            known = {c.conversation.conversation_id: c for c in before.columns}
            if all(known[cid].rooms == found for cid, found in rooms.items()):
                return before
        else:
            known = {}
        at = self._r.now()
        sits = await self._r.store.read(lambda tx: _sits(tx, deal.deal_id))
        columns = await self._columns(deal, rooms, sits, known, at)
        stands = await self._stands(deal, columns, at)
        keys = self._r.keyring.changes
        return Board(deal, seats, keys, _until(deal, at), columns, stands)

    async def _columns(
        self,
        deal: DealView,
        rooms: Mapping[ConversationId, tuple[Room, ...]],
        sits: Sits,
        known: Mapping[ConversationId, Column],
        at: int,
    ) -> tuple[Column, ...]:
        networks = self._r.connectors.items()
        single = frozenset(n for n, c in networks if c.capabilities.most_members == 1)
        lasts, found = span_of(deal.policy), []
        for cid, conversation in deal.conversations.items():
            kept = known.get(cid)
            if kept is None or kept.rooms != rooms[cid]:
                ground = Ground(rooms[cid], sits.get(cid, {}), single, at, lasts)
                kept = column(deal, conversation, ground, self._r.keyring)
                await asyncio.sleep(0)
            found.append(kept)
        strict = sorted(found, key=lambda c: c.conversation.floor, reverse=True)
        return tuple(sorted(strict, key=lambda c: c.mailing))

    async def _stands(
        self, deal: DealView, columns: tuple[Column, ...], at: int
    ) -> dict[PersonId, Identity]:
        inside = {row for c in columns for row, cell in c.cells.items() if cell.state in _INSIDE}
        compared = {
            row
            for c in columns
            if deal.policy.tiers[c.conversation.floor].devices_verified
            for row, cell in c.cells.items()
            if cell.listed
        }
        lasts, found = span_of(deal.policy), {}
        for n, person in enumerate(deal.roster.people, 1):
            here = person.person_id in inside
            found[person.person_id] = identity(
                deal,
                person,
                self._r.keyring,
                at,
                lasts,
                inside=here,
                compared=person.person_id in compared,
            )
            if n % _PIECE == 0:
                await asyncio.sleep(0)
        return found

    async def _rooms(
        self, deal: DealView, before: Board | None
    ) -> dict[ConversationId, tuple[Room, ...]]:
        columns = before.columns if before is not None else ()
        kept = {room.binding.place: room for c in columns for room in c.rooms}
        return {
            cid: tuple(
                [
                    await self._room(deal, binding, kept.get(binding.place))
                    for binding in deal.rooms.get(cid, ())
                ]
            )
            for cid in deal.conversations
        }

    async def _room(self, deal: DealView, binding: RoomBinding, before: Room | None) -> Room:
        reading = self._r.observer.kept(binding.place)
        if reading is None and before is not None and self._is_young(deal, before):
            return _bound(before, binding)  # it is being read again, since something happened there
        snapshot = None if reading is None else reading.members
        if snapshot is None or not self._is_fresh(deal, binding, snapshot.read_at):
            inside = await self._r.presences.inside(deal, binding.place)
            return Room(binding, inside, told=False, whole=False)
        if before is not None and before.snapshot is not None:
            alike = before.snapshot.members == snapshot.members
            if alike and before.whole == snapshot.complete:
                return _bound(before, binding)
        ours = self._r.observer.ours(binding.connector)
        members = frozenset(m.account for m in snapshot.members if m.account not in ours)
        return Room(binding, members, told=True, whole=snapshot.complete, snapshot=snapshot)

    def _is_young(self, deal: DealView, room: Room) -> bool:
        read = self._r.presences.read_at(room.binding.place)
        return room.told and read is not None and self._is_fresh(deal, room.binding, read)

    def _is_fresh(self, deal: DealView, binding: RoomBinding, read_at: int) -> bool:
        """Whether a reading is not older than two refreshes of its tier."""
        floor = deal.conversations[binding.conversation_id].floor
        span = max(_LEAST, 2 * deal.policy.tiers[floor].fresh_for)
        return self._r.now() - read_at <= span


def _until(deal: DealView, at: int) -> int:
    """Until when a matrix of ``at`` may stand: nothing of the list begins or ends before."""
    ends = (*deal.roster.edges(), *deal.roster.attested.values())
    return min([at + _LONGEST, *(edge for edge in ends if edge > at)])


def _bound(room: Room, binding: RoomBinding) -> Room:
    return room if room.binding == binding else replace(room, binding=binding)


def _count(tx: Tx, deal_id: DealId) -> tuple[int, int]:
    row = tx.one(
        "SELECT count(*), coalesce(max(s.since), 0) FROM conversation c "
        "JOIN seat s USING (conversation_id) WHERE c.deal_id = ?",
        (deal_id,),
    )
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def _sits(tx: Tx, deal_id: DealId) -> Sits:
    rows = tx.all(
        "SELECT s.conversation_id, s.person_id, s.connector, s.room FROM conversation c "
        "JOIN seat s USING (conversation_id) WHERE c.deal_id = ?",
        (deal_id,),
    )
    found: dict[ConversationId, dict[PersonId, Place]] = {}
    for cid, person, connector, room in rows:
        place = ConnectorName(connector), RoomId(room)
        found.setdefault(ConversationId(cid), {})[PersonId(person)] = place
    return found
