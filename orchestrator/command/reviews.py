"""Whether somebody looked through who may see what, lately enough.

Rules kept here:

1. A review is due so long after the last one, or after the first roster was adopted, as the policy
   says. Past that it is a finding of the deal, until somebody has looked through it.
2. What somebody else changes meanwhile is no review.
"""

from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.roster.adoption import history
from orchestrator.store.unit import Tx
from tiers.policy import Policy

OVERDUE = "review_overdue"
_RAISED = Raised(
    OVERDUE,
    "medium",
    ("nobody has looked through who may see what for longer than the policy lets pass",),
    "wallcross roster show, then wallcross roster review --by PERSON",
)


def due_at(reviewed_at: int, policy: Policy) -> int:
    """When a review is due again, microseconds UTC."""
    return reviewed_at + policy.review_every


class Reviews:
    """Looks at every deal.

    Args:
        runtime: the open home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def look(self) -> None:
        """One look at each deal."""
        for deal in list(self._r.book.deals.values()):
            await self._look_at(deal, self._r.now())

    async def _look_at(self, deal: DealView, at: int) -> None:
        if await self._r.store.read(lambda tx: _overdue(tx, deal, at)):
            await self._r.store.write(
                lambda tx: raise_finding(tx, deal.deal_id, deal.deal_id, _RAISED, at)
            )


def _overdue(tx: Tx, deal: DealView, at: int) -> bool:
    looked = [e.at for e in stated(tx, deal.deal_id) if e.kind == Kind.PERSON_REVIEWED]
    first = [when for when, _, _ in history(tx, deal.deal_id, "roster")][-1:]
    since = max((*looked, *first), default=at)
    return at >= due_at(since, deal.policy)
