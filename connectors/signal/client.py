"""The wire: signal-cli-rest-api over HTTP, through the one outbound door.

Rules kept here:

1. The server may leave a call unanswered for ever, so every call ends: in its answer or in a
   ``ConnectorError`` after the patience of the settings.
2. What failed before the request left, or was refused, is NOT_SENT. What was cut after it left is
   UNKNOWN for a call that acts, and unavailable for one that only reads.
3. What the server says in words goes nowhere: it is compared with the few phrases that are known.

Source: swagger.json of signal-cli-rest-api; what it does otherwise is in ``answers``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx

from connectors.port.door import AnswerTooLarge, Door, DoorClosed, capped
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain
from connectors.signal import answers

_BEFORE_LEAVING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_SLOWEST = 256 * 1024
"""Bytes a second: the pace below which a long transfer is given up."""


class Client:
    """Calls to one API server.

    Args:
        base: its base URL.
        door: the only way out.
        patience: seconds that an answer may take.
        token: what the own proxy before it asks for; None on loopback.
    """

    def __init__(self, base: str, door: Door, patience: float, token: str | None) -> None:
        self._base = base.rstrip("/")
        self._http = door.client()
        self._patience = patience
        self._token = token
        self.challenge: tuple[str, ...] = ()

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> object:
        """The JSON that a GET answers. Raises: Unavailable, Rejected."""
        request = self._request("GET", path, None, query)
        answer = await self._answer(request, acts=False, seconds=self._patience)
        return self._told(answer, acts=False)

    async def act(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> object:
        """One call that changes something; None where the answer is empty.

        Raises:
            Rejected, IdentityChanged: refused for good. Unavailable: refused for now, or never
            left. Uncertain: cut after it left.
        """
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = self._request(method, path, content)
        answer = await self._answer(request, acts=True, seconds=self._patience)
        return self._told(answer, acts=True) if answer.content else None

    async def send(self, pieces: AsyncIterator[bytes], length: int) -> object:
        """``POST /v2/send`` with a body in pieces.

        Args:
            pieces: the JSON; an error that it raises ends the call before it is whole.
            length: how many bytes there will be.

        Raises:
            as ``act``.
        """
        request = self._request("POST", "/v2/send", pieces)
        request.headers["Content-Length"] = str(length)
        request.headers.pop("Transfer-Encoding", None)
        seconds = self._patience + length / _SLOWEST
        answer = await self._answer(request, acts=True, seconds=seconds)
        self.challenge = ()
        return self._told(answer, acts=True)

    async def anybody_may_ask(self) -> bool:
        """Whether the server answers a call without our credential. Raises: Unavailable."""
        request = self._request("GET", "/v1/about")
        request.headers.pop("Authorization", None)
        try:
            await self._answer(request, acts=False, seconds=self._patience)
        except (Rejected, Unavailable) as error:
            if error.code == "unreachable":
                raise
            return False
        return True

    @asynccontextmanager
    async def download(self, name: str, limit: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Opens a file that came with a message, for reading in pieces.

        Args:
            name: the server's name of it.
            limit: bytes after which reading fails.
        """
        request = self._request("GET", f"/v1/attachments/{part(name)}")
        request.extensions = {**request.extensions, **capped(limit)}
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._http.send(request, stream=True)
        except (httpx.HTTPError, DoorClosed, TimeoutError) as error:
            raise cut(error, acts=False) from None
        try:
            if not answer.is_success:
                raise answers.refusal(answer.status_code, {}, acts=False)
            yield _whole(answer)
        finally:
            await answer.aclose()

    async def remove_file(self, name: str) -> None:
        """Deletes a file that came with a message; one that is not there is gone as well.

        Raises:
            ConnectorError: it may still be there.
        """
        try:
            await self.act("DELETE", f"/v1/attachments/{part(name)}")
        except Rejected as error:
            if error.code != "http_404":
                raise

    async def _answer(
        self, request: httpx.Request, *, acts: bool, seconds: float
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.send(request)
        except (httpx.HTTPError, DoorClosed, TimeoutError) as error:
            raise cut(error, acts=acts) from None
        if answer.is_success:
            return answer
        told = answers.mapping(_json(answer.content))
        refused = answers.refusal(answer.status_code, told, acts=acts)
        if refused.code == "rate_limited":
            self.challenge = answers.challenge(told)
        raise refused

    def _told(self, answer: httpx.Response, *, acts: bool) -> object:
        found = _json(answer.content)
        if found is _NOTHING:
            raise malformed(acts=acts)
        return found

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._http.build_request(
            method, self._base + path, content=content, headers=headers, params=query
        )


def part(text: str) -> str:
    """One part of a path, quoted so that it stays one part."""
    return quote(text, safe="") if text not in {".", ".."} else text.replace(".", "%2E")


async def _whole(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_bytes():
            yield piece
    except (httpx.HTTPError, DoorClosed) as error:
        raise cut(error, acts=False) from None


_NOTHING = object()


def _json(content: bytes) -> object:
    """The JSON of an answer, whatever its media type says; ``_NOTHING`` where it is none."""
    try:
        found: object = json.loads(content)
    except ValueError:
        return _NOTHING
    return found


def malformed(*, acts: bool) -> ConnectorError:
    """An answer of the wrong form: no proof that the call did something, nor that it did not."""
    kind: type[ConnectorError] = Uncertain if acts else Unavailable
    return kind("answer_malformed", "the API server's answer has not the right form")


def cut(error: Exception, *, acts: bool) -> ConnectorError:
    """What a call that got no answer means.

    Args:
        error: of httpx, of the door, or a time limit.
        acts: whether the call acts.
    """
    if isinstance(error, AnswerTooLarge):
        kind: type[ConnectorError] = Uncertain if acts else Rejected
        return kind(error.code, error.hint)
    if isinstance(error, DoorClosed):
        return Unavailable(error.code, error.hint)
    if isinstance(error, _BEFORE_LEAVING) or not acts:
        return Unavailable("unreachable", "the API server does not answer")
    if isinstance(error, TimeoutError):
        return Uncertain("no_answer", "the API server took the call and never answered")
    return Uncertain("cut_after_write", "the API server's answer did not arrive")
