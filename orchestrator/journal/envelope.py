"""The journal's envelope: plain age (X25519), so that counsel needs no program of ours to read it.

Rule kept here: what is sealed here cannot be opened here; the host holds recipients only.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import BinaryIO

import pyrage

from orchestrator.journal.errors import JournalError

MAGIC = b"age-encryption.org/v1\n-> X25519 "


def seal_for(recipient: str, text: bytes) -> bytes:
    """Returns ``text`` as an age file for ``recipient`` (``age1…``).

    Raises:
        JournalError: ``recipient`` is not a key.
    """
    sealed: bytes = pyrage.encrypt(text, [_parse(recipient)])
    return sealed


async def seal_stream(recipient: str, pieces: AsyncIterator[bytes], file: BinaryIO) -> None:
    """Writes ``pieces`` as an age file into ``file``, a piece in memory at a time.

    Raises:
        JournalError: ``recipient`` is not a key.
        Exception: what ``pieces`` raised.
    """
    reader = _Pull(pieces, asyncio.get_running_loop())
    key = _parse(recipient)
    work = asyncio.ensure_future(asyncio.to_thread(pyrage.encrypt_io, reader, file, [key]))
    try:
        await asyncio.shield(work)
    except BaseException:
        reader.stop()  # the thread must have ended before its file is closed
        await asyncio.wait([work])
        work.exception()
        if reader.failed is not None:
            raise reader.failed from None
        raise


def _parse(recipient: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise JournalError("a journal key in the store is not an age recipient") from None


class _Pull(io.RawIOBase):
    """A file that reads, in another thread, what an async iterator yields in its loop."""

    def __init__(self, pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._pieces = pieces
        self._loop = loop
        self._held = memoryview(b"")
        self._stopped = False
        self.failed: BaseException | None = None

    def stop(self) -> None:
        """Has the next read fail."""
        self._stopped = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # narrower on purpose
        if not self._held:
            self._held = memoryview(self._next())
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def _next(self) -> bytes:
        if self._stopped:
            raise OSError("no longer wanted")
        try:
            return asyncio.run_coroutine_threadsafe(_some(self._pieces), self._loop).result()
        except BaseException as error:
            self.failed = error
            raise


async def _some(pieces: AsyncIterator[bytes]) -> bytes:
    async for piece in pieces:
        if piece:
            return piece
    return b""
