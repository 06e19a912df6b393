"""What counsel made of a deal's journal: read once with the deal, asked for every room.

Rule kept here: a row opens no room. A scope is open for a tier where a journal key was adopted for
it, or where every counsel whom the policy names signed that nothing of it is journaled now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.audit.granted import Stated
from orchestrator.journal.decision import Signed, exempting, verified
from orchestrator.journal.keys import in_force, key_of
from orchestrator.store.unit import Tx


@dataclass(frozen=True, slots=True)
class Duties:
    """One deal's journal as it was when the deal was read.

    Attributes:
        keys: by scope the id of the key in force, as the audit states it.
        keyed: scopes whose row of that key is the one that was stated.
        decisions: counsel's signed decisions, their signatures checked.
        counsel: by scope the keys of counsel who together may exempt it (Ed25519, hex).
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    keyed: frozenset[str] = frozenset()
    decisions: tuple[Signed, ...] = ()
    counsel: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def settled(self, scope: str, tier: str, at: int) -> bool:
        """Whether a room of this scope and tier may be open at ``at`` (microseconds UTC)."""
        signers = self.counsel.get(scope, ())
        return (
            scope in self.keyed or exempting(self.decisions, signers, scope, tier, at) is not None
        )


def read_duties(
    tx: Tx, deal_id: str, counsel: Mapping[str, Sequence[str]], stated: Iterable[Stated]
) -> Duties:
    """Reads a deal's keys and decisions.

    Args:
        tx: any transaction.
        deal_id: the deal.
        counsel: whom the policy in force names, by scope.
        stated: what the deal's chain grants, in its order.
    """
    keys = in_force(stated)
    keyed = frozenset(s for s in keys if key_of(tx, deal_id, s, keys) is not None)
    return Duties(keys, keyed, verified(tx, deal_id), counsel)
