"""Whether what is posted reaches us, seen from outside.

Rule kept here: it is asked by a post, at the place that the posting program was told, so that a
proxy that stands between and lets no post through is seen as well. Nothing but an empty answer is
taken.
"""

import asyncio

import httpx

from connectors.port.door import Door, DoorClosed, Opening
from connectors.port.posts import Said
from connectors.shared.webhook import QUESTION


class Probe:
    """Asks at one place.

    Args:
        base: URL before the secret path.
        private: its name leads to a private address.
        secret: the path without its slash.
        anew: each time on a connection of its own, where the program's posts come so.
    """

    def __init__(self, base: str, secret: str, *, private: bool, anew: bool = False) -> None:
        self._url = f"{base.rstrip('/')}/{secret}"
        self._headers = {"Content-Type": "application/json"}  # as what the programs post
        if anew:
            self._headers["Connection"] = "close"
        self._http = Door([Opening.of(base, private=private)]).client()

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    async def answers(self, seconds: float) -> bool:
        """Whether a post is heard now."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.post(self._url, content=QUESTION, headers=self._headers)
        except (httpx.HTTPError, DoorClosed, TimeoutError):
            return False
        return answer.status_code == Said.THERE
