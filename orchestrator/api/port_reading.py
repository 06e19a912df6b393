"""What the API needs of a home about who can read what."""

from typing import Protocol

from orchestrator.client.reading import ReadingView
from tiers.ids import DealId


class ReadingAccess(Protocol):
    """Who can read what."""

    async def who_reads(self, deal: DealId) -> ReadingView:
        """Who can read what of a deal, as this installation runs now."""
        ...
