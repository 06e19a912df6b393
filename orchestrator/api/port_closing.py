"""What the API needs of a home to end a deal."""

from typing import Protocol

from orchestrator.client.closing import ClosingView
from tiers.ids import DealId


class ClosingAccess(Protocol):
    """The end of a deal."""

    async def deal_closing(self, deal: DealId) -> ClosingView:
        """What it comes to; nothing is changed."""
        ...

    async def deal_close(
        self, deal: DealId, code: str, *, even_waiting: bool, actor: str
    ) -> ClosingView:
        """Closes it for good. Raises: Wrong for another code name, Refused, or Waits."""
        ...
