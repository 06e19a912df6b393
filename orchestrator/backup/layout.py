"""What may stand in a backup, by its name: the one list, for whoever writes and whoever reads.

Rules kept here:

1. A home holds more than a backup takes: what is not named here is never taken. Sockets, locks,
   temporary files, logs and what a channel spools in the clear are not.
2. A name is a plain path below the home. One that leads elsewhere, or that SQLite would read beside
   the store, is refused by whoever restores, whoever signed it.
3. A member is a regular file. A backup can hold nothing else.
"""

import re
from pathlib import PurePosixPath
from typing import Final

STORE: Final = "store.db"
HOME_ID: Final = "home_id"
BLOBS: Final = "blobs"
JOURNAL: Final = "journal"
CHANNELS: Final = "channels"
OUTSIDE: Final = "outside"
"""What the settings name that does not lie in the home: the restored home has it in this folder."""
MANIFEST: Final = "manifest.json"
"""The last member: it says what stands before it, and is signed."""
FORMAT: Final = "wallcross-backup/1"

_NOT_OURS = frozenset({"run", "tmp", "scratch", "lock", MANIFEST})
"""First parts of paths in a home that no backup takes."""
_LEFT_FOLDERS = frozenset({"spool", "tmp", "logs"})
_LEFT_FILES = re.compile(
    r".*(?:-wal|-shm|-journal|\.lock|\.part|\.log|\.tmp|\.sock)|\.#.*|random_seed|lock|S\..*"
)
_LONGEST = 240


def is_left(name: str, *, folder: bool) -> bool:
    """Whether something in a channel's folder is never taken.

    Args:
        name: its own name.
        folder: it is one.
    """
    return name in _LEFT_FOLDERS if folder else _LEFT_FILES.fullmatch(name) is not None


def is_name(name: str) -> bool:
    """Whether a member may have this name."""
    parts = name.split("/")
    plain = name.isprintable() and "\\" not in name and len(name.encode()) <= _LONGEST
    inside = all(part not in {"", ".", ".."} for part in parts)
    ours = parts[0] not in _NOT_OURS and (name == STORE or not name.startswith(STORE))
    return plain and inside and ours


def is_below(name: str, folder: str) -> bool:
    """Whether a member lies in a folder."""
    return PurePosixPath(name).parts[0] == folder
