"""The attachments folder of the bot's host: what was uploaded, and what came.

Rules kept here:

1. An upload lies there under its original name until somebody removes it; another of that name
   replaces it, also while the first is being sent.
2. Nothing is on disk where no folder is given: then it is kept in memory, and paths lead nowhere.
"""

import posixpath
from pathlib import Path

from connectors.wickr.standin.clock import told_iso
from connectors.wickr.standin.network import Refused


class Folder:
    """One bot's attachments.

    Args:
        path: as the bot names it.
        real: it is there on this machine.
    """

    def __init__(self, path: str, *, real: bool) -> None:
        self.path = path
        self._real = Path(path) if real else None
        self._kept: dict[str, bytes] = {}

    def names(self) -> list[str]:
        """What lies there."""
        if self._real is not None:
            return sorted(one.name for one in self._real.iterdir())
        return sorted(self._kept)

    def upload(self, name: str, data: bytes) -> str:
        """Keeps an upload under its original name, in the place of what was there; that name."""
        plain = posixpath.basename(name.replace("\\", "/")) or "file"
        self._write(plain, data)
        return plain

    def take_in(self, name: str, data: bytes, at: int) -> str:
        """Keeps a file that came; its path."""
        stamp = "".join(c for c in told_iso(at) if c.isdigit())
        plain = f"attachment_{stamp}_{name.replace('/', '_').replace(chr(92), '_')}"
        number = 0
        while (numbered := f"{number}_{plain}" if number else plain) in self.names():
            number += 1
        self._write(numbered, data)
        return f"{self.path}/{numbered}"

    def read(self, name: str) -> bytes:
        """What lies there under a name now. Raises: Refused."""
        try:
            return self._kept[name] if self._real is None else (self._real / name).read_bytes()
        except (KeyError, OSError):
            raise Refused("no such file") from None

    def _write(self, name: str, data: bytes) -> None:
        if self._real is None:
            self._kept[name] = data
        else:
            (self._real / name).write_bytes(data)
