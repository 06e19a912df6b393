"""Who should sit where, and how a room as read back differs from that.

Rules kept here:

1. A seat follows from the roster in force alone: a grant that holds now, no wall, the right side,
   and, where a conversation is for named people, being named. Each seat says why it is there.
2. Each person has one seat in a conversation; an alternate room seats the people of its room.
3. From a list that is not whole, nothing is concluded of who is absent. What could not be read is
   a difference of its own, never "as it should be".
4. A setting that is merely not proven is no drift: only one that is not there, or beyond its bound.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tiers.conversation import Conversation, Place, RoomBinding
from tiers.guarantees import Demand, Guarantee, Holding
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.people import Person, Roster
from tiers.policy import MembershipPolicy, TierPolicy
from tiers.trust import KeyState


@dataclass(frozen=True, slots=True)
class Intent:
    """A conversation with its rooms, and for whom it is, as the record says.

    Attributes:
        rooms: every room, alternates included.
        named: the only people it is for; None for everybody who is cleared.
        open: the record says for whom it is; else nobody is added, and whoever is cleared may stay.
        owners: by room the people who are admins beside our account; a room that is absent: the
            record does not say, and no role there is wrong.
        sits: where people took their seats; it permits nothing.
    """

    conversation: Conversation
    rooms: tuple[RoomBinding, ...]
    named: frozenset[PersonId] | None = None
    open: bool = True
    owners: Mapping[Place, frozenset[PersonId]] = field(default_factory=dict)
    sits: Mapping[PersonId, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seat:
    """One person's place in one room.

    Attributes:
        admin: he changes the room beside our account; None where the record does not say.
        because: why he has it, as a code.
    """

    person: PersonId
    account: AccountId
    admin: bool | None
    because: str


@dataclass(frozen=True, slots=True)
class Without:
    """Somebody who is to sit in a conversation and cannot: ``because`` is a code."""

    person: PersonId
    because: str


@dataclass(frozen=True, slots=True)
class Seats:
    """The desired seats of one conversation, by room and account."""

    of: Mapping[Place, Mapping[AccountId, Seat]]
    without: tuple[Without, ...]


def against(
    person: PersonId | None, roster: Roster, conversation: Conversation, at: int
) -> str | None:
    """Why a person may not read a conversation at ``at`` (microseconds UTC); None: he may.

    Returns:
        a code: ``unknown``, ``not_cleared``, ``wall`` or ``side``.
    """
    listed = roster.person(person) if person is not None else None
    if listed is None:
        return "unknown"
    if not roster.may_see(listed.person_id, conversation.compartment, conversation.floor, at):
        return "not_cleared"
    if roster.walled_off(listed.person_id, conversation.compartment, at):
        return "wall"
    return None if conversation.side in {None, listed.side} else "side"


def desired(
    intent: Intent,
    roster: Roster,
    order: Collection[ConnectorName],
    single: Collection[ConnectorName],
    at: int,
) -> Seats:
    """The seats that a conversation should have.

    Args:
        intent: the conversation.
        roster: in force.
        order: channels on which people of several accounts sit first.
        single: channels whose rooms hold one person each (a PGP mailing).
        at: now, microseconds UTC.
    """
    primaries = _by_rank(intent.rooms, tuple(order))
    seats: dict[Place, dict[AccountId, Seat]] = {b.place: {} for b in intent.rooms}
    without: list[Without] = []
    for person in roster.people:
        if not _is_for(intent, person, roster, at):
            continue
        place = _place_of(person, intent, primaries, single)
        if isinstance(place, str):
            without.append(Without(person.person_id, place))
        elif place is not None:
            _sit(seats, intent, person, place)
    for binding in intent.rooms:
        if binding.alternate_of in seats:
            _sit_beside(seats, intent, binding, roster, without)
    return Seats(seats, tuple(without))


def _by_rank(
    rooms: Iterable[RoomBinding], order: tuple[ConnectorName, ...]
) -> tuple[RoomBinding, ...]:
    ranks = {name: n for n, name in enumerate(order)}
    primaries = [b for b in rooms if b.alternate_of is None]
    return tuple(sorted(primaries, key=lambda b: ranks.get(b.connector, len(ranks))))


def _is_for(intent: Intent, person: Person, roster: Roster, at: int) -> bool:
    named = intent.named is None or person.person_id in intent.named
    seated = intent.open or person.person_id in intent.sits
    return named and seated and against(person.person_id, roster, intent.conversation, at) is None


def _place_of(
    person: Person,
    intent: Intent,
    primaries: tuple[RoomBinding, ...],
    single: Collection[ConnectorName],
) -> Place | str | None:
    """Where somebody sits: where he took his seat, else in the first room that may seat him."""
    mine = [b for b in primaries if b.connector in person.accounts]
    taken = intent.sits.get(person.person_id)
    if any(b.place == taken for b in mine):
        return taken
    free = next((b for b in mine if b.connector not in single), None)
    if free is not None:
        return free.place
    return "needs_a_room" if mine else "no_account"


def _sit(
    seats: Mapping[Place, dict[AccountId, Seat]], intent: Intent, person: Person, place: Place
) -> None:
    owners = intent.owners.get(place)
    because = "cleared" if intent.named is None else "named"
    account = person.accounts[place[0]]
    admin = None if owners is None else person.person_id in owners
    seats[place][account] = Seat(person.person_id, account, admin, because)


def _sit_beside(
    seats: Mapping[Place, dict[AccountId, Seat]],
    intent: Intent,
    binding: RoomBinding,
    roster: Roster,
    without: list[Without],
) -> None:
    """Seats an alternate room's people: those of the room that it stands in for."""
    if binding.alternate_of is None:
        return
    for seat in seats[binding.alternate_of].values():
        person = roster.person(seat.person)
        if person is not None and binding.connector in person.accounts:
            _sit(seats, intent, person, binding.place)
        else:
            without.append(Without(seat.person, "no_account"))


