"""Makes a conversation's rooms: hardened from its first instant, then read back.

Rules kept here:

1. Only the adopted roster decides who is let in. A person named beside it who is not cleared is
   refused, and so is the whole request.
2. No journal key and no signed decision of counsel: the room does not open.
3. The room's name is random. Deal, party, tier and label stand in no name that a server sees.
4. A room is replaced only where it is lost: a made-up deal's, whose network lived in a process that
   ended, and one that our account is certainly in no more (``anew``), seat for seat.
5. What was asked for is not claimed: the answer tells what was read back and what was not.
6. Nobody gets a second seat in a conversation; an alternate room holds exactly the people of the
   room that it stands in for, and is no seat.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.port.connector import Connector, CreatesRooms
from connectors.port.errors import ROOM_UNKNOWN, ConnectorError, NoRoom
from connectors.port.messages import RoomSpec
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Failed, Refused, Wrong
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.intents import MadeRoom, Meant, conversation_intent, room_intent
from orchestrator.deals.stated import conversation_body, room_body
from orchestrator.ids import new_id
from orchestrator.rooms import lost_rows
from orchestrator.rooms.leave_rows import ROOM, UNDONE, LeaveAct, newest, reopen
from orchestrator.rooms.seating import Seating, seat
from orchestrator.roster.phase import closed_at
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.guarantees import Guarantee
from tiers.ids import (
    AccountId,
    CompartmentId,
    ConnectorName,
    ConversationId,
    DealId,
    PersonId,
    RoomId,
    SideId,
)
from tiers.people import Person
from tiers.tier import Tier


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        label: what people call it, written after ``#``.
        floor: its declared tier.
        connectors: the channel accounts that carry it; a person sits on the first that he is on.
        owners: the people who are admins beside our account, where they sit.
        members: the people to let in; None for everybody whom the roster clears.
        gate: only our account posts (relay).
    """

    label: str = field(repr=False)
    floor: Tier
    connectors: tuple[ConnectorName, ...]
    owners: tuple[PersonId, ...]
    compartment: CompartmentId
    side: SideId | None = None
    members: frozenset[PersonId] | None = None
    gate: bool = False


