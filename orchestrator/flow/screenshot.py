"""A message of which its author's app says that it shows his screen.

Rules kept here:

1. It is said once for each message, in the unit that takes it in: offered again, or read a second
   time once its key has come, it is the same one, also when the finding is closed by then.
2. What the app says is believed as it stands; the picture itself is judged like any file.
3. In a conversation for coordination it is low. Elsewhere it is high, and so it is where nobody
   knows yet which conversation it goes to.
"""

from typing import Final

from orchestrator.deals.book import Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.incoming import Incoming
from orchestrator.store.unit import Tx
from tiers.ids import DealId, MessageId
from tiers.tier import Tier

RULE: Final = "screenshot"
_WHY = ("its author's app says that a file in a message is a picture of his screen",)
_THEN = "ask its author what it shows, and to delete it; a picture outlives every timer"
_SAID = """
SELECT 1 FROM message m JOIN finding f ON f.deal_id = m.deal_id AND f.subject = m.message_id
WHERE m.connector = ? AND m.remote_id = ? AND f.rule = ?"""


def tell_screenshot(
    tx: Tx, book: Book, deal_id: DealId, message_id: MessageId, incoming: Incoming, at: int
) -> None:
    """Opens the finding that an accepted message asks for.

    Args:
        tx: writes; it is the unit that the message is stored in.
        book: deals in force.
        deal_id: the deal that keeps the message.
        message_id: of the message.
        incoming: as it was handed in.
        at: now, microseconds UTC.
    """
    if not incoming.screenshot:
        return
    if tx.one(_SAID, (incoming.connector, incoming.remote_id, RULE)) is not None:
        return
    severity = "low" if _floor(book, incoming) is Tier.COORDINATION else "high"
    raise_finding(tx, deal_id, message_id, Raised(RULE, severity, _WHY, _THEN), at)


def _floor(book: Book, incoming: Incoming) -> Tier | None:
    """The declared tier of the conversation whose room it was written in; None: of none."""
    found = book.room(incoming.connector, incoming.room) if incoming.room else None
    if found is None:
        return None
    deal, binding = found
    conversation = deal.conversations.get(binding.conversation_id)
    return None if conversation is None else conversation.floor
