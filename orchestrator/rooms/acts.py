"""Does one act on a room: asks the network, then reads back until it is seen or patience ends.

Rules kept here:

1. This is the only place that changes who is in a room, or its settings. What a network answers
   proves nothing: an act is *seen* when a reading shows it, else *not confirmed*.
2. Under a plan nobody is put out but on a list that was read whole just before; whoever leaves the
   deal is put out in any case. An account of ours is never put out, nor is anybody let in whom the
   roster in force does not clear right before each asking.
3. What is asked is on disk before it is asked, so that a crash leaves nothing half-known; what
   became of it, and who is in the room by the reading, are written in one unit.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import structlog

from connectors.port.connector import ChangesMembers, Connector, HardensRooms, RotatesRoomKeys
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.errors import Outcome as Left
from connectors.port.messages import MemberSnapshot, RoomSpec
from orchestrator.audit.body import Json, coded, named
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import SECOND, Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.rooms.observe import Observer, Reading
from orchestrator.rooms.presence import Presences, record
from orchestrator.rooms.provision import leave_seat, take_seat, timer_of
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place, RoomBinding
from tiers.guarantees import Guarantee
from tiers.ids import AccountId, ConnectorName, DealId, PersonId, RoomId
from tiers.membership import against, unset
from tiers.remedy import Act, ActKind

log = structlog.get_logger(__name__)
LEAVE = "leave:"
"""Begins the cause of an act for somebody who leaves the deal."""
FIRST_LOOK_S, LONGEST_S = 0.05, 4.0
"""Seconds between readings: the first, doubled each time up to the longest."""
PATIENCE = 20 * SECOND


class Outcome(Enum):
    """What became of an act."""

    SEEN = "seen"
    NOT_CONFIRMED = "not_confirmed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Done:
    """An act with what became of it.

    Attributes:
        at: when it was seen, or given up, microseconds UTC.
        why: a code; None where it was seen.
        asked_at: when it was about to be asked for; None where it never was.
    """

    act: Act
    outcome: Outcome
    at: int
    why: str | None = None
    asked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Underway:
    """An act that was begun and of which nobody knows what became."""

    deal_id: DealId
    act: Act
    cause: str
    actor: str


Sleep = Callable[[float], Awaitable[None]]
_KINDS: Mapping[ActKind, Kind] = {
    ActKind.REMOVE: Kind.MEMBER_REMOVED,
    ActKind.INVITE: Kind.MEMBER_INVITED,
}


@dataclass(frozen=True, slots=True)
class _Order:
    """One act with all that doing it needs."""

    deal: DealView
    binding: RoomBinding
    act: Act
    cause: str
    actor: str
    network: Connector = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a network said when it was asked.

    Attributes:
        again: a code where it is to be asked again, or was refused.
        final: it was refused: repeating will not help.
        after: for how long it wants to be left alone, microseconds.
    """

    again: str | None
    final: bool = False
    after: int = 0


_GIVES = frozenset({ActKind.INVITE, ActKind.PROMOTE})
"""What waits while a channel is paused; what takes away does not."""


