"""How many messages each tier had on each day, and who sits where: figures without names.

Rule kept here: what is past is counted once and remembered; looking again costs the day that runs.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from orchestrator.clock import MINUTE, SECOND
from orchestrator.deals.book import DealView
from orchestrator.store.unit import Tx
from tiers.ids import DealId
from tiers.tier import Tier

DAYS = 14
"""Days that are shown, today among them."""
# Of the index `message_lately`: it covers the question.
_COUNTS = """
SELECT tier, count(*) FROM message INDEXED BY message_lately
WHERE deal_id = ? AND accepted_at >= ? AND accepted_at < ?
    AND tier IS NOT NULL AND connector <> 'wallcross' GROUP BY tier"""
_SEATS = """
SELECT c.floor, count(DISTINCT s.person_id) FROM conversation c JOIN seat s USING (conversation_id)
WHERE c.deal_id = ? GROUP BY c.floor"""
Counts = dict[str, int]


def midnights(at: int, zone: ZoneInfo) -> list[int]:
    """When each of the last days began, in a zone, oldest first; the last is today."""
    today = datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone)
    today = today.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (today - timedelta(days=back) for back in reversed(range(DAYS)))
    return [int(day.timestamp()) * SECOND for day in days]


@dataclass(slots=True)
class Traffic:
    """Counts, and remembers what does not change any more."""

    _past: dict[tuple[DealId, int, int], Counts] = field(default_factory=dict)
    _seats: dict[DealId, tuple[DealView, int, Counts]] = field(default_factory=dict)

    def by_day(self, tx: Tx, deal: DealId, at: int, zone: ZoneInfo) -> list[Counts]:
        """Messages by tier of each of the last days, oldest first.

        Args:
            tx: of the store.
            deal: the deal.
            at: now, microseconds UTC.
            zone: whose midnights count.
        """
        begins = midnights(at, zone)
        self._past = {key: found for key, found in self._past.items() if key[1] >= begins[0]}
        past = pairwise(begins)
        return [*(self._day(tx, deal, *day) for day in past), _count(tx, deal, begins[-1], at + 1)]

    def _day(self, tx: Tx, deal: DealId, begins: int, ends: int) -> Counts:
        key = deal, begins, ends
        if key not in self._past:
            self._past[key] = _count(tx, deal, begins, ends)
        return self._past[key]

    def seated(self, tx: Tx, deal: DealView, at: int) -> Counts:
        """People with a seat by floor, as they were at most a minute ago."""
        kept = self._seats.get(deal.deal_id)
        if kept is None or kept[0] is not deal or at - kept[1] >= MINUTE:
            found = {str(floor): int(count) for floor, count in tx.all(_SEATS, (deal.deal_id,))}
            kept = self._seats[deal.deal_id] = deal, at, found
        return kept[2]


def _count(tx: Tx, deal: DealId, begins: int, ends: int) -> Counts:
    found = {str(tier): int(count) for tier, count in tx.all(_COUNTS, (deal, begins, ends))}
    return {tier.value: found.get(tier.value, 0) for tier in Tier}
