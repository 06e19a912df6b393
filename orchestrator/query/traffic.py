"""How many messages each tier had on each day, and who sits where: figures without names.

Rules kept here:

1. What is past is counted once and remembered.
2. Of the day that runs the newest messages are counted each time, and those before them once a
   minute: they had their tier long ago. Looking again costs what came of late.
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
_SUMS = ", ".join(f"total(tier = '{tier.value}')" for tier in Tier)
_OF = f"""
SELECT {_SUMS} FROM message {{how}} WHERE deal_id = ? AND accepted_at >= ? AND accepted_at < ?
    AND tier IS NOT NULL AND connector <> 'wallcross'"""  # noqa: S608 - our own text
# The index covers the question, and has each message's number.
_COUNTS = _OF.format(how="INDEXED BY message_lately")
_SETTLED = _COUNTS + " AND arrival <= ?"
_NEWEST = _OF.format(how="NOT INDEXED") + " AND arrival > ?"
_TOP = "SELECT coalesce(max(arrival), 0) FROM message"
FRESH = 500
"""The newest messages, of all deals: some of them may have no tier yet."""
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


@dataclass(frozen=True, slots=True)
class _Today:
    """What was counted of a day that runs.

    Attributes:
        begins: of the day.
        at: when it was counted.
        top: the number of the last message that was.
    """

    begins: int
    at: int
    top: int
    settled: Counts


@dataclass(slots=True)
class Traffic:
    """Counts, and remembers what does not change any more."""

    _past: dict[tuple[DealId, int, int], Counts] = field(default_factory=dict)
    _today: dict[DealId, "_Today"] = field(default_factory=dict)
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
        return [*(self._day(tx, deal, *day) for day in past), self._now(tx, deal, begins[-1], at)]

    def _day(self, tx: Tx, deal: DealId, begins: int, ends: int) -> Counts:
        key = deal, begins, ends
        if key not in self._past:
            self._past[key] = _count(tx, _COUNTS, deal, begins, ends)
        return self._past[key]

    def _now(self, tx: Tx, deal: DealId, begins: int, at: int) -> Counts:
        """The day that runs."""
        kept = self._today.get(deal)
        if kept is None or kept.begins != begins or not 0 <= at - kept.at < MINUTE:
            top = max(0, tx.all(_TOP)[0][0] - FRESH)
            settled = _count(tx, _SETTLED, deal, begins, at + 1, top)
            kept = self._today[deal] = _Today(begins, at, top, settled)
        newest = _count(tx, _NEWEST, deal, begins, at + 1, kept.top)
        return {tier: count + newest[tier] for tier, count in kept.settled.items()}

    def seated(self, tx: Tx, deal: DealView, at: int) -> Counts:
        """People with a seat by floor, as they were at most a minute ago."""
        kept = self._seats.get(deal.deal_id)
        if kept is None or kept[0] is not deal or at - kept[1] >= MINUTE:
            found = {str(floor): int(count) for floor, count in tx.all(_SEATS, (deal.deal_id,))}
            kept = self._seats[deal.deal_id] = deal, at, found
        return kept[2]


def _count(tx: Tx, sql: str, *of: DealId | int) -> Counts:
    sums = tx.all(sql, of)[0]
    return {tier.value: int(count) for tier, count in zip(Tier, sums, strict=True)}
