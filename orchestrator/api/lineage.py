"""Whom this process started: they come by the desk's door, never by the home's own socket.

Rules kept here:

1. A process that `serve` started, or that such a one started, is not the home's own user, whatever
   its user id says: the front is the one that outsiders talk to.
2. It stays one when its parent ends: orphans become children of ours (a child subreaper,
   prctl(2)), so that nobody steps out of the line by forking twice.
3. Where the kernel does not say whose child somebody is, he is taken for one of ours.
"""

import ctypes
import os
from pathlib import Path

_SET_CHILD_SUBREAPER = 36
_FARTHEST = 64


def adopt_orphans() -> None:
    """Makes this process the parent of whoever its children leave behind.

    Raises:
        OSError: the kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "orphans could not be adopted")


def descends(pid: int) -> bool:
    """Whether a process was started by this one, at whatever remove; itself was not.

    Args:
        pid: of the process, as the kernel named it.
    """
    here = os.getpid()
    if pid == here:
        return False
    for _ in range(_FARTHEST):
        parent = _parent(pid)
        if parent is None or parent == here:
            return True
        if parent == 0:
            return False
        pid = parent
    return True


def _parent(pid: int) -> int | None:
    """The parent's id, 0 where there is none in sight; None: the kernel does not say."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(told.rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
