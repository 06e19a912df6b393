"""What is done at once for a person in trouble: paused, distrusted, told, and nothing opened.

Rules kept here:

1. One word of his, or one command of anybody, is enough: everything here only takes away. One
   person alone stops so many others an hour and no more: whoever wants to stop a deal must not.
2. What stops him is written first, in one unit, in every deal that lists one of his accounts;
   rooms are read back and people told afterwards, and a network that fails stops none of it.
   What a crash left untold is told when the same is said again.
3. A phished person's keys are taken for somebody else's: they count no more, and another key has
   to be compared by two people. A new phone's key is only expected: it is worth nothing yet.
4. People are told on another network than the one where the trouble is, where they have one.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from connectors.port.messages import Device
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Waits
from orchestrator.clock import HOUR, Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.callback import CALL_BACK, TO_PHISHED
from orchestrator.deals.contacts import Door, contacts, door_of
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.deals.persons import state_person
from orchestrator.keys.keyring import Account, Keyring, KnownKey
from orchestrator.rooms.watch import Tell
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName, PersonId, RoomId
from tiers.people import Person
from tiers.trust import KeyEvent, KeyState, NotPossible

PHISHED, NEW_PHONE, PERSON_PAUSED = "phished", "new_phone", "person_paused"
"""Rules of the findings; their subject is the person."""
REASONS: Final = ("asked", "doubt", "lost_phone", "phished", "travel")
"""Codes of why somebody is paused."""
MOST_AN_HOUR: Final = 10
"""People whom one person alone may pause within an hour."""
_OUT = frozenset({KeyState.REVOKED, KeyState.COMPROMISED, KeyState.SUPERSEDED})
Standing = tuple[DealView, Person]
Distrust = Callable[[ConnectorName, AccountId, Device], Awaitable[None]]
Look = Callable[[Tx, ConnectorName, RoomId], None]


@dataclass(frozen=True, slots=True)
class Helped:
    """What was done for a person.

    Attributes:
        deals: codes of the deals in which he is paused, or a new key of his is expected.
        rooms: how many of ours he may sit in; each is read back at once.
        keys: how many keys of his count no more.
        told: ids of those who were told, each in his own line.
    """

    deals: tuple[str, ...]
    rooms: int
    keys: int
    told: tuple[PersonId, ...]


class Distress:
    """Helps.

    Args:
        rank: how fit a network is to tell an account something.
        tell: tells one account something in its private line.
        distrust: has a network's own store bar a key.
        look: has a room read back, once a unit is on disk.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        keyring: Keyring,
        now: Clock,
        rank: Callable[[ConnectorName, AccountId], int],
        tell: Tell,
        distrust: Distrust,
        look: Look,
    ) -> None:
        self._store = store
        self._book = book
        self._keyring = keyring
        self._now = now
        self._rank = rank
        self._tell = tell
        self._distrust = distrust
        self._look = look

    async def pause(self, deal: DealView, person: Person, reason: str, *, actor: str) -> Helped:
        """Clears one person for nothing in one deal, at once.

        Args:
            deal: in force.
            person: who.
            reason: one of ``REASONS``.
            actor: who says so.
        """
        because = f"{person.name} is paused ({reason}): nothing is sent to rooms that he reads"
        then = f"wallcross person resume {person.person_id}"
        raised = Raised(PERSON_PAUSED, "high", (because,), then)
        where = [(deal, person)]
        at = self._now()

        def unit(tx: Tx) -> None:
            self._pause(tx, where, reason, raised, at, actor)

        await self._written(unit, where)
        return Helped((deal.code,), len(self._rooms(where)), 0, ())

    async def resume(
        self,
        deal: DealView,
        person: Person,
        *,
        actor: str,
        also: Callable[[Tx, int], None] | None = None,
    ) -> None:
        """Gives a paused person back what the roster grants; his keys stay as they are.

        Args:
            deal: in force.
            person: who.
            actor: who says so.
            also: is done in the same unit, at its instant, first.
        """
        at = self._now()

        def unit(tx: Tx) -> None:
            if also is not None:
                also(tx, at)
            state_person(
                tx, deal.deal_id, Kind.PERSON_RESUMED, person.person_id, at=at, actor=actor
            )
            for rule in (PERSON_PAUSED, PHISHED):
                close_findings(tx, deal.deal_id, rule, person.person_id, at)

        await self._written(unit, [(deal, person)])

    async def phished(
        self, deal: DealView, person: Person, *, heard_on: ConnectorName | None, actor: str
    ) -> Helped:
        """Takes a person for taken over: paused everywhere, his keys out, his contacts told.

        Args:
            deal: in which he was named.
            person: who, as that deal lists him.
            heard_on: where it was told to us; None for a command.
            actor: who says so.
        """
        where = self._everywhere(deal, person)
        at, keys = self._now(), self._living(where)

        def unit(tx: Tx) -> None:
            self._pause(tx, where, "phished", _phished(person), at, actor)
            for account, device in keys:
                self._take_out(tx, deal, account, device, at, actor)

        await self._written(unit, where)
        if not keys and await self._is_told(deal, person, PHISHED):
            return Helped(_codes(where), len(self._rooms(where)), 0, ())
        for account, device in self._out(where):
            await self._distrust(*account, device)
        told = await self._tell_all(where, _said_phished, heard_on)
        await self._tell_himself(where, heard_on)
        await self._store.write(lambda tx: _told(tx, deal, person, PHISHED))
        return Helped(_codes(where), len(self._rooms(where)), len(keys), told)

    async def new_phone(
        self, deal: DealView, person: Person, *, heard_on: ConnectorName | None, actor: str
    ) -> Helped:
        """Notes that a person's next key will be another; nothing is opened by it.

        Args:
            deal: in which he was named.
            person: who, as that deal lists him.
            heard_on: where it was told to us; None for a command.
            actor: who says so; only the finding bears it, for it changes nothing.
        """
        del actor
        where, at = self._everywhere(deal, person), self._now()

        def unit(tx: Tx) -> None:
            for view, one in where:
                raise_finding(tx, view.deal_id, one.person_id, _new_phone(one), at)

        await self._store.write(unit)
        told: tuple[PersonId, ...] = ()
        if not await self._is_told(deal, person, NEW_PHONE):
            told = await self._tell_all(where, _said_new_phone, heard_on)
            await self._store.write(lambda tx: _told(tx, deal, person, NEW_PHONE))
        return Helped(_codes(where), len(self._rooms(where)), 0, told)

    def _everywhere(self, deal: DealView, person: Person) -> list[Standing]:
        """Who a person is in each deal: whoever owns one of his accounts."""
        own = set(person.accounts.items())
        found = [
            (view, one)
            for view in self._book.deals.values()
            for one in view.roster.people
            if own & set(one.accounts.items()) or (view is deal and one is person)
        ]
        return found or [(deal, person)]

    def _living(self, where: Iterable[Standing]) -> list[tuple[Account, Device]]:
        return [(a, known.device) for a, known in self._keys(where) if known.state not in _OUT]

    def _out(self, where: Iterable[Standing]) -> list[tuple[Account, Device]]:
        return [(a, known.device) for a, known in self._keys(where) if known.state in _OUT]

    def _keys(self, where: Iterable[Standing]) -> Iterator[tuple[Account, KnownKey]]:
        accounts = dict.fromkeys(door for _, one in where for door in one.accounts.items())
        return ((account, known) for account in accounts for known in self._keyring.known(account))

    async def _is_told(self, deal: DealView, person: Person, rule: str) -> bool:
        """Whether everybody was told of the finding that is open: a crash may have come between."""
        found = await self._store.read(
            lambda tx: tx.one(_TOLD, (deal.deal_id, rule, person.person_id))
        )
        return found is not None

    def _take_out(
        self, tx: Tx, deal: DealView, account: Account, device: Device, at: int, actor: str
    ) -> None:
        """A key that somebody took out meanwhile is out: nothing of the rest waits for it."""
        event = KeyEvent.REPLACED
        with suppress(NotPossible):
            self._keyring.withdraw(tx, deal.deal_id, account, device, event, at=at, actor=actor)

    def _pause(
        self,
        tx: Tx,
        where: Sequence[Standing],
        reason: str,
        raised: Raised,
        at: int,
        actor: str,
    ) -> None:
        kind = Kind.PERSON_PAUSED
        if any(one.person_id not in view.persons.paused for view, one in where):
            _check_hour(tx, where, actor, at)
        for view, one in where:
            if one.person_id not in view.persons.paused:
                more = {"reason": reason, "by": actor}
                state_person(tx, view.deal_id, kind, one.person_id, at=at, actor=actor, **more)
            raise_finding(tx, view.deal_id, one.person_id, raised, at)

    async def _written(self, unit: Callable[[Tx], None], where: Sequence[Standing]) -> None:
        """Has it written, then in force, and only then rooms read back by what is in force."""
        await self._store.write(unit)
        for view, _ in where:
            await self._book.reload(self._store, view.deal_id)
        await self._store.write(lambda tx: self._look_at(tx, where))

    def _rooms(self, where: Iterable[Standing]) -> set[tuple[ConnectorName, RoomId]]:
        """Every room of his deals on a network that he is on: who is in it is read back."""
        return {
            binding.place
            for view, one in where
            for found in view.rooms.values()
            for binding in found
            if binding.connector in one.accounts
        }

    def _look_at(self, tx: Tx, where: Iterable[Standing]) -> None:
        for connector, room in sorted(self._rooms(where)):
            self._look(tx, connector, room)

    async def _tell_all(
        self,
        where: Iterable[Standing],
        say: Callable[[Person], str],
        heard_on: ConnectorName | None,
    ) -> tuple[PersonId, ...]:
        told: dict[Door, PersonId] = {}
        for view, one in where:
            for contact in contacts(view, one.person_id):
                door = door_of(contact, heard_on, self._rank)
                if door is not None and door not in told:
                    told[door] = contact.person_id
                    await self._tell(view, *door, say(one))
        return tuple(p for door, p in told.items() if self._book.line_room(*door) is not None)

    async def _tell_himself(
        self, where: Sequence[Standing], heard_on: ConnectorName | None
    ) -> None:
        view, one = where[0]
        door = door_of(one, heard_on, self._rank)
        if door is not None and door[0] != heard_on:
            await self._tell(view, *door, TO_PHISHED)


