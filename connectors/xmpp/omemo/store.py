"""What OMEMO must keep: one row a key, sealed at rest, and written in units that are whole or not.

Rules kept here:

1. A row's name is a keyed hash and its value is sealed, each under a key of its own derived from
   the one of the secrets: whoever reads the disk learns how many rows there are, and no more.
2. A row cannot stand in another's place: its name and kind are bound into its seal.
3. Several rows that belong together are written in one transaction, flushed to the disk before
   anything that follows from them leaves this machine. What was not written is as if never done.
4. One process at a time: two that move the same keys forward would each use a key that the other
   used already.

One file, SQLite, owner-only. That a whole older copy of the file was put back cannot be seen.
"""

import hmac
import json
import secrets
import sqlite3
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.port.errors import Rejected, Unavailable

_FILE = "omemo.db"
_NONCE_BYTES = 12
_CHECK = ("check", "check")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS held (
    kind TEXT NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
"""

Name = tuple[str, str]
"""Kind and name of a row."""


class Store:
    """The database of one account.

    Args:
        folder: made owner-only when missing.
        key: 32 bytes that seal it.

    Raises:
        Rejected: the rows do not open with this key, or another process has the file open.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        path = folder / _FILE
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._cipher = AESGCM(_derived(key, b"wallcross omemo values"))
        self._naming = _derived(key, b"wallcross omemo names")
        self._cache: dict[Name, str | None] = {}
        self._db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            if _busy(error):
                hint = "another process has the keys of this account open: end it first"
                raise Rejected("state_in_use", hint) from None
            raise Rejected("keys_sealed", "the file of kept keys is no database") from None
        except Rejected:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.executescript(_SCHEMA)
        known = self._db.execute("SELECT 1 FROM held LIMIT 1").fetchone() is not None
        if (self.get(_CHECK) is None) == known:
            raise Rejected("keys_sealed", "the kept keys do not open with this state key")
        self.write({_CHECK: "1"})

    def close(self) -> None:
        """Closes the database; may come twice."""
        self._db.close()

    def get(self, name: Name) -> str | None:
        """The JSON that a row holds; None when there is none. Raises: Rejected."""
        if name not in self._cache:
            row = self._db.execute(
                "SELECT value FROM held WHERE kind = ? AND name = ?", (name[0], self._hash(name))
            ).fetchone()
            self._cache[name] = None if row is None else self._open(name[0], self._hash(name), *row)
        return self._cache[name]

    def all(self, kind: str) -> list[str]:
        """The JSON of all rows of a kind. Raises: Rejected."""
        rows = self._db.execute("SELECT name, value FROM held WHERE kind = ?", (kind,))
        return [self._open(kind, name, value) for name, value in rows.fetchall()]

    def write(self, changes: dict[Name, str | None]) -> None:
        """Writes rows, or takes them away (None), all or none.

        Raises:
            Unavailable: the disk did not take it; nothing was changed.
        """
        changed = {n: v for n, v in changes.items() if n not in self._cache or self._cache[n] != v}
        if not changed:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for name, value in changed.items():
                self._put(name, value)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise Unavailable("state_unwritten", "the disk did not take our keys") from error
        self._cache.update(changed)

    def _put(self, name: Name, value: str | None) -> None:
        kind, hashed = name[0], self._hash(name)
        if value is None:
            self._db.execute("DELETE FROM held WHERE kind = ? AND name = ?", (kind, hashed))
            return
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, value.encode(), _bound(kind, hashed))
        self._db.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", (kind, hashed, sealed))

    def _open(self, kind: str, hashed: bytes, sealed: bytes) -> str:
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, body, _bound(kind, hashed)).decode()
        except (InvalidTag, ValueError):
            raise Rejected("keys_sealed", "the kept keys do not open with this state key") from None

    def _hash(self, name: Name) -> bytes:
        return hmac.digest(self._naming, name[1].encode("utf-8", "surrogatepass"), sha256)


class Unit:
    """Changes that are written together: what was read and put while one message was worked on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changes: dict[Name, str | None] = {}

    def get(self, name: Name) -> str | None:
        """The JSON that a row holds, or would hold. Raises: Rejected."""
        return self._changes[name] if name in self._changes else self._store.get(name)

    def put(self, name: Name, value: Any) -> None:
        """Will have a row hold a value."""
        self._changes[name] = json.dumps(value, separators=(",", ":"))

    def drop(self, name: Name) -> None:
        """Will take a row away."""
        self._changes[name] = None

    def commit(self) -> None:
        """Writes all of it. Raises: Unavailable."""
        self._store.write(self._changes)
        self._changes = {}


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(key)


def _bound(kind: str, hashed: bytes) -> bytes:
    return kind.encode() + b"\0" + hashed


def _busy(error: sqlite3.DatabaseError) -> bool:
    return error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
