"""What a network's server posts, handed on to the connector of that channel.

Rule kept here: whether a post is heard is its connector's to say, who alone knows the secret. A
channel that is not there, not open or not posted to is answered as a wrong secret is. A pause stops
what we send, so what is posted meanwhile is taken all the same: nobody would say it again.
"""

import asyncio
from collections.abc import AsyncIterator

from connectors.port.posts import HoldsPosts, Said, TakesPosts
from orchestrator.command.runtime import Runtime
from tiers.ids import ConnectorName


class Webhooks:
    """Implements ``orchestrator.api.port_webhooks.WebhookAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def post_in(
        self, channel: ConnectorName, secret: str, pieces: AsyncIterator[bytes]
    ) -> Said:
        """What the connector answers."""
        connector: object = self._r.connectors.get(channel)
        if not isinstance(connector, TakesPosts):
            return Said.WRONG_PATH
        return await connector.posted(secret, pieces)

    async def hold_posts(self) -> None:
        """Has each connector that can have what comes wait do so."""
        connectors: list[object] = list(self._r.connectors.values())
        held = [each.hold_posts() for each in connectors if isinstance(each, HoldsPosts)]
        await asyncio.gather(*held, return_exceptions=True)
