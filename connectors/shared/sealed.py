"""One account's SQLite file in which texts are sealed with the key of its settings.

Rules kept here:

1. What is sealed is bound to what it is: a value of one kind cannot be read as one of another.
2. A file made with another key is refused, not begun anew: what waits in it is somebody's words.
3. A cursor names this very file: one of another file stands for "offer everything".
"""

import json
import os
import secrets
import sqlite3
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.port.errors import Rejected

_NONCE = 12


class Sealed:
    """An open file with a table ``meta (name, value)``.

    Args:
        db: the file; closed with this.
        key: 32 bytes.
        proof: what its random name is sealed as: which program's file it is, and its version.

    Raises:
        Rejected: the file was made with another key.
    """

    def __init__(self, db: sqlite3.Connection, key: bytes, proof: bytes) -> None:
        self._db = db
        self._aead = AESGCM(key)
        self._name = self._of_this_key(proof)

    def _of_this_key(self, proof: bytes) -> str:
        """The file's random name; the first opening seals it."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'name'").fetchone()
        if row is None:
            name = secrets.token_hex(8)
            with self._db:
                sealed = self._seal(name.encode(), proof)
                self._db.execute("INSERT INTO meta VALUES ('name', ?)", (sealed,))
            return name
        try:
            return self._open(row[0], proof).decode()
        except InvalidTag:
            pass
        self._db.close()
        raise Rejected("state_key_differs", "the state folder was sealed with another state_key")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def cursor(self, seq: int) -> str:
        """A place as a cursor."""
        return f"{self._name}.{seq}"

    def of_cursor(self, cursor: str) -> int:
        """The place of a cursor; the very beginning for one of another file."""
        name, _, seq = cursor.partition(".")
        return int(seq) if name == self._name and seq.isdecimal() else 0

    def _json(self, value: object, kind: bytes) -> bytes:
        return self._seal(json.dumps(value).encode(), kind)

    def _read(self, sealed: bytes, kind: bytes) -> Any:
        return json.loads(self._open(sealed, kind))

    def _seal(self, plain: bytes, kind: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, kind)

    def _open(self, sealed: bytes, kind: bytes) -> bytes:
        return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], kind)
