"""One process at a time owns a home.

Rule kept here: a second process is refused with a clear error, and the lock ends with the process
that holds it, however it ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.store.unit import StoreError


class HomeInUse(StoreError):
    """Another process holds the home."""


@contextmanager
def home_lock(home: Path) -> Iterator[None]:
    """Holds the home for the length of the block.

    Raises:
        HomeInUse: another process holds it; its process id is named.
    """
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise HomeInUse(
                f"process {holder} is using {home}; stop it or use its socket"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
