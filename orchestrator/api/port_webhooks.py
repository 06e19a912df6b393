"""What the webhooks' door needs of a running home."""

from collections.abc import AsyncIterator
from typing import Protocol

from connectors.port.posts import Said
from tiers.ids import ConnectorName


class WebhookAccess(Protocol):
    """Hands what a network's server posts on to its connector."""

    async def post_in(
        self, channel: ConnectorName, secret: str, pieces: AsyncIterator[bytes]
    ) -> Said:
        """What the connector answers; as for a wrong secret where none takes posts.

        Args:
            channel: as it was asked for.
            secret: as it was asked for; the connector compares it.
            pieces: the body as it arrives; it is read where the secret is right, and nowhere else.
        """
        ...

    async def hold_posts(self) -> None:
        """The door is about to close: what would be posted is to wait, where a network can."""
        ...
