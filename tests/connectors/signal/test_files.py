"""Files go out and come in in pieces: a hundred megabytes take no hundred megabytes of memory."""

import asyncio
import hashlib
import json
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.port import AccountId, ConnectorName, DeliveryKey, RoomId
from connectors.port.connector import Setup
from connectors.port.messages import Attachment, Content, Delivery, Reader
from connectors.signal.connector import open_connector
from orchestrator import clock

SIZE = 100 * 1000 * 1000
PIECE = 1024 * 1024
GROWTH_KIB = 40 * 1024
"""Memory that a hundred megabytes may cost, in KiB: a few pieces, not the file."""


async def zeros() -> AsyncIterator[bytes]:
    left = SIZE
    while left:
        piece = bytes(min(PIECE, left))
        left -= len(piece)
        yield piece


class Sink:
    """A server that takes a send of any size and gives a file of a hundred megabytes."""

    def __init__(self) -> None:
        self.got = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, *fields = head.decode().split("\r\n")
            length = next(
                (int(f[15:]) for f in fields if f.lower().startswith("content-length")), 0
            )
            if "/attachments/" in line:
                await self._give(writer)
                continue
            while length:
                piece = await reader.read(min(length, PIECE))
                length -= len(piece)
                self.got += len(piece)
            body = self._answer(line)
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()

    def _answer(self, line: str) -> bytes:
        path = line.split()[1]
        if path == "/v1/about":
            return json.dumps({"mode": "json-rpc", "version": "0.101"}).encode()
        if path == "/v1/accounts":
            return b'["+15550100"]'
        return b'[{"timestamp": "5"}]' if path == "/v2/send" else b"[]"

    async def _give(self, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n".encode())
        async for piece in zeros():
            writer.write(piece)
            await writer.drain()


UUID = "0f1e2d3c-4b5a-4968-8776-655443322110"


async def main(state: Path) -> None:
    """In a process of its own, so that its memory is measured alone."""
    sink = Sink()
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = {"api": f"http://127.0.0.1:{port}", "number": "+15550100", "listen_port": 0}
    keys = {"webhook_secret": "ab" * 32, "state_key": "cd" * 32}
    bot = open_connector(Setup(ConnectorName("signal"), settings, keys, state, clock.now))
    await bot.open()
    file = Attachment("big.bin", "application/octet-stream", SIZE, zeros)
    content = Content("see", None, (file,))
    readers = frozenset({Reader(AccountId(UUID))})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await bot.send(Delivery(DeliveryKey("k"), RoomId(UUID), content, readers))
    sent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hashed, count = hashlib.sha256(), 0
    parts = bot._open  # type: ignore[attr-defined]
    async for piece in parts.receiver._read("big.bin", SIZE):
        hashed.update(piece)
        count += len(piece)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await bot.close()
    server.close()
    told = {"out": sent - before, "in": after - sent, "got": sink.got, "count": count}
    sys.stdout.write(json.dumps(told))


@pytest.mark.long
async def test_a_hundred_megabytes_go_out_and_come_in_in_bounded_memory(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    out, _ = await child.communicate()
    told = json.loads(out)
    assert told["got"] > SIZE * 4 // 3
    assert told["count"] == SIZE
    assert told["out"] < GROWTH_KIB
    assert told["in"] < GROWTH_KIB


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
