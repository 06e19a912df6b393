"""M of N as a value: who is needed, who agreed, who may not, and whether it is met.

Rule kept here: the asker never approves, nobody counts twice, and what has expired is not met.
"""

from dataclasses import dataclass

from tiers.ids import PersonId


@dataclass(frozen=True, slots=True)
class Quorum:
    """A request for agreement.

    Attributes:
        needed: how many different people must agree; at least 1.
        barred: people whose agreement does not count, the asker among them.
        approved: people who agreed.
        expires_at: microseconds UTC; at and after it nothing is met.
    """

    needed: int
    barred: frozenset[PersonId]
    approved: frozenset[PersonId]
    expires_at: int

    @property
    def counted(self) -> frozenset[PersonId]:
        """Those whose agreement counts."""
        return self.approved - self.barred

    @property
    def missing(self) -> int:
        """How many agreements are still missing."""
        return max(0, self.needed - len(self.counted))

    def met(self, at: int) -> bool:
        """Whether enough people agreed in time."""
        return self.needed >= 1 and at < self.expires_at and self.missing == 0
