"""Connections for calls that go at the same time, each with one call on it at a time.

Rules kept here:

1. A call takes the connection that its place was last called on, if it is free, else a new one; it
   is free again once the answer was read to its end. One on which a call was given up is closed.
2. No more than so many at a time: who comes then waits his turn, and as long as he said he would.
3. One that nobody has used for longer than servers keep them is closed, and never written to.
4. One that was made for a name carries no call to another, also where both are one address.
5. Once all are closed none is made: who waited for his turn is told that nothing left.

httpcore's own pool does this too. It looks through all connections at each call and at each
answer, and gives calls of one moment the same connection, of which all but one ask again: with
eight calls in flight that was a quarter of what a send cost.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import httpx

Place = tuple[str, str, int | None, str]
"""Scheme, address and port, and the name that the certificate was held against: several names may
lead to one address, and what was proven of one says nothing of another."""


@dataclass(slots=True, eq=False)
class _Lane:
    """One connection.

    Attributes:
        place: to which it leads.
        inner: what speaks over it.
        since: when it became free, by the loop's clock.
    """

    place: Place
    inner: httpx.AsyncBaseTransport
    since: float = 0.0


class Lanes(httpx.AsyncBaseTransport):
    """So many connections.

    Args:
        make: a transport of one connection.
        most: connections at a time.
        kept: seconds for which one is kept that nobody uses.
    """

    def __init__(
        self, make: Callable[[], httpx.AsyncBaseTransport], most: int, kept: float
    ) -> None:
        self._make = make
        self._most = most
        self._kept = kept
        self._turns = asyncio.Semaphore(most)
        self._free: list[_Lane] = []
        self._busy: set[_Lane] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one call. Raises: httpx.TransportError."""
        await self._turn(request)
        if self._closed:
            self._turns.release()
            raise httpx.ConnectError("the connections are closed", request=request)
        lane = self._take(_place(request))
        try:
            await self._close_surplus()
            answer = await lane.inner.handle_async_request(request)
        except BaseException:
            await self._drop(lane)
            raise
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_Leased(answer, lambda: self._release(lane), lambda: self._drop(lane)),
            extensions=answer.extensions,
        )

    async def _turn(self, request: httpx.Request) -> None:
        if not self._turns.locked():
            await self._turns.acquire()  # at once: nobody waits
            return
        patience = request.extensions.get("timeout", {}).get("pool")
        late = False
        try:
            async with asyncio.timeout(patience):
                await self._turns.acquire()
        except TimeoutError:
            late = True
        if late:
            raise httpx.PoolTimeout("no connection became free in time", request=request)

    def _take(self, place: Place) -> _Lane:
        """A free one to a place: the one that was used last, as it is the likeliest to stand."""
        standing = (n for n in reversed(range(len(self._free))) if self._free[n].place == place)
        found = next(standing, None)
        lane = _Lane(place, self._make()) if found is None else self._free.pop(found)
        self._busy.add(lane)
        return lane

    async def _close_surplus(self) -> None:
        old = asyncio.get_running_loop().time() - self._kept
        while self._free:
            if self._free[0].since > old and len(self._busy) + len(self._free) <= self._most:
                return
            await self._free.pop(0).inner.aclose()

    def _release(self, lane: _Lane) -> None:
        self._turns.release()
        if lane in self._busy:  # else all was closed meanwhile
            self._busy.remove(lane)
            lane.since = asyncio.get_running_loop().time()
            self._free.append(lane)

    async def _drop(self, lane: _Lane) -> None:
        """Closes one on which a call did not come to its end: what became of it is not known."""
        self._turns.release()
        self._busy.discard(lane)
        await lane.inner.aclose()

    async def aclose(self) -> None:
        """Closes every connection, also under a call that is on its way."""
        self._closed = True
        lanes, self._free, self._busy = [*self._free, *self._busy], [], set()
        for lane in lanes:
            await lane.inner.aclose()


def _place(request: httpx.Request) -> Place:
    url = request.url
    return url.scheme, url.host, url.port, request.extensions.get("sni_hostname", url.host)


class _Leased(httpx.AsyncByteStream):
    """An answer's body; with its end its connection is free."""

    def __init__(
        self,
        answer: httpx.Response,
        release: Callable[[], None],
        drop: Callable[[], Awaitable[None]],
    ) -> None:
        self._stream = cast("httpx.AsyncByteStream", answer.stream)
        self._release = release
        self._drop = drop
        self._whole = False
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece
        self._whole = True

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        whole = False
        try:
            await self._stream.aclose()
            whole = self._whole
        finally:
            if whole:
                self._release()
            else:
                await self._drop()
