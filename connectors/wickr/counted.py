"""What the bot's client counts of its own failures: what it could not hand on shows there alone.

Rules kept here:

1. Whatever exactly the client counts as an error of receiving, it is something that came and may
   not have reached us: a higher count than before is told as a window.
2. No count, or one that makes no sense, concludes nothing; the program may leave this call
   unanswered for ever, and who does is not asked at each beat.
"""

from collections.abc import Callable

from connectors.port.errors import ConnectorError
from connectors.wickr.answers import mapping, number
from connectors.wickr.client import Client, json_of

_SECONDS = 1.0
_ASK_AGAIN = 15_000_000
"""Microseconds for which a client that said nothing is not asked."""


class Counted:
    """The figures of one bot's client.

    Args:
        client: calls to the web interface.
        now: the clock, microseconds UTC.
    """

    def __init__(self, client: Client, now: Callable[[], int]) -> None:
        self._client = client
        self._now = now
        self._ask_at = 0

    async def errors(self) -> int | None:
        """How many messages the client failed to receive or to hand on; None where unknown."""
        if self._now() < self._ask_at:
            return None
        try:
            told = mapping(json_of((await self._asked()).encode()))
        except (ConnectorError, ValueError):
            told = {}
        found = number(mapping(told.get("statistics")).get("recv_errors"))
        if found is None:
            self._ask_at = self._now() + _ASK_AGAIN
        return found

    async def _asked(self) -> str:
        return await self._client.read_text("/Statistics", _SECONDS)
