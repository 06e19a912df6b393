"""Takes somebody out of a deal: at once of every decision, then out of every room, read back.

Rules kept here:

1. The first unit of work states that he left: from then on the roster in force clears him for
   nothing, so that guard and dispatcher stop whatever is open. All that follows is remembered there
   too, and is tried until it was seen, across crashes.
2. In every room of the deal on a channel where he has, or ever had, an account his absence is read
   back, whatever the roster makes of that room. What could not be read is not confirmed.
3. A row makes nobody leave: whoever has not left by the audit is not touched.
4. A mailing holds one reader: once he is out it is no room of its conversation any more, so that
   what is said to the others does not wait for him.
5. His devices are shut out (``leave_keys``); for good once nothing can be undone any more, or at
   once where the reason is that they are in other hands.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from connectors.port.connector import ChangesMembers, Connector, RotatesRoomKeys
from orchestrator.approvals.requests import Approved
from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import close_findings
from orchestrator.deals.stated import room_body
from orchestrator.rooms import leave_rows as rows
from orchestrator.rooms.acts import Hands, Outcome
from orchestrator.rooms.leave_begin import Asked, Began, First
from orchestrator.rooms.leave_keys import Shutter
from orchestrator.rooms.leave_late import LATE, Late
from orchestrator.rooms.leave_rows import KEY, REVOKE, ROOM, ROTATE, Leave, LeaveAct
from orchestrator.rooms.observe import Observer, Reading
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place
from tiers.guarantees import Evidence, Guarantee
from tiers.ids import ConnectorName, RoomId
from tiers.people import Person
from tiers.remedy import Act, ActKind

CLOSED = "closed"
"""Why a mailing counts as out of: it is no room any more."""
AT_ONCE = 8
"""Rooms asked at a time."""
ACTOR = "wallcross"

Look = Callable[[Tx, ConnectorName, RoomId], None]
"""Has a room looked at, once the unit is on disk."""


class Leaving:
    """Takes people out, and finishes what was begun.

    Args:
        store: state.
        book: deals in force.
        observer: reads rooms back.
        connectors: open connectors by name.
        first: states that somebody left, in one unit.
        keys: shuts his devices out.
        hands: acts on rooms.
        late: tells when it takes too long.
        look: has a room looked at soon: what stood still because of him may go on.
        now: the clock.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        observer: Observer,
        connectors: Mapping[ConnectorName, Connector],
        first: First,
        keys: Shutter,
        hands: Hands,
        late: Late,
        look: Look,
        now: Clock,
    ) -> None:
        self._store = store
        self._book = book
        self._observer = observer
        self._connectors = connectors
        self._first = first
        self._keys = keys
        self._hands = hands
        self._late = late
        self._look = look
        self._now = now
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def begin(
        self,
        deal: DealView,
        person: Person,
        reason: str,
        *,
        actor: str,
        approved: Approved | None = None,
    ) -> Began:
        """States that somebody left; from here on nothing is sent to him.

        Args:
            deal: which.
            person: who.
            reason: a code.
            actor: who takes him out.
            approved: others agreed to it, so that he is nobody's fourth in an hour.

        Raises:
            Refused: he has left already, or is the last of his duty.
            TooMany: he is somebody's fourth in an hour.
        """
        at = self._now()
        asked = Asked(deal, person, reason, actor, at, approved)
        began = await self._store.write(lambda tx: self._first.unit(tx, asked))
        await self._book.reload(self._store, deal.deal_id)
        return began

    async def turn(self) -> None:
        """Tries what is due of every leave."""
        due = await self._store.read(rows.unfinished)
        await asyncio.gather(*(self.press(leave) for leave in due))

    async def press(self, leave: Leave, until: int | None = None) -> None:
        """Tries what is due of one leave, and says where it stands.

        Args:
            leave: which.
            until: begins nothing at or after this, microseconds UTC; it is left for the next turn.
        """
        async with self._locks[leave.leave_id]:
            deal = self._book.deals.get(leave.deal_id)
            if deal is None or leave.person not in deal.persons.left:
                return
            for kinds in ((ROOM, KEY, REVOKE), (ROTATE,)):
                await self._try(deal, leave, kinds, until)
            await self._store.write(lambda tx: self._stands(tx, leave))
        await self._late.tell(deal, leave)

    async def _try(
        self, deal: DealView, leave: Leave, kinds: tuple[str, ...], until: int | None
    ) -> None:
        """Tries what is due now, some of it at a time."""
        at, busy = self._now(), asyncio.Semaphore(AT_ONCE)
        acts = await self._store.read(lambda tx: rows.acts_of(tx, leave.leave_id))
        due = [a for a in acts if a.kind in kinds and a.seen_at is None and a.due_at <= at]

        async def one(act: LeaveAct) -> None:
            async with busy:
                if until is None or self._now() < until:
                    await self._one(deal, leave, act)

        await asyncio.gather(*map(one, due))

    async def _one(self, deal: DealView, leave: Leave, act: LeaveAct) -> None:
        if act.kind == ROOM:
            await self._room(deal, leave, act)
        elif act.kind == ROTATE:
            await self._rotate(deal, leave, act)
        else:
            await self._shut(leave, act)

    async def _room(self, deal: DealView, leave: Leave, act: LeaveAct) -> None:
        """Out of one room: looked, asked, looked again."""
        await self._hands.settled(act.place, act.account)
        reading = await self._reading(act)
        members = reading.members
        present = members is not None and any(m.account == act.account for m in members.members)
        if members is not None and members.complete and not present and not act.was_in:
            await self._out(act, members.read_at, "not_in")
            return
        if present and self._is_ours_alone(act.place):
            await self._close(leave, replace(act, was_in=True), self._now())
            return
        if present or act.was_in:
            act, timer = replace(act, was_in=True), _timer(reading)
            await self._store.write(lambda tx: rows.inside(tx, act, timer))
        else:
            await self._again(act, "unreadable")
            return
        asked = Act(ActKind.REMOVE, act.connector, act.place[1], act.account, leave.person, "left")
        done = await self._hands.do(deal, asked, cause=leave.cause, actor=leave.actor)
        self._observer.forget(*act.place)
        if done.outcome is Outcome.SEEN and self._first.of_one(act.place):
            await self._close(leave, act, done.at)
        elif done.outcome is Outcome.SEEN:
            await self._out(act, done.at, "gone")
        else:
            await self._again(act, coded(done.why or done.outcome.value))

    def _is_ours_alone(self, place: Place) -> bool:
        """Whether a room is one reader's, whom nobody can put out: what goes there is our doing."""
        return self._first.of_one(place) and not isinstance(
            self._connectors.get(place[0]), ChangesMembers
        )

    async def _close(self, leave: Leave, act: LeaveAct, at: int) -> None:
        """Ends a mailing of his, out of which he was seen: nobody is left in it to wait for."""
        found = self._book.room(*act.place)

        def unit(tx: Tx) -> None:
            rows.inside(tx, act, None)
            rows.seen(tx, act, at, CLOSED)
            if found is None or found[0].deal_id != leave.deal_id:
                return
            self._first.withdraw(tx, leave, at)
            body: dict[str, Json] = {**room_body(found[1]), "because": "left"}
            append(tx, leave.deal_id, Kind.ROOM_REPLACED, body, at=at, actor=leave.actor)
            tx.run("DELETE FROM seat WHERE connector = ? AND room = ?", act.place)
            tx.run("DELETE FROM room WHERE connector = ? AND room = ?", act.place)

        await self._store.write(unit)
        await self._book.reload(self._store, leave.deal_id)

    async def _reading(self, act: LeaveAct) -> Reading:
        if act.connector not in self._connectors:
            return Reading(None, None)
        return await self._observer.reading(act.place, self._now())

    async def _out(self, act: LeaveAct, at: int, why: str) -> None:
        """Seen gone; what is sent there from now on is to be sealed without him."""
        rotates = act.was_in and isinstance(self._connectors.get(act.connector), RotatesRoomKeys)

        def unit(tx: Tx) -> None:
            rows.seen(tx, act, at, why)
            if act.was_in:
                self._look(tx, *act.place)
            if rotates:
                rows.add(tx, [replace(act, kind=ROTATE, tries=0, due_at=0, why=None)])

        await self._store.write(unit)

    async def _rotate(self, deal: DealView, leave: Leave, act: LeaveAct) -> None:
        asked = Act(ActKind.ROTATE, act.connector, act.place[1], None, None, "left")
        done = await self._hands.do(deal, asked, cause=leave.cause, actor=leave.actor)
        if done.outcome is Outcome.SEEN:
            await self._store.write(lambda tx: rows.seen(tx, act, done.at, "rotated"))
        else:
            await self._again(act, coded(done.why or done.outcome.value))

    async def _shut(self, leave: Leave, act: LeaveAct) -> None:
        """A device never sealed to again, or its key withdrawn for good."""
        at, why = self._now(), await self._keys.shut(leave, act)
        if why is not None:
            await self._again(act, why)
            return
        await self._store.write(lambda tx: rows.seen(tx, act, at, "distrusted"))

    async def _again(self, act: LeaveAct, why: str) -> None:
        at = self._now()
        await self._store.write(lambda tx: rows.again(tx, act, at, why))

    def _stands(self, tx: Tx, leave: Leave) -> None:
        """Takes back what opened meanwhile, and ends the leave once all of it was seen."""
        at = self._now()
        self._first.withdraw(tx, leave, at)
        acts = [a for a in rows.acts_of(tx, leave.leave_id) if leave.awaits(a)]
        if leave.state != rows.OPEN or any(a.seen_at is None for a in acts):
            return
        last = max((a.seen_at or 0 for a in acts), default=leave.began_at)
        if rows.end(tx, leave, rows.GONE, last):
            append(tx, leave.deal_id, Kind.PERSON_GONE, gone_body(leave, acts, last), at=at,
                   actor=ACTOR)  # fmt: skip
            close_findings(tx, leave.deal_id, LATE, leave.person, at)


def _timer(reading: Reading) -> int | None:
    """A room's timer as somebody saw it or we read it back; None where it was only asked for."""
    kept = reading.posture.holdings if reading.posture is not None else ()
    seen = (h for h in kept if h.evidence is not Evidence.REQUESTED)
    return next((h.value for h in seen if h.guarantee is Guarantee.TIMER), None)


def gone_body(leave: Leave, acts: Sequence[LeaveAct], last: int) -> dict[str, Json]:
    """What states that everything was read back without somebody: how much, and how long it took.

    Args:
        leave: whose.
        acts: what it took, each seen.
        last: the last read-back, microseconds UTC.
    """
    rooms = [a for a in acts if a.kind == ROOM]
    return {
        "person": leave.person,
        "leave": leave.leave_id,
        "took_us": max(0, last - leave.began_at),
        "removed": sum(a.was_in for a in rooms),
        "never_in": sum(not a.was_in for a in rooms),
        "channels": [
            {"channel": name, "seen": sum(a.connector == name for a in rooms)}
            for name in sorted({a.connector for a in rooms})
        ],
    }
