"""The one outbound door of a connector: where it may go, how much it takes, how long it waits.

Rules kept here:

1. Only the configured (scheme, host, port) is reached; everything else is refused before a packet.
2. A redirect is never followed. It is an answer of the wrong kind, and it is refused.
3. A name is resolved once, its addresses are checked, and the checked address is the one that is
   connected to, so that a name cannot point elsewhere a moment later. Addresses that are not
   public are refused unless the configuration names one (a literal, ``localhost``, ``private``).
4. Answers are capped in bytes, are never decompressed, and every phase of a call has a time limit.
5. No proxy or credential is taken from the process environment, and no URL is logged.

What is not HTTP (mail, sockets) asks ``Door.addresses`` and connects to what it gives.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

import httpx
import sniffio  # noqa: F401 - httpcore looks for it at each step of a call; found once, it asks no disk

from connectors.port.lanes import Lanes

Resolve = Callable[[str, int], Awaitable[list[str]]]

_PORTS = {"https": 443, "http": 80}
_LIMIT = "wallcross_limit"
_KEPT = 4.0
"""Seconds for which a connection is kept that nobody uses: less than servers keep them, so that a
write seldom meets one that the other side has just closed."""
_FIRST_REDIRECT, _LAST_REDIRECT = 300, 399


class DoorClosed(Exception):
    """A call that the door refused. Nothing was acted upon because of it.

    Args:
        code: short, stable, for machines.
        hint: what a person can do about it; holds no more of an address than its host.
    """

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(code, hint)
        self.code = code
        self.hint = hint


class AnswerTooLarge(DoorClosed):
    """The answer is larger than the cap. The call itself may have been acted upon."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One place that a connector may reach.

    Attributes:
        scheme: ``https``, ``http``, or another protocol's name for what is not HTTP.
        host: name or address as configured, lower case.
        port: port.
        private: addresses that are not public are accepted.
    """

    scheme: str
    host: str
    port: int
    private: bool = False

    @classmethod
    def of(cls, url: str, *, private: bool = False) -> "Opening":
        """The opening that a configured URL stands for.

        Args:
            url: as configured.
            private: the configuration says that the name leads to a private address. Implied by
                a literal private address and by ``localhost``.

        Raises:
            ValueError: the URL has no scheme or host, or an unknown scheme without a port.
        """
        parsed = httpx.URL(url)
        host = parsed.host.lower()
        port = parsed.port or _PORTS.get(parsed.scheme)
        if not parsed.scheme or not host or port is None:
            raise ValueError("an address needs a scheme and a host, such as https://host")
        return cls(parsed.scheme, host, port, private or _names_private(host))

    @property
    def loopback(self) -> bool:
        """Whether what goes through here stays on this machine."""
        if self.host == "localhost":
            return True
        address = _literal(self.host)
        return address is not None and address.is_loopback


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long.

    Attributes:
        answer_bytes: largest answer, unless a call asks for another cap.
        connect: seconds to a connection, name resolution included.
        silence: seconds without a byte in either direction.
        connections: at the same time.
    """

    answer_bytes: int = 32 * 1024 * 1024
    connect: float = 10.0
    silence: float = 60.0
    connections: int = 20


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _names_private(host: str) -> bool:
    address = _literal(host)
    return host == "localhost" or (address is not None and not is_public(host))


