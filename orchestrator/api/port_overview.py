"""What the Overview needs of a running home."""

from collections.abc import Mapping
from typing import Protocol

from orchestrator.client.overview import Overview
from tiers.ids import DealId
from tiers.rights import Viewer


class OverviewAccess(Protocol):
    """A deal on one page, and what needs one viewer."""

    async def deal_overview(self, deal: DealId, viewer: Viewer) -> Overview:
        """A deal on one page, cut to the viewer. Raises: Unready."""
        ...

    async def deal_needs(self, deal: DealId, viewer: Viewer) -> Mapping[str, int]:
        """How many things need the viewer, by page of the dashboard."""
        ...
