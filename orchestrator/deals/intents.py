"""For whom each conversation is, and how each room was made, as the deal's chain states it.

Rules kept here:

1. Whoever may be asked into a room follows from entries and the roster in force, never from a row.
2. An entry that does not say it (an older one) is taken to say nothing: nobody is added, no role is
   wrong, and whoever is cleared may stay.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.audit.body import Json
from orchestrator.deals.stated import Chain
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.ids import ConversationId, PersonId
from tiers.membership import Intent

_FOR = "meant_for"
CLEARED, NAMED = "cleared", "named"


@dataclass(frozen=True, slots=True)
class MadeRoom:
    """How a room was made.

    Attributes:
        owners: people who are admins beside our account; None where it is not said.
        gate: only our account posts; None where it is not said.
    """

    owners: frozenset[PersonId] | None = None
    gate: bool | None = None


@dataclass(frozen=True, slots=True)
class Meant:
    """For whom a conversation is.

    Attributes:
        named: those people alone; None for everybody who is cleared.
        open: it is said at all.
    """

    named: frozenset[PersonId] | None = None
    open: bool = False


def conversation_intent(named: Iterable[PersonId] | None) -> dict[str, Json]:
    """What a conversation's entry says beside what permits: for whom it is."""
    if named is None:
        return {_FOR: CLEARED}
    return {_FOR: NAMED, "members": sorted(named)}


def room_intent(
    owners: Iterable[PersonId], members: Iterable[PersonId] | None, *, gate: bool
) -> dict[str, Json]:
    """What a room's entry says: who changes it, and who was named for it; None: nobody was."""
    said: dict[str, Json] = {"owners": sorted(owners), "gate": gate}
    return said if members is None else {**said, "members": sorted(members)}


def read_rooms(chain: Chain) -> dict[Place, MadeRoom]:
    """How each room was made."""
    found = {}
    for place, body in chain.rooms.items():
        owners = body.get("owners")
        known = None if owners is None else frozenset(PersonId(p) for p in owners)
        found[place] = MadeRoom(known, body.get("gate"))
    return found


def read_conversations(chain: Chain) -> dict[ConversationId, Meant]:
    """For whom each conversation is: those named for it, or for a room that was added to it."""
    further: dict[str, set[PersonId]] = {}
    for body in chain.rooms.values():
        further.setdefault(body["conversation"], set()).update(body.get("members", ()))
    found = {}
    for cid, body in chain.conversations.items():
        said = body.get(_FOR)
        named = {PersonId(p) for p in body.get("members", ())} | further.get(cid, set())
        only = frozenset(named) if said == NAMED else None
        found[ConversationId(cid)] = Meant(only, said is not None)
    return found


def intent(
    conversation: Conversation,
    rooms: tuple[RoomBinding, ...],
    meant: Meant,
    made: Mapping[Place, MadeRoom],
    sits: Mapping[PersonId, Place],
) -> Intent:
    """A conversation as ``tiers.membership`` compares it with what is there."""
    said = {b.place: made.get(b.place, MadeRoom()).owners for b in rooms}
    owners = {place: who for place, who in said.items() if who is not None}
    return Intent(conversation, rooms, meant.named, meant.open, owners, sits)
