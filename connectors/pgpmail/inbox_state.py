"""What the inbound side must remember: signatures and mails that came, the order of a Maildir.

Rule kept here: digests, names of files and instants, nothing of a mail. A digest belongs to the
mail that brought it first, so that the same mail offered again after a crash is no repetition.
"""

from pathlib import Path

from connectors.shared.database import opened

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    digest TEXT PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stored (
    source TEXT PRIMARY KEY, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
    n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE
) STRICT;
"""


class InboxState:
    """One file, SQLite, owner-only. Calls may come from any thread, one at a time.

    Args:
        folder: owner-only folder; exists.
    """

    def __init__(self, folder: Path) -> None:
        self._db = opened(folder / "inbox.db", _SCHEMA, threads=True)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    # signatures

    def brought_by(self, digest: str) -> str | None:
        """The mail that first brought what this digest is of."""
        row = self._db.execute("SELECT source FROM seen WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else str(row[0])

    def saw(self, digest: str, source: str, at: int) -> None:
        """Notes which mail brought it, once."""
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (digest, source, at))

    def forget_before(self, at: int) -> None:
        """Drops what is refused by its age anyway; microseconds UTC."""
        with self._db:
            self._db.execute("DELETE FROM seen WHERE at < ?", (at,))

    # mails

    def keep_stored(self, source: str, at: int) -> None:
        """Notes that a mail was taken in, whatever was found of it."""
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO stored VALUES (?, ?)", (source, at))

    def is_stored(self, source: str) -> bool:
        """Whether it was."""
        row = self._db.execute("SELECT 1 FROM stored WHERE source = ?", (source,)).fetchone()
        return row is not None

    # files of a Maildir

    def number(self, names: list[str]) -> None:
        """Gives each name that has none the next number, in this order."""
        with self._db:
            self._db.executemany(
                "INSERT OR IGNORE INTO file (name) VALUES (?)", [(name,) for name in names]
            )

    def last(self) -> int:
        """The highest number ever given."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'file'").fetchone()
        return 0 if row is None else int(row[0])

    def after(self, n: int) -> list[tuple[int, str]]:
        """Numbers above ``n`` with their names."""
        return self._db.execute("SELECT n, name FROM file WHERE n > ? ORDER BY n", (n,)).fetchall()

    def up_to(self, n: int) -> list[str]:
        """Names of all numbers up to ``n``."""
        rows = self._db.execute("SELECT name FROM file WHERE n <= ? ORDER BY n", (n,))
        return [name for (name,) in rows]

    def drop_up_to(self, n: int) -> None:
        """Forgets names up to ``n``; their numbers are never given again."""
        with self._db:
            self._db.execute("DELETE FROM file WHERE n <= ?", (n,))
