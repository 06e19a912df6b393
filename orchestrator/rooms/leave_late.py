"""Says by the clock that somebody is not seen gone yet, and who looks after it next.

Rules kept here:

1. After five minutes it is a finding, after fifteen a high one; each names the next person, and he
   is told in his own line, once.
2. It is over when everything was seen, never because somebody clicked.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orchestrator.clock import MINUTE, Clock
from orchestrator.deals.book import DealView
from orchestrator.deals.findings import Raised, raise_finding, worsen
from orchestrator.rooms import leave_rows as rows
from orchestrator.rooms import leave_who as who
from orchestrator.rooms.leave_rows import Leave, LeaveAct
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName
from tiers.people import Person

LATE = "leave_not_confirmed"
STEPS = ((5 * MINUTE, "medium"), (15 * MINUTE, "high"))
"""From how long on, and how bad it is."""

Tell = Callable[[DealView, ConnectorName, AccountId, str], Awaitable[None]]
"""Tells one account something in its private line."""


@dataclass(frozen=True, slots=True)
class _Step:
    severity: str
    next_person: Person | None
    words: str


class Late:
    """Raises what takes too long.

    Args:
        store: for findings.
        now: the clock.
        rank: how fit a channel is to tell an account something; the lowest is the best.
        tell: tells it.
    """

    def __init__(
        self,
        store: Store,
        now: Clock,
        rank: Callable[[ConnectorName, AccountId], int],
        tell: Tell,
    ) -> None:
        self._store = store
        self._now = now
        self._rank = rank
        self._tell = tell

    async def tell(self, deal: DealView, leave: Leave) -> None:
        """Raises what is due of one leave, and tells whoever is next."""
        at = self._now()
        reached = [n for n, (after, _) in enumerate(STEPS) if at - leave.began_at >= after]
        if leave.state != rows.OPEN or not reached:
            return
        step = await self._store.write(lambda tx: _raise(tx, deal, leave, reached[-1], at))
        if step is not None and step.next_person is not None:
            for name, account in self._best(step.next_person):
                await self._tell(deal, name, account, step.words)

    def _best(self, person: Person) -> list[tuple[ConnectorName, AccountId]]:
        return sorted(person.accounts.items(), key=lambda a: self._rank(*a))[:1]


def _raise(tx: Tx, deal: DealView, leave: Leave, n: int, at: int) -> _Step | None:
    """Opens or worsens the finding; None where that was done before, or all was seen."""
    missing = rows.missing(tx, leave)
    if not missing:
        return None
    following = who.owners(deal, leave.person)
    person = following[min(n, len(following) - 1)] if following else None
    words = in_words(deal, leave, missing)
    raised = Raised(
        LATE,
        STEPS[n][1],
        (words,),
        "wallcross leave status",
        person.person_id if person is not None else None,
    )
    fresh = raise_finding(tx, deal.deal_id, leave.person, raised, at)
    if not (fresh or worsen(tx, deal.deal_id, leave.person, raised, at)):
        return None
    minutes = STEPS[n][0] // MINUTE
    text = f"{words}, {minutes} minutes after he left. You look after it next: {raised.remedy}"
    return _Step(raised.severity, person, text)


def in_words(deal: DealView, leave: Leave, missing: list[LeaveAct]) -> str:
    """What is not confirmed, by channel; names a person, no room."""
    person = deal.roster.person(leave.person)
    counted = Counter(a.connector for a in missing)
    where = ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
    name = person.name if person is not None else leave.person
    return f"{name} left and is not seen gone everywhere (not confirmed: {where})"