_OF = "WHERE deal_id = ? AND rule = ? AND subject = ? AND closed_at IS NULL"
_TOLD: Final = f"SELECT 1 FROM finding JOIN home ON key = 'told:' || finding_id {_OF}"  # noqa: S608 - our own text
_TELL: Final = f"INSERT OR IGNORE INTO home SELECT 'told:' || finding_id, '1' FROM finding {_OF}"  # noqa: S608 - our own text


def _told(tx: Tx, deal: DealView, person: Person, rule: str) -> None:
    """Notes that everybody was told of what is open; it permits nothing."""
    tx.run(_TELL, (deal.deal_id, rule, person.person_id))


def _check_hour(tx: Tx, where: Iterable[Standing], actor: str, at: int) -> None:
    """Refuses one more within the hour.

    Raises:
        Waits: somebody else must stop him.
    """
    stopped = {
        said.body["person"]
        for view, _ in where
        for said in stated(tx, view.deal_id)
        if said.kind == Kind.PERSON_PAUSED and said.body.get("by") == actor and said.at > at - HOUR
    }
    if len(stopped) >= MOST_AN_HOUR:
        raise Waits(
            f"one person alone pauses {MOST_AN_HOUR} people an hour at most",
            still="He is not paused; nothing was changed.",
            then="have somebody else run it; or stop a room: wallcross conv pause",
        )


