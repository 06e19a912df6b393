"""Reads an archive as strictly as it is written, a piece at a time, whoever wrote it.

Rules kept here:

1. Only regular files, under names that ``layout`` allows, in the order of their names, each once.
   No link, device, folder or extension header is read; nothing is written over what is there.
2. What a header declares is all that is written for it. There is no compression: what comes out is
   never more than what went in.
3. The manifest is the last member, and nothing but the archive's end stands behind it.
"""

import io
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from orchestrator.backup.layout import MANIFEST, is_name
from orchestrator.backup.manifest import MOST_BYTES
from orchestrator.backup.tar import BLOCK, NoHead, read
from orchestrator.client.problems import Failed

_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
STILL: Final = "Nothing of it was used"


class Unpacker(io.RawIOBase):
    """A file that takes an archive as it is written into it.

    Args:
        folder: where members are written; empty.
        keeps: which members are written; the others are hashed only.

    Attributes:
        members: by name, size and SHA-256 of what was read.
        manifest: the last member; None until it was read.
    """

    def __init__(self, folder: Path, keeps: Callable[[str], bool]) -> None:
        super().__init__()
        self._folder = folder
        self._keeps = keeps
        self._header = bytearray()
        self._name = ""
        self._size = self._left = self._pad = 0
        self._digest = sha256()
        self._out: BinaryIO | None = None
        self._said = bytearray()
        self._zeros = 0
        self.members: dict[str, tuple[int, str]] = {}
        self.manifest: bytes | None = None

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # narrower on purpose
        """Takes the next piece.

        Raises:
            Failed: this is no archive of a backup.
            OSError: it could not be written.
        """
        view = memoryview(data)
        while view:
            view = view[self._take(view) :]
        return len(data)

    def finish(self) -> bytes:
        """The manifest's member, once all was read. Raises: Failed."""
        if self.manifest is None or self._zeros < 2 * BLOCK or self._header:
            raise _wrong("It ends before its manifest does")
        return self.manifest

    def close(self) -> None:
        """Closes what is half written."""
        if self._out is not None:
            self._out.close()
            self._out = None
        super().close()

    def _take(self, view: memoryview) -> int:
        """Takes some of a piece; returns how many bytes."""
        if self._left:
            return self._body(view[: self._left])
        if self._pad:
            return self._padding(view[: self._pad])
        count = min(BLOCK - len(self._header), len(view))
        self._header += view[:count]
        if len(self._header) == BLOCK:
            block, self._header = bytes(self._header), bytearray()
            self._block(block)
        return count

    def _body(self, view: memoryview) -> int:
        self._digest.update(view)
        if self._name == MANIFEST:
            self._said += view
        elif self._out is not None:
            self._out.write(view)
        self._left -= len(view)
        if not self._left:
            self._ended()
        return len(view)

    def _padding(self, view: memoryview) -> int:
        if any(view):
            raise _wrong(f"What stands behind {self._name} is not empty")
        self._pad -= len(view)
        return len(view)

    def _block(self, block: bytes) -> None:
        """A header, or a part of the archive's end."""
        if not any(block):
            if self.manifest is None:
                raise _wrong("It ends before its manifest does")
            self._zeros += BLOCK
            if self._zeros > 2 * BLOCK:
                raise _wrong("Something stands behind its end")
            return
        if self.manifest is not None:
            raise _wrong("Something stands behind its manifest")
        name, size = _read(block)
        self._check(name, size)
        self._name, self._size, self._left = name, size, size
        self._pad, self._digest = -size % BLOCK, sha256()
        if name != MANIFEST and self._keeps(name):
            self._out = _create(self._folder, name)
        if not size:
            self._ended()

    def _check(self, name: str, size: int) -> None:
        if name == MANIFEST:
            if size > MOST_BYTES:
                raise _wrong("Its manifest is too long")
        elif not is_name(name):
            raise _wrong(f"A member has a name that none may have: {name!a}")
        elif self._name >= name:
            raise _wrong(f"{name} stands twice, or not in its place")

    def _ended(self) -> None:
        if self._name == MANIFEST:
            self.manifest = bytes(self._said)
            return
        self.members[self._name] = (self._size, self._digest.hexdigest())
        if self._out is not None:
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()
            self._out = None


def _read(block: bytes) -> tuple[str, int]:
    """Name and size of a regular file, by its head."""
    try:
        return read(block)
    except NoHead:
        raise _wrong("A member's head is damaged, or is of no regular file") from None


def _create(folder: Path, name: str) -> BinaryIO:
    path = folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, _MAKE, 0o600), "wb")


def _wrong(text: str) -> Failed:
    return Failed(f"This backup is not as it was made. {text}", still=STILL)
