"""The wire: Matrix client-server calls over HTTP, through the one outbound door.

Rules kept here:

1. Every call goes through the door, has a time limit, and ends in its answer or a
   ``ConnectorError``; what the server says in words goes nowhere, only its error code does.
2. What failed before the request left, or was refused with an error code, is NOT_SENT. What was
   cut after the request left is UNKNOWN for a call that acts, and no more than unavailable for
   one that only reads or that may be repeated freely.
3. The ``Date`` of each answer is kept with our own instant: it is the network's clock.

matrix-nio's own HTTP client is not used: it repeats requests by itself, returns errors in place of
raising them, and opens connections that no door watches. nio does the cryptography (``machine``).

Source: Matrix client-server API (matrix-spec, data/api/client-server).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from connectors.port.door import AnswerTooLarge, Door, DoorClosed, capped
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain

Json = dict[str, Any]

BASE = "/_matrix/client/v3"
_SECOND = 1_000_000
_BEFORE_LEAVING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_SIGNED_OUT = {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"}
_UNAUTHORISED, _TOO_MANY, _TOO_LARGE, _SERVER_FAULT = 401, 429, 413, 500
_LONGEST_CODE = 40
_LONG = 1800.0


class Client:
    """Calls to one homeserver.

    Args:
        base: base URL of the homeserver.
        door: the only way out.
        now: the clock, microseconds UTC.
    """

    def __init__(self, base: str, door: Door, now: Callable[[], int]) -> None:
        self._base = base.rstrip("/")
        self._http = door.client()
        self._now = now
        self.token: str | None = None
        self.heard: tuple[int, int] | None = None
        self.seen_at: int | None = None

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        acts: bool = False,
        seconds: float = 60.0,
    ) -> Json:
        """One call with a JSON answer.

        Args:
            method: HTTP method.
            path: below the homeserver's base, parts already quoted.
            body: JSON body.
            query: query parameters.
            acts: a cut leaves open whether it happened.
            seconds: limit for the whole call.

        Raises:
            Rejected: refused for good. Unavailable: refused for now, or never left.
            Uncertain: ``acts``, and cut after it left.
        """
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = self._request(method, path, content, query)
        found = _json(await self._answer(request, acts=acts, seconds=seconds))
        if not isinstance(found, dict):
            raise malformed(acts=acts)
        return found

    async def call_list(self, method: str, path: str) -> list[Any]:
        """One call that only reads and answers with a JSON list. Raises: as ``call``."""
        found = _json(await self._answer(self._request(method, path), acts=False, seconds=60.0))
        if not isinstance(found, list):
            raise malformed(acts=False)
        return found

    async def _answer(self, request: httpx.Request, *, acts: bool, seconds: float) -> bytes:
        """The body of a good answer."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.send(request)
        except (httpx.HTTPError, DoorClosed, TimeoutError) as error:
            raise cut(error, acts=acts) from None
        self._hear(answer)
        if not answer.is_success:
            raise refusal(answer.status_code, answer.content, answer.headers, acts=acts)
        return answer.content

    async def upload(self, pieces: AsyncIterator[bytes], size: int) -> str:
        """Stores opaque bytes with the homeserver.

        Args:
            pieces: the bytes, already encrypted.
            size: how many there are.

        Returns:
            The ``mxc://`` address.
        """
        request = self._request("POST", "/_matrix/media/v3/upload", pieces)
        request.headers["Content-Type"] = "application/octet-stream"
        request.headers["Content-Length"] = str(size)
        request.headers.pop("Transfer-Encoding", None)
        found = _json(await self._answer(request, acts=False, seconds=_LONG))
        address = found.get("content_uri") if isinstance(found, dict) else None
        if not isinstance(address, str) or not address.startswith("mxc://"):
            raise Unavailable("answer_malformed", "the homeserver gave no media address")
        return address

    @asynccontextmanager
    async def download(self, address: str, limit: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Opens stored bytes for reading in pieces.

        Args:
            address: ``mxc://server/id``.
            limit: bytes after which reading fails.

        Source: authenticated media, matrix-spec 1.11 (MSC3916).
        """
        server, _, media = address.removeprefix("mxc://").partition("/")
        path = f"/_matrix/client/v1/media/download/{part(server)}/{part(media)}"
        request = self._request("GET", path)
        request.extensions = {**request.extensions, **capped(limit)}
        try:
            answer = await self._http.send(request, stream=True)
        except (httpx.HTTPError, DoorClosed) as error:
            raise cut(error, acts=False) from None
        try:
            if not answer.is_success:
                await answer.aread()
                raise refusal(answer.status_code, answer.content, answer.headers, acts=False)
            yield _whole(answer)
        finally:
            await answer.aclose()

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._http.build_request(
            method, self._base + path, content=content, headers=headers, params=query
        )

    def _hear(self, answer: httpx.Response) -> None:
        """Keeps when there was a good answer, and the network's clock with our own."""
        here = self._now()
        if answer.is_success:
            self.seen_at = here
        try:
            there = parsedate_to_datetime(answer.headers["Date"])
        except (KeyError, ValueError):
            return
        self.heard = (int(there.timestamp()) * _SECOND, here)


def part(text: str) -> str:
    """One part of a path, quoted so that it stays one part."""
    return quote(text, safe="") if text not in {".", ".."} else text.replace(".", "%2E")


def room_path(room: str, *parts: str) -> str:
    """Path of something in a room."""
    return "/".join((f"{BASE}/rooms", part(room), *map(part, parts)))


async def _whole(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_bytes():
            yield piece
    except (httpx.HTTPError, DoorClosed) as error:
        raise cut(error, acts=False) from None


def _json(content: bytes) -> object:
    """The JSON of a good answer, or None."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def malformed(*, acts: bool) -> ConnectorError:
    """An answer of the wrong form: no proof that the call did something, nor that it did not."""
    kind: type[ConnectorError] = Uncertain if acts else Unavailable
    return kind("answer_malformed", "the homeserver's answer has not the right form")


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
        return Unavailable("unreachable", "the homeserver does not answer")
    return Uncertain("cut_after_write", "the homeserver's answer did not arrive")


def refusal(
    status: int, content: bytes, headers: Mapping[str, str], *, acts: bool
) -> ConnectorError:
    """What an HTTP error answer means, by its error code first and its status second.

    Args:
        status: HTTP status.
        content: body; only ``errcode`` and ``retry_after_ms`` are taken from it.
        headers: of which ``Retry-After`` counts.
        acts: whether the call acts.

    Source: matrix-spec, client-server API, "Standard error response".
    """
    told = _error_body(content)
    code = str(told.get("errcode", ""))
    if status == _TOO_MANY or code == "M_LIMIT_EXCEEDED":
        wait = _retry_after(told, headers)
        return Unavailable("rate_limited", "the homeserver asks to wait", retry_after=wait)
    if code in _SIGNED_OUT or status == _UNAUTHORISED:
        return Unavailable("signed_out", "the account is signed out: renew its password or token")
    if status == _TOO_LARGE or code == "M_TOO_LARGE":
        return Rejected("too_large", "the homeserver refuses this size")
    if status >= _SERVER_FAULT:
        kind: type[ConnectorError] = Uncertain if acts else Unavailable
        return kind("server_fault", f"the homeserver answered {status}")
    return Rejected(stable(code) or f"http_{status}", "the homeserver refuses this")


def stable(errcode: str) -> str:
    """A Matrix error code as one of ours: ``M_NOT_FOUND`` is ``not_found``; else empty."""
    plain = errcode.removeprefix("M_").lower()
    safe = plain.replace("_", "").isalnum() and plain.isascii() and len(plain) <= _LONGEST_CODE
    return plain if errcode.startswith("M_") and safe else ""


def _error_body(content: bytes) -> Json:
    found = _json(content)
    return found if isinstance(found, dict) else {}


def _retry_after(told: Json, headers: Mapping[str, str]) -> int | None:
    """Microseconds to wait; the header is current, the body's field is its older form."""
    seconds = headers.get("retry-after", "")
    if seconds.isdecimal():
        return int(seconds) * _SECOND
    wait = told.get("retry_after_ms")
    return wait * 1000 if isinstance(wait, int) and wait >= 0 else None
