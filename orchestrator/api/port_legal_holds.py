"""What the API needs of a home about legal holds."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.legal_holds import LegalHoldView, NewLegalHold
from tiers.ids import DealId, HoldId


class LegalHoldAccess(Protocol):
    """Duties to preserve."""

    async def legal_hold_list(self, deal: DealId, *, every: bool) -> Sequence[LegalHoldView]:
        """Those that stand, or ``every`` one. Raises: Refused where they cannot be read."""
        ...

    async def legal_hold_new(self, deal: DealId, new: NewLegalHold, *, actor: str) -> LegalHoldView:
        """Places one, at once. Raises: Wrong, Missing."""
        ...

    async def legal_hold_release(
        self, deal: DealId, legal_hold: HoldId, *, actor: str
    ) -> LegalHoldView:
        """Ends one. Raises: Missing, Refused; Waits in a founded deal."""
        ...
