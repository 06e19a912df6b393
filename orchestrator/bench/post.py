"""HTTP POST to the bench's receiver over a few kept connections, as cheap as asyncio makes it.

Rule kept here: the floor that the core is compared with must be low, so nothing is between the
caller and the socket. Loopback only.
"""

import asyncio

HOST = "127.0.0.1"
_END = b"\r\n\r\n"


class BrokenPostError(ConnectionError):
    """The connection ended before its answer came."""


class _Line(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._held = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, body = self._held.partition(_END)
        size = int(head.rpartition(b"Content-Length: ")[2] or 0) if end else 0
        if end and len(body) >= size and self._answer is not None:
            self._held = b""
            self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BrokenPostError("the receiver is gone"))

    async def ask(self, request: bytes) -> bytes:
        """Sends a whole request and returns the answer's body."""
        if self._transport is None:
            raise BrokenPostError("not connected")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Poster:
    """Posts to one port of this machine.

    Args:
        port: where the receiver listens.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Line] = []
        self._all: list[_Line] = []

    async def post(self, target: str, body: bytes) -> str:
        """Posts ``body`` and returns what was answered.

        Raises:
            OSError: the receiver is gone.
        """
        line = self._idle.pop() if self._idle else await self._connect()
        head = f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = await line.ask(head.encode() + body)
        self._idle.append(line)
        return answer.decode()

    async def _connect(self) -> _Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(_Line, HOST, self._port)
        self._all.append(line)
        return line

    def close(self) -> None:
        """Closes every connection."""
        for line in self._all:
            line.close()
