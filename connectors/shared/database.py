"""An adapter's own SQLite file.

Rules kept here:

1. It is its owner's alone, what is written is on disk when a step has ended, and what is deleted
   is overwritten.
2. Only what a failing power supply may take without harm does not wait for the disk; the program's
   own end takes nothing of that either.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def opened(path: Path, schema: str, *, threads: bool = False) -> sqlite3.Connection:
    """The file, made where it is not there.

    Args:
        path: in a folder that is its owner's alone; exists.
        schema: statements that make what is missing.
        threads: also threads other than this one use it, one at a time.
    """
    path.touch(mode=0o600)
    db = sqlite3.connect(path, check_same_thread=not threads)
    for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        db.execute(f"PRAGMA {setting}")
    db.executescript(schema)
    return db


@contextmanager
def unhurried(db: sqlite3.Connection) -> Iterator[None]:
    """A step that the disk is not waited for: it is there after the next one that is."""
    db.execute("PRAGMA synchronous=NORMAL")
    try:
        with db:
            yield
    finally:
        db.execute("PRAGMA synchronous=FULL")
