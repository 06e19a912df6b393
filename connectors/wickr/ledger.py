"""What we must remember of our account: seats and settings as last read, uploads, our own pulse.

Rules kept here:

1. No text, no name of a file as its author gave it and no key is kept here.
2. The pulse is written while all is well: after a crash it tells since when something may have been
   lost. What was under way then (a callback that was set, a poll) is written down before it begins.

One file, SQLite, owner-only.
"""

from dataclasses import dataclass
from pathlib import Path

from connectors.port import AccountId, RoomId
from connectors.shared.database import opened

_SCHEMA = """
CREATE TABLE IF NOT EXISTS present (
    room TEXT NOT NULL, account TEXT NOT NULL, admin INTEGER NOT NULL, PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timer (
    room TEXT PRIMARY KEY, seconds INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS upload (
    word TEXT PRIMARY KEY, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
PULSE, CALLBACK, POLLING, POLLED = "pulse", "callback_set", "polling_since", "polled_before"


@dataclass(frozen=True, slots=True)
class Asked:
    """A time to live that was asked for on a private line.

    Attributes:
        seconds: how long.
        at: when it was asked for, microseconds UTC.
    """

    seconds: int
    at: int


class Ledger:
    """The database of one account.

    Args:
        folder: owner-only; exists.
    """

    def __init__(self, folder: Path) -> None:
        self._db = opened(folder / "account.db", _SCHEMA)

    def close(self) -> None:
        """Closes the database."""
        self._db.close()

    # --- rooms ----------------------------------------------------------------------------------

    def seats(self, room: RoomId) -> dict[AccountId, bool]:
        """A room's members as last read, and whether each is a moderator."""
        rows = self._db.execute("SELECT account, admin FROM present WHERE room = ?", (room,))
        return {AccountId(account): bool(admin) for account, admin in rows}

    def keep_seats(self, room: RoomId, seats: dict[AccountId, bool]) -> None:
        """Notes a room's members as they are now."""
        rows = [(room, account, admin) for account, admin in seats.items()]
        with self._db:
            self._db.execute("DELETE FROM present WHERE room = ?", (room,))
            self._db.executemany("INSERT INTO present VALUES (?, ?, ?)", rows)

    def asked(self, room: RoomId) -> Asked | None:
        """The time to live that was asked for on a private line; None without one."""
        row = self._db.execute("SELECT seconds, at FROM timer WHERE room = ?", (room,)).fetchone()
        return Asked(*row) if row else None

    def keep_asked(self, room: RoomId, asked: Asked) -> None:
        """Notes the time to live that was asked for on a private line."""
        row = (room, asked.seconds, asked.at)
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO timer VALUES (?, ?, ?)", row)

    # --- files that we sent ---------------------------------------------------------------------

    def uploaded(self, word: str, at: int) -> None:
        """Notes a file before it is sent, by our word in the name that it then lies under."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO upload VALUES (?, ?)", (word, at))

    def uploads(self, before: int) -> list[str]:
        """Words of files that were sent before an instant and may still lie on the bot's host."""
        rows = self._db.execute("SELECT word FROM upload WHERE at < ?", (before,))
        return [str(word) for (word,) in rows]

    def removed(self, word: str) -> None:
        """A file is gone from the bot's host."""
        with self._db:
            self._db.execute("DELETE FROM upload WHERE word = ?", (word,))

    # --- single facts ---------------------------------------------------------------------------

    def instant(self, name: str) -> int | None:
        """A single instant, microseconds UTC."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else None

    def keep(self, name: str, value: int | None) -> None:
        """Notes a single instant; None forgets it."""
        with self._db:
            if value is None:
                self._db.execute("DELETE FROM fact WHERE name = ?", (name,))
            else:
                self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, str(value)))
