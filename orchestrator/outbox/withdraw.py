"""Takes back what waits for somebody who is to get nothing any more.

Rules kept here:

1. Only what has not begun is taken back. An attempt that is under way ends as its network says, or
   as *possibly delivered*; what an earlier attempt may have brought there is *possibly delivered*.
2. A message that goes to others as well goes on to them. One that was for him alone is a dead
   letter with that reason, so that its author can read what became of it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.outbox import rows
from orchestrator.outbox.item import Item, from_row
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Tx
from tiers.conversation import Place
from tiers.ids import PersonId

LEFT, RECALLED = "reader_left", "recalled"
"""Why: its reader left the deal; or a person called his copy of a document back."""
_COLUMNS = (
    "d.delivery_id, d.kind, d.message_id, d.deal_id, d.conversation_id, d.connector, d.room, "
    "d.lane, d.seq, d.wire_key, d.state, d.attempts, d.not_before, d.started_at, d.possibly, "
    "d.as_tier, d.target"
)
_IN_ROOM = (
    f"SELECT {_COLUMNS} FROM delivery d WHERE d.lane = ? AND d.kind = 'send' "  # noqa: S608 - ours
    "AND d.state IN ('queued', 'started') AND d.deal_id = ? ORDER BY d.seq"
)
_COPIES = (
    f"SELECT {_COLUMNS} FROM document_copy c JOIN delivery d "  # noqa: S608 - our own columns
    "ON d.message_id = c.message_id AND d.connector = c.connector AND d.room = c.room "
    "WHERE c.reader = ? AND d.deal_id = ? AND d.kind = 'send' AND d.state IN ('queued', 'started') "
    "ORDER BY d.seq"
)
_OF_DOCUMENT = (
    f"SELECT {_COLUMNS} FROM document_copy c JOIN delivery d "  # noqa: S608 - our own columns
    "ON d.message_id = c.message_id AND d.connector = c.connector AND d.room = c.room "
    "WHERE c.message_id = ? AND c.reader IN (SELECT value FROM json_each(?)) "
    "AND d.kind = 'send' AND d.state IN ('queued', 'started') ORDER BY d.seq"
)
_TO_OTHERS = (
    "SELECT 1 FROM delivery WHERE message_id = ? AND kind = 'send' AND delivery_id <> ? "
    "AND state <> 'stopped' AND coalesce(reason, '') <> ? LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What became of deliveries that were open.

    Attributes:
        stopped: they go nowhere.
        possibly: an earlier attempt may have brought them there.
        under_way: an attempt has begun; it ends as its network says.
    """

    stopped: int = 0
    possibly: int = 0
    under_way: int = 0

    def __add__(self, other: "Withdrawn") -> "Withdrawn":
        return Withdrawn(
            self.stopped + other.stopped,
            self.possibly + other.possibly,
            self.under_way + other.under_way,
        )


def withdraw(
    tx: Tx, sealer: Sealer, deal_id: str, reader: PersonId, places: Iterable[Place], at: int
) -> Withdrawn:
    """Takes back what is open for one reader.

    Args:
        tx: the unit of work.
        sealer: destroys what has done its service.
        deal_id: of which deal.
        reader: copies of documents for him, wherever they go.
        places: rooms that nobody else reads.
        at: microseconds UTC.
    """
    found = {row[0]: from_row(row) for row in tx.all(_COPIES, (reader, deal_id))}
    for connector, room in places:
        rows_here = tx.all(_IN_ROOM, (f"{connector}/{room}", deal_id))
        found |= {row[0]: from_row(row) for row in rows_here}
    total = Withdrawn()
    for item in found.values():
        total += _one(tx, sealer, item, LEFT, at)
    return total


def recall(
    tx: Tx, sealer: Sealer, message_id: str, readers: Iterable[PersonId], at: int
) -> Withdrawn:
    """Takes back what is open of some readers' copies of one document.

    Args:
        tx: the unit of work.
        sealer: destroys what has done its service.
        message_id: of the document.
        readers: whose copies.
        at: microseconds UTC.
    """
    total = Withdrawn()
    for row in tx.all(_OF_DOCUMENT, (message_id, json.dumps(list(readers)))):
        total += _one(tx, sealer, from_row(row), RECALLED, at)
    return total


def _one(tx: Tx, sealer: Sealer, item: Item, code: str, at: int) -> Withdrawn:
    if item.state.value == "started":
        return Withdrawn(under_way=1)
    if item.possibly:
        rows.possibly(tx, sealer, item, code, at, expected="queued")
        return Withdrawn(possibly=1)
    if tx.one(_TO_OTHERS, (item.message_id, item.delivery_id, code)) is None:
        rows.dead(tx, sealer, item, code, at, blocks=False)
        return Withdrawn(stopped=1)
    tx.expect(
        "UPDATE delivery SET state = 'stopped', reason = ?, settled_at = ? "
        "WHERE delivery_id = ? AND state = 'queued'",
        (code, at, item.delivery_id),
    )
    body: dict[str, Json] = {
        "message": item.message_id,
        "rules": [coded(code)],
        "tier": item.as_tier,
    }
    append(tx, item.deal_id, Kind.DELIVERY_STOPPED, body, at=at, actor=rows.ACTOR)
    rows.finish(tx, sealer, (item.message_id,), at)
    return Withdrawn(stopped=1)