@dataclass(frozen=True, slots=True)
class Found:
    """A member as read back; ``devices``: states of his keys, None where no device is told of."""

    account: AccountId
    joined: bool
    admin: bool
    devices: tuple[KeyState | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """A room as read back.

    Attributes:
        ours: our own account there.
        members: as the network told them, ours included; None: they could not be read.
        complete: the list is whole.
        members_at: when they were read, microseconds UTC.
        holdings: guarantees as read back; None: the settings could not be read.
        gate: only our account may post.
        can: guarantees that a room of this network may hold at best.
    """

    place: Place
    ours: AccountId
    members: tuple[Found, ...] | None
    complete: bool
    members_at: int | None
    holdings: tuple[Holding, ...] | None
    gate: bool
    can: frozenset[Guarantee]


@dataclass(frozen=True, slots=True)
class Standard:
    """What a room is held to.

    Attributes:
        seats: by account.
        standby: the account of ours that takes over there; None where none is named.
        gate: only our account is to post; None where the record does not say.
        paused: people who are paused: they stay where they are.
        strict: somebody who is cleared and has no seat here is out of place.
        single: the network's room holds one person, who changes nothing of it.
        limits: how much of a room may be put out in one run.
    """

    conversation: Conversation
    tier: TierPolicy
    seats: Mapping[AccountId, Seat]
    standby: AccountId | None = None
    gate: bool | None = None
    paused: frozenset[PersonId] = frozenset()
    strict: bool = True
    single: bool = False
    limits: MembershipPolicy = field(default_factory=MembershipPolicy)


class DriftKind(Enum):
    """How a room differs from what it should be."""

    UNKNOWN = "unknown"
    EXTRA = "extra"
    MISSING = "missing"
    WRONG_ROLE = "wrong_role"
    UNVERIFIED = "unverified"
    SETTING = "setting"
    BOT_DEMOTED = "bot_demoted"
    STANDBY_MISSING = "standby_missing"
    SOLE_ADMIN_BOT = "sole_admin_bot"
    UNREAD = "unread"
    UNSEATED = "unseated"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be; ``because`` is a code."""

    kind: DriftKind
    place: Place
    account: AccountId | None
    person: PersonId | None
    because: str


@dataclass(frozen=True, slots=True)
class Drift:
    """How one room differs. ``right``: members who sit as they should."""

    differences: tuple[Difference, ...]
    right: int


def drift(standard: Standard, observed: Observed, roster: Roster, at: int) -> Drift:
    """Compares a room as read back with what it is held to, at ``at`` (microseconds UTC)."""
    found = [*_settings(standard, observed)]
    if observed.members is None:
        unread = Difference(DriftKind.UNREAD, observed.place, None, None, "members")
        return Drift((unread, *found), 0)
    present = {m.account: m for m in observed.members}
    bots = {observed.ours, standard.standby}
    wrong = 0
    for member in observed.members:
        if member.account not in bots:
            own = tuple(_of_member(standard, observed.place, member, roster, at))
            wrong += bool(own)
            found += own
    found += _absent(standard, observed, present)
    found += _admins(standard, observed, present, roster, at)
    people = sum(account not in bots for account in present)
    return Drift(tuple(found), people - wrong)


def _of_member(
    standard: Standard, place: Place, member: Found, roster: Roster, at: int
) -> Iterator[Difference]:
    owner = roster.owner(place[0], member.account)
    who = owner.person_id if owner is not None else None
    no = _out_of_place(standard, member, who, roster, at)
    if no is not None:
        kind = DriftKind.UNKNOWN if who is None else DriftKind.EXTRA
        yield Difference(kind, place, member.account, who, no)
        return
    seat = standard.seats.get(member.account)
    if seat is not None and seat.admin is not None and seat.admin != member.admin:
        because = "not_admin" if seat.admin else "admin"
        if member.joined or not seat.admin:  # who is only asked in is made an admin once he is in
            yield Difference(DriftKind.WRONG_ROLE, place, member.account, who, because)
    if standard.tier.devices_verified and not _verified(member):
        yield Difference(DriftKind.UNVERIFIED, place, member.account, who, "device")


def _out_of_place(
    standard: Standard, member: Found, who: PersonId | None, roster: Roster, at: int
) -> str | None:
    no = against(who, roster, standard.conversation, at)
    if no is not None:
        return "paused" if who in standard.paused and no == "not_cleared" else no
    return "no_seat" if standard.strict and member.account not in standard.seats else None


def _verified(member: Found) -> bool:
    return set(member.devices or (None,)) == {KeyState.VERIFIED}


def _absent(
    standard: Standard, observed: Observed, present: Mapping[AccountId, Found]
) -> Iterator[Difference]:
    place = observed.place
    if not observed.complete:
        yield Difference(DriftKind.UNREAD, place, None, None, "incomplete")
        return
    for account, seat in standard.seats.items():
        if account not in present:
            yield Difference(DriftKind.MISSING, place, account, seat.person, seat.because)
    spare = standard.standby
    if spare is not None and spare not in present:
        yield Difference(DriftKind.STANDBY_MISSING, place, spare, None, "standby")
    elif spare is not None and present[spare].joined and not present[spare].admin:
        yield Difference(DriftKind.WRONG_ROLE, place, spare, None, "not_admin")


def _admins(
    standard: Standard,
    observed: Observed,
    present: Mapping[AccountId, Found],
    roster: Roster,
    at: int,
) -> Iterator[Difference]:
    """Our own account and one cleared person change a room; where the network has such a role."""
    place, ours = observed.place, present.get(observed.ours)
    if ours is not None and not ours.admin:
        yield Difference(DriftKind.BOT_DEMOTED, place, observed.ours, None, "not_admin")
    if standard.single or not observed.complete:
        return
    owners = human_admins(standard, observed)
    if not any(_may(standard, place, a, roster, at) for a in owners):
        yield Difference(DriftKind.SOLE_ADMIN_BOT, place, observed.ours, None, "no_human_admin")


def _may(standard: Standard, place: Place, account: AccountId, roster: Roster, at: int) -> bool:
    """Whether an account is that of somebody who may be here."""
    owner = roster.owner(place[0], account)
    who = owner.person_id if owner is not None else None
    return against(who, roster, standard.conversation, at) is None


def human_admins(standard: Standard, observed: Observed) -> tuple[AccountId, ...]:
    """Accounts of people, by the last reading, that can change a room."""
    bots = {observed.ours, standard.standby}
    return tuple(m.account for m in observed.members or () if m.admin and m.account not in bots)


def _settings(standard: Standard, observed: Observed) -> Iterator[Difference]:
    place = observed.place
    if observed.holdings is None:
        yield Difference(DriftKind.UNREAD, place, None, None, "settings")
        return
    for name in unset(standard.tier, observed.holdings):
        yield Difference(DriftKind.SETTING, place, None, None, name)
    if standard.gate and not observed.gate:
        yield Difference(DriftKind.SETTING, place, None, None, "gate")


def unset(tier: TierPolicy, holdings: Iterable[Holding]) -> tuple[str, ...]:
    """The settings that a tier demands and that a room does not have, by the guarantee's name."""
    held = tuple(holdings)
    demands = (d for d in tier.demands if d.guarantee not in _NO_SETTING)
    return tuple(d.guarantee.value for d in demands if not _is_set(d, held))


_NO_SETTING = frozenset({Guarantee.DEVICES_VERIFIED, Guarantee.MEMBERS_READABLE})
"""What no setting of a room brings about."""


def _is_set(demand: Demand, holdings: Iterable[Holding]) -> bool:
    held = [h for h in holdings if h.guarantee is demand.guarantee]
    if demand.at_most is None:
        return bool(held)
    return bool(held) and all(h.value and 0 < h.value <= demand.at_most for h in held)
