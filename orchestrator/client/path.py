"""A Unix socket's path however long the home's is.

Rule kept here: ``sun_path`` holds 107 bytes. A longer path is reached through a descriptor of its
folder, which is the same file and nothing else (``/proc/self/fd``, Linux).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 107


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """The path as a socket call accepts it, for the length of the block."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
