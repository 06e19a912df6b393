"""The envelope of a backup: plain age (X25519), so that opening it needs no program of ours.

Rules kept here:

1. It is sealed to public keys alone: whoever makes a backup holds nothing that opens one.
2. What is sealed is in memory a few pieces at a time, and in the clear nowhere else.
3. No key is repeated in an error: somebody may have given a private one by mistake.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, Final

import pyrage

from orchestrator.client.problems import Failed, Wrong

AT_ONCE: Final = 8
"""Pieces of at most 64 KiB that wait for whoever takes them."""
MAGIC: Final = b"age-encryption.org/v1\n"
_STILL = "Nothing was written"


def recipients_of(texts: Iterable[str]) -> list[pyrage.x25519.Recipient]:
    """Public keys (``age1…``), of lines such as ``age-keygen -y`` writes; comments are skipped.

    Raises:
        Wrong: one is none, or there is none at all.
    """
    found = [_recipient(line) for line in _lines(texts)]
    if not found:
        raise Wrong("No public key was named; a backup is sealed to at least one", still=_STILL)
    return found


def identities_of(text: str) -> list[pyrage.x25519.Identity]:
    """Private keys (``AGE-SECRET-KEY-1…``), as ``age-keygen`` writes them.

    Raises:
        Wrong: one is none, or there is none at all.
    """
    found = [_identity(line) for line in _lines([text])]
    if not found:
        raise Wrong("There is no age key in that file", still="Nothing was opened")
    return found


def _lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        lines = (line.strip() for line in text.splitlines())
        yield from (line for line in lines if line and not line.startswith("#"))


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        wrong = "What a backup is sealed to is a public age key, age1…; one of those named is none"
        raise Wrong(wrong, still=_STILL) from None


def _identity(text: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(text)
    except pyrage.IdentityError:
        wrong = "That is not a file of age keys: a line of it is no AGE-SECRET-KEY-1…"
        raise Wrong(wrong, still="Nothing was opened") from None


async def sealed(
    pieces: Iterator[bytes], recipients: Sequence[pyrage.x25519.Recipient]
) -> AsyncIterator[bytes]:
    """Yields what ``pieces`` yields, sealed; it is read in another thread.

    Raises:
        Exception: what ``pieces`` raised; what came until then is no whole backup, and says so.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[bytes | None] = asyncio.Queue(AT_ONCE)

    def put(piece: bytes | None) -> None:
        asyncio.run_coroutine_threadsafe(ready.put(piece), loop).result()

    source = _Source(pieces)

    def run() -> None:
        try:
            pyrage.encrypt_io(source, _Drain(put), recipients)
        finally:
            put(None)

    work = loop.run_in_executor(None, run)
    ended = False
    try:
        while (piece := await ready.get()) is not None:
            yield piece
        ended = True
    finally:
        if not ended:  # nobody takes the rest: the thread ends at its next read
            source.stopped = True
            while await ready.get() is not None:
                continue
        await asyncio.wait([work])
        failed = work.exception()
    if source.failed is not None:
        raise source.failed from None
    if failed is not None:
        raise failed


def open_into(
    file: BinaryIO, identities: Sequence[pyrage.x25519.Identity], into: io.RawIOBase
) -> None:
    """Writes what a backup holds into ``into``, a piece at a time.

    Raises:
        Failed: it is no age file, is sealed to other keys, or is damaged or cut short.
        Exception: what ``into`` raised.
    """
    still = "Nothing of it was used"
    if file.read(len(MAGIC)) != MAGIC:
        raise Failed("This is no backup: it does not begin as an age file does", still=still)
    file.seek(0)
    try:
        pyrage.decrypt_io(file, into, identities)
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            wrong = "This backup is sealed to other keys than the one that was given"
            raise Failed(wrong, still="Nothing was opened") from None
        raise Failed("The head of this backup is damaged", still=still) from None
    except OSError as error:
        if error.errno is not None:  # of the disk
            raise
        raise Failed("This backup is damaged or cut short", still=still) from None


class _Source(io.RawIOBase):
    """A file that reads what an iterator yields."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._held = memoryview(b"")
        self.stopped = False
        self.failed: BaseException | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # narrower on purpose
        """Reads some."""
        while not self._held:
            piece = self._next()
            if piece is None:
                return 0
            self._held = memoryview(piece)
        count = min(len(into), len(self._held))
        into[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def _next(self) -> bytes | None:
        if self.stopped:
            raise OSError("no longer wanted")
        try:
            return next(self._pieces, None)
        except BaseException as error:
            self.failed = error
            raise


class _Drain(io.RawIOBase):
    """A file that hands on what is written."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        super().__init__()
        self._put = put

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # narrower on purpose
        """Hands a piece on, and waits until there is room for it."""
        piece = bytes(data)
        self._put(piece)
        return len(piece)
