"""A sealed body on its way into the store, and on its way out of it.

Rule kept here: neither shows its key or its envelope in a repr, and a body is handed out whole
only when its length is the one that its row was bound to.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from orchestrator.seal.blobs import Blobs
from orchestrator.seal.envelope import HEAD_BYTES, Opening, open_bytes
from orchestrator.seal.errors import Tampered
from orchestrator.seal.wrap import MessageKey


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A sealed body before it is inserted. ``envelope`` None: it lies in ``blobs/<owner>``."""

    owner: str
    deal_id: str
    size: int
    key: MessageKey = field(repr=False)
    envelope: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlocked:
    """A sealed body with its key, read in a transaction, to be opened after it."""

    owner: str
    deal_id: str
    size: int
    key: MessageKey = field(repr=False)
    envelope: bytes | None = field(repr=False)
    blobs: Blobs = field(repr=False)

    def read(self) -> bytes:
        """Returns the text (blocking when it lies in a file; then prefer ``stream``).

        Raises:
            Destroyed: its file is gone.
            Tampered: it is not what was sealed.
        """
        envelope = self.blobs.read_all(self.owner) if self.envelope is None else self.envelope
        key = self.key
        text = open_bytes(key.key, key.key_id, self.owner, self.deal_id, envelope)
        return self._sized(text)

    async def stream(self) -> AsyncIterator[bytes]:
        """Yields the text in pieces of about 1 MiB.

        Each piece is authentic when it comes; that none is missing is known only when the
        iteration ends without an error.

        Raises:
            Destroyed: its file is gone.
            Tampered: it is not what was sealed, or was cut short.
        """
        if self.envelope is not None:
            yield self.read()
            return
        opening, count = None, 0
        async for piece in self.blobs.read(self.owner):
            rest = piece
            if opening is None:
                opening, rest = self._opening(piece), piece[HEAD_BYTES:]
            text = await asyncio.to_thread(opening.add, rest)
            count += len(text)
            yield text
        last = self._opening(b"").finish() if opening is None else opening.finish()
        if count + len(last) != self.size:
            raise Tampered("a sealed file has another length than its row")
        yield last

    def _opening(self, piece: bytes) -> Opening:
        key = self.key
        return Opening(piece[:HEAD_BYTES], key.key, key.key_id, self.owner, self.deal_id)

    def _sized(self, text: bytes) -> bytes:
        if len(text) != self.size:
            raise Tampered("a sealed body has another length than its row")
        return text