@dataclass(frozen=True, slots=True)
class Further:
    """One more channel for a conversation that is there.

    Attributes:
        members: who gets his seat; None for whoever is cleared, on that channel, and has none.
        alternate_of: the room that it stands in for, with that room's people; None for seats.
    """

    connector: ConnectorName
    owners: tuple[PersonId, ...]
    members: frozenset[PersonId] | None = None
    gate: bool = False
    alternate_of: Place | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A conversation with its new rooms, and the people who could not be asked in."""

    conversation: Conversation
    bindings: tuple[RoomBinding, ...]
    without_account: tuple[PersonId, ...]


@dataclass(frozen=True, slots=True)
class _Making:
    """What all rooms of one request have in common."""

    deal: DealView
    conversation: Conversation
    gate: bool
    actor: str
    alternate_of: Place | None = None
    members: frozenset[PersonId] | None = None
    """Who was named for a further room; None for nobody."""
    replaces: bool = False
    """The rooms that the conversation had lived in a process that ended."""
    instead_of: RoomBinding | None = None
    """The one room that is lost."""


class Provisioner:
    """Makes rooms from the adopted roster.

    Args:
        name: gives a neutral random room name.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        book: Book,
        connectors: Mapping[ConnectorName, Connector],
        now: Clock,
        name: Callable[[], str],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._book = book
        self._connectors = connectors
        self._now = now
        self._name = name

    async def make(self, deal: DealView, request: Request, *, actor: str) -> Made:
        """Makes the conversation and its rooms.

        Raises:
            Wrong: the label is taken, or somebody named is not cleared or has no account.
            Refused: a channel, the host, the journal or the policy does not allow it.
            Failed: a network did not make a room; the conversation is there without it.
        """
        self._check(deal, request)
        await self._may_replace(deal, request.label)
        people = self._people(deal, request)
        rooms, missing = seat(people, request.connectors, request.owners, self._single)
        self._may_be_mirrored(deal, request.floor, len(rooms))
        conversation = await self._record(deal, request, actor)
        making = _Making(deal, conversation, request.gate, actor, replaces=deal.made_up)
        return Made(conversation, await self._rooms(making, rooms), missing)

    async def add(
        self, deal: DealView, conversation: Conversation, further: Further, *, actor: str
    ) -> Made:
        """Makes rooms of one more channel for a conversation, or an alternate to one of its rooms.

        Raises:
            Wrong, Refused: as for ``make``; somebody has his seat elsewhere; or an alternate's
                people are not exactly those of its room.
            Failed: the network did not make a room.
        """
        self._makes_rooms(further.connector)
        self._journaled(deal, conversation.floor, conversation.side)
        seats = await self._store.read(lambda tx: _seats(tx, conversation))
        if further.alternate_of is not None:
            people = self._of_room(deal, further, seats)
        else:
            people = self._unseated(deal, conversation, further, seats)
        rooms, _ = seat(people, (further.connector,), further.owners, self._single)
        if not rooms:
            raise Wrong(f"nobody who is cleared and has no seat is on {further.connector}")
        if further.alternate_of is None:
            there = deal.rooms.get(conversation.conversation_id, ())
            primary = sum(b.alternate_of is None for b in there)
            self._may_be_mirrored(deal, conversation.floor, primary + len(rooms))
        elif len(rooms) > 1:
            raise Wrong("an alternate is one room; this channel would need one for each person")
        making = _Making(
            deal, conversation, further.gate, actor, further.alternate_of, further.members
        )
        return Made(conversation, await self._rooms(making, rooms), ())

    async def anew(
        self, deal: DealView, conversation: Conversation, lost: RoomBinding, *, actor: str
    ) -> Made:
        """Makes a room in the place of one that is lost, for whoever has his seat there.

        Whoever is cleared no more, or has no account there any more, is left out.

        Raises:
            Refused: the channel or the journal does not allow it, or nobody is left to sit there.
            Wrong: none of those left was an owner.
            Failed: the network did not make a room; the lost one stands as it was.
        """
        self._makes_rooms(lost.connector)
        self._journaled(deal, conversation.floor, conversation.side)
        seats = await self._store.read(lambda tx: _seats(tx, conversation))
        of = lost.alternate_of or lost.place
        people = tuple(
            p
            for p in self._cleared(deal, conversation, None)
            if seats.get(p.person_id) == of and lost.connector in p.accounts
        )
        if not people:
            raise Refused(f"nobody who may read has a seat in {lost.room}", still="It stands.")
        was = deal.made.get(lost.place, MadeRoom())
        owners = tuple(p.person_id for p in people if p.person_id in (was.owners or ()))
        (seating,), _ = seat(people, (lost.connector,), owners, self._single)
        named = deal.meant.get(conversation.conversation_id, Meant()).named
        making = _Making(
            *(deal, conversation, bool(was.gate), actor, lost.alternate_of, named),
            instead_of=lost,
        )
        gone = tuple(p for p, place in seats.items() if place == of)
        left_out = tuple(sorted(set(gone) - {p.person_id for p in people}))
        return Made(conversation, await self._rooms(making, (seating,)), left_out)

    def _single(self, connector: ConnectorName) -> bool:
        network = self._connectors.get(connector)
        return network is not None and network.capabilities.most_members == 1

    def _may_be_mirrored(self, deal: DealView, floor: Tier, rooms: int) -> None:
        if rooms > 1 and not deal.policy.tiers[floor].mirrored:
            raise Refused(
                f"the policy does not let a {floor.value} conversation be mirrored",
                still="No room was made.",
                then=f"name one channel, or adopt a policy with mirrored = true for {floor.value}",
            )

    def _of_room(
        self, deal: DealView, further: Further, seats: Mapping[PersonId, Place]
    ) -> tuple[Person, ...]:
        """Exactly the people who sit in the room that an alternate is for."""
        sitting = {person for person, place in seats.items() if place == further.alternate_of}
        if further.members is not None and further.members != sitting:
            raise Wrong("an alternate room holds exactly the people of its room")
        people = tuple(p for p in deal.roster.people if p.person_id in sitting)
        without = sorted(p.person_id for p in people if further.connector not in p.accounts)
        if without or len(people) < len(sitting):
            gone = sorted(sitting - {p.person_id for p in people})
            names = ", ".join([*without, *gone])
            raise Wrong(f"an alternate room holds all people of its room; missing there: {names}")
        return people

    def _unseated(
        self,
        deal: DealView,
        conversation: Conversation,
        further: Further,
        seats: Mapping[PersonId, Place],
    ) -> tuple[Person, ...]:
        """Who is to get a seat: cleared, on that channel, and with no seat elsewhere."""
        cleared = self._cleared(deal, conversation, further.members)
        if further.members is None:
            mine = (p for p in cleared if further.connector in p.accounts)
            return tuple(p for p in mine if p.person_id not in seats)
        twice = {p: seats[p] for p in sorted(further.members) if p in seats}
        if twice:
            told = "; ".join(f"{who} sits on {where[0]} {where[1]}" for who, where in twice.items())
            raise Wrong(f"each person has one seat in a conversation: {told}")
        without = sorted(p.person_id for p in cleared if further.connector not in p.accounts)
        if without:
            raise Wrong(f"without an account on {further.connector}: {', '.join(without)}")
        return cleared

    async def _rooms(self, making: _Making, rooms: tuple[Seating, ...]) -> tuple[RoomBinding, ...]:
        made: list[RoomBinding] = []
        for seating in rooms:
            room = await self._created(making, seating, len(made))
            made.append(await self._bind(making, seating, room, first=not made))
        return tuple(made)

    async def _created(self, making: _Making, seating: Seating, before: int) -> RoomId:
        spec = RoomSpec(
            self._name(),
            frozenset(seating.accounts().values()),
            seating.owners,
            timer_of(making.deal, making.conversation.floor),
            making.gate,
        )
        try:
            return await self._makes_rooms(seating.connector).create(spec)
        except ConnectorError as error:
            raise _not_made(seating, error, before) from error

    def _makes_rooms(self, connector: ConnectorName) -> CreatesRooms:
        network = self._connectors.get(connector)
        if network is None or not isinstance(network, CreatesRooms):
            raise Refused(f"the channel {connector} cannot make rooms here")
        return network

    def _journaled(self, deal: DealView, floor: Tier, side: SideId | None) -> None:
        scope = side or "joint"
        if not deal.journal.settled(scope, floor.value, self._now()):
            raise Refused(
                f"there is no journal key for {scope} and no signed decision of counsel",
                still="No room was made.",
                then="wallcross journal keygen, then wallcross journal adopt",
            )

    def _check(self, deal: DealView, request: Request) -> None:
        for connector in request.connectors:
            self._makes_rooms(connector)
        if request.side is not None and request.side != deal.roster.host:
            raise Refused("a private conversation is carried by its own side's home alone")
        self._journaled(deal, request.floor, request.side)
        taken = [c for c in deal.conversations.values() if c.label == request.label]
        asked = (request.floor, request.compartment, request.side)
        if any((c.floor, c.compartment, c.side) != asked for c in taken):
            raise _taken(request.label)

    async def _may_replace(self, deal: DealView, label: str) -> None:
        """Refuses a second room: people would stay in the first, and nobody would look after it.

        A made-up deal alone makes a room anew, once its network ended and knows the first no more.
        """
        there = [
            binding
            for conversation in deal.conversations.values()
            if conversation.label == label
            for binding in deal.rooms.get(conversation.conversation_id, ())
        ]
        for binding in there:
            if not (deal.made_up and await self._is_forgotten(binding)):
                raise _taken(label)

    async def _is_forgotten(self, binding: RoomBinding) -> bool:
        network = self._connectors.get(binding.connector)
        try:
            if network is not None:
                await network.members(binding.room)
        except NoRoom as error:
            return error.code == ROOM_UNKNOWN  # so says a network in memory that began anew
        except ConnectorError:
            return False
        return False

    def _people(self, deal: DealView, request: Request) -> tuple[Person, ...]:
        at, place = self._now(), (request.compartment, request.floor, request.side)
        return _named(deal.seating(request.floor, at).cleared(*place, at), request.members)

    def _cleared(
        self, deal: DealView, conversation: Conversation, members: frozenset[PersonId] | None
    ) -> tuple[Person, ...]:
        place = (conversation.compartment, conversation.floor, conversation.side)
        at = self._now()
        return _named(deal.seating(conversation.floor, at).cleared(*place, at), members)

    async def _record(self, deal: DealView, request: Request, actor: str) -> Conversation:
        for known in deal.conversations.values():
            if known.label == request.label:
                return known  # an earlier attempt recorded it and made no room
        conversation = Conversation(
            ConversationId(new_id("cnv")),
            deal.deal_id,
            request.label,
            request.floor,
            request.compartment,
            request.side,
        )
        at = self._now()
        meant = conversation_intent(request.members)
        await self._store.write(lambda tx: self._insert(tx, conversation, meant, at, actor))
        await self._book.reload(self._store, deal.deal_id)  # known also when no room is made
        return conversation

    def _insert(
        self, tx: Tx, conversation: Conversation, meant: dict[str, Json], at: int, actor: str
    ) -> None:
        secret = conversation.floor is Tier.VALUATION
        cid, deal_id = conversation.conversation_id, conversation.deal_id
        if closed_at(stated(tx, deal_id)) is not None:
            raise Refused("This deal was closed for good meanwhile", still="No room was made.")
        tx.run(
            "INSERT INTO conversation VALUES (?, ?, ?, ?, ?, ?, 'open', ?)",
            (
                *(cid, deal_id, None if secret else conversation.label),
                *(conversation.floor.value, conversation.compartment, conversation.side, at),
            ),
        )
        if secret:
            self._sealer.insert(tx, self._sealer.prepare(deal_id, cid, conversation.label.encode()))
        body = {**conversation_body(conversation, sealed=secret), **meant}
        append(tx, deal_id, Kind.CONVERSATION_CREATED, body, at=at, actor=actor)

    async def _bind(
        self, making: _Making, seating: Seating, room: RoomId, *, first: bool
    ) -> RoomBinding:
        at, deal = self._now(), making.deal
        cid, primary = making.conversation.conversation_id, making.alternate_of
        host = deal.roster.host
        made = RoomBinding(seating.connector, room, cid, host, alternate_of=primary)

        def unit(tx: Tx) -> None:
            if first and making.replaces:
                _forget_rooms(tx, making, at)
            if making.instead_of is not None:
                lost_rows.forget(tx, deal, making.instead_of, at, making.actor)
            tx.run(
                "INSERT INTO room (connector, room, conversation_id, deal_id, host, created_at,"
                " alternate_connector, alternate_room) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*made.place, cid, deal.deal_id, host, at, *(primary or (None, None))),
            )
            owners = (p for p, a in seating.accounts().items() if a in seating.owners)
            body = {**room_body(made), **room_intent(owners, making.members, gate=making.gate)}
            append(tx, deal.deal_id, Kind.ROOM_CREATED, body, at=at, actor=making.actor)
            for person_id, account in seating.accounts().items():
                if primary is None:
                    take_seat(tx, cid, person_id, made.place, at)
                seat: dict[str, Json] = {"room": room, "account": account}
                append(tx, deal.deal_id, Kind.MEMBER_INVITED, seat, at=at, actor=making.actor)
                _put_out_again(tx, deal.deal_id, person_id, made, account)
            if making.instead_of is not None:
                lost_rows.stand_in(tx, deal, making.instead_of, made, at, making.actor)

        await self._store.write(unit)
        await self._book.reload(self._store, deal.deal_id)
        return made