def is_public(address: str) -> bool:
    """Whether an address is a public unicast one; an address wrapped in another is unwrapped."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name as the system resolves it, each once, in the system's order."""
    if _literal(host) is not None:  # as the system would, without a thread for each request
        return [host]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Door:
    """The only way out for one connector.

    Args:
        openings: where it may go.
        limits: how much and how long.
        resolver: turns a name into addresses; the system's unless a test gives another.
    """

    def __init__(
        self,
        openings: Iterable[Opening],
        limits: Limits | None = None,
        resolver: Resolve = resolve,
    ) -> None:
        self._openings = {(o.scheme, o.host, o.port): o for o in openings}
        self.limits = limits or Limits()
        self._resolve = resolver

    def opening(self, scheme: str, host: str, port: int | None = None) -> Opening:
        """The opening for a place. Raises: DoorClosed when there is none."""
        place = (scheme, host.lower(), port or _PORTS.get(scheme, 0))
        found = self._openings.get(place)
        if found is None:
            raise DoorClosed("place_refused", f"{host} is not among this channel's addresses")
        return found

    async def addresses(self, opening: Opening) -> list[str]:
        """The addresses to connect to, all of them checked.

        Raises:
            DoorClosed: the name leads to an address that is not public and not configured to be.
            OSError: the name does not resolve.
        """
        found = await self._resolve(opening.host, opening.port)
        if not opening.private and not all(map(is_public, found)):
            raise DoorClosed(
                "private_address_refused",
                f"{opening.host} leads to a private address; say so in the settings if it should",
            )
        return found

    def client(self, *, verify: ssl.SSLContext | None = None) -> httpx.AsyncClient:
        """An HTTP client that can only go through this door.

        Args:
            verify: certificates to trust; the default of ``ssl`` when None.
        """
        for noisy in ("httpx", "httpcore"):  # they log URLs, and at DEBUG the authorization header
            logging.getLogger(noisy).setLevel(logging.WARNING)
        limits = self.limits
        return httpx.AsyncClient(
            transport=_Transport(self, verify or ssl.create_default_context()),
            timeout=httpx.Timeout(limits.silence, connect=limits.connect),
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )


def capped(limit: int) -> dict[str, int]:
    """Request extensions that set another cap for one answer.

    Args:
        limit: bytes.
    """
    return {_LIMIT: limit}


class _Transport(httpx.AsyncBaseTransport):
    """Checks each request, pins the address, and counts each answer."""

    def __init__(self, door: Door, context: ssl.SSLContext) -> None:
        self._door = door
        one = httpx.Limits(max_connections=1, keepalive_expiry=_KEPT)

        def connection() -> httpx.AsyncBaseTransport:
            return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=one)

        self._inner = Lanes(connection, door.limits.connections, _KEPT)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        opening = self._door.opening(url.scheme, url.host, url.port)
        response = await self._first_reachable(request, opening)
        await _refuse_unwanted(response)
        limit = int(request.extensions.get(_LIMIT, self._door.limits.answer_bytes))
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Counted(response, limit),
            extensions=response.extensions,
        )

    async def _first_reachable(self, request: httpx.Request, opening: Opening) -> httpx.Response:
        """The answer of the first address that takes a connection."""
        failure: httpx.TransportError = httpx.ConnectError("the name has no address")
        try:
            async with asyncio.timeout(self._door.limits.connect):
                addresses = await self._door.addresses(opening)
        except OSError as error:  # of which TimeoutError is one
            raise httpx.ConnectError("the name does not resolve") from error
        for address in addresses:
            try:
                return await self._inner.handle_async_request(_pinned(request, opening, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()


def _pinned(request: httpx.Request, opening: Opening, address: str) -> httpx.Request:
    """The same request to a checked address; certificate and Host stay those of the name."""
    if address == request.url.host:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": opening.host},
    )


async def _refuse_unwanted(response: httpx.Response) -> None:
    """Raises DoorClosed for a redirect and for a compressed answer."""
    code = ""
    if _FIRST_REDIRECT <= response.status_code <= _LAST_REDIRECT:
        code = "redirect_refused"
    elif response.headers.get("content-encoding", "identity") != "identity":
        code = "encoding_refused"
    if code:
        await response.aclose()
        raise DoorClosed(code, "the server answered in a way that this channel never follows")


class _Counted(httpx.AsyncByteStream):
    """A stream that ends with an error once it has given more than its cap."""

    def __init__(self, response: httpx.Response, limit: int) -> None:
        self._response = response
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for piece in self._response.aiter_raw():
            taken += len(piece)
            if taken > self._limit:
                raise AnswerTooLarge("answer_too_large", f"an answer above {self._limit} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()
