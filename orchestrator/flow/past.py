"""Where a message went on an earlier way: read from the outbox.

Rules kept here:

1. What was sent, may have been sent, or is being sent is never sent to another room in that room's
   place; only a certain *not sent* frees it.
2. What may have arrived and is sent to the same room again is marked, also on another way, and
   wherever it goes what was written before a restored home went on.
"""

from dataclasses import dataclass

from orchestrator.store.unit import Tx
from tiers.conversation import Place
from tiers.ids import ConnectorName, RoomId


@dataclass(frozen=True, slots=True)
class Past:
    """The rooms of a message's earlier deliveries.

    Attributes:
        had: it is there, may be there, or is on its way.
        doubtful: an attempt that was not settled may have brought it there.
    """

    had: frozenset[Place] = frozenset()
    doubtful: frozenset[Place] = frozenset()

    @property
    def begun(self) -> frozenset[Place]:
        """Rooms that no other room may take the place of."""
        return self.had | self.doubtful


def is_old(tx: Tx, message_id: str, went_on_at: int) -> bool:
    """Whether a message was written before this restored home went on: it may have had its way.

    Args:
        tx: any transaction.
        message_id: the message.
        went_on_at: when it was let go on, microseconds UTC; 0: it never was restored.
    """
    if not went_on_at:
        return False
    row = tx.one("SELECT sent_at FROM message WHERE message_id = ?", (message_id,))
    return row is None or row[0] < went_on_at


def past_of(tx: Tx, message_id: str) -> Past:
    """Where a message went so far."""
    rows = tx.all(
        "SELECT connector, room, state, possibly FROM delivery "
        "WHERE message_id = ? AND kind = 'send'",
        (message_id,),
    )
    places = [((ConnectorName(c), RoomId(r)), state, possibly) for c, r, state, possibly in rows]
    had = frozenset(place for place, state, _ in places if state in {"done", "possibly", "started"})
    doubtful = frozenset(place for place, _, possibly in places if possibly)
    return Past(had, doubtful - had)
