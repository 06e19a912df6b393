"""What ends by itself: troubles that are not seen again, and strangers of whom nothing is kept.

Rules kept here:

1. A trouble that is told each time it happens is over once it did not happen for a day.
2. A finding about a stranger, or a mail that is not believed, is over once nothing of him is kept.
3. An account that nobody owned is over once somebody of the roster owns it.
"""

from collections.abc import Iterator
from typing import Final

from orchestrator.clock import DAY
from orchestrator.deals.book import HOME, DealView
from orchestrator.deals.findings import close_findings
from orchestrator.risk.rules import Key
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName

PASSING: Final = ("echo", "forged", "strangers_many", "enrolment_refused", "enrolment_guessed")
_PASSED = f"""
SELECT rule, subject FROM finding WHERE deal_id = ? AND closed_at IS NULL AND last_seen <= ?
    AND (rule IN ({", ".join("?" * len(PASSING))})
        OR rule = 'above_room' AND EXISTS (
            SELECT 1 FROM conversation c WHERE c.conversation_id = finding.subject))"""  # noqa: S608 - our own names
_NOT_KEPT = """
WITH of AS (SELECT kept, connector || ':' || claimed_sender AS who FROM quarantine
    UNION ALL SELECT kept, connector || ':' || verdict FROM quarantine)
SELECT f.rule, f.subject FROM finding f
WHERE f.deal_id = ? AND f.closed_at IS NULL AND f.rule IN ('mail_quarantined', 'unknown_sender')
    AND EXISTS (SELECT 1 FROM of WHERE of.who = f.subject)
    AND NOT EXISTS (SELECT 1 FROM of WHERE of.who = f.subject AND of.kept = 1)"""
_AUTHORS = """
SELECT f.rule, f.subject, m.connector, m.sender FROM finding f
JOIN message m ON m.message_id = f.subject
WHERE f.deal_id = ? AND f.closed_at IS NULL AND f.rule = 'unknown_author'"""


def settle(tx: Tx, deal: DealView, at: int) -> int:
    """Closes what ended by itself in a deal; returns how many.

    Args:
        tx: writes.
        deal: in force.
        at: now, microseconds UTC.
    """
    over = [*_passed(tx, deal.deal_id, at), *_owned(tx, deal)]
    return _close(tx, deal.deal_id, over, at)


def settle_home(tx: Tx, at: int) -> int:
    """As ``settle``, of what belongs to no deal."""
    not_kept = [(rule, subject) for rule, subject in tx.all(_NOT_KEPT, (HOME,))]
    return _close(tx, HOME, [*_passed(tx, HOME, at), *not_kept], at)


def _passed(tx: Tx, deal_id: str, at: int) -> list[Key]:
    return [(rule, subject) for rule, subject in tx.all(_PASSED, (deal_id, at - DAY, *PASSING))]


def _owned(tx: Tx, deal: DealView) -> Iterator[Key]:
    for rule, subject, channel, account in tx.all(_AUTHORS, (deal.deal_id,)):
        if deal.author(ConnectorName(channel), AccountId(account)) is not None:
            yield rule, subject


def _close(tx: Tx, deal_id: str, over: list[Key], at: int) -> int:
    for rule, subject in over:
        close_findings(tx, deal_id, rule, subject, at)
    return len(over)
