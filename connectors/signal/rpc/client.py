"""The wire: JSON-RPC 2.0 over HTTP to signal-cli's daemon, through the one outbound door.

Rules kept here:

1. Every call ends: in its answer or in a ``ConnectorError`` after the patience of the settings.
2. What failed before the request left, or was refused, is NOT_SENT. What was cut after it left is
   UNKNOWN for a call that acts, and unavailable for one that only reads.
3. Each call has an id of its own, and an answer to another is no answer.
4. Files go out and come in in pieces: none is ever whole in memory.

Source: signal-cli 0.13.19 ``daemon --http``: ``POST /api/v1/rpc``, ``GET /api/v1/check``.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from connectors.port import AccountId
from connectors.port.door import Door, DoorClosed, capped
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.messages import Attachment
from connectors.signal.client import cut, malformed
from connectors.signal.ids import Own
from connectors.signal.outgoing import Request, framed
from connectors.signal.rpc import answers
from connectors.signal.rpc.base64_field import Broken, Field

RPC, CHECK, EVENTS = "/api/v1/rpc", "/api/v1/check", "/api/v1/events"
_OK = 200
_SLOWEST = 256 * 1024
"""Bytes a second: the pace below which a long transfer is given up."""
_AROUND = 4096
"""Bytes of an answer beside the file in it."""


class Client:
    """Calls to one daemon for one account.

    Args:
        base: the daemon's base URL.
        door: the only way out.
        patience: seconds that an answer may take.
        token: what the own proxy before it asks for; None on loopback.
        number: our number.
    """

    def __init__(
        self, base: str, door: Door, patience: float, token: str | None, number: str
    ) -> None:
        self._base = base.rstrip("/")
        self._http = door.client()
        self._patience = patience
        self._token = token
        self._own = Own(number)
        self._number = number

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    async def call(self, method: str, *, acts: bool, **params: Any) -> object:
        """The result of one call for our account.

        Args:
            method: of signal-cli.
            acts: whether it changes something.
            params: by their names in JSON; one that is None is left out.

        Raises:
            Rejected, IdentityChanged: refused for good. Unavailable: refused for now, or never
            left. Uncertain: an act that was cut after it left, or failed half-way.
        """
        named = {name: value for name, value in params.items() if value is not None}
        return await self.ask(method, acts=acts, params={"account": self._number, **named})

    async def ask(
        self, method: str, *, acts: bool = False, params: Mapping[str, Any] | None = None
    ) -> object:
        """The result of one call with just these parameters. Raises: as ``call``."""
        asked = secrets.token_hex(8)
        body = json.dumps(_frame(method, asked, params or {}), ensure_ascii=False).encode()
        answer = await self._answer(self._post(body), acts=acts, seconds=self._patience)
        try:
            return answers.result(_json(answer), asked)
        except answers.Malformed:
            error = malformed(acts=acts)
        except answers.Failed as failed:
            error = answers.meaning(failed, self._own, acts=acts)
        raise error

    async def send(self, request: Request, own: Own, readers: frozenset[AccountId]) -> object:
        """The result of a send.

        Args:
            request: its whole body.
            own: our account under both its names.
            readers: everybody who is to be reached.

        Raises:
            as ``call``.
        """
        post = self._post(request.pieces())
        post.headers["Content-Length"] = str(request.length)
        post.headers.pop("Transfer-Encoding", None)
        seconds = self._patience + request.length / _SLOWEST
        answer = await self._answer(post, acts=True, seconds=seconds)
        try:
            return answers.result(_json(answer), request.asked)
        except answers.Malformed:
            error = malformed(acts=True)
        except answers.Failed as failed:
            error = answers.meaning(failed, own, acts=True, readers=readers)
        raise error

    async def alive(self, seconds: float) -> bool:
        """Whether the daemon answers at all; says nothing of Signal behind it."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.send(self._get(CHECK))
        except (httpx.HTTPError, DoorClosed, TimeoutError):
            return False
        return answer.status_code == _OK

    async def anybody_may_ask(self) -> bool:
        """Whether the daemon answers a call without our credential. Raises: Unavailable."""
        body = json.dumps(_frame("version", secrets.token_hex(8), {})).encode()
        request = self._post(body)  # a proxy may let anybody ask whether the daemon lives
        request.headers.pop("Authorization", None)
        try:
            await self._answer(request, acts=False, seconds=self._patience)
        except (Rejected, Unavailable) as error:
            if error.code == "unreachable":
                raise
            return False
        return True

    async def listen(self, trace: Any, silence: float) -> httpx.Response:
        """Opens the stream of events; its head comes with its first byte.

        Args:
            trace: told of what httpcore does with the request.
            silence: seconds without a byte after which it is given up.

        Raises:
            httpx.HTTPError, DoorClosed: there is none.
        """
        request = self._get(EVENTS, {"account": self._number})
        request.headers["Accept"] = "text/event-stream"
        times = {"connect": self._patience, "read": silence, "write": silence, "pool": silence}
        request.extensions = {"timeout": times, "trace": trace, **capped(1 << 62)}
        return await self._http.send(request, stream=True)

    @asynccontextmanager
    async def download(self, name: str, limit: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Opens a file that came with a message: its base64 stands in the answer.

        Args:
            name: the daemon's name of it.
            limit: bytes after which reading fails.
        """
        asked, params = secrets.token_hex(8), {"account": self._number, "id": name}
        body = json.dumps(_frame("getAttachment", asked, params)).encode()
        request = self._post(body)
        request.extensions = {**request.extensions, **capped(limit // 3 * 4 + _AROUND)}
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._http.send(request, stream=True)
        except (httpx.HTTPError, DoorClosed, TimeoutError) as error:
            raise cut(error, acts=False) from None
        try:
            if answer.status_code != _OK:
                raise answers.http_refusal(answer.status_code, "", acts=False)
            yield _decoded(answer, asked, self._own)
        finally:
            await answer.aclose()

    async def _answer(
        self, request: httpx.Request, *, acts: bool, seconds: float
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.send(request)
        except (httpx.HTTPError, DoorClosed, TimeoutError) as error:
            raise cut(error, acts=acts) from None
        if answer.is_success:  # 201 and nothing is what it says to a call without an id
            return answer
        wait = answer.headers.get("retry-after", "")
        raise answers.http_refusal(answer.status_code, wait, acts=acts)

    def _post(self, content: bytes | AsyncIterator[bytes]) -> httpx.Request:
        headers = {"Content-Type": "application/json", **self._credential()}
        return self._http.build_request("POST", self._base + RPC, content=content, headers=headers)

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Request:
        url = self._base + path
        return self._http.build_request("GET", url, headers=self._credential(), params=query)

    def _credential(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


def sending(number: str, params: Mapping[str, Any], files: tuple[Attachment, ...]) -> Request:
    """The whole body of a send.

    Args:
        number: our number.
        params: what ``send`` takes, but for the files.
        files: what goes with it.
    """
    asked = secrets.token_hex(8)
    fields = _frame("send", asked, {"account": number, **params})
    return framed(fields, "attachment", files, "}", asked)


def _frame(method: str, asked: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A call; its parameters stand last."""
    return {"jsonrpc": "2.0", "id": asked, "method": method, "params": dict(params)}


def _json(answer: httpx.Response) -> object:
    try:
        found: object = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return found


async def _decoded(answer: httpx.Response, asked: str, own: Own) -> AsyncIterator[bytes]:
    """A file's bytes out of an answer."""
    field, broken = Field("data"), False
    try:
        async for piece in answer.aiter_bytes():
            decoded = field.feed(piece)
            if decoded:
                yield decoded
        field.end()
    except (httpx.HTTPError, DoorClosed) as error:
        raise cut(error, acts=False) from None
    except Broken:
        broken = True
    if broken:
        raise _no_file(field.before, asked, own)


def _no_file(said: bytes, asked: str, own: Own) -> ConnectorError:
    """Why an answer holds no file: signal-cli says so, or it is not whole."""
    try:
        answers.result(json.loads(said), asked)
    except answers.Failed as failed:
        return answers.meaning(failed, own, acts=False)
    except (answers.Malformed, ValueError, RecursionError):
        return Unavailable("file_unreadable", "the daemon did not tell the file whole")
    return Unavailable("file_unreadable", "the daemon told no file")
