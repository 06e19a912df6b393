"""A mailbox that is a folder in Maildir form, watched by looking at it.

Rules kept here:

1. A file's place in the order is given once, when it is first seen, and kept; a name that sorts
   before the last one is not skipped.
2. A file goes from ``new`` to ``cur`` once its mail is stored, and not before. Nothing is deleted.
3. Only files are read: a link leads elsewhere, a pipe would hold up all behind it.
"""

import errno
import os
import stat
import threading
from pathlib import Path

from connectors.pgpmail.inbox_mail import Fetched
from connectors.pgpmail.inbox_state import InboxState

LOOK_EVERY = 1.0
"""Seconds."""
_PART = 64 * 1024
_SEEN = ":2,S"


class MaildirBox:
    """One folder. Implements ``Box``.

    Args:
        folder: holds ``new`` and ``cur``.
        state: keeps the order.
        limit: bytes of a mail that is read whole.
        every: seconds between two looks.
    """

    def __init__(
        self, folder: Path, state: InboxState, limit: int, every: float = LOOK_EVERY
    ) -> None:
        self._new, self._cur = folder / "new", folder / "cur"
        self._state = state
        self._limit = limit
        self._every = every
        self._last = 0
        self._cut = threading.Event()

    def open(self, addresses: list[str]) -> None:  # noqa: ARG002 (a folder has no address)
        """Makes what is missing of the folder. Raises: OSError."""
        for place in (self._new, self._cur):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._look()

    def _look(self) -> None:
        found = [entry for entry in self._new.iterdir() if not entry.name.startswith(".")]
        stamped = sorted((_arrived(entry), entry.name) for entry in found)
        self._state.number([name for _, name in stamped])

    def now(self) -> str:
        """The last number that was given."""
        return str(self._state.last())

    def start(self, cursor: str) -> None:
        """Goes on behind ``cursor``; what was told but not stored is read from where it is now."""
        self._last = int(cursor) if cursor.isdecimal() else 0
        self._put_away()
        self._state.drop_up_to(self._last)

    def _put_away(self) -> None:
        """Moves what is stored out of ``new``."""
        for name in self._state.up_to(self._last):
            here = self._new / name
            if here.exists():
                here.rename(self._moved(name))

    def _moved(self, name: str) -> Path:
        return self._cur / (name.partition(":")[0] + _SEEN)

    def next(self) -> Fetched | None:
        """The next file. Raises: OSError."""
        self._put_away()
        for n, name in self._state.after(self._last):
            self._last = n
            found = self._read(name, n)
            if found is not None:
                return found
        return None

    def _read(self, name: str, n: int) -> Fetched | None:
        """A file, in ``new`` or where it was moved; None when somebody took it away."""
        for place in (self._new / name, self._moved(name)):
            descriptor = _opened(place)
            if descriptor is None:
                continue
            with os.fdopen(descriptor, "rb") as file:
                raw = file.read(self._limit + 1)
                size = file.seek(0, 2)
            return Fetched(raw if size <= self._limit else raw[:_PART], size, str(n))
        return None

    def wait(self) -> None:
        """Until the next look."""
        if not self._cut.wait(self._every):
            self._look()

    def close(self) -> None:
        """Nothing is held open."""
        self._cut.clear()

    def cut(self) -> None:
        """Ends the wait."""
        self._cut.set()


def _opened(place: Path) -> int | None:
    """A descriptor of a file; None for a name that is none: a folder, a link, a pipe, no more."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO}:
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _arrived(entry: Path) -> int:
    try:
        return entry.lstat().st_mtime_ns
    except FileNotFoundError:
        return 0
