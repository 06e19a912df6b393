"""The line to a stand-in's far side: what somebody does there, asked for and answered.

Rule kept here: what the far side did not do is an error, never an empty answer.
"""

import ssl
from types import TracebackType
from typing import Any, Self

import httpx

WAIT = 30.0
"""Seconds for an answer."""
Json = dict[str, Any]


class NotDoneError(Exception):
    """The far side does not do that; the message says why."""


class Line:
    """The line to one stand-in's hand.

    Args:
        url: of the stand-in's control port.
        token: what its hand asks for.
    """

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback in the clear: no certificates
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=WAIT, trust_env=False, verify=nobody
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the line; the stand-in goes on."""
        await self._http.aclose()

    async def _do(self, what: str, /, **fields: Any) -> Json:
        answer = await self._http.post(f"/far/{what}", json=fields)
        told: Json = answer.json()
        if answer.status_code != httpx.codes.OK:
            raise NotDoneError(told.get("error", "refused"))
        return told
