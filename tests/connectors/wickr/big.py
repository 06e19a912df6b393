"""A connector in a process of its own that is given a very large file: ``big.py FOLDER SIZE``.

It sends one of so many bytes, then reads one from the folder, and says what memory that took.
"""

import asyncio
import hashlib
import json
import os
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from connectors.port import AccountId, ConnectorName, DeliveryKey, RoomId
from connectors.port.connector import Setup
from connectors.port.messages import Attachment, Content, Delivery, Reader
from connectors.wickr.connector import open_connector
from connectors.wickr.folder import Folder
from orchestrator import clock

SIZE = int(sys.argv[2])
PIECE = 1024 * 1024
ANN = AccountId("ann@example.test")


async def zeros() -> AsyncIterator[bytes]:
    left = SIZE
    while left:
        piece = bytes(min(PIECE, left))
        left -= len(piece)
        yield piece


class Sink:
    """A web interface that takes a file of any size, and has nothing."""

    def __init__(self) -> None:
        self.got = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, *fields = head.decode().split("\r\n")
            length = next(
                (int(f[15:]) for f in fields if f.lower().startswith("content-length")), 0
            )
            while length:
                piece = await reader.read(min(length, PIECE))
                length -= len(piece)
                self.got += len(piece)
            body = b"[]" if "GET" in line and "/Messages" in line else b"Sending message"
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()


def peak() -> int:
    """The most memory that this process ever had, KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def main(folder: Path) -> None:
    """In a process of its own, so that its memory is measured alone."""
    sink = Sink()
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = {"api": f"http://127.0.0.1:{port}", "user": "bot", "receive": "poll"}
    keys = {"api_key": "k" * 16, "auth_token": "t" * 16, "state_key": "cd" * 32}
    bot = open_connector(Setup(ConnectorName("wickr"), settings, keys, folder / "s", clock.now))
    await bot.open()
    file = Attachment("big.bin", "application/octet-stream", SIZE, zeros)
    delivery = Delivery(
        DeliveryKey("k"), RoomId(f"1:{ANN}"), Content("", None, (file,)), frozenset({Reader(ANN)})
    )
    before = peak()
    await bot.send(delivery)
    sent = peak()
    os.truncate(folder / "big.bin", SIZE)
    found = Folder(folder, SIZE).find("big.bin")
    assert found is not None
    hashed, count = hashlib.sha256(), 0
    async for piece in found.open():
        hashed.update(piece)
        count += len(piece)
    after = peak()
    await bot.close()
    server.close()
    told = {"out": sent - before, "in": after - sent, "got": sink.got, "count": count}
    sys.stdout.write(json.dumps(told))


asyncio.run(main(Path(sys.argv[1])))
