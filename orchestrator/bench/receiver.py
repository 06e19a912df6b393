"""The other end of the bench: a loopback server in a process of its own, which counts.

Rule kept here: a message counts when its body has arrived whole, and what the bench reports as
delivered is compared with what was counted here. It ends when its starter does.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_END = b"\r\n\r\n"
_WAIT_S = 10.0


class Counted:
    """What arrived."""

    def __init__(self) -> None:
        self.posts = 0
        self.bytes = 0
        self.keys: set[bytes] = set()

    def take(self, target: bytes, body: bytes) -> bytes:
        """Counts one request and returns the answer's body."""
        if target == b"/seen":
            seen = {"posts": self.posts, "distinct": len(self.keys), "bytes": self.bytes}
            return json.dumps(seen).encode()
        self.posts += 1
        self.bytes += len(body)
        self.keys.add(target)
        return b"r%d" % self.posts


class Server(asyncio.Protocol):
    """HTTP/1.1 as far as the bench speaks it: requests with a Content-Length, kept alive."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._held = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers every request that is whole."""
        self._held += data
        while (end := self._held.find(_END)) >= 0:
            head = bytes(self._held[:end])
            size = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0] or 0)
            begin = end + len(_END)
            if len(self._held) < begin + size:
                return
            body = bytes(self._held[begin : begin + size])
            del self._held[: begin + size]
            self._answer(self._counted.take(head.split(b" ", 2)[1], body))

    def _answer(self, body: bytes) -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )


async def serve() -> None:
    """Listens on loopback, says where on standard output, and ends with standard input."""
    loop, counted = asyncio.get_running_loop(), Counted()
    server = await loop.create_server(lambda: Server(counted), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


@contextmanager
def running() -> Iterator[int]:
    """Starts the server; gives its port; ends exactly that process.

    Raises:
        RuntimeError: it ended before it listened.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.bench.receiver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        line = child.stdout.readline() if child.stdout else b""
        try:
            if not line:
                raise RuntimeError("the bench's receiver ended before it listened")
            yield int(line)
        finally:
            if child.stdin:
                child.stdin.close()
            try:
                child.wait(_WAIT_S)
            except subprocess.TimeoutExpired:
                child.kill()


if __name__ == "__main__":
    asyncio.run(serve())
