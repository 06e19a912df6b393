"""What the API asks of a home to raise or to close a conversation."""

from typing import Protocol

from orchestrator.client.conversing import Closed, TierChange
from tiers.ids import DealId, PersonId


class ConversingAccess(Protocol):
    """What becomes of a conversation after it was made."""

    async def conv_tier(
        self, deal: DealId, name: str, tier: str, *, by: PersonId, only_look: bool, actor: str
    ) -> TierChange:
        """Raises it. Raises: Refused where that would lower it; Waits for two people."""
        ...

    async def conv_close(
        self, deal: DealId, name: str, *, even_waiting: bool, only_look: bool, actor: str
    ) -> Closed:
        """Closes it. *live*. Raises: Refused while something waits."""
        ...
