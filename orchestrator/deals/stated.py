"""What a deal's chain states about its conversations, rooms, pauses and attestations.

Rules kept here:

1. Whoever writes such a row states it with the body that is made here, in the same unit.
2. At load each row is compared with the newest entry about it. What does not agree permits
   nothing: a conversation counts as its stated floor or as VALUATION where none is stated, a room
   stays what was stated and paused, a lifted pause stands, an attestation is absent.
3. What was stated and has no row any more is missed, not forgotten.
4. A conversation's floor only ever rises, and one that was closed is never open again, whatever a
   later entry or a row says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.audit.body import Json
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.journal.policy import JOINT
from orchestrator.store.unit import Row
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.guarantees import Evidence, Guarantee, Holding, Source
from tiers.ids import (
    AccountId,
    CompartmentId,
    ConnectorName,
    ConversationId,
    DealId,
    RoomId,
    SideId,
)
from tiers.tier import Tier

BY_READING = "reading:"
"""Begins the reason of a pause that a later reading may end."""
NOT_AS_STATED = "its row in the store is not the one that the audit states"
REOPENED = "a conversation: the audit says that it was closed, its row in the store says otherwise"
PAUSE_STANDS = "the audit says that it is paused, its row in the store says otherwise"
Attestations = Mapping[Place, tuple[Holding, ...]]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row that is not as the audit states it. ``subject``: what it is about."""

    subject: str
    because: str


def conversation_body(made: Conversation, *, sealed: bool) -> dict[str, Json]:
    """The body that states a conversation; of a sealed label it says only that there is one."""
    return {
        "conversation": made.conversation_id,
        "floor": made.floor.value,
        "joint": made.joint,
        "scope": made.side or JOINT,
        "row": _conversation(made, None if sealed else made.label),
    }


def raised_body(made: Conversation, was: Tier) -> dict[str, Json]:
    """The body that states that a conversation counts as a stricter tier from now on."""
    sealed = made.floor is Tier.VALUATION
    return {**conversation_body(made, sealed=sealed), "was": was.value}


def closed_body(made: Conversation) -> dict[str, Json]:
    """The body that states that a conversation takes nothing any more."""
    row = commitment("closed", made.conversation_id, made.deal_id)
    return {"conversation": made.conversation_id, "row": row}


def room_body(binding: RoomBinding) -> dict[str, Json]:
    """The body that states that a room is a conversation's."""
    return {
        "room": binding.room,
        "channel": binding.connector,
        "conversation": binding.conversation_id,
        "row": _room(binding),
    }


def pause_body(binding: RoomBinding, paused: str | None) -> dict[str, Json]:
    """The body that states why a room is paused now; None: that it runs."""
    return {
        "room": binding.room,
        "channel": binding.connector,
        "row": _pause(binding.place, paused),
    }


def attested_body(row: Row) -> dict[str, Json]:
    """The body that states an attestation, of its row as ``read_attested`` reads it."""
    n, _, connector, room, guarantee, value, person, _ = row
    place: dict[str, Json] = {"room": room, "channel": connector, "n": n}
    return {
        **place,
        "guarantee": guarantee,
        "value": value,
        "by": person,
        "row": commitment("attestation", *row),
    }


def line_body(connector: ConnectorName, room: RoomId, account: AccountId) -> dict[str, Json]:
    """The body that states that a room is the private line of an account."""
    row = commitment("line", connector, room, account)
    return {"room": room, "account": account, "channel": connector, "row": row}


Line = tuple[ConnectorName, RoomId, AccountId]


def check_lines(
    entries: Iterable[Stated], rows: Iterable[Line]
) -> tuple[list[Line], tuple[Doubt, ...]]:
    """The private lines that are as stated; what is not is nobody's line.

    Args:
        entries: of every chain.
        rows: of the store.
    """
    said: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in entries:
        if entry.kind == Kind.LINE_OPENED:
            said[entry.body["channel"], entry.body["account"]] = entry.body
    there = list(rows)
    good = [
        line
        for line in there
        if said.get((line[0], line[2]), {}).get("row") == commitment("line", *line)
    ]
    missing = said.keys() - {(connector, account) for connector, _, account in good}
    strange = {(c, a) for c, _, a in there} - {(c, a) for c, _, a in good}
    doubted = sorted(missing | strange)
    return good, tuple(Doubt(":".join(p), f"a private line: {NOT_AS_STATED}") for p in doubted)


def _conversation(made: Conversation, label: str | None) -> str:
    columns = (made.deal_id, label, made.floor.value, made.compartment, made.side)
    return commitment("conversation", made.conversation_id, *columns)


def _room(binding: RoomBinding) -> str:
    columns = (binding.conversation_id, binding.host, binding.alternate_of)
    return commitment("room", binding.connector, binding.room, *columns)


