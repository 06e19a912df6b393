"""A document's copy that is sealed into a file for its sender, in the place of being sent.

Rules kept here:

1. It is cleared by the same guard as what is sent, at the same instant, and made by the same
   network: the very bytes that would have left.
2. The copy is kept sealed a second time, for this home, under its delivery; it is there exactly
   when its delivery is settled, and is destroyed when it was called back or a day is over.
"""

from collections.abc import AsyncIterator

from connectors.port.connector import Connector, SealsCopies
from connectors.port.errors import Rejected, Uncertain
from connectors.port.messages import Accepted
from orchestrator.clock import DAY
from orchestrator.outbox import rows
from orchestrator.outbox.item import Done, Item
from orchestrator.outbox.port import Cleared
from orchestrator.seal.body import SealedRow
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Tx

KEPT_FOR = DAY
"""For how long a sealed copy waits for its sender, microseconds."""
_OVER = """
SELECT d.delivery_id FROM document f INDEXED BY document_seals JOIN delivery d USING (message_id)
JOIN sealed s ON s.owner = d.delivery_id
LEFT JOIN document_copy c ON c.message_id = d.message_id AND c.connector = d.connector
    AND c.room = d.room
WHERE f.seals AND (d.settled_at < ? OR EXISTS (SELECT 1 FROM document_recall r
    WHERE r.message_id = d.message_id AND r.reader = c.reader))"""


async def sealed_copy(
    connector: Connector, sealer: Sealer, item: Item, cleared: Cleared
) -> tuple[Accepted, SealedRow]:
    """Has a network make a copy, and keeps it; the row is not written yet.

    Raises:
        Rejected: its network seals no files.
        ConnectorError: as of ``send``; nothing is left behind.
    """
    if not isinstance(connector, SealsCopies):
        raise Rejected("seals_no_copies", "this network hands no sealed copies out")
    kept: list[SealedRow] = []

    async def take(pieces: AsyncIterator[bytes]) -> None:
        kept.append(await sealer.prepare_stream(item.deal_id, item.delivery_id, pieces))

    try:
        accepted = await connector.seal(cleared.delivery, take)
    except BaseException:
        for row in kept:
            sealer.discard(row)
        raise
    if not kept:
        raise Uncertain("no_copy", "the network gave no copy")
    return accepted, kept[0]


def keep(tx: Tx, sealer: Sealer, done: Done, kept: SealedRow) -> None:
    """Writes a copy and that its delivery is settled."""
    rows.done(tx, sealer, [done])
    sealer.insert(tx, kept)


def over(tx: Tx, at: int) -> list[str]:
    """Sealed copies whose day is over, or that were called back, by their deliveries."""
    return [owner for (owner,) in tx.all(_OVER, (at - KEPT_FOR,))]


def destroy_over(tx: Tx, sealer: Sealer, at: int) -> None:
    """Destroys those."""
    sealer.destroy_all(tx, over(tx, at))
