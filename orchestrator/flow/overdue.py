"""What time does to messages: a held one is handed on, a body past its tier's time is destroyed.

Rule kept here: nothing ends silently. What expires is a dead letter with that reason, and whoever
was next is its owner with a finding open.
"""

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.deals.book import Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.outbox import rows
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx

_LATE = Raised(
    "held_overdue",
    "high",
    ("a held message is past its deadline; the next person, where there is one, owns it now",),
    "wallcross held list",
)


async def hand_on(store: Store, now: int) -> int:
    """Hands held messages that are past their deadline to the next person; returns how many.

    One without a next person stays with its owner, and is a finding all the same.
    """

    def unit(tx: Tx) -> int:
        late = tx.all(
            "SELECT message_id, deal_id FROM held WHERE state = 'held' AND deadline < ? "
            "AND NOT EXISTS (SELECT 1 FROM finding WHERE rule = 'held_overdue' "
            "AND finding.deal_id = held.deal_id AND subject = message_id AND closed_at IS NULL "
            "AND last_seen > deadline)",
            (now,),
        )
        for message_id, deal_id in late:
            tx.run(
                "UPDATE held SET owner = COALESCE(next_person, owner), next_person = NULL "
                "WHERE message_id = ?",
                (message_id,),
            )
            raise_finding(tx, deal_id, message_id, _LATE, now)
        return len(late)

    return await store.write(unit)


async def destroy_expired(store: Store, sealer: Sealer, book: Book, now: int) -> int:
    """Destroys bodies that were kept as long as their tier allows; returns how many."""

    def unit(tx: Tx) -> int:
        count = 0
        for deal in book.deals.values():
            for tier, policy in deal.policy.tiers.items():
                found = tx.all(
                    # from what is still sealed: what was ever stored grows without end
                    "SELECT message_id, state FROM sealed CROSS JOIN message ON owner = message_id "
                    "WHERE sealed.deal_id = ? AND state IN ('held', 'possibly', 'dead') "
                    "AND tier = ? AND accepted_at < ? LIMIT 500",
                    (deal.deal_id, tier.value, now - policy.body_for),
                )
                for message_id, state in found:
                    _expire(tx, sealer, deal.deal_id, message_id, state, now)
                count += len(found)
        return count

    return await store.write(unit)


def _expire(tx: Tx, sealer: Sealer, deal_id: str, message_id: str, state: str, at: int) -> None:
    rows.supersede(tx, message_id, at)
    rows.destroy_body(tx, sealer, message_id)
    if state == "held":
        tx.run(
            "UPDATE held SET state = 'dropped', settled_at = ?, settled_by = 'time' "
            "WHERE message_id = ? AND state = 'held'",
            (at, message_id),
        )
    if state != "possibly":  # it may have arrived, and that stays true
        tx.run(
            "UPDATE message SET state = 'dead', settled_at = ? WHERE message_id = ?",
            (at, message_id),
        )
    body: dict[str, Json] = {"message": message_id, "reason": "expired"}
    append(tx, deal_id, Kind.MESSAGE_DEAD, body, at=at, actor=rows.ACTOR)
