"""Where each deal's approvals stand, read once for each state of its chain.

Rule kept here: what is kept is for showing and counting alone. Whatever permits reads the chain and
checks every signature again (``orchestrator.approvals.requests``). It is asked with what is
committed, so that nothing is kept that was undone.
"""

from orchestrator.approvals.requests import standing
from orchestrator.approvals.standing import Standing
from orchestrator.roster.deals import Deal, list_deals
from orchestrator.store.unit import Tx
from tiers.ids import DealId

# The newest entry that grants or takes back, beside those about keys: one step in an index.
_NEWEST = """
SELECT max(n) FROM audit INDEXED BY audit_granting
WHERE instr(body, X'22726f77223a22') > 0
    AND (instr(entry, X'226b696e64223a226b65792e') > 0) = 0 AND deal_id = ?"""


class Standings:
    """Keeps the last standing of each deal."""

    def __init__(self) -> None:
        self._kept: dict[DealId, tuple[int, Standing]] = {}

    def of(self, tx: Tx, deal: DealId) -> Standing:
        """A deal's standing now; costs one look-up while its chain grants nothing new."""
        row = tx.one(_NEWEST, (deal,))
        newest = 0 if row is None or row[0] is None else int(row[0])
        kept = self._kept.get(deal)
        if kept is None or kept[0] != newest:
            kept = self._kept[deal] = newest, standing(tx, deal)
        return kept[1]

    def deal_of(self, tx: Tx, request: str) -> Deal | None:
        """The deal that a request is of; None: there is no such request.

        It costs a look-up for each deal, not the reading of what was ever signed there.

        Args:
            tx: that reads what is committed.
            request: its id.
        """
        of = (d for d in list_deals(tx) if request in self.of(tx, d.deal_id).requests)
        return next(of, None)
