"""The deals of this home as they are in force, in memory, for decisions that cost no query.

Rules kept here:

1. The book is read from the store and never written to. Whoever changes the store reloads the deal;
   until then decisions rest on what was in force before.
2. A row that the audit does not state permits nothing (``orchestrator.deals.stated``).
3. While a chain of the home is not whole (``orchestrator.audit.whole``) nothing is known to stand
   as it was stated, and every room of every deal stands still.
4. A deal whose adopted documents are not those that the audit names is not in force.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.approvals.standing import Standing, read_standing
from orchestrator.audit.granted import Stated, stated, stated_everywhere
from orchestrator.audit.whole import Flaw, Wholeness
from orchestrator.config.mistakes import Invalid, Mistake
from orchestrator.deals.crossing import Demand
from orchestrator.deals.demands import demands
from orchestrator.deals.intents import MadeRoom, Meant, read_conversations, read_rooms
from orchestrator.deals.persons import Persons, effective, read_persons
from orchestrator.deals.raising import AWAITS, unagreed
from orchestrator.deals.stated import (
    ATTESTED,
    Attestations,
    Doubt,
    Labelled,
    check,
    check_attested,
    check_lines,
    read_chain,
)
from orchestrator.deals.tokens import Token, read_tokens
from orchestrator.journal.duties import Duties, read_duties
from orchestrator.journal.policy import JOINT
from orchestrator.roster.adoption import AdoptionRefused
from orchestrator.roster.phase import FIRST, closed_at, phase_of
from orchestrator.seal.errors import SealError
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Conversation, Place, RoomBinding
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
from tiers.people import Person, Phase, Roster
from tiers.policy import Policy
from tiers.tier import Tier
from tiers.watch import WatchList, watch_list

HOME = DealId("home")
"""Stands for a deal where none can be named: its audit chain and its seals are the home's own."""

RECORD_BROKEN = "the record is not whole: an entry was altered, taken out or put in by another"
API = ConnectorName("api")
"""Our own door: who comes through it was authenticated by us, as a person's id."""


@dataclass(frozen=True)
class DealView:
    """One deal in force."""

    deal_id: DealId
    code: str
    made_up: bool
    roster: Roster
    """In force: the adopted one in this phase, less what its people's standing takes away."""
    roster_hash: str
    policy: Policy
    conversations: Mapping[ConversationId, Conversation]
    rooms: Mapping[ConversationId, tuple[RoomBinding, ...]]
    journal: Duties = field(default_factory=Duties)
    """Which journal scopes have a key, and what counsel signed about the others."""
    watch: WatchList | None = field(default_factory=WatchList)
    """Code names and amounts that must not appear below the deal's highest tier; None where the
    list can no longer be opened, and then everything is held."""
    attested: Attestations = field(default_factory=dict)
    """The newest attestation of each guarantee of a room, as the audit states it."""
    doubted: frozenset[ConversationId] = frozenset()
    """Conversations of which something is not as stated: the intake places nothing meanwhile."""
    unstated: frozenset[Place] = frozenset()
    """Rooms that no entry of this deal made."""
    doubts: tuple[Doubt, ...] = ()
    """What is not as stated, in words for people."""
    adopted: Roster | None = None
    """As it was adopted, of all phases; ``roster`` is what phase and standing leave of it."""
    persons: Persons = field(default_factory=Persons)
    """Who left, is paused, or acknowledged his side's notice."""
    demands: Mapping[SideId, Demand] = field(default_factory=dict)
    """What each side demands of its people before they read."""
    phase: Phase = FIRST
    """The phase that the deal is in."""
    meant: Mapping[ConversationId, Meant] = field(default_factory=dict)
    """For whom each conversation is, as the audit states it."""
    made: Mapping[Place, MadeRoom] = field(default_factory=dict)
    """How each room was made, as the audit states it."""
    tokens: Mapping[str, Token] = field(default_factory=dict)
    """Tokens of bots that were not taken away, by their ids."""
    closed: Mapping[ConversationId, Conversation] = field(default_factory=dict)
    """Conversations that take nothing any more."""
    closing: Mapping[ConversationId, tuple[RoomBinding, ...]] = field(default_factory=dict)
    """Rooms of those that are still to be given up; nothing goes there."""
    ended: Mapping[Place, ConversationId] = field(default_factory=dict)
    """Every room that a closed conversation ever had."""
    awaiting: frozenset[ConversationId] = frozenset()
    """Conversations that two people have to agree to before anything goes there."""
    closed_at: int | None = None
    """When the deal was closed for good, microseconds UTC: nothing is taken for it any more."""

    def scope(self, conversation: Conversation) -> str:
        """The journal scope of a conversation."""
        return conversation.side or JOINT

    def journaled(self, conversation: Conversation, at: int) -> bool:
        """Whether the journal lets a conversation's rooms be open at ``at``."""
        return self.journal.settled(self.scope(conversation), conversation.floor.value, at)

    def author(self, door: ConnectorName, account: AccountId) -> Person | None:
        """Who wrote: the owner of the account, or at our own door the person himself."""
        if door == API:
            return self.roster.person(PersonId(account))
        return self.roster.owner(door, account)

    def has_left(self, person: PersonId) -> bool:
        """Whether somebody left, and was not brought back."""
        return person in self.persons.left

    def seating(self, floor: Tier, at: int) -> Roster:
        """The roster by whose accounts people are let into rooms of a tier at ``at``."""
        enough = self.policy.tiers[floor].attested_accounts
        return self.roster.counting(at, attested=enough)

    def closed_to(self, person: Person, at: int) -> tuple[Conversation, ...]:
        """Conversations that a person might write to until they were closed."""
        return self._within(self.closed.values(), person, at)

    def open_to(self, person: Person, at: int) -> tuple[Conversation, ...]:
        """Conversations that a person may write to by name, or reach through the intake.

        Those of his compartments that are joint or his own side's. Their tier may be above his
        clearance: what he sends up, others read.
        """
        return self._within(self.conversations.values(), person, at)

    def _within(
        self, talks: Iterable[Conversation], person: Person, at: int
    ) -> tuple[Conversation, ...]:
        held = {g.compartment for g in self.roster.grants_of(person.person_id, at)}
        return tuple(
            c for c in talks if c.compartment in held and (c.side is None or c.side == person.side)
        )