def _codes(where: Iterable[Standing]) -> tuple[str, ...]:
    return tuple(view.code for view, _ in where)


def _phished(person: Person) -> Raised:
    because = (
        f"{person.name} says that his account was taken over, or somebody says so in his name",
        "he is paused on every channel and his keys count no more",
    )
    then = f"{CALL_BACK}; then wallcross person devices {person.person_id}"
    return Raised(PHISHED, "critical", because, then)


def _new_phone(person: Person) -> Raised:
    because = f"{person.name} says that he has a new phone: a key of his will change"
    then = f"{CALL_BACK}; then wallcross person verify {person.person_id} --by A --by B"
    return Raised(NEW_PHONE, "medium", (because,), then)


def _said_phished(person: Person) -> str:
    return (
        f"{person.name} was phished, or somebody says so in his name. "
        "He is paused on every channel, and his keys count no more: "
        "nothing of ours goes into a room that he is in.\n"
        f"Next: {CALL_BACK}. Trust nothing that his accounts write until then. "
        "He comes back by a new key that two people compared, and by wallcross person resume."
    )


def _said_new_phone(person: Person) -> str:
    return (
        f"{person.name} says that he has a new phone. Nothing was opened by that: "
        "until two people have compared its key, it reads nothing that demands a verified one.\n"
        f"Next: {CALL_BACK}. If he knows of no new phone, write: phished"
    )
