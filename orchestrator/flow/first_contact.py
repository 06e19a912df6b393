"""Whoever writes to us and is on no list: kept sealed, with who he says he is and what is odd.

Rules kept here:

1. It is taken in by nobody: no deal, no room, no answer. A person who looks may have him enrol, and
   then he proves by a code that the account is his, like everybody.
2. What he says of himself is data: his name is cut and bears nothing that turns or hides text; of
   his message a finding says only that it presses, never a word of it. His files are not fetched.
3. A flood fills neither the disk nor the list of findings: each account, each network and each day
   has its bounds, and what is beyond them is one finding that says so.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from connectors.port.events import Quarantined
from connectors.port.messages import Attachment
from orchestrator.clock import DAY, Clock
from orchestrator.deals.book import HOME, Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.incoming import Incoming
from orchestrator.flow.quarantine import STRANGER as VERDICT
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName
from tiers.lookalike import Claim, Oddity, oddities, shown
from tiers.people import Person

RULE, MANY = "first_contact", "strangers_many"
MOST_BYTES: Final = 16 << 10
"""Of one message; what is longer is cut."""
MOST_OF_ONE: Final = 5
"""Messages of one account that are kept in a day."""
MOST_A_DAY: Final = 200
"""Messages of all strangers of one network that are kept in a day."""
MOST_OPEN: Final = 50
"""Findings about single strangers of one network that are open at a time."""
_KEPT: Final = (
    "SELECT count(*), coalesce(sum(claimed_sender = ?), 0) FROM quarantine "
    "WHERE connector = ? AND verdict = ? AND received_at >= ?"
)
_OPEN: Final = (
    "SELECT count(*), coalesce(sum(subject = ?), 0) FROM finding "
    "WHERE rule = ? AND closed_at IS NULL AND substr(subject, 1, ?) = ?"
)
_THEN: Final = (
    "ask whoever he says he is by another way; then wallcross quarantine admit, drop, "
    "or block him on his network"
)


@dataclass(frozen=True, slots=True)
class Stranger:
    """One message of somebody whom nobody knows, as it is kept.

    Attributes:
        name: as it may be printed.
        odd: what people should look at; decides nothing.
    """

    event: Quarantined
    name: str
    odd: tuple[Oddity, ...]


class FirstContact:
    """Tells strangers from people.

    Args:
        store: the home's.
        book: deals in force.
        known: whether somebody's deal takes a message in.
        now: the clock.
    """

    def __init__(
        self, store: Store, book: Book, known: Callable[[Incoming], bool], now: Clock
    ) -> None:
        self._store = store
        self._book = book
        self._known = known
        self._now = now

    async def sort(
        self, connector: ConnectorName, messages: Sequence[Incoming]
    ) -> tuple[list[Incoming], list[Stranger]]:
        """Those of people, and those of strangers that are kept; what is beyond bounds is told."""
        rest: list[Incoming] = []
        strange: list[Incoming] = []
        for message in messages:
            (rest if self._known(message) else strange).append(message)
        room = await self._room_for(connector, strange) if strange else ()
        return rest, [self._kept(message) for message in room]

    async def _room_for(
        self, connector: ConnectorName, strange: Sequence[Incoming]
    ) -> list[Incoming]:
        since = self._now() - DAY
        within: list[Incoming] = []
        for message in strange:
            every, own = await self._store.read(partial(_count, connector, message.sender, since))
            own += sum(one.sender == message.sender for one in within)
            if every + len(within) < MOST_A_DAY and own < MOST_OF_ONE:
                within.append(message)
        if len(within) < len(strange):
            await self._store.write(lambda tx: _many(tx, connector, self._now()))
        return within

    def _kept(self, message: Incoming) -> Stranger:
        claim = Claim(message.sender, message.claimed_name, message.text)
        odd = oddities(claim, self._people())
        text = message.text.encode("utf-8", "replace")[:MOST_BYTES]

        async def pieces() -> AsyncIterator[bytes]:
            yield text

        raw = Attachment("message.txt", "text/plain", len(text), pieces)
        name = shown(message.claimed_name)
        codes = tuple(dict.fromkeys(o.code for o in odd)) or ("unknown",)
        at = self._now()  # its network's word for when it was sent could stretch every bound
        event = Quarantined(
            message.remote_id, VERDICT, "message", codes, message.sender, at, raw, name
        )
        return Stranger(event, name, odd)

    def _people(self) -> Iterator[Person]:
        seen = {
            (person.person_id, person.name): person
            for view in self._book.deals.values()
            for person in view.roster.people
        }
        return iter(seen.values())

    def put(self, tx: Tx, connector: ConnectorName, strange: Sequence[Stranger]) -> None:
        """Opens a finding for each, in the unit that keeps them."""
        for one in strange:
            _tell(tx, connector, one, self._now())


def _count(connector: ConnectorName, sender: AccountId, since: int, tx: Tx) -> tuple[int, int]:
    """How many messages are kept since then, of everybody and of one account."""
    found = tx.one(_KEPT, (sender, connector, VERDICT, since))
    return (found[0], found[1]) if found is not None else (MOST_A_DAY, MOST_OF_ONE)


def _tell(tx: Tx, connector: ConnectorName, one: Stranger, at: int) -> None:
    subject, place = f"{connector}:{one.event.claimed_sender}", f"{connector}:"
    found = tx.one(_OPEN, (subject, RULE, len(place), place))
    open_now, own = (found[0], found[1]) if found is not None else (MOST_OPEN, 0)
    if open_now >= MOST_OPEN and not own:
        _many(tx, connector, at)
        return
    odd = one.odd
    severity = "high" if any(o.person is not None for o in odd) else "medium"
    says = f", and calls himself {one.name!r}" if one.name else ""
    why = (
        f"somebody who is on no list writes to our account{says}; it is kept sealed",
        *(o.because for o in odd[:3]),
    )
    raise_finding(tx, HOME, subject, Raised(RULE, severity, why, _THEN), at)


def _many(tx: Tx, connector: ConnectorName, at: int) -> None:
    why = ("more strangers write to our account than are kept; the rest is not taken in",)
    then = "wallcross quarantine list; close the account to strangers on its network"
    raise_finding(tx, HOME, connector, Raised(MANY, "medium", why, then), at)
