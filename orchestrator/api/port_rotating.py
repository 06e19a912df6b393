"""What the API asks of a home to change a secret of a channel account."""

from typing import Protocol

from orchestrator.client.rotating import Rotated
from tiers.ids import ConnectorName


class RotateAccess(Protocol):
    """Secrets of channel accounts."""

    async def channel_rotate(
        self,
        name: ConnectorName,
        secret: str | None,
        value: str | None,
        *,
        make: bool,
        only_look: bool,
        actor: str,
    ) -> Rotated:
        """Puts another secret in force. *live*. Raises: Refused, Failed; the old one stays."""
        ...
