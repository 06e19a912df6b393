"""A deal's rooms held against its roster: what was read, what differs, what would be done.

Rules kept here:

1. Everything comes from the deal in force and from readings: the same of both gives the same.
2. A stranger is *noted* once an earlier reading than this one showed him; until then nothing puts
   him out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.port.connector import ChangesMembers, Connector, HardensRooms, RotatesRoomKeys
from connectors.port.messages import Member, Presence
from orchestrator.audit.body import named
from orchestrator.deals.book import DealView
from orchestrator.deals.intents import MadeRoom, Meant, intent
from orchestrator.rooms.observe import Reading
from tiers.conversation import Place, RoomBinding
from tiers.ids import AccountId, ConnectorName, ConversationId, PersonId
from tiers.membership import (
    Difference,
    DriftKind,
    Found,
    Intent,
    Observed,
    Seats,
    Standard,
    desired,
    drift,
)
from tiers.remedy import Ability, Case
from tiers.routing import RoomView
from tiers.trust import KeyState

Connectors = Mapping[ConnectorName, Connector]
Sits = Mapping[ConversationId, Mapping[PersonId, Place]]


@dataclass(frozen=True, slots=True)
class Looked:
    """One room as it was read for a plan.

    Attributes:
        inside: accounts that earlier readings showed, as entries name them.
        at: when the reading was looked at, microseconds UTC.
    """

    binding: RoomBinding
    reading: Reading
    view: RoomView
    inside: frozenset[str]
    at: int


def intents(deal: DealView, sits: Sits) -> tuple[Intent, ...]:
    """Every conversation of a deal with its rooms."""
    return tuple(
        intent(
            c, deal.rooms.get(cid, ()), deal.meant.get(cid, Meant()), deal.made, sits.get(cid, {})
        )
        for cid, c in deal.conversations.items()
    )


def cases(
    deal: DealView,
    intents: Iterable[Intent],
    looked: Iterable[Looked],
    connectors: Connectors,
    at: int,
) -> tuple[tuple[Case, ...], tuple[Difference, ...]]:
    """The drift of each room that was read, at ``at`` (microseconds UTC).

    Returns:
        the rooms, and who is to sit in a conversation none of whose rooms can seat him.
    """
    single = {n for n, c in connectors.items() if c.capabilities.most_members == 1}
    protected = frozenset(a for c in connectors.values() for a in _ours(c))
    rooms = {each.binding.place: each for each in looked}
    found: list[Case] = []
    without: list[Difference] = []
    for meant in intents:
        order = deal.policy.tiers[meant.conversation.floor].channels
        seats = desired(meant, deal.seating(meant.conversation.floor, at), order, single, at)
        for binding in meant.rooms:
            room, network = rooms.get(binding.place), connectors.get(binding.connector)
            if room is not None and network is not None:
                found.append(_case(deal, meant, seats, room, network, protected, at))
        without += _unseated(meant, seats)
    return tuple(found), tuple(without)


def _unseated(meant: Intent, seats: Seats) -> Iterator[Difference]:
    """Told of the conversation's first room, where it has one."""
    for binding in meant.rooms[:1]:
        for who in seats.without:
            place = binding.place
            yield Difference(DriftKind.UNSEATED, place, None, who.person, who.because)


def _case(
    deal: DealView,
    meant: Intent,
    seats: Seats,
    room: Looked,
    network: Connector,
    protected: frozenset[AccountId],
    at: int,
) -> Case:
    place, capabilities = room.binding.place, network.capabilities
    standard = Standard(
        meant.conversation,
        deal.policy.tiers[meant.conversation.floor],
        seats.of[place],
        capabilities.standby,
        deal.made.get(place, MadeRoom()).gate,
        frozenset(deal.persons.paused),
        strict=meant.open,
        single=capabilities.most_members == 1,
        limits=deal.policy.membership,
    )
    observed = _observed(room, network)
    return Case(
        standard,
        observed,
        drift(standard, observed, deal.roster, at),
        _ability(network),
        frozenset(m.account for m in observed.members or () if named(m.account) in room.inside),
        protected,
        room.at,
    )


def _ours(network: Connector) -> tuple[AccountId, ...]:
    standby = network.capabilities.standby
    return (network.account,) if standby is None else (network.account, standby)


def _ability(network: Connector) -> Ability:
    return Ability(
        isinstance(network, ChangesMembers),
        isinstance(network, HardensRooms),
        isinstance(network, RotatesRoomKeys),
    )


def _observed(room: Looked, network: Connector) -> Observed:
    members, posture = room.reading.members, room.reading.posture
    states = {r.account: r.devices for r in room.view.recipients}

    def found(member: Member) -> Found:
        devices = states.get(member.account)
        keys: tuple[KeyState | None, ...] | None = None
        if devices is not None:
            keys = tuple(d.state for d in devices)
        return Found(member.account, member.presence is Presence.JOINED, member.admin, keys)

    return Observed(
        room.binding.place,
        network.account,
        None if members is None else tuple(map(found, members.members)),
        members is not None and members.complete,
        None if members is None else members.read_at,
        None if posture is None else room.view.facts.holdings,
        posture is not None and posture.gate,
        network.capabilities.can,
    )
