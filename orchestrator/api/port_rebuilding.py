"""What the API asks of a home to make a channel's rooms anew."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.rebuilding import RebuiltRoom
from tiers.ids import ConnectorName


class RebuildAccess(Protocol):
    """Rooms after the loss of an account."""

    async def channel_rebuild(
        self, name: ConnectorName, *, only_look: bool, actor: str
    ) -> Sequence[RebuiltRoom]:
        """Makes every lost room of a channel anew, or says which are. *live*."""
        ...
