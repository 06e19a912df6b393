"""Hears one-time codes: six words that a person sends to our account from his own.

Rules kept here:

1. What is bound is the account that the network says wrote them, in the unit of its batch. No
   number is asked for or kept, and nothing of the words.
2. Six words that are no code are a message as any other. Where an open code begins like them they
   are a try: the fifth wrong one closes the code, and none of them goes into a room.
3. A code that comes from an account that is somebody else's, or from another than the roster names
   or he proved before, binds nothing, is closed, and is a finding: whoever hands codes out alone
   puts no account in the place of another.
4. Where nobody can write to us but in a room that we go into, we go into strangers' rooms only
   while a code is open there, and into so many.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.port.connector import AcceptsInvites, Connector
from connectors.port.errors import ConnectorError
from connectors.port.events import Batch, MembershipChange, MembershipChanged
from orchestrator.audit.body import Json, named
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock
from orchestrator.deals import enrolment
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.enrolment import MOST_TRIES, Code, Tried
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.deals.persons import Persons, read_persons, state_person
from orchestrator.flow.codewords import WORDS, read_words
from orchestrator.flow.incoming import Incoming
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName, DealId, RoomId

ACTOR = "wallcross"
Tell = Callable[[DealView, ConnectorName, AccountId, str], Awaitable[None]]
"""Tells an account something in its line."""
BOUND = (
    "This account is now known here as yours. If you did not just send six words from it, say so "
    "to the deal's owner by another way, at once."
)
WRONG = (
    "Those six words are no code, and went to nobody. If you were given one, look at it again: the "
    "fifth wrong try closes it. If it was a message, write it with other words."
)
REFUSED, GUESSED, LAPSED = "enrolment_refused", "enrolment_guessed", "attested_lapsed"
MOST_ENTERED = 100
"""Rooms of strangers on one channel that we go into while codes are open there."""
_NUMBER = {word: n for n, word in enumerate(WORDS)}
_REMEDY = "ask him by another way whose account it is; then wallcross person enrol again"


@dataclass(frozen=True, slots=True)
class Heard:
    """Six words that may be a code, and who sent them."""

    sender: AccountId
    words: tuple[str, ...] = field(repr=False)


@dataclass(slots=True)
class Listening:
    """The codes of one batch.

    Attributes:
        bound: what was bound once the batch is written: deal and account.
        wrong: people on a deal whose words were no code; they are told that nothing went anywhere.
    """

    connector: ConnectorName
    heard: list[Heard] = field(default_factory=list)
    wrong: list[AccountId] = field(default_factory=list)
    bound: list[tuple[DealId, AccountId]] = field(default_factory=list)


class Enrolling:
    """Hears codes.

    Args:
        store: the home's.
        book: deals in force.
        now: the clock.
        tell: tells an account that it is known now.
    """

    def __init__(self, store: Store, book: Book, now: Clock, tell: Tell) -> None:
        self._store = store
        self._book = book
        self._now = now
        self._tell = tell
        self._entered: dict[ConnectorName, int] = {}

    def sort(
        self, connector: ConnectorName, messages: Sequence[Incoming]
    ) -> tuple[list[Incoming], Listening]:
        """Tells codes, and tries of codes, from messages; the latter go the usual way.

        A stranger's wrong try goes it too. Of somebody on a deal it would go into a room; he is
        told instead.
        """
        rest: list[Incoming] = []
        listening = Listening(connector)
        for message in messages:
            words = self._words(connector, message)
            found = self._tried(connector, words) if words is not None else None
            if words is None or found is None:
                rest.append(message)
                continue
            listening.heard.append(Heard(message.sender, words))
            if found.code is None and self._book.deals_of(connector, message.sender):
                listening.wrong.append(message.sender)
            elif found.code is None:
                rest.append(message)
        return rest, listening

    def _words(self, connector: ConnectorName, message: Incoming) -> tuple[str, ...] | None:
        bound = message.room is not None and self._book.room(connector, message.room) is not None
        if bound or message.files or message.edits or message.unreadable is not None:
            return None
        return read_words(message.text)

    def _tried(self, connector: ConnectorName, words: tuple[str, ...]) -> Tried | None:
        """What six words are, by the codes in memory; None where no code begins like them."""
        first = _NUMBER[words[0]]
        found = enrolment.tried(self._codes(connector), connector, words, first, self._now())
        return found if found.code is not None or found.against else None

    def _codes(self, connector: ConnectorName) -> Iterator[Code]:
        for view in self._book.deals.values():
            yield from (c for c in view.persons.codes.values() if c.channel == connector)

    def put(self, tx: Tx, listening: Listening) -> None:
        """Writes what the codes of a batch come to, in its unit."""
        listening.bound.clear()
        for heard in listening.heard:
            for view in self._book.deals.values():
                if any(c.channel == listening.connector for c in view.persons.codes.values()):
                    self._try(tx, view, listening, heard)

    def _try(self, tx: Tx, deal: DealView, listening: Listening, heard: Heard) -> None:
        at = self._now()
        persons = read_persons(stated(tx, deal.deal_id))  # also what this unit wrote before
        first = _NUMBER[heard.words[0]]
        codes = persons.codes.values()
        found = enrolment.tried(codes, listening.connector, heard.words, first, at)
        if found.code is None:
            _count(tx, deal, found, at)
        elif found.code.open(at):
            self._use(tx, deal, persons, found.code, heard.sender, listening)

    def _use(
        self,
        tx: Tx,
        deal: DealView,
        persons: Persons,
        code: Code,
        sender: AccountId,
        listening: Listening,
    ) -> None:
        at = self._now()
        against = self._against(deal, persons, code, sender)
        if against is not None:
            why, because = against
            raised = Raised(REFUSED, "high", (because,), _REMEDY)
            raise_finding(tx, deal.deal_id, code.person, raised, at)
            close(tx, deal.deal_id, code, why, at)
            return
        account: dict[str, Json] = {"channel": code.channel, "account": sender}
        how: dict[str, Json] = {"by": code.person, "graded": "proved", "enrolment": code.enrolment}
        _state(tx, deal.deal_id, Kind.ACCOUNT_BOUND, code, at, {**account, **how})
        close(tx, deal.deal_id, code, enrolment.USED, at)
        for settled in (REFUSED, LAPSED):
            close_findings(tx, deal.deal_id, settled, code.person, at)
        listening.bound.append((deal.deal_id, sender))

    def _against(
        self, deal: DealView, persons: Persons, code: Code, sender: AccountId
    ) -> tuple[str, str] | None:
        """Why an account is not bound, as a code and in words; None: nothing is against it."""
        others = {who.person_id for _, who in self._book.deals_of(code.channel, sender)}
        others |= {p for p, own in persons.bound.items() if own.get(code.channel) == sender}
        if others - {code.person}:
            return enrolment.TAKEN, "a code of his came from an account that is somebody else's"
        listed = deal.adopted.person(code.person) if deal.adopted is not None else None
        known = listed.accounts.get(code.channel) if listed is not None else None
        known = known or _proved(persons, code)
        if listed is None or named(sender) != sender or known not in {None, sender}:
            return enrolment.OTHER, "a code of his came from another account than is known as his"
        return None

    async def enter(self, connector: Connector, name: ConnectorName, batch: Batch) -> None:
        """Goes into the rooms that strangers ask us into, while a code is open on the channel.

        On some networks nobody can write to us before. What is said there is heard as from any
        stranger: a code binds, everything else is refused.
        """
        at = self._now()
        if not isinstance(connector, AcceptsInvites):
            return
        if not any(code.open(at) for code in self._codes(name)):
            self._entered.pop(name, None)
            return
        for room in _asked_into(batch, connector.account):
            if self._entered.get(name, 0) >= MOST_ENTERED or self._book.room(name, room):
                continue
            self._entered[name] = self._entered.get(name, 0) + 1
            with suppress(ConnectorError):  # he asks again, or writes where we are
                await connector.join(room)

    async def told(self, listening: Listening) -> None:
        """Reads the deals anew that codes were tried in, and tells whose account is known now."""
        if not listening.heard:
            return
        for deal_id in tuple(self._book.deals):
            await self._book.reload(self._store, deal_id)
        for deal_id, account in listening.bound:
            deal = self._book.deals.get(deal_id)
            if deal is not None:
                await self._tell(deal, listening.connector, account, BOUND)
        for account in listening.wrong:
            for deal, _ in self._book.deals_of(listening.connector, account)[:1]:
                await self._tell(deal, listening.connector, account, WRONG)


def _proved(persons: Persons, code: Code) -> AccountId | None:
    """What a code's person proved to be his before, on its channel; counsel's word is no proof."""
    if (code.person, code.channel) in persons.attested:
        return None
    return persons.bound.get(code.person, {}).get(code.channel)


def _asked_into(batch: Batch, ours: AccountId) -> list[RoomId]:
    return [
        event.room
        for event in batch.events
        if isinstance(event, MembershipChanged)
        and event.change is MembershipChange.INVITED
        and event.account == ours
    ]


def _count(tx: Tx, deal: DealView, found: Tried, at: int) -> None:
    """Counts a wrong try against each code that begins like it, and closes what was guessed at."""
    for code in found.against:
        tx.run("INSERT INTO enrolment_try VALUES (?, ?, ?)", (code.enrolment, code.channel, at))
        sql = "SELECT count(*) FROM enrolment_try WHERE enrolment = ? AND channel = ?"
        [(tries,)] = tx.all(sql, (code.enrolment, code.channel))
        if tries >= MOST_TRIES:
            close(tx, deal.deal_id, code, enrolment.TRIES, at)
            because = f"{tries} wrong codes that begin like his were sent on {code.channel}"
            raised = Raised(GUESSED, "medium", (because,), _REMEDY)
            raise_finding(tx, deal.deal_id, code.person, raised, at)


def close(tx: Tx, deal_id: DealId, code: Code, because: str, at: int) -> None:
    """States that a code opens nothing any more, and forgets its tries.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        code: the code.
        because: as ``orchestrator.deals.enrolment`` names it.
        at: microseconds UTC.
    """
    tx.run(
        "DELETE FROM enrolment_try WHERE enrolment = ? AND channel = ?",
        (code.enrolment, code.channel),
    )
    why: dict[str, Json] = {
        "enrolment": code.enrolment,
        "channel": code.channel,
        "because": because,
    }
    _state(tx, deal_id, Kind.ENROLMENT_CLOSED, code, at, why)


def _state(tx: Tx, deal_id: DealId, kind: Kind, code: Code, at: int, more: dict[str, Json]) -> None:
    state_person(tx, deal_id, kind, code.person, at=at, actor=ACTOR, **more)
