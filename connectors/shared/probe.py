"""Whether our own listener can be reached, seen from outside of it.

Rule kept here: it is asked at the place that the posting program was told, so that a proxy of ours
that stands between and does not answer is seen as well. Nothing but an empty answer is taken.
"""

import asyncio

import httpx

from connectors.port.door import Door, DoorClosed, Opening
from connectors.shared.webhook import Said


class Probe:
    """Asks one listener.

    Args:
        base: URL before the secret path.
        private: its name leads to a private address.
        secret: the path without its slash.
        anew: each time on a connection of its own, where the program's posts come so.
    """

    def __init__(self, base: str, secret: str, *, private: bool, anew: bool = False) -> None:
        self._url = f"{base.rstrip('/')}/{secret}"
        self._headers = {"Connection": "close"} if anew else {}
        self._http = Door([Opening.of(base, private=private)]).client()

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    async def answers(self, seconds: float) -> bool:
        """Whether the listener answers now."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.head(self._url, headers=self._headers)
        except (httpx.HTTPError, DoorClosed, TimeoutError):
            return False
        return answer.status_code == Said.THERE
