"""Large envelopes as files, named by their owner.

Rules kept here: a file is whole and on disk before the row that names it can be; only sealed bytes
ever touch it; and a file without a row is removed at the next start.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from orchestrator.seal.errors import Destroyed, SealError
from orchestrator.secrets.ownfile import PART, make_folder, sync_folder

PIECE = 1 << 20
"""Bytes handed to a thread at a time, so that a document of any size costs little memory."""
_OWNER = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Blobs:
    """A folder of sealed files, one for each owner.

    Args:
        folder: made for the owner alone when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder)

    def path(self, owner: str) -> Path:
        """Returns where the envelope of ``owner`` lies.

        Raises:
            SealError: ``owner`` is not an identifier of ours.
        """
        if not _OWNER.fullmatch(owner):
            raise SealError("only an identifier of ours can name a sealed file")
        return self.folder / owner

    @asynccontextmanager
    async def writing(self, owner: str) -> AsyncIterator[BinaryIO]:
        """Gives a file to write an envelope into (in a thread: its writes block).

        The file is whole and on disk after the block, and not there at all when the block raises.

        Raises:
            SealError: there is one already.
        """
        path = self.path(owner)
        part = path.with_name(path.name + PART)
        if path.exists():
            raise SealError("this owner already has a sealed file")
        try:
            with await asyncio.to_thread(_create, part) as file:
                yield file
                await asyncio.to_thread(_flush, file)
            await asyncio.to_thread(_publish, part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    async def read(self, owner: str) -> AsyncIterator[bytes]:
        """Yields the envelope in pieces of ``PIECE`` bytes.

        Raises:
            Destroyed: there is none.
        """
        try:
            file = await asyncio.to_thread(self.path(owner).open, "rb", buffering=0)
        except FileNotFoundError:
            raise Destroyed("the sealed file of this owner was destroyed") from None
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    def read_all(self, owner: str) -> bytes:
        """Returns the whole envelope (blocking; for what is known to be small enough).

        Raises:
            Destroyed: there is none.
        """
        try:
            return self.path(owner).read_bytes()
        except FileNotFoundError:
            raise Destroyed("the sealed file of this owner was destroyed") from None

    def remove(self, owner: str) -> None:
        """Removes an envelope; what cannot be removed now goes at the next start."""
        with suppress(OSError):
            self.path(owner).unlink()

    def sweep(self, living: Iterable[str]) -> int:
        """Removes every file but those of the ``living`` owners; returns how many went.

        Called at start only, when nothing is being written.
        """
        keep = set(living)
        lost = [path for path in self.folder.iterdir() if path.name not in keep]
        for path in lost:
            path.unlink()
        if lost:
            sync_folder(self.folder)
        return len(lost)


def _create(part: Path) -> BinaryIO:
    part.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(part, flags, 0o600), "wb")


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _publish(part: Path, path: Path) -> None:
    part.rename(path)
    sync_folder(path.parent)