def _pause(place: Place, paused: str | None) -> str:
    return commitment("paused", *place, paused)


@dataclass(slots=True)
class Chain:
    """The newest entry about each thing of a deal.

    Attributes:
        raised: conversations that became VALUATION ones, by the number of the entry.
        closed: conversations that take nothing any more.
        lived: of every room that ever was, whose it was last.
    """

    deal_id: DealId
    conversations: dict[str, dict[str, Any]] = field(default_factory=dict)
    raised: dict[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    lived: dict[Place, ConversationId] = field(default_factory=dict)
    rooms: dict[Place, dict[str, Any]] = field(default_factory=dict)
    pauses: dict[Place, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    attested: dict[tuple[Place, str], dict[str, Any]] = field(default_factory=dict)


def read_chain(deal_id: DealId, entries: Iterable[Stated]) -> Chain:
    """What a deal's entries, in their order, come to."""
    chain = Chain(deal_id)
    for entry in entries:
        body = entry.body
        if entry.kind in _OF_CONVERSATIONS:
            _conversed(chain, entry)
            continue
        if "room" not in body:
            continue
        place = ConnectorName(body["channel"]), RoomId(body["room"])
        if entry.kind == Kind.ROOM_CREATED:
            chain.rooms[place] = body
            chain.lived[place] = ConversationId(body["conversation"])
        elif entry.kind == Kind.ROOM_REPLACED:
            chain.rooms.pop(place, None)
            chain.pauses.pop(place, None)
        elif entry.kind in {Kind.ROOM_PAUSED, Kind.ROOM_RESUMED}:
            chain.pauses[place] = (entry.kind, body)
        elif entry.kind == Kind.ROOM_ATTESTED:
            chain.attested[place, body["guarantee"]] = body
    return chain


_OF_CONVERSATIONS = frozenset(
    {Kind.CONVERSATION_CREATED, Kind.CONVERSATION_RAISED, Kind.CONVERSATION_CLOSED}
)


def _conversed(chain: Chain, entry: Stated) -> None:
    cid, body = entry.body["conversation"], entry.body
    if entry.kind == Kind.CONVERSATION_CREATED:
        chain.conversations[cid] = body
        return
    before = chain.conversations.get(cid)
    if entry.kind == Kind.CONVERSATION_CLOSED:
        chain.closed.add(cid)
    elif before is not None and Tier(body["floor"]) > Tier(before["floor"]):
        chain.conversations[cid] = {**before, **body}
        if Tier(body["floor"]) is Tier.VALUATION:
            chain.raised[cid] = entry.n


@dataclass(frozen=True, slots=True)
class Checked:
    """A deal's conversations and rooms as they may be believed.

    Attributes:
        doubted: conversations of which something is not as stated.
        unstated: rooms that no entry of this chain made; another deal's word goes before.
        closed: conversations that take nothing any more.
        closing: rooms of those that are still to be given up.
    """

    conversations: dict[ConversationId, Conversation]
    rooms: dict[ConversationId, tuple[RoomBinding, ...]]
    doubted: frozenset[ConversationId]
    unstated: frozenset[Place]
    doubts: tuple[Doubt, ...]
    closed: dict[ConversationId, Conversation] = field(default_factory=dict)
    closing: dict[ConversationId, tuple[RoomBinding, ...]] = field(default_factory=dict)


Labelled = tuple[Conversation, str | None]
"""A conversation's row, and its label as the row has it (None: sealed)."""


def check(
    chain: Chain,
    rows: Sequence[Labelled],
    bindings: Sequence[RoomBinding],
    closed: frozenset[ConversationId] = frozenset(),
) -> Checked:
    """Compares a deal's rows with what was stated.

    Args:
        chain: what was stated.
        rows: its conversations.
        bindings: its rooms.
        closed: conversations of which the row says that they are closed.
    """
    ended = {c.conversation_id: c for c, _ in rows if c.conversation_id in chain.closed}
    reopened = ended.keys() - closed
    rows = [row for row in rows if row[0].conversation_id not in closed | ended.keys()]
    conversations = {c.conversation_id: _believed(chain, c, label) for c, label in rows}
    known = conversations.keys() | chain.closed
    gone = [ConversationId(cid) for cid in chain.conversations if cid not in known]
    conversations |= {cid: _missing(chain, cid) for cid in gone}
    bad = {c.conversation_id for c, label in rows if not _stated(chain, c, label)} | {*gone}
    there = {b.place for b in bindings}
    missed = [_lost(place, said) for place, said in chain.rooms.items() if place not in there]
    rooms: dict[ConversationId, tuple[RoomBinding, ...]] = {}
    closing: dict[ConversationId, tuple[RoomBinding, ...]] = {}
    for binding in [*(_as_stated(chain, b) for b in bindings), *missed]:
        cid = binding.conversation_id
        if cid in conversations:
            held = replace(binding, paused=NOT_AS_STATED) if cid in bad else binding
            rooms[cid] = (*rooms.get(cid, ()), held)
        elif cid in ended and binding.place in chain.rooms and binding.place in there:
            closing[cid] = (*closing.get(cid, ()), binding)
    wrong = [b for b in bindings if not _room_agrees(chain, b)] + missed
    strange = frozenset(b.place for b in bindings if b.place not in chain.rooms)
    doubts = (*_doubts(bad, wrong), *(Doubt(cid, REOPENED) for cid in sorted(reopened)))
    return Checked(conversations, rooms, frozenset(bad), strange, doubts, ended, closing)


def _doubts(bad: Iterable[ConversationId], wrong: Iterable[RoomBinding]) -> tuple[Doubt, ...]:
    return (
        *(Doubt(cid, f"a conversation: {NOT_AS_STATED}") for cid in sorted(bad)),
        *(Doubt(":".join(b.place), f"a room: {NOT_AS_STATED}") for b in wrong),
    )


def _stated(chain: Chain, row: Conversation, label: str | None) -> bool:
    said = chain.conversations.get(row.conversation_id)
    return said is not None and said["row"] == _conversation(row, label)


def _believed(chain: Chain, row: Conversation, label: str | None) -> Conversation:
    if _stated(chain, row, label):
        return row
    said = chain.conversations.get(row.conversation_id)
    if said is None:
        return replace(row, floor=Tier.VALUATION)
    return replace(row, floor=max(Tier(said["floor"]), row.floor), side=_side(said))


def _missing(chain: Chain, cid: str) -> Conversation:
    said = chain.conversations[cid]
    nobodys = CompartmentId("lost")
    return Conversation(
        ConversationId(cid), chain.deal_id, f"lost-{cid[-8:]}", Tier.VALUATION, nobodys, _side(said)
    )


def _side(said: Mapping[str, Any]) -> SideId | None:
    return None if said["scope"] == JOINT else SideId(said["scope"])


def _lost(place: Place, said: Mapping[str, Any]) -> RoomBinding:
    cid = ConversationId(said["conversation"])
    return RoomBinding(*place, cid, SideId("lost"), NOT_AS_STATED)


def _as_stated(chain: Chain, row: RoomBinding) -> RoomBinding:
    """A room's row, or what was stated of it and paused."""
    said = chain.rooms.get(row.place)
    if said is None:
        return replace(row, paused=NOT_AS_STATED)
    if said["row"] != _room(row):
        cid = ConversationId(said["conversation"])
        return replace(row, conversation_id=cid, paused=NOT_AS_STATED)
    return row if _pause_agrees(chain, row) else replace(row, paused=_standing_pause(chain, row))


def _standing_pause(chain: Chain, row: RoomBinding) -> str:
    """Why a room stands still whose row tells another pause than was stated."""
    kind, _ = chain.pauses.get(row.place, (Kind.ROOM_RESUMED, {}))
    return PAUSE_STANDS if kind == Kind.ROOM_PAUSED or row.paused is None else row.paused


def _pause_agrees(chain: Chain, row: RoomBinding) -> bool:
    found = chain.pauses.get(row.place)
    if found is None:
        return row.paused is None
    return bool(found[1]["row"] == _pause(row.place, row.paused))


def _room_agrees(chain: Chain, row: RoomBinding) -> bool:
    said = chain.rooms.get(row.place)
    return said is not None and said["row"] == _room(row) and _pause_agrees(chain, row)


ATTESTED = (
    "SELECT n, deal_id, connector, room, guarantee, value, person_id, at FROM attestation "
    "WHERE deal_id = ? ORDER BY n"
)


def check_attested(chain: Chain, rows: Iterable[Row]) -> tuple[Attestations, tuple[Doubt, ...]]:
    """The newest attestation of each guarantee of each room, where it is the one stated."""
    newest: dict[tuple[Place, str], Row] = {}
    for row in rows:
        newest[(ConnectorName(row[2]), RoomId(row[3])), row[4]] = row
    found: dict[Place, list[Holding]] = {}
    bad = {key[0] for key in chain.attested.keys() - newest.keys()}
    for key, row in newest.items():
        said = chain.attested.get(key)
        if said is None or said["row"] != commitment("attestation", *row):
            bad.add(key[0])
            continue
        found.setdefault(key[0], []).append(_holding(row))
    doubts = (Doubt(":".join(p), f"an attestation: {NOT_AS_STATED}") for p in sorted(bad))
    return {place: tuple(of) for place, of in found.items()}, tuple(doubts)


def _holding(row: Row) -> Holding:
    _, _, _, _, guarantee, value, person, at = row
    kind = Guarantee(guarantee)
    return Holding(kind, Evidence.ATTESTED, Source.PERSON, at, value, by=person)
