"""The address that the bot's client posts to: set by us, read back, watched, and taken away.

Rules kept here:

1. What was set counts when ``GET MsgRecvCallback`` shows it, and nothing else. The answer to a POST
   or DELETE proves nothing.
2. Whoever else it posts to gets our messages and we do not. Where it posts to nobody they wait.
"""

import asyncio
from contextlib import suppress
from enum import Enum

from connectors.port.errors import ConnectorError, Rejected
from connectors.wickr.client import Client

_PATH = "/MsgRecvCallback"


class Posts(Enum):
    """Where the client posts to."""

    AS_WANTED = "as wanted"
    NOWHERE = "nowhere"
    ELSEWHERE = "elsewhere"


class Callback:
    """The callback of one account.

    Args:
        client: calls to the web interface.
        url: where the client is to post to; empty for nowhere: then it is polled.
    """

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url

    @property
    def wanted(self) -> bool:
        """Whether the client is to post to us."""
        return bool(self._url)

    async def put_right(self, seconds: float | None = None) -> Posts:
        """Sets it as it is wanted, and reads back what came of it.

        Args:
            seconds: that each answer may take; the patience of the settings without.

        Raises:
            Unavailable: the web interface does not answer.
        """
        method, query = ("POST", {"callbackurl": self._url}) if self._url else ("DELETE", None)
        with suppress(Rejected):
            await self._client.act(method, _PATH, query=query, seconds=seconds)
        return await self.shown(seconds)

    async def shown(self, seconds: float | None = None) -> Posts:
        """Where the client posts to now. Raises: Unavailable."""
        try:
            told = await self._client.read_text(_PATH, seconds)
        except Rejected:
            told = ""
        plain = told.strip().strip('"')
        if "://" not in plain:
            return Posts.NOWHERE if self._url else Posts.AS_WANTED
        return Posts.AS_WANTED if plain == self._url else Posts.ELSEWHERE

    async def take_away(self, seconds: float) -> bool:
        """Has the client post nowhere, so that messages wait; whether that is seen in time."""
        with suppress(ConnectorError, TimeoutError):
            async with asyncio.timeout(seconds):
                await self._client.act("DELETE", _PATH)
                return await self.shown() is Posts.NOWHERE
        return False
