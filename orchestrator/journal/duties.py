"""What counsel made of a deal's journal: read once with the deal, asked for every room.

Rule kept here: a row opens no room. A scope is open for a tier where a journal key was adopted for
it, or where every counsel whom the policy names signed that nothing of it is journaled now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.journal.decision import Signed, exempting, verified
from orchestrator.store.unit import Tx


@dataclass(frozen=True, slots=True)
class Duties:
    """One deal's journal as it was when the deal was read.

    Attributes:
        keyed: scopes with an adopted key.
        decisions: counsel's signed decisions, their signatures checked.
        counsel: by scope the keys of counsel who together may exempt it (Ed25519, hex).
    """

    keyed: frozenset[str] = frozenset()
    decisions: tuple[Signed, ...] = ()
    counsel: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def settled(self, scope: str, tier: str, at: int) -> bool:
        """Whether a room of this scope and tier may be open at ``at`` (microseconds UTC)."""
        signers = self.counsel.get(scope, ())
        return (
            scope in self.keyed or exempting(self.decisions, signers, scope, tier, at) is not None
        )


def read_duties(tx: Tx, deal_id: str, counsel: Mapping[str, Sequence[str]]) -> Duties:
    """Reads a deal's keys and decisions; ``counsel`` is whom the policy in force names."""
    rows = tx.all("SELECT DISTINCT scope FROM journal_key WHERE deal_id = ?", (deal_id,))
    return Duties(frozenset(scope for (scope,) in rows), verified(tx, deal_id), counsel)
