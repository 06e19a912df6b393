"""Numbered migrations: each is applied once, in order, and its text may never change afterwards.

Rule kept here: a store that holds a migration we do not know, or one whose text differs from
ours, is not opened. An older program never writes into a newer store.
"""

import hashlib
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

from orchestrator.store.unit import StoreError, connect

_TABLE = """CREATE TABLE IF NOT EXISTS migration (
    n INTEGER PRIMARY KEY, sha256 TEXT NOT NULL) STRICT"""


def migrations() -> list[tuple[int, str]]:
    """Returns the (number, SQL text) of every migration that this program ships, in order."""
    folder = resources.files("orchestrator.store") / "migrations"
    files = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text()) for name in files]


def migrate(path: Path) -> int:
    """Brings the store at ``path`` to this program's schema, making it when it is not there.

    Returns:
        how many migrations were applied.

    Raises:
        StoreError: the store is newer than this program, a migration's text differs, or the file
            is no store or cannot be written.
    """
    try:
        with closing(connect(path)) as connection:
            connection.execute(_TABLE)
            known = migrations()
            refuse_foreign(connection, known)
            return _apply(connection, known)
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} could not be brought to this program's schema: {error}"
        ) from error


def refuse_foreign(connection: sqlite3.Connection, known: list[tuple[int, str]]) -> None:
    """Refuses a store that a newer program, or another build, wrote.

    Args:
        connection: of the store.
        known: as ``migrations`` returns them.

    Raises:
        StoreError: it holds a migration that this program does not know, or not so.
    """
    ours = {n: _sha256(text) for n, text in known}
    for n, found in connection.execute("SELECT n, sha256 FROM migration ORDER BY n"):
        if n not in ours:
            raise StoreError(
                f"the store holds migration {n}, which this program does not know; "
                "use the newer program that wrote it"
            )
        if ours[n] != found:
            raise StoreError(
                f"migration {n} of the store is not ours; it was made by another build"
            )


def _apply(connection: sqlite3.Connection, known: list[tuple[int, str]]) -> int:
    """Applies what is missing, all of it or none: a new home costs one commit and not one each."""
    there = {n for (n,) in connection.execute("SELECT n FROM migration")}
    missing = [(n, text) for n, text in known if n not in there]
    if missing:
        noted = (f"{t}\nINSERT INTO migration VALUES ({n}, '{_sha256(t)}');" for n, t in missing)
        connection.executescript("\n".join(["BEGIN IMMEDIATE;", *noted, "COMMIT;"]))
    return len(missing)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
