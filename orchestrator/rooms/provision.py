"""Makes a conversation's room: hardened from its first instant, then read back.

Rules kept here:

1. Only the adopted roster decides who is let in. A person named beside it who is not cleared is
   refused, and so is the whole request.
2. No journal key and no signed decision of counsel: the room does not open.
3. The room's name is random. Deal, party, tier and label stand in no name that a server sees.
4. Only a made-up deal's room is ever replaced: its network lived in a process that ended.
5. What was asked for is not claimed: the answer tells what was read back and what was not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.port.connector import Connector, CreatesRooms
from connectors.port.errors import ConnectorError
from connectors.port.messages import RoomSpec
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Failed, Refused, Wrong
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.stated import conversation_body, room_body
from orchestrator.ids import new_id
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Conversation, RoomBinding
from tiers.guarantees import Guarantee
from tiers.ids import (
    AccountId,
    CompartmentId,
    ConnectorName,
    ConversationId,
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
        connector: the channel account that carries it.
        owner: the person who is admin beside our account.
        members: the people to let in; None for everybody whom the roster clears.
        gate: only our account posts (relay).
    """

    label: str = field(repr=False)
    floor: Tier
    connector: ConnectorName
    owner: PersonId
    compartment: CompartmentId
    side: SideId | None = None
    members: frozenset[PersonId] | None = None
    gate: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A conversation with its room, and the people who could not be asked in."""

    conversation: Conversation
    binding: RoomBinding
    without_account: tuple[PersonId, ...]


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
        """Makes the conversation and its room.

        Raises:
            Wrong: the label is taken, or somebody named is not cleared or has no account.
            Refused: the channel, host or journal does not allow it.
            Failed: the network did not make the room; the conversation is there without one.
        """
        network = self._check(deal, request)
        people = self._people(deal, request)
        owner = self._owner(deal, request, people)
        conversation = await self._record(deal, request, actor)
        accounts = {
            p.person_id: p.accounts[request.connector]
            for p in people
            if request.connector in p.accounts
        }
        spec = RoomSpec(
            self._name(),
            frozenset(accounts.values()),
            frozenset({owner}),
            _timer(deal, request.floor),
            request.gate,
        )
        try:
            room = await network.create(spec)
        except ConnectorError as error:
            raise Failed(
                f"{request.connector} did not make the room ({error.code})",
                still="The conversation is recorded without a room; nobody was let in.",
                then="wallcross conv new with the same name tries again",
            ) from error
        binding = await self._bind(deal, conversation, request, room, accounts, actor)
        missing = tuple(p.person_id for p in people if p.person_id not in accounts)
        return Made(conversation, binding, missing)

    def _check(self, deal: DealView, request: Request) -> CreatesRooms:
        network = self._connectors.get(request.connector)
        if network is None or not isinstance(network, CreatesRooms):
            raise Refused(f"the channel {request.connector} cannot make rooms here")
        if request.side is not None and request.side != deal.roster.host:
            raise Refused("a private conversation is carried by its own side's home alone")
        scope = request.side or "joint"
        if not deal.journal.settled(scope, request.floor.value, self._now()):
            raise Refused(
                f"there is no journal key for {scope} and no signed decision of counsel",
                still="No room was made.",
                then="wallcross journal keygen, then wallcross journal adopt",
            )
        taken = [c for c in deal.conversations.values() if c.label == request.label]
        has_room = any(deal.rooms.get(c.conversation_id) for c in taken)
        asked = (request.floor, request.compartment, request.side)
        other = any((c.floor, c.compartment, c.side) != asked for c in taken)
        if other or (has_room and not deal.made_up):
            raise Wrong(f"the deal has a conversation #{request.label} already")
        return network

    def _people(self, deal: DealView, request: Request) -> tuple[Person, ...]:
        cleared = deal.roster.cleared(request.compartment, request.floor, request.side, self._now())
        if request.members is None:
            return cleared
        beyond = request.members - {p.person_id for p in cleared}
        if beyond:
            raise Wrong("not cleared for this conversation: " + ", ".join(sorted(beyond)))
        return tuple(p for p in cleared if p.person_id in request.members)

    def _owner(self, deal: DealView, request: Request, people: tuple[Person, ...]) -> AccountId:
        person = deal.roster.person(request.owner)
        if person is None or person not in people or request.connector not in person.accounts:
            raise Wrong("the owner is not a cleared member with an account on this channel")
        return person.accounts[request.connector]

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
        await self._store.write(lambda tx: self._insert(tx, conversation, at, actor))
        await self._book.reload(self._store, deal.deal_id)  # known also when no room is made
        return conversation

    def _insert(self, tx: Tx, conversation: Conversation, at: int, actor: str) -> None:
        secret = conversation.floor is Tier.VALUATION
        cid, deal_id = conversation.conversation_id, conversation.deal_id
        tx.run(
            "INSERT INTO conversation VALUES (?, ?, ?, ?, ?, ?, 'open', ?)",
            (
                *(cid, deal_id, None if secret else conversation.label),
                *(conversation.floor.value, conversation.compartment, conversation.side, at),
            ),
        )
        if secret:
            self._sealer.insert(tx, self._sealer.prepare(deal_id, cid, conversation.label.encode()))
        body = conversation_body(conversation, sealed=secret)
        append(tx, deal_id, Kind.CONVERSATION_CREATED, body, at=at, actor=actor)

    async def _bind(
        self,
        deal: DealView,
        conversation: Conversation,
        request: Request,
        room: RoomId,
        accounts: Mapping[PersonId, AccountId],
        actor: str,
    ) -> RoomBinding:
        at = self._now()
        cid, name = conversation.conversation_id, request.connector
        made = RoomBinding(name, room, cid, deal.roster.host)

        def unit(tx: Tx) -> None:
            if deal.made_up:
                for gone in deal.rooms.get(cid, ()):
                    append(
                        tx, deal.deal_id, Kind.ROOM_REPLACED, room_body(gone), at=at, actor=actor
                    )
                tx.run("DELETE FROM seat WHERE conversation_id = ?", (cid,))
                tx.run("DELETE FROM room WHERE conversation_id = ?", (cid,))
            tx.run(
                "INSERT INTO room (connector, room, conversation_id, deal_id, host, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (name, room, cid, deal.deal_id, deal.roster.host, at),
            )
            append(tx, deal.deal_id, Kind.ROOM_CREATED, room_body(made), at=at, actor=actor)
            for person_id, account in accounts.items():
                tx.run("INSERT INTO seat VALUES (?, ?, ?, ?, ?)", (cid, person_id, name, room, at))
                seat: dict[str, Json] = {"room": room, "account": account}
                append(tx, deal.deal_id, Kind.MEMBER_INVITED, seat, at=at, actor=actor)

        await self._store.write(unit)
        await self._book.reload(self._store, deal.deal_id)
        return made


def _timer(deal: DealView, floor: Tier) -> int | None:
    demands = deal.policy.tiers[floor].demands
    return next((d.at_most for d in demands if d.guarantee is Guarantee.TIMER), None)
