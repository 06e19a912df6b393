"""What the API server posted and nobody has taken over yet: sealed, on disk, in order.

Rules kept here:

1. The server posts once and never again, and while it waits for an answer it answers nobody. So a
   post is sealed and on disk before it is answered, and that is all that the answer waits for.
2. What is here is offered again until whoever takes it over says that he has stored it, and then
   it is deleted, its pages overwritten. Without the key of the settings it cannot be read.
3. A cursor names this very file: one of another file stands for "offer everything".
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.shared.spool import SealedSpool

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, sealed BLOB NOT NULL,
    files TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS leftover (file TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
_PROOF = b"wallcross signal spool v1"


class Spool(SealedSpool):
    """The file of one account.

    Args:
        folder: owner-only; exists.
        key: 32 bytes.

    Raises:
        Rejected: the file was made with another key.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        super().__init__(folder, key, schema=_SCHEMA, proof=_PROOF)

    def put(
        self,
        told: dict[str, Any],
        at: int,
        files: Sequence[str] = (),
        *,
        always: bool = False,
        lasting: bool = True,
    ) -> None:
        """Seals and stores one; on disk when it returns.

        Args:
            told: what was posted, or a note of ours.
            at: now, microseconds UTC.
            files: names of files on the server that go with it.
            always: also when too much waits; for notes of ours, of which there are few.
            lasting: False for what a failing power supply may take: the disk is not waited for.

        Raises:
            Full: too much waits. sqlite3.Error: it could not be stored.
        """
        self._store([(told, json.dumps(list(files)))], at, always=always, lasting=lasting)

    def _leave(self, files: list[Any]) -> None:
        names = [(name,) for each in files for name in json.loads(each)]
        self._db.executemany("INSERT OR IGNORE INTO leftover VALUES (?)", names)

    def leftovers(self) -> list[str]:
        """Names of files on the server that nobody needs any more."""
        return [name for (name,) in self._db.execute("SELECT file FROM leftover")]

    def removed(self, name: str) -> None:
        """A file is gone from the server."""
        with self._db:
            self._db.execute("DELETE FROM leftover WHERE file = ?", (name,))
