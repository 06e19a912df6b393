"""How the API is spoken: one request, one view or Problem, over a given transport.

Rules kept here: nothing is sent but over the given transport (a Unix socket, or the application
itself in this process), no redirect is followed, and nothing of an answer is logged.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any, Self, TypeVar, cast
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from orchestrator.client.dry_run import REHEARSED, WouldDo
from orchestrator.client.problems import Failed, from_wire

T = TypeVar("T")
ASGI = Callable[..., Awaitable[None]]
BASE = "http://wallcross/api/v1"
Transport = httpx.AsyncBaseTransport
"""What carries requests."""


class Wire:
    """Calls the API of one home; what there is to call is in the classes made of this one.

    Args:
        transport: to a Unix socket (``socket_transport``) or to the application itself.
        timeout_s: for one answer; None waits for ever.
        headers: sent with each request, such as a session's cookie or a bot's token.
        base: where the API is, without a slash at the end.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        timeout_s: float | None = 60.0,
        *,
        headers: Mapping[str, str] | None = None,
        base: str = BASE,
    ) -> None:
        self._base = base
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            headers=dict(headers or {}),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def _get(
        self,
        kind: type[T],
        path: str,
        query: Mapping[str, str | Sequence[str] | None] | None = None,
    ) -> T:
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        return read(kind, await self._call("GET", path, query=asked))

    async def _post(self, kind: type[T], path: str, body: Any = None) -> T:
        return read(kind, await self._call("POST", path, body))

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Any:
        answer = await self._http.request(method, self._base + path, json=body, params=query or {})
        await refuse(answer)
        return answer.json() if answer.content else None

    async def _pieces(
        self, path: str, method: str = "POST", body: Any = None
    ) -> AsyncIterator[bytes]:
        url = self._base + path
        async with self._http.stream(method, url, json=body, timeout=None) as answer:
            await refuse(answer)
            async for piece in answer.aiter_bytes():
                yield piece


def socket_transport(uds: str, at_once: int = 100) -> httpx.AsyncBaseTransport:
    """To the Unix socket at ``uds``, by so many connections at once; who comes later waits."""
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=20)
    # No TLS on a socket of this machine: without `verify`, no certificate store is read each time.
    return httpx.AsyncHTTPTransport(uds=uds, verify=False, trust_env=False, limits=limits)


def server_transport() -> httpx.AsyncBaseTransport:
    """To a server elsewhere, whose certificate this machine trusts; no proxy is taken from here."""
    return httpx.AsyncHTTPTransport(trust_env=False)


def app_transport(app: ASGI, caller: tuple[str, int]) -> httpx.AsyncBaseTransport:
    """To an application in this process; ``caller`` is what a socket would say of it."""
    return httpx.ASGITransport(app, client=caller)


async def refuse(answer: httpx.Response) -> None:
    """Raises the problem that an answer is, if it is one, and ``WouldDo`` for a dry run's."""
    if answer.is_success and REHEARSED not in answer.headers:
        return
    await answer.aread()
    if answer.is_success:
        told = answer.json()
        raise WouldDo(told["would_state"], network=told["would_ask_network"])
    try:
        body = answer.json()
    except ValueError:
        raise Failed(f"The API answered {answer.status_code} without a reason") from None
    raise from_wire(body if isinstance(body, dict) else {}, answer.status_code)


def read(kind: type[T], data: Any) -> T:
    """Makes a view of an answer. Raises: pydantic's error where it is none."""
    return cast("T", _reader(cast("Hashable", kind)).validate_python(data))


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    """What reads a kind of view: to make one takes longer than most answers do."""
    return TypeAdapter(cast("type[Any]", kind))


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def deal_path(name: str) -> str:
    """Where a deal is, by code or id."""
    return f"/deals/{part(name)}"
