"""Where people should be held against where they were read back, for a whole deal at once.

Rules kept here:

1. Who should be where is ``tiers.membership.desired`` and nothing else; who is where is the last
   reading, or the record of readings where a channel does not tell now.
2. From a list that is not whole nobody is concluded to be absent: that is *unknown*.
3. Where a conversation has several rooms, a person's cell is the worst of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hashlib import sha256

from connectors.port.messages import MemberSnapshot
from orchestrator.audit.body import named
from orchestrator.deals.book import DealView
from orchestrator.deals.intents import Meant, intent
from orchestrator.keys.keyring import Keyring
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.membership import Seat, Without, against, desired
from tiers.people import Roster
from tiers.trust import KeyState


class State(IntEnum):
    """A person in a conversation; of several rooms the highest counts."""

    NONE = 0
    IN = 1
    PAUSED = 2
    UNKNOWN = 3
    MISSING = 4
    EXTRA = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One person in one conversation.

    Attributes:
        because: a code.
        channel: where.
        was: of *unknown*: he was in by the last reading.
        listed: the roster in force seats him.
    """

    state: State
    because: str = ""
    channel: str = ""
    was: bool = False
    listed: bool = False


NOWHERE = Cell(State.NONE)
Row = PersonId | tuple[ConnectorName, str]
"""A person, or an account that is nobody's: channel, and its name as the network writes it."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is known of who is in a room.

    Attributes:
        members: accounts of people, ours left out; as entries name them where ``told`` is not so.
        told: its last reading told its members.
        whole: and told all of them.
        snapshot: as it was told; None where it was not.
    """

    binding: RoomBinding
    members: frozenset[str]
    told: bool
    whole: bool
    snapshot: MemberSnapshot | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a column is made of, beside the deal.

    Attributes:
        rooms: of the conversation.
        sits: where people took their seats.
        single: channels whose rooms hold one person each.
        at: microseconds UTC.
        lasts: for how long a ceremony speaks, microseconds.
    """

    rooms: tuple[Room, ...]
    sits: Mapping[PersonId, Place]
    single: AbstractSet[ConnectorName]
    at: int
    lasts: int


_THERE = frozenset({State.IN, State.PAUSED, State.EXTRA})


@dataclass
class Column:
    """A conversation, with the cell of everybody who has one.

    Attributes:
        mailing: its rooms hold one reader each.
    """

    conversation: Conversation
    rooms: tuple[Room, ...] = ()
    mailing: bool = False
    cells: dict[Row, Cell] = field(default_factory=dict)

    def worst(self, row: Row, cell: Cell) -> None:
        """Takes a cell in, unless there is a worse one."""
        before = self.cells.get(row)
        if before is None or cell.state > before.state:
            self.cells[row] = cell

    def at(self, row: Row) -> Cell:
        """The cell of somebody."""
        return self.cells.get(row, NOWHERE)

    @cached_property
    def people(self) -> int:
        """How many are there, or were when it was last known; to be asked of a whole column."""
        return sum(cell.state in _THERE or cell.was for cell in self.cells.values())


def column(deal: DealView, conversation: Conversation, ground: Ground, keyring: Keyring) -> Column:
    """Everybody who should be in a conversation, or is."""
    cid = conversation.conversation_id
    bindings = tuple(room.binding for room in ground.rooms)
    meant = deal.meant.get(cid, Meant())
    asked = intent(conversation, bindings, meant, deal.made, ground.sits)
    roster = deal.seating(conversation.floor, ground.at)
    order = deal.policy.tiers[conversation.floor].channels
    seats = desired(asked, roster, order, ground.single, ground.at)
    mailing = bool(bindings) and all(b.connector in ground.single for b in bindings)
    found = Column(conversation, ground.rooms, mailing)
    for room in ground.rooms:
        of_room = seats.of[room.binding.place]
        for row, cell in _of_room(deal, roster, conversation, room, of_room, ground, keyring):
            found.worst(row, cell)
    _unseated(found, seats.without)
    return found


def _unseated(found: Column, without: Iterable[Without]) -> None:
    for each in without:
        if each.person not in found.cells:
            cell = Cell(State.MISSING, each.because, "", listed=True)
            found.worst(each.person, cell)


def _of_room(
    deal: DealView,
    roster: Roster,
    conversation: Conversation,
    room: Room,
    seats: Mapping[AccountId, Seat],
    ground: Ground,
    keyring: Keyring,
) -> Iterator[tuple[Row, Cell]]:
    channel = room.binding.connector
    strict = deal.meant.get(conversation.conversation_id, Meant()).open
    compared = deal.policy.tiers[conversation.floor].devices_verified
    doubtful = _unverified(room, ground, keyring) if compared else frozenset[str]()
    for account, seat in seats.items():
        inside = (account if room.told else named(account)) in room.members
        yield seat.person, _seated(room, inside=inside, doubt=account in doubtful)
    for name in room.members - {a if room.told else named(a) for a in seats}:
        owner = deal.roster.owner(channel, AccountId(name))
        row: Row = (channel, name) if owner is None else owner.person_id
        who = None if owner is None else owner.person_id
        why = against(who, roster, conversation, ground.at)
        if why == "not_cleared" and who in deal.persons.paused:
            yield row, _other(room, State.PAUSED, "paused")
        elif why is None and not strict:
            yield row, _other(room, State.IN, "stays")
        else:
            yield row, _other(room, State.EXTRA, why or "no_seat")


def _seated(room: Room, *, inside: bool, doubt: bool) -> Cell:
    channel = room.binding.connector
    if not room.told or (not inside and not room.whole):
        return Cell(State.UNKNOWN, "unread", channel, was=inside, listed=True)
    if not inside:
        return Cell(State.MISSING, "", channel, listed=True)
    if doubt:
        return Cell(State.PAUSED, "device", channel, listed=True)
    return Cell(State.IN, "", channel, listed=True)


def _other(room: Room, state: State, because: str) -> Cell:
    channel = room.binding.connector
    if not room.told:
        return Cell(State.UNKNOWN, because, channel, was=True)
    return Cell(state, because, channel)


def _unverified(room: Room, ground: Ground, keyring: Keyring) -> frozenset[str]:
    """Accounts with a device that two people have not compared, or none that is told of."""
    if room.snapshot is None:
        return frozenset()
    name, at, lasts = room.binding.connector, ground.at, ground.lasts
    return frozenset(
        m.account
        for m in room.snapshot.members
        if {keyring.counts((name, m.account), d, at, lasts) for d in m.devices or ()}
        != {KeyState.VERIFIED}
    )


def key_of(row: Row) -> str:
    """A row's key: an id, or a digest of an account from outside."""
    if isinstance(row, tuple):
        return f"account:{sha256('/'.join(row).encode()).hexdigest()[:32]}"
    return row
