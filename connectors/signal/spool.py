"""What the API server posted and nobody has taken over yet: sealed, on disk, in order.

Rules kept here:

1. The server posts once and never again, and while it waits for an answer it answers nobody. So a
   post is sealed and on disk before it is answered, and that is all that the answer waits for.
2. What is here is offered again until whoever takes it over says that he has stored it, and then
   it is deleted, its pages overwritten. Without the key of the settings it cannot be read.
3. A cursor names this very file: one of another file stands for "offer everything".
"""

import json
import os
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.port.errors import Rejected

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, sealed BLOB NOT NULL,
    files TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS leftover (file TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
_NONCE, _TRIAL = 12, 64 * 1024
_PROOF = b"wallcross signal spool v1"
MOST_WAITING = 20_000
"""Posts that may wait; a room behind a consumer that stands still must not fill the disk."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One post, or one note of our own, that waits.

    Attributes:
        seq: its place in the order.
        at: when it came, microseconds UTC.
        told: what it says.
    """

    seq: int
    at: int
    told: dict[str, Any] = field(repr=False)


class Full(Exception):
    """There is no room for another."""


class Spool:
    """The file of one account.

    Args:
        folder: owner-only; exists.
        key: 32 bytes.

    Raises:
        Rejected: the file was made with another key.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        path = folder / "spool.db"
        path.touch(mode=0o600)
        self._aead = AESGCM(key)
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.executescript(_SCHEMA)
        self._name = self._of_this_key()
        self._count = int(self._db.execute("SELECT count(*) FROM spool").fetchone()[0])

    def _of_this_key(self) -> str:
        """The file's random name; the first opening seals it."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'name'").fetchone()
        if row is None:
            name = secrets.token_hex(8)
            with self._db:
                sealed = self._seal(name.encode(), _PROOF)
                self._db.execute("INSERT INTO meta VALUES ('name', ?)", (sealed,))
            return name
        try:
            return self._open(row[0], _PROOF).decode()
        except InvalidTag:
            pass
        self._db.close()
        raise Rejected("state_key_differs", "the state folder was sealed with another state_key")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def put(
        self, told: dict[str, Any], at: int, files: Sequence[str] = (), *, always: bool = False
    ) -> None:
        """Seals and stores one; on disk when it returns.

        Args:
            told: what was posted, or a note of ours.
            at: now, microseconds UTC.
            files: names of files on the server that go with it.
            always: also when too much waits; for notes of ours, of which there are few.

        Raises:
            Full: too much waits. sqlite3.Error: it could not be stored.
        """
        if self._count >= MOST_WAITING and not always:
            raise Full
        sealed = self._seal(json.dumps(told).encode(), b"post")
        with self._db:
            self._db.execute(
                "INSERT INTO spool (at, sealed, files) VALUES (?, ?, ?)",
                (at, sealed, json.dumps(list(files))),
            )
        self._count += 1

    def takes(self) -> bool:
        """Whether another could be stored now: one as large as any is written and removed."""
        try:
            with self._db:
                self._db.execute(
                    "INSERT OR REPLACE INTO meta VALUES ('trial', zeroblob(?))", (_TRIAL,)
                )
            with self._db:
                self._db.execute("DELETE FROM meta WHERE name = 'trial'")
        except sqlite3.Error:
            return False
        return self._count < MOST_WAITING

    def after(self, seq: int, most: int) -> list[Waiting]:
        """What waits behind a place, in order."""
        rows = self._db.execute(
            "SELECT seq, at, sealed FROM spool WHERE seq > ? ORDER BY seq LIMIT ?", (seq, most)
        )
        return [Waiting(n, at, json.loads(self._open(s, b"post"))) for n, at, s in rows]

    def taken(self, seq: int) -> None:
        """What stands up to a place was stored by whoever takes it over; its files can go."""
        with self._db:
            rows = self._db.execute(
                "DELETE FROM spool WHERE seq <= ? RETURNING files", (seq,)
            ).fetchall()
            names = [(name,) for (files,) in rows for name in json.loads(files)]
            self._db.executemany("INSERT OR IGNORE INTO leftover VALUES (?)", names)
        self._count -= len(rows)

    def leftovers(self) -> list[str]:
        """Names of files on the server that nobody needs any more."""
        return [name for (name,) in self._db.execute("SELECT file FROM leftover")]

    def removed(self, name: str) -> None:
        """A file is gone from the server."""
        with self._db:
            self._db.execute("DELETE FROM leftover WHERE file = ?", (name,))

    # --- cursors --------------------------------------------------------------------------------

    def now(self) -> int:
        """The place behind everything that ever came."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spool'").fetchone()
        return int(row[0]) if row else 0

    def cursor(self, seq: int) -> str:
        """A place as a cursor."""
        return f"{self._name}.{seq}"

    def place(self, cursor: str) -> int:
        """The place of a cursor; the very beginning for one of another file."""
        name, _, seq = cursor.partition(".")
        return int(seq) if name == self._name and seq.isdecimal() else 0

    # --- sealing --------------------------------------------------------------------------------

    def _seal(self, plain: bytes, kind: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, kind)

    def _open(self, sealed: bytes, kind: bytes) -> bytes:
        return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], kind)
