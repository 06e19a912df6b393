"""A sealed copy is decided once more when its sender takes it away: that is when it leaves us.

Rules kept here:

1. Between sealing and taking a clearance may have ended, a wall gone up, a key been withdrawn: each
   of these keeps the copy here, as it would have stopped a mail.
2. The key that it was sealed to is still the reader's only one. A copy to a key that was replaced
   stays here, though the new one is verified.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.port.messages import Device, Reader
from orchestrator.clock import Clock
from orchestrator.deals.book import Book
from orchestrator.flow.port import ReadsRooms
from orchestrator.outbox.proof import proof_of
from tiers.conversation import Place
from tiers.documents import decide_copy
from tiers.ids import AccountId, ConnectorName, ConversationId, PersonId, RoomId
from tiers.routing import Placed
from tiers.tier import Tier

DevicesOf = Callable[[Place], Mapping[AccountId, frozenset[Device]]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A sealed copy that waits, as its delivery states it."""

    reader: PersonId
    connector: ConnectorName
    room: RoomId
    conversation_id: ConversationId
    as_tier: Tier
    sealed_to: str | None


async def against_taking(
    kept: Kept,
    book: Book,
    rooms: ReadsRooms,
    devices: DevicesOf,
    now: Clock,
    *,
    clock_trusted: bool,
) -> tuple[str, ...]:
    """Why a copy may not be taken away now; none: it may."""
    found = book.room(kept.connector, kept.room)
    if found is None or found[1].conversation_id != kept.conversation_id:
        return ("its conversation or its room is no longer in force",)
    deal, binding = found
    conversation = deal.conversations[kept.conversation_id]
    placed = Placed(conversation, max(kept.as_tier, conversation.floor))
    view = await rooms.view(deal, binding, not_before=now())
    decision = decide_copy(
        *(kept.reader, view, placed, deal.roster, deal.policy),
        at=now(),
        clock_trusted=clock_trusted,
    )
    if not decision:
        return tuple(dict.fromkeys(reason.because for reason in decision.against))
    present = devices((kept.connector, kept.room))
    readers = [Reader(r.account, present.get(r.account, frozenset())) for r in view.recipients]
    if proof_of(readers) != kept.sealed_to:
        return ("his key is another than the one that it was sealed to",)
    return ()