def _put_out_again(
    tx: Tx, deal_id: DealId, person: PersonId, made: RoomBinding, account: AccountId
) -> None:
    """Has a leave look through a room that was being made for somebody while he left."""
    leave = newest(tx, deal_id, person)
    if leave is not None and leave.state != UNDONE:
        act = LeaveAct(leave.leave_id, ROOM, made.connector, made.room, account, was_in=True)
        reopen(tx, leave, act)


def _taken(label: str) -> Wrong:
    return Wrong(
        f"the deal has a conversation #{label} already",
        still="No room was made; the one that is there is as it was.",
        then=f"wallcross conv show {label}",
    )


def _forget_rooms(tx: Tx, making: _Making, at: int) -> None:
    deal, cid = making.deal, making.conversation.conversation_id
    for gone in deal.rooms.get(cid, ()):
        body, actor = room_body(gone), making.actor
        append(tx, deal.deal_id, Kind.ROOM_REPLACED, body, at=at, actor=actor)
    tx.run("DELETE FROM seat WHERE conversation_id = ?", (cid,))
    tx.run("DELETE FROM room WHERE conversation_id = ?", (cid,))


def take_seat(
    tx: Tx, conversation: ConversationId, person: PersonId, place: Place, at: int
) -> None:
    """Notes where somebody sits from ``at`` on, for further rooms; it grants nothing."""
    row = (conversation, person, *place, at)
    tx.run(
        "INSERT INTO seat VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "connector = excluded.connector, room = excluded.room, since = excluded.since",
        row,
    )


