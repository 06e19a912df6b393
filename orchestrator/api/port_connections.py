"""What the desk's connections need of a running home."""

from typing import Protocol

from orchestrator.client.connections import ConnectionCard, ConnectionsView
from tiers.ids import ConnectorName, DealId
from tiers.rights import Viewer


class ConnectionAccess(Protocol):
    """Channels as somebody of a deal sees them."""

    async def desk_channels(self, deal: DealId, viewer: Viewer) -> ConnectionsView:
        """Every channel that the viewer is shown."""
        ...

    async def desk_channel_pause(
        self, deal: DealId, channel: ConnectorName, viewer: Viewer
    ) -> ConnectionCard:
        """Stops what we send there. *live*. Raises: Missing."""
        ...

    async def desk_channel_again(
        self, deal: DealId, channel: ConnectorName, viewer: Viewer
    ) -> ConnectionCard:
        """Tries again. *live*. Raises: Refused where it does not answer, Missing."""
        ...