Load = Callable[[Tx, DealId], tuple[Roster, str, Policy] | None]
"""Gives a deal's adopted roster, its hash and the adopted policy; None before adoption."""
CounselOf = Callable[[Tx, DealId], Mapping[str, Sequence[str]]]
"""Gives, by journal scope, the keys of counsel that the adopted policy names."""
Label = Callable[[Tx, str], str]
"""Opens a short sealed text: the label of a VALUATION conversation, a deal's watch list."""


def watch_owner(deal_id: DealId) -> str:
    """What a deal's watch list is sealed under."""
    return f"{deal_id}.watch"


class Book:
    """Every deal of the home, with indexes by room and by account.

    Args:
        load: reads what was adopted.
        counsel: reads whom the adopted policy names as counsel.
        label: opens a short sealed text.
    """

    def __init__(self, load: Load, counsel: CounselOf, label: Label) -> None:
        self._load = load
        self._counsel = counsel
        self._label = label
        self.deals: dict[DealId, DealView] = {}
        self.record = Wholeness()
        self.refused: dict[DealId, str] = {}
        """Deals that are not in force because of their documents, and why."""
        self._said: dict[DealId, list[Stated]] = {}
        self.line_doubts: tuple[Doubt, ...] = ()
        self.lost: set[str] = set()
        """Owners of names and lists whose keys are gone, as after a restore without them."""
        self._rooms: dict[tuple[ConnectorName, RoomId], tuple[DealView, RoomBinding]] = {}
        self._lines: dict[tuple[ConnectorName, RoomId], AccountId] = {}
        self._line_of: dict[tuple[ConnectorName, AccountId], RoomId] = {}

    def load_all(self, tx: Tx) -> None:
        """Reads the whole record, every deal and every private line."""
        self._said.clear()
        self.record.look(tx, anew=True)
        for (deal_id,) in tx.all("SELECT deal_id FROM deal"):
            self.load_deal(tx, DealId(deal_id))
        self.load_lines(tx)

    def look(self, tx: Tx, *, anew: bool = False) -> bool:
        """Reads what was added to the record, or all of it; returns whether something is new.

        What is new concerns every deal: all of them are read again.
        """
        before = dict(self.record.flaws)
        if self.record.look(tx, anew=anew) == before:
            return False
        for (deal_id,) in tx.all("SELECT deal_id FROM deal"):
            self.load_deal(tx, DealId(deal_id))
        return True

    def load_deal(self, tx: Tx, deal_id: DealId) -> None:
        """Reads one deal anew; a deal without adopted roster and policy is not in force."""
        view = self._read(tx, deal_id)
        others = {k: v for k, v in self._rooms.items() if v[0].deal_id != deal_id}
        if view is None:
            self.deals.pop(deal_id, None)
            self._rooms = others
            return
        self.deals[deal_id] = view
        bindings = (b for found in view.rooms.values() for b in found)
        own = {b.place: (view, b) for b in bindings}
        claimed = {p for p in view.unstated & others.keys() if p not in others[p][0].unstated}
        self._rooms = others | {place: of for place, of in own.items() if place not in claimed}

    async def reload(self, store: Store, deal_id: DealId) -> None:
        """Reads one deal anew, after a change of it is on disk."""
        await store.read(lambda tx: self.load_deal(tx, deal_id))

    async def reload_lines(self, store: Store) -> None:
        """Reads the private lines anew, after a change of them is on disk."""
        await store.read(self.load_lines)

    def _read(self, tx: Tx, deal_id: DealId) -> DealView | None:
        adopted = self._adopted(tx, deal_id)
        row = tx.one("SELECT code, made_up FROM deal WHERE deal_id = ?", (deal_id,))
        if adopted is None or row is None:
            return None
        roster, roster_hash, policy = adopted
        entries = self._entries(tx, deal_id)
        signed = read_standing(deal_id, entries)
        believed = (e for e in entries if e.n not in signed.unbelieved)
        persons, phase = read_persons(believed), phase_of(entries)
        asked = demands(tx, deal_id, roster, persons.crossings)
        chain = read_chain(deal_id, entries)
        rows = tuple(self._conversations(tx, deal_id))
        found = check(chain, rows, tuple(_bindings(tx, deal_id)), _closed(tx, deal_id))
        awaiting, over = unagreed(chain, signed), closed_at(entries)
        left = effective(roster.in_phase(phase), persons, asked, policy.notice_grace)
        attested, absent = check_attested(chain, tx.all(ATTESTED, (deal_id,)))
        return DealView(
            deal_id,
            row[0],
            bool(row[1]),
            left if over is None else replace(left, grants=(), delegations=()),
            roster_hash,
            policy,
            found.conversations,
            self._still(found.rooms, awaiting),
            read_duties(tx, deal_id, self._counsel(tx, deal_id), entries),
            self._watch(tx, deal_id),
            attested,
            found.doubted,
            found.unstated,
            (*found.doubts, *absent, *(Doubt(*doubt) for doubt in signed.doubts)),
            roster,
            persons,
            asked,
            phase,
            read_conversations(chain),
            read_rooms(chain),
            {} if over is not None else _tokens(entries, signed),
            found.closed,
            found.closing,
            {place: cid for place, cid in chain.lived.items() if cid in chain.closed},
            awaiting,
            over,
        )

    def _adopted(self, tx: Tx, deal_id: DealId) -> tuple[Roster, str, Policy] | None:
        self.refused.pop(deal_id, None)
        try:
            return self._load(tx, deal_id)
        except (AdoptionRefused, Invalid) as error:
            self.refused[deal_id] = " ".join((str(error), *map(str, _mistakes(error))))
            return None

    def _entries(self, tx: Tx, deal_id: DealId) -> list[Stated]:
        """What a deal's chain grants; what it stated before it states still, or it is not whole."""
        entries, before = stated(tx, deal_id), self._said.get(deal_id, [])
        self.record.look(tx)
        if entries[: len(before)] != before:
            gone = next(e for e in before if e not in entries)
            self.record.add(Flaw(deal_id, gone.n, "altered"))
        self._said[deal_id] = entries
        return entries

    def _still(
        self,
        rooms: dict[ConversationId, tuple[RoomBinding, ...]],
        awaiting: frozenset[ConversationId],
    ) -> dict[ConversationId, tuple[RoomBinding, ...]]:
        """Rooms as they may be used: none while the record is not whole, or people must agree."""
        broken = RECORD_BROKEN if self.record.flaws else None
        why = {cid: broken or (AWAITS if cid in awaiting else None) for cid in rooms}
        return {
            cid: tuple(replace(b, paused=b.paused or why[cid]) for b in bindings)
            for cid, bindings in rooms.items()
        }

    def load_lines(self, tx: Tx) -> None:
        """Reads the private lines anew."""
        rows = tx.all("SELECT connector, room, account FROM line")
        found = ((ConnectorName(c), RoomId(r), AccountId(a)) for c, r, a in rows)
        lines, self.line_doubts = check_lines(stated_everywhere(tx), found)
        self._lines = {(connector, room): account for connector, room, account in lines}
        self._line_of = {(connector, account): room for connector, room, account in lines}

    def room(self, connector: ConnectorName, room: RoomId) -> tuple[DealView, RoomBinding] | None:
        """The deal and binding of a room."""
        return self._rooms.get((connector, room))

    def gone(self, connector: ConnectorName, room: RoomId) -> DealView | None:
        """The deal of a room that a closed conversation had, and that is no other's since."""
        if (connector, room) in self._rooms:
            return None
        return next((v for v in self.deals.values() if (connector, room) in v.ended), None)

    def closing(
        self, connector: ConnectorName, room: RoomId
    ) -> tuple[DealView, RoomBinding] | None:
        """The deal and binding of a room that is being given up."""
        view = self.gone(connector, room)
        found = (b for of in view.closing.values() for b in of) if view is not None else ()
        binding = next((b for b in found if b.place == (connector, room)), None)
        return None if view is None or binding is None else (view, binding)

    def rooms(self) -> tuple[tuple[DealView, RoomBinding], ...]:
        """Every room of every deal."""
        return tuple(self._rooms.values())

    def line_account(self, connector: ConnectorName, room: RoomId) -> AccountId | None:
        """Whose private line a room is."""
        return self._lines.get((connector, room))

    def line_room(self, connector: ConnectorName, account: AccountId) -> RoomId | None:
        """The private line of an account."""
        return self._line_of.get((connector, account))

    def deals_of(
        self, connector: ConnectorName, account: AccountId
    ) -> tuple[tuple[DealView, Person], ...]:
        """The deals whose roster lists who writes from an account."""
        found = ((v, v.author(connector, account)) for v in self.deals.values())
        return tuple((view, person) for view, person in found if person is not None)

    def reachable(self, connector: ConnectorName, account: AccountId, deal_id: str) -> bool:
        """Whether somebody may be told of a deal in his line.

        One that he left, or whose roster does not list him any more, tells him nothing. Of what
        belongs to no deal he is told as long as there is one that he has not left.
        """
        about = self.deals.get(DealId(deal_id))
        if about is not None:
            owner = about.author(connector, account)
            return owner is not None and not about.has_left(owner.person_id)
        there = self.deals_of(connector, account)
        return any(not view.has_left(person.person_id) for view, person in there)

    def by_code(self, code: str) -> DealView | None:
        """The deal of that code name."""
        return next((v for v in self.deals.values() if v.code == code), None)

    def person(self, person_id: PersonId) -> tuple[DealView, Person] | None:
        """A person and the first deal that lists him."""
        for view in self.deals.values():
            person = view.roster.person(person_id)
            if person is not None:
                return view, person
        return None

    def _watch(self, tx: Tx, deal_id: DealId) -> WatchList | None:
        """The sealed list. The deal's own code name is not on it: everybody there uses it."""
        owner = watch_owner(deal_id)
        sealed = tx.one("SELECT 1 FROM sealed WHERE owner = ?", (owner,))
        if sealed is None:
            return WatchList()
        found = self._open(tx, owner)
        if found is None:
            return None
        names, amounts = json.loads(found)
        return watch_list(names, amounts)

    def _open(self, tx: Tx, owner: str) -> str | None:
        """A short sealed text; None, and remembered as lost, where its key is gone."""
        try:
            found = self._label(tx, owner)
        except SealError:
            self.lost.add(owner)
            return None
        self.lost.discard(owner)
        return found

    def _conversations(self, tx: Tx, deal_id: DealId) -> Iterable[Labelled]:
        rows = tx.all(
            "SELECT conversation_id, label, floor, compartment, side FROM conversation "
            "WHERE deal_id = ? ORDER BY created_at, conversation_id",
            (deal_id,),
        )
        for cid, label, floor, compartment, side in rows:
            name = label if label is not None else self._open(tx, cid) or f"lost-{cid[-8:]}"
            own = SideId(side) if side is not None else None
            made = Conversation(
                ConversationId(cid), deal_id, name, Tier(floor), CompartmentId(compartment), own
            )
            yield made, label


def _mistakes(error: Exception) -> tuple[Mistake, ...]:
    return error.mistakes if isinstance(error, Invalid) else ()


def _tokens(entries: Sequence[Stated], signed: Standing) -> Mapping[str, Token]:
    return read_tokens((e for e in entries if e.n not in signed.unbelieved), signed)


def _closed(tx: Tx, deal_id: DealId) -> frozenset[ConversationId]:
    sql = "SELECT conversation_id FROM conversation WHERE deal_id = ? AND state = 'closed'"
    return frozenset(ConversationId(cid) for (cid,) in tx.all(sql, (deal_id,)))


def _bindings(tx: Tx, deal_id: DealId) -> Iterable[RoomBinding]:
    rows = tx.all(
        "SELECT connector, room, conversation_id, host, paused, alternate_connector, "
        "alternate_room FROM room WHERE deal_id = ? "
        "ORDER BY created_at, room",
        (deal_id,),
    )
    for connector, room, cid, host, paused, *primary in rows:
        yield RoomBinding(
            ConnectorName(connector),
            RoomId(room),
            ConversationId(cid),
            SideId(host),
            paused,
            (ConnectorName(primary[0]), RoomId(primary[1])) if primary[1] is not None else None,
        )
