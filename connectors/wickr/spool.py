"""What came from Wickr and nobody has taken over yet: sealed, on disk, in order.

Rules kept here:

1. A poll takes messages away from the client, and a post comes once. So what comes is sealed and on
   disk before it is answered or asked for again; a batch is stored whole or not at all.
2. What is here is offered again until whoever takes it over says that he has stored it, and then
   it is deleted, its pages overwritten. Without the key of the settings it cannot be read.
3. A cursor names this very file: one of another file stands for "offer everything".
4. The path under which the client posts is kept here, sealed, and never in the clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.shared.spool import SealedSpool

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, sealed BLOB NOT NULL,
    files BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS leftover (seq INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
_PROOF = b"wallcross wickr spool v1"


@dataclass(frozen=True, slots=True)
class Put:
    """One to be stored.

    Attributes:
        told: what came, or a note of ours.
        files: base names of received files that go with it.
    """

    told: dict[str, Any] = field(repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)


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

    def put(self, batch: Sequence[Put], at: int, *, always: bool = False) -> None:
        """Seals and stores some, all of them or none; on disk when it returns.

        Args:
            batch: what came, or notes of ours.
            at: now, microseconds UTC.
            always: also when too much waits: for notes of ours, of which there are few, and for
                what was polled, which is nowhere else any more.

        Raises:
            Full: too much waits. sqlite3.Error: it could not be stored.
        """
        rows = [(one.told, self._json(one.files, b"files")) for one in batch]
        self._store(rows, at, always=always)

    def _leave(self, files: list[Any]) -> None:
        names = [name for each in files for name in self._read(each, b"files")]
        sealed = [(self._json(name, b"left"),) for name in names]
        self._db.executemany("INSERT INTO leftover (sealed) VALUES (?)", sealed)

    def leftovers(self) -> list[tuple[int, str]]:
        """Received files that nobody needs any more: a number of ours, and the base name."""
        rows = self._db.execute("SELECT seq, sealed FROM leftover ORDER BY seq")
        return [(seq, str(self._read(sealed, b"left"))) for seq, sealed in rows]

    def removed(self, seq: int) -> None:
        """A file is gone from the folder."""
        with self._db:
            self._db.execute("DELETE FROM leftover WHERE seq = ?", (seq,))

    # --- the path that the client posts to ------------------------------------------------------

    def paths(self) -> tuple[str, ...]:
        """Random paths that were given out, the last one first; two at most."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'paths'").fetchone()
        found = self._read(row[0], b"paths") if row else []
        return tuple(str(path) for path in found)

    def keep_paths(self, paths: Sequence[str]) -> None:
        """Notes the paths that were given out."""
        row = (self._json(list(paths), b"paths"),)
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('paths', ?)", row)
