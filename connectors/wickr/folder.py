"""Files on the bot's host, in folders of it that are mounted here.

Rules kept here:

1. A name from outside is one name in one folder: what is no plain file of that folder itself, a
   link above all, is not there.
2. Wickr's client leaves what it received decrypted, and the web interface what we sent. What nobody
   needs any more is deleted here; where a folder is not mounted, that is a fact for ``doctor``.
"""

import mimetypes
import os
import stat
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from connectors.port.errors import Unreadable
from connectors.port.messages import Attachment

_PIECE = 256 * 1024
_OTHER = "application/octet-stream"


class Folder:
    """One folder, mounted or not.

    Args:
        path: where it is on this machine; None where it is not.
        limit: bytes after which a file is not read.
    """

    def __init__(self, path: Path | None, limit: int) -> None:
        self._path = path
        self._limit = limit

    @property
    def mounted(self) -> bool:
        """Whether it is there."""
        return self._path is not None and self._path.is_dir()

    def find(self, name: str) -> Attachment | None:
        """A file of it; None where it is not there, too large, or no plain file."""
        try:
            number = self._open(name)
        except OSError:
            return None
        try:
            size = os.fstat(number).st_size
        finally:
            os.close(number)
        if size > self._limit:
            return None
        kind = mimetypes.guess_type(name)[0] or _OTHER
        return Attachment(name, kind, size, lambda: self._read(name, size))

    async def _read(self, name: str, size: int) -> AsyncIterator[bytes]:
        count = 0
        try:
            number = self._open(name)
        except OSError:
            number = -1
        if number < 0:
            raise Unreadable("file_out_of_reach", "a received file is not in the folder any more")
        with os.fdopen(number, "rb") as file:
            while piece := file.read(_PIECE):
                count += len(piece)
                yield piece
        if count != size:
            raise Unreadable("file_length_differs", "a received file has changed its length")

    def remove(self, name: str) -> bool:
        """Deletes a file; whether it is gone for sure."""
        if self._path is None or not _is_name(name):
            return False
        try:
            (self._path / name).unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def sweep(self, words: Collection[str]) -> list[str]:
        """Deletes files whose names hold one of our words; the words of which none is left."""
        if self._path is None:
            return []
        try:
            names = [entry.name for entry in os.scandir(self._path)]
        except OSError:
            return []
        held = {word: [name for name in names if f".{word}" in name] for word in words}
        return [word for word, found in held.items() if all(map(self.remove, found))]

    def count(self) -> int | None:
        """How many files lie in it; None where it cannot be seen."""
        if self._path is None:
            return None
        try:
            return sum(1 for entry in os.scandir(self._path) if entry.is_file())
        except OSError:
            return None

    def _open(self, name: str) -> int:
        """A descriptor of a plain file of the folder. Raises: OSError."""
        if self._path is None or not _is_name(name):
            raise FileNotFoundError
        number = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise FileNotFoundError
        return number


def _is_name(name: str) -> bool:
    """Whether a text is one name in a folder."""
    return name not in {"", ".", ".."} and "/" not in name and "\x00" not in name
