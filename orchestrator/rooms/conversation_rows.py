"""The two changes that a conversation's row may see: a stricter floor, and its end.

Rules kept here:

1. Each is stated in the audit in the unit that makes it, from the row that is there then.
2. A floor rises or stays; what is closed stays closed. There is no statement for the way back.
3. The name of a VALUATION conversation is sealed from the instant at which it becomes one.
"""

from dataclasses import replace

from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.deals.stated import closed_body, raised_body
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import PersonId
from tiers.tier import Tier


def raise_floor(
    tx: Tx, sealer: Sealer, made: Conversation, floor: Tier, by: PersonId, at: int, actor: str
) -> None:
    """Has a conversation count as a stricter tier.

    Args:
        tx: the unit of work.
        sealer: seals its name, where that is secret now.
        made: as it is.
        floor: stricter than it is.
        by: on whose word.
        at: microseconds UTC.
        actor: who holds the keyboard.

    Raises:
        ValueError: it would count as no stricter.
        StoreError: it was changed or closed meanwhile.
    """
    if floor <= made.floor:
        raise ValueError("a floor only rises")
    raised, cid, secret = replace(made, floor=floor), made.conversation_id, floor is Tier.VALUATION
    tx.expect(
        "UPDATE conversation SET floor = ?, label = ? WHERE conversation_id = ? AND floor = ? "
        "AND state = 'open'",
        (floor.value, None if secret else made.label, cid, made.floor.value),
    )
    if secret:
        sealer.insert(tx, sealer.prepare(made.deal_id, cid, made.label.encode()))
    body = {**raised_body(raised, made.floor), "by": by}
    append(tx, made.deal_id, Kind.CONVERSATION_RAISED, body, at=at, actor=actor)


def end(tx: Tx, made: Conversation, at: int, actor: str) -> None:
    """Ends a conversation.

    Raises:
        StoreError: it was closed meanwhile.
    """
    tx.expect(
        "UPDATE conversation SET state = 'closed' WHERE conversation_id = ? AND state = 'open'",
        (made.conversation_id,),
    )
    body = closed_body(made)
    append(tx, made.deal_id, Kind.CONVERSATION_CLOSED, body, at=at, actor=actor)