class Hands:
    """Does acts, one at a time in a room.

    Args:
        store: where acts under way stand.
        book: deals in force.
        observer: reads rooms back.
        presences: who is in which room.
        connectors: open connectors by name.
        now: the clock.
        patience: how long an act is looked for, microseconds.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        observer: Observer,
        presences: Presences,
        connectors: Mapping[ConnectorName, Connector],
        now: Clock,
        *,
        patience: int = PATIENCE,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._book = book
        self._observer = observer
        self._presences = presences
        self._connectors = connectors
        self._now = now
        self._patience = patience
        self._sleep = sleep
        self._one: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._busy: set[tuple[Place, AccountId | None, ActKind]] = set()

    def ours(self, connector: ConnectorName) -> frozenset[AccountId]:
        """Accounts of ours on a channel: the one that acts and the one that stands by."""
        return self._observer.ours(connector)

    async def do(self, deal: DealView, act: Act, *, cause: str, actor: str) -> Done:
        """Asks for one act and looks until it is seen.

        Args:
            deal: whose room it is.
            act: what to do; asking for what is so already is no harm.
            cause: ``plan:<hash>`` or ``leave:<id>``.
            actor: who has it done.
        """
        async with self._one[act.place]:
            found = self._book.room(*act.place) or self._ending(act)
            network = self._connectors.get(act.connector)
            if found is None or found[0].deal_id != deal.deal_id:
                return Done(act, Outcome.REFUSED, self._now(), "no_such_room")
            if network is None:
                return Done(act, Outcome.NOT_CONFIRMED, self._now(), "channel_closed")
            order = _Order(found[0], found[1], act, cause, actor, network)
            why = await self._forbidden(order)
            if why is not None:
                return Done(act, Outcome.REFUSED, self._now(), why)
            return await self._begun(order)

    def _ending(self, act: Act) -> tuple[DealView, RoomBinding] | None:
        """A room that is being given up: out of it people are put, and nothing else is done."""
        takes = act.kind in {ActKind.REMOVE, ActKind.DEMOTE}
        return self._book.closing(*act.place) if takes else None

    async def _begun(self, order: _Order) -> Done:
        """What is on disk as under way is done by this process, or was left by one that ended."""
        key, began = _key(order.act), self._now()
        self._busy.add(key)
        try:
            await self._store.write(lambda tx: _begin(tx, order, began))
            return replace(await self._asked(order), asked_at=began)
        finally:
            self._busy.discard(key)

    async def settled(self, place: Place, account: AccountId) -> None:
        """Waits while somebody is being asked in: only then does a list tell whether he is out."""
        if (place, account, ActKind.INVITE) in self._busy:
            async with self._one[place]:
                return

    async def unfinished(self) -> list[Underway]:
        """Acts that were broken off; whoever asked for them has them done again."""
        found = await self._store.read(_underway)
        return [each for each in found if _key(each.act) not in self._busy]

    async def give_up(self, left: Underway) -> None:
        """Forgets an act that nobody wants any more."""
        await self._store.write(lambda tx: _end(tx, left.act))

    async def _forbidden(self, order: _Order) -> str | None:
        """Why an act may not even be asked for, as a code."""
        act = order.act
        if act.kind in {ActKind.REMOVE, ActKind.DEMOTE} and act.account in self.ours(act.connector):
            return "protected"
        if act.kind in _GIVES and self._observer.stands_still(act.connector):
            return "channel_paused"
        if act.kind is ActKind.INVITE and not self._cleared(order):
            return "not_cleared"
        if act.kind is ActKind.REMOVE and not order.cause.startswith(LEAVE):
            members = (await self._observer.reading(act.place, self._now())).members
            return None if members is not None and members.complete else "incomplete"
        return None

    def _cleared(self, order: _Order) -> bool:
        """Whether the roster in force lets somebody in, now; the account that stands by is ours."""
        act, found = order.act, self._book.room(*order.act.place)
        if found is None or act.account is None:
            return False
        if act.account in self.ours(act.connector):
            return True
        deal = found[0]
        owner = deal.roster.owner(act.connector, act.account)
        conversation = deal.conversations[order.binding.conversation_id]
        who = owner.person_id if owner is not None else None
        return against(who, deal.roster, conversation, self._now()) is None

    async def _asked(self, order: _Order) -> Done:
        """Asks, and looks; asks again only where nothing left this machine."""
        ends, pause = self._now() + self._patience, FIRST_LOOK_S
        answer, refused = _Answer("not_asked"), False
        while True:
            if answer.again is not None:
                answer = await self._ask(order)
                if answer.final or self._now() + answer.after > ends:
                    # repeating will not help: one look says whether it is so already
                    ends, refused = self._now(), answer.final
            self._observer.forget(*order.act.place)
            reading = await self._observer.reading(order.act.place, self._now())
            rotated = order.act.kind is not ActKind.ROTATE or answer.again is None
            if _is_so(order, reading) and rotated:
                return await self._settled(order, reading, Outcome.SEEN, None)
            if self._now() >= ends:
                given_up = Outcome.REFUSED if refused else Outcome.NOT_CONFIRMED
                return await self._settled(order, reading, given_up, answer.again or "not_seen")
            await self._sleep(max(pause, answer.after / SECOND))
            pause = min(2 * pause, LONGEST_S)

    async def _ask(self, order: _Order) -> _Answer:
        """Asks the network once, for nobody who may not be let in by now."""
        if order.act.kind is ActKind.INVITE and not self._cleared(order):
            return _Answer("not_cleared", final=True)
        try:
            await self._call(order)
        except Rejected as error:
            return _Answer(coded(error.code), final=True)
        except ConnectorError as error:
            again = isinstance(error, Unavailable) or error.outcome is Left.NOT_SENT
            code, after = coded(error.code), error.retry_after or 0
            return _Answer(code, after=after) if again else _Answer(None)
        except Exception as error:  # noqa: BLE001 - foreign by nature: it may have happened
            log.warning("act.failed", connector=order.act.connector, error=type(error))
        return _Answer(None)

    async def _call(self, order: _Order) -> None:
        act, network = order.act, order.network
        if act.kind is ActKind.HARDEN and isinstance(network, HardensRooms):
            await network.harden(act.room, await self._spec(order))
        elif act.kind is ActKind.ROTATE and isinstance(network, RotatesRoomKeys):
            await network.rotate(act.room)
        elif act.account is not None and isinstance(network, ChangesMembers):
            await _change(network, act.kind, act.room, act.account)
        else:
            raise Rejected("not_offered")

    async def _spec(self, order: _Order) -> RoomSpec:
        """A room's settings as it was made: the tier's timer, and relay as the record says."""
        deal, binding = order.deal, order.binding
        timer = timer_of(deal, deal.conversations[binding.conversation_id].floor)
        made = deal.made.get(binding.place)
        gate = made.gate if made is not None else None
        if gate is None:
            posture = (await self._observer.reading(binding.place, 1)).posture
            gate = posture is not None and posture.gate
        return RoomSpec("", frozenset(), frozenset(), timer, gate=gate)

    async def _settled(
        self, order: _Order, reading: Reading, outcome: Outcome, why: str | None
    ) -> Done:
        at, deal, news = self._now(), order.deal, []
        if reading.members is not None:
            ours = self.ours(order.act.connector)
            news = await self._presences.news(deal, order.binding, reading.members, ours)

        def unit(tx: Tx) -> None:
            _end(tx, order.act)
            if outcome is Outcome.SEEN:
                _seat(tx, order, at)
            _state(tx, order, outcome, why, at)
            record(tx, deal, news, at)

        await self._presences.write(deal, news, unit)
        return Done(order.act, outcome, at, why)


async def _change(network: ChangesMembers, kind: ActKind, room: RoomId, account: AccountId) -> None:
    if kind is ActKind.REMOVE:
        await network.remove(room, account)
    elif kind is ActKind.INVITE:
        await network.invite(room, account)
    else:
        await network.set_admin(room, account, admin=kind is ActKind.PROMOTE)


def _key(act: Act) -> tuple[Place, AccountId | None, ActKind]:
    return act.place, act.account, act.kind


def _is_so(order: _Order, reading: Reading) -> bool:
    """Whether a reading shows what an act was to bring about."""
    act = order.act
    if act.kind is ActKind.ROTATE:
        return True  # our own key: that it was thrown away is our own doing
    if act.kind is ActKind.HARDEN:
        return _is_hard(order, reading)
    return reading.members is not None and _is_seated(act, reading.members)


def _is_seated(act: Act, found: MemberSnapshot) -> bool:
    member = next((m for m in found.members if m.account == act.account), None)
    if act.kind is ActKind.REMOVE:
        return member is None and found.complete
    if act.kind is ActKind.INVITE:
        return member is not None
    if member is None:
        return act.kind is ActKind.DEMOTE and found.complete
    return member.admin is (act.kind is ActKind.PROMOTE)


def _is_hard(order: _Order, reading: Reading) -> bool:
    if reading.posture is None:
        return False
    deal, binding = order.deal, order.binding
    made = deal.made.get(binding.place)
    gated = reading.posture.gate or made is None or not made.gate
    tier = deal.policy.tiers[deal.conversations[binding.conversation_id].floor]
    left = {Guarantee(name) for name in unset(tier, reading.posture.holdings)}
    return gated and not left & order.network.capabilities.can


def _begin(tx: Tx, order: _Order, at: int) -> None:
    act = order.act
    tx.run(
        "INSERT INTO act VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "deal_id = excluded.deal_id, cause = excluded.cause, actor = excluded.actor",
        (
            *(order.deal.deal_id, act.kind.value, *act.place, act.account or "", act.person),
            *(act.because, order.cause, order.actor, at),
        ),
    )


def _end(tx: Tx, act: Act) -> None:
    tx.run(
        "DELETE FROM act WHERE connector = ? AND room = ? AND account = ? AND kind = ?",
        (*act.place, act.account or "", act.kind.value),
    )


def _seat(tx: Tx, order: _Order, at: int) -> None:
    """Where people sit, for whoever makes further rooms; it permits nothing."""
    act, cid = order.act, order.binding.conversation_id
    if act.person is None or order.binding.alternate_of is not None:
        return
    if act.kind is ActKind.REMOVE:
        leave_seat(tx, cid, act.person, act.place)
    elif act.kind is ActKind.INVITE:
        take_seat(tx, cid, act.person, act.place, at)


def _state(tx: Tx, order: _Order, outcome: Outcome, why: str | None, at: int) -> None:
    act = order.act
    body: dict[str, Json] = {
        "channel": act.connector,
        "room": act.room,
        "account": None if act.account is None else named(act.account),
        "person": act.person,
        "act": act.kind.value,
        "because": act.because,
        "cause": order.cause,
        "outcome": outcome.value,
        "why": why,
    }
    kind = _KINDS.get(act.kind, Kind.ROOM_HARDENED)
    append(tx, order.deal.deal_id, kind, body, at=at, actor=order.actor)


def _underway(tx: Tx) -> list[Underway]:
    rows = tx.all(
        "SELECT deal_id, kind, connector, room, account, person, because, cause, actor FROM act "
        "ORDER BY asked_at"
    )
    return [
        Underway(
            DealId(deal_id),
            Act(
                ActKind(kind),
                ConnectorName(connector),
                RoomId(room),
                AccountId(account) if account else None,
                PersonId(person) if person is not None else None,
                because,
            ),
            cause,
            actor,
        )
        for deal_id, kind, connector, room, account, person, because, cause, actor in rows
    ]
