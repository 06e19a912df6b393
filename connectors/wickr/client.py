"""The wire: the Wickr IO Web Interface over HTTP, through the one outbound door.

Rules kept here:

1. The server may leave a call unanswered for ever, so every call ends: in its answer or in a
   ``ConnectorError`` after the patience of the settings.
2. What failed before the request left, or was refused, is NOT_SENT. What was cut after it left is
   UNKNOWN for a call that acts, and unavailable for one that only reads. A poll takes messages
   away, so it acts.
3. Key and token go in headers alone: addressing V2, never a path. What the server says in words
   goes nowhere: it is compared with the few phrases that are known.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from connectors.port.door import AnswerTooLarge, Door, DoorClosed
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain
from connectors.wickr import answers

_ROOT = "/WickrIO/V2/Apps"
_BEFORE_LEAVING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
MOST_ENCODED = 96 * 1024
"""Bytes of a JSON body. The real program takes one above 100 KiB for an empty one and answers 200:
a message that reaches nobody, or a change of a room with two empty lists."""
_SLOWEST = 256 * 1024
"""Bytes a second: the pace below which a long transfer is given up."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the web interface asks for; never in a repr."""

    api_key: str = field(repr=False)
    auth_token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """As headers. The token stands alone in the base64: ``user:password`` is refused."""
        token = base64.b64encode(self.auth_token.encode()).decode("ascii")
        return {"Authorization": f"Basic {token}", "x-api-key": self.api_key}


class Client:
    """Calls to one web interface.

    Args:
        base: its base URL, without a path.
        door: the only way out.
        patience: seconds that an answer may take.
        credentials: what it asks for.
    """

    def __init__(self, base: str, door: Door, patience: float, credentials: Credentials) -> None:
        self._base = base.rstrip("/") + _ROOT
        self._http = door.client()
        self._patience = patience
        self._headers = credentials.headers()

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    async def read(self, path: str) -> object:
        """The JSON that a GET answers. Raises: Unavailable, Rejected."""
        answer = await self._answer(self._request("GET", path), acts=False)
        return _told(answer, acts=False)

    async def read_text(self, path: str, seconds: float | None = None) -> str:
        """The text that a GET answers. Raises: Unavailable, Rejected."""
        request = self._request("GET", path)
        return (await self._answer(request, acts=False, seconds=seconds)).text

    async def take(self, count: int) -> list[object]:
        """Takes up to ``count`` messages out of the client's queue: what is not kept is lost.

        Raises:
            Unavailable, Rejected: nothing was taken. Uncertain: some may have been, and are lost.
        """
        request = self._request("GET", "/Messages", query={"count": str(count)})
        try:
            told = _told(await self._answer(request, acts=True), acts=True)
        except Rejected:  # it fails in mid-batch as well
            told = None
        if not isinstance(told, list):
            raise Uncertain("batch_lost", "what the client had queued did not arrive whole")
        return told

    async def act(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> httpx.Response:
        """One call that changes something, answered 2xx; what that means is the caller's to say.

        Raises:
            Rejected: refused for good. Unavailable: refused for now, or never left.
            Uncertain: cut after it left.
        """
        content = None if body is None else encoded(body)
        if content is not None and len(content) > MOST_ENCODED:
            raise Rejected("too_large", f"as it is sent this is longer than {MOST_ENCODED} bytes")
        request = self._request(method, path, content, "application/json", query)
        return await self._answer(request, acts=True, seconds=seconds)

    async def upload(self, pieces: AsyncIterator[bytes], length: int, boundary: str) -> str:
        """``POST /File`` with a body in pieces; the text of the answer.

        Args:
            pieces: the multipart body; an error that it raises ends the call before it is whole.
            length: how many bytes there will be.
            boundary: between its parts.

        Raises:
            as ``act``.
        """
        kind = f"multipart/form-data; boundary={boundary}"
        request = self._request("POST", "/File", pieces, kind)
        request.headers["Content-Length"] = str(length)
        request.headers.pop("Transfer-Encoding", None)
        seconds = self._patience + length / _SLOWEST
        return (await self._answer(request, acts=True, seconds=seconds)).text

    async def anybody_may_ask(self) -> bool:
        """Whether the server answers a call without our credential. Raises: Unavailable."""
        request = self._request("GET", "/Rooms")
        for name in self._headers:
            request.headers.pop(name, None)
        try:
            await self._answer(request, acts=False)
        except Rejected:
            return True
        except Unavailable as error:
            if error.code != "credential_refused":
                raise
            return False
        return True

    async def _answer(
        self, request: httpx.Request, *, acts: bool, seconds: float | None = None
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(self._patience if seconds is None else seconds):
                answer = await self._http.send(request)
        except (httpx.HTTPError, DoorClosed, TimeoutError) as error:
            raise cut(error, acts=acts) from None
        if answer.is_success:
            return answer
        wait = answer.headers.get("Retry-After", "")
        raise answers.refusal(answer.status_code, wait, acts=acts)

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None = None,
        kind: str = "",
        query: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        headers = self._headers if content is None else self._headers | {"Content-Type": kind}
        return self._http.build_request(
            method, self._base + path, content=content, headers=headers, params=query
        )


def encoded(body: Mapping[str, Any]) -> bytes:
    """A body as it goes over the wire."""
    return json.dumps(body, ensure_ascii=False).encode()


def part(text: str) -> str:
    """One part of a path, quoted so that it stays one part."""
    return quote(text, safe="") if text not in {".", ".."} else text.replace(".", "%2E")


def json_of(content: bytes) -> object:
    """The JSON of an answer, whatever its media type says.

    Raises:
        ValueError: it is none.
    """
    try:
        found: object = json.loads(content)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return found


def _told(answer: httpx.Response, *, acts: bool) -> object:
    try:
        return json_of(answer.content)
    except ValueError:
        pass
    raise malformed(acts=acts)


def malformed(*, acts: bool) -> ConnectorError:
    """An answer of the wrong form: no proof that the call did something, nor that it did not."""
    kind: type[ConnectorError] = Uncertain if acts else Unavailable
    return kind("answer_malformed", "the web interface's answer has not the right form")


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
        return Unavailable("unreachable", "the web interface does not answer")
    if isinstance(error, TimeoutError):
        return Uncertain("no_answer", "the web interface took the call and never answered")
    return Uncertain("cut_after_write", "the web interface's answer did not arrive")