def leave_seat(tx: Tx, conversation: ConversationId, person: PersonId, place: Place) -> None:
    """Notes that somebody sits in a room no more."""
    tx.run(
        "DELETE FROM seat WHERE conversation_id = ? AND person_id = ? AND connector = ? "
        "AND room = ?",
        (conversation, person, *place),
    )


def _seats(tx: Tx, conversation: Conversation) -> dict[PersonId, Place]:
    rows = tx.all(
        "SELECT person_id, connector, room FROM seat WHERE conversation_id = ?",
        (conversation.conversation_id,),
    )
    return {PersonId(p): (ConnectorName(c), RoomId(r)) for p, c, r in rows}


def _named(cleared: tuple[Person, ...], members: frozenset[PersonId] | None) -> tuple[Person, ...]:
    """Those named, all of whom must be cleared; None for everybody who is."""
    if members is None:
        return cleared
    beyond = members - {p.person_id for p in cleared}
    if beyond:
        names = sorted(beyond)
        raise Wrong(
            "not cleared for this conversation: " + ", ".join(names),
            still="Nobody was let in.",
            then=f"wallcross person show {names[0]} says why",
        )
    return tuple(p for p in cleared if p.person_id in members)


def _not_made(seating: Seating, error: ConnectorError, before: int) -> Failed:
    because = f"{seating.connector} did not make the room ({error.code})"
    if not before:
        return Failed(
            because,
            still="The conversation is recorded without a room; nobody was let in.",
            then="wallcross conv new with the same name tries again",
        )
    return Failed(
        because,
        still=f"{before} of its rooms are made; whoever was to sit here has no seat.",
        then=f"wallcross conv room add with --channel {seating.connector} tries again",
    )


def timer_of(deal: DealView, floor: Tier) -> int | None:
    """The longest timer that a tier's rooms may have, microseconds; None where it demands none."""
    demands = deal.policy.tiers[floor].demands
    return next((d.at_most for d in demands if d.guarantee is Guarantee.TIMER), None)
