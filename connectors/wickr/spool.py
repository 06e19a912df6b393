"""What came from Wickr and nobody has taken over yet: sealed, on disk, in order.

Rules kept here:

1. A poll takes messages away from the client, and a post comes once. So what comes is sealed and on
   disk before it is answered or asked for again; a batch is stored whole or not at all.
2. What is here is offered again until whoever takes it over says that he has stored it, and then
   it is deleted, its pages overwritten. Without the key of the settings it cannot be read.
3. A cursor names this very file: one of another file stands for "offer everything".
4. The path under which the client posts is kept here, sealed, and never in the clear.
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
    files BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS leftover (seq INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
_NONCE, _TRIAL = 12, 64 * 1024
_PROOF = b"wallcross wickr spool v1"
MOST_WAITING = 20_000
"""Messages that may wait; a room behind a consumer that stands still must not fill the disk."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message, or one note of our own, that waits.

    Attributes:
        seq: its place in the order.
        at: when it came, microseconds UTC.
        told: what it says.
    """

    seq: int
    at: int
    told: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Put:
    """One to be stored.

    Attributes:
        told: what came, or a note of ours.
        files: base names of received files that go with it.
    """

    told: dict[str, Any] = field(repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)


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
        if self.full and not always:
            raise Full
        rows = [
            (at, self._json(one.told, b"post"), self._json(one.files, b"files")) for one in batch
        ]
        with self._db:
            self._db.executemany("INSERT INTO spool (at, sealed, files) VALUES (?, ?, ?)", rows)
        self._count += len(rows)

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
        return not self.full

    @property
    def full(self) -> bool:
        """Whether too much waits; costs nothing."""
        return self._count >= MOST_WAITING

    def after(self, seq: int, most: int) -> list[Waiting]:
        """What waits behind a place, in order."""
        rows = self._db.execute(
            "SELECT seq, at, sealed FROM spool WHERE seq > ? ORDER BY seq LIMIT ?", (seq, most)
        )
        return [Waiting(n, at, self._read(s, b"post")) for n, at, s in rows]

    def taken(self, seq: int) -> None:
        """What stands up to a place was stored by whoever takes it over; its files can go."""
        with self._db:
            rows = self._db.execute(
                "DELETE FROM spool WHERE seq <= ? RETURNING files", (seq,)
            ).fetchall()
            names = [name for (files,) in rows for name in self._read(files, b"files")]
            sealed = [(self._json(name, b"left"),) for name in names]
            self._db.executemany("INSERT INTO leftover (sealed) VALUES (?)", sealed)
        self._count -= len(rows)

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

    def _json(self, value: object, kind: bytes) -> bytes:
        return self._seal(json.dumps(value).encode(), kind)

    def _read(self, sealed: bytes, kind: bytes) -> Any:
        return json.loads(self._open(sealed, kind))

    def _seal(self, plain: bytes, kind: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, kind)

    def _open(self, sealed: bytes, kind: bytes) -> bytes:
        return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], kind)
