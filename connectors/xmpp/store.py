"""What must outlive a start: what nobody has taken over yet, how far archives were read, sends.

Rules kept here:

1. What was heard and how far its archive was read are written in one step: after a crash nothing
   between the two is missing and nothing comes twice.
2. Texts are sealed by the key of the settings and deleted, their pages overwritten, when whoever
   takes them over says that he has stored them. All else here names no text.
3. A cursor names this very file: one of another file stands for "offer everything".
4. An attempt to send is written down before it leaves: when, where, and whom it was sealed to.

One file, SQLite, owner-only.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.port import AccountId, DeliveryKey, DeviceId, RoomId
from connectors.port.messages import Device, Reader
from connectors.shared.sealed import Sealed

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS heard (
    room TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (room, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS heard_at ON heard (at);
CREATE TABLE IF NOT EXISTS called (
    room TEXT NOT NULL, account TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (room, account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS called_at ON called (at);
CREATE TABLE IF NOT EXISTS place (
    room TEXT PRIMARY KEY, last TEXT, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS been (
    room TEXT NOT NULL, account TEXT NOT NULL, PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt (
    key TEXT NOT NULL, at INTEGER NOT NULL, room TEXT NOT NULL, sealed TEXT,
    PRIMARY KEY (key, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
_PROOF, _HEARD = b"wallcross xmpp store v1", b"heard"
MOST_WAITING = 50_000
"""Events that may wait; a consumer that stands still must not fill the disk."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing heard that waits to be taken over.

    Attributes:
        seq: its place in the order.
        told: what it is.
    """

    seq: int
    told: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a room's archive was read.

    Attributes:
        last: the archive's id of the last message that we have; None before any.
        at: when we were last surely told everything, microseconds UTC.
    """

    last: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A send that was about to leave.

    Attributes:
        at: when, microseconds UTC.
        sealed_to: whom it was sealed to; None where it was not sealed.
    """

    at: int
    sealed_to: frozenset[Reader] | None


class Store(Sealed):
    """The file of one account.

    Args:
        folder: owner-only; exists.
        key: 32 bytes.

    Raises:
        Rejected: the file was made with another key.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        path = folder / "xmpp.db"
        path.touch(mode=0o600)
        db = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            db.execute(f"PRAGMA {setting}")
        db.executescript(_SCHEMA)
        super().__init__(db, key, _PROOF)
        self._inside = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written in this block is written, or nothing of it; may be nested."""
        if self._inside:
            yield
            return
        self._inside = True
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._inside = False

    # --- what waits -----------------------------------------------------------------------------

    def put(self, told: dict[str, Any]) -> None:
        """Keeps one thing heard until it is taken over."""
        sealed = self._json(told, _HEARD)
        self._db.execute("INSERT INTO waiting (sealed) VALUES (?)", (sealed,))

    def is_full(self) -> bool:
        """Whether too much waits for more to be taken in."""
        low, high = self._db.execute("SELECT min(seq), max(seq) FROM waiting").fetchone()
        return low is not None and high - low >= MOST_WAITING

    def after(self, seq: int, most: int) -> list[Waiting]:
        """What waits behind a place, in order."""
        rows = self._db.execute(
            "SELECT seq, sealed FROM waiting WHERE seq > ? ORDER BY seq LIMIT ?", (seq, most)
        )
        return [Waiting(n, self._read(sealed, _HEARD)) for n, sealed in rows]

    def taken(self, seq: int) -> None:
        """What stands up to a place was stored by whoever takes it over."""
        self._db.execute("DELETE FROM waiting WHERE seq <= ?", (seq,))

    def now(self) -> int:
        """The place behind everything that ever came."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'waiting'").fetchone()
        return int(row[0]) if row else 0

    # --- what was heard -------------------------------------------------------------------------

    def is_heard(self, room: str, name: str) -> bool:
        """Whether a message's name was noted before."""
        found = self._db.execute("SELECT 1 FROM heard WHERE room = ? AND name = ?", (room, name))
        return found.fetchone() is not None

    def is_new(self, room: str, name: str, at: int) -> bool:
        """Notes a message's name; False where it was noted before."""
        done = self._db.execute("INSERT OR IGNORE INTO heard VALUES (?, ?, ?)", (room, name, at))
        return done.rowcount == 1

    def call(self, room: str, account: str, own: str, name: str, at: int) -> None:
        """Notes which name stands for what its author calls a message of his; the first stays."""
        self._db.execute(
            "INSERT OR IGNORE INTO called VALUES (?, ?, ?, ?, ?)", (room, account, own, name, at)
        )

    def name_of(self, room: str, account: str, own: str) -> str | None:
        """The name of what its author calls so; None where it is not known."""
        row = self._db.execute(
            "SELECT name FROM called WHERE room = ? AND account = ? AND id = ?",
            (room, account, own),
        ).fetchone()
        return str(row[0]) if row else None

    def own_id(self, room: str, account: str, name: str) -> str | None:
        """What its author calls a message; None where it is not known or not his."""
        row = self._db.execute(
            "SELECT id FROM called WHERE room = ? AND account = ? AND name = ?",
            (room, account, name),
        ).fetchone()
        return str(row[0]) if row else None

    def place(self, room: str) -> Place | None:
        """How far a room's archive was read; None for a room that we do not live in."""
        row = self._db.execute("SELECT last, at FROM place WHERE room = ?", (room,)).fetchone()
        return Place(row[0], int(row[1])) if row else None

    def rooms(self) -> list[RoomId]:
        """The rooms that we live in."""
        return [RoomId(room) for (room,) in self._db.execute("SELECT room FROM place")]

    def moved(self, room: str, last: str | None, at: int) -> None:
        """An archive was read up to here; without a name only the time moves."""
        self._db.execute(
            "INSERT INTO place VALUES (?, ?, ?) ON CONFLICT (room) DO UPDATE"
            " SET last = coalesce(excluded.last, last), at = excluded.at",
            (room, last, at),
        )

    def forget_room(self, room: str) -> None:
        """We live there no more."""
        for table in ("place", "been"):
            self._db.execute(f"DELETE FROM {table} WHERE room = ?", (room,))  # noqa: S608 (constants)

    def told_all(self, at: int) -> None:
        """Notes that up to here everything was told on the line."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('told', ?)", (str(at).encode(),))

    def told_at(self) -> int | None:
        """When that was last noted, microseconds UTC."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'told'").fetchone()
        return int(row[0]) if row else None

    def came(self, room: str, accounts: Iterable[AccountId]) -> None:
        """Notes that somebody has been in a room."""
        self._db.executemany(
            "INSERT OR IGNORE INTO been VALUES (?, ?)", [(room, account) for account in accounts]
        )

    def went(self, room: str, account: str) -> None:
        """Forgets that somebody has been in a room."""
        self._db.execute("DELETE FROM been WHERE room = ? AND account = ?", (room, account))

    def been(self, room: str) -> frozenset[AccountId]:
        """Who has been in a room."""
        rows = self._db.execute("SELECT account FROM been WHERE room = ?", (room,))
        return frozenset(AccountId(account) for (account,) in rows)

    # --- sends ----------------------------------------------------------------------------------

    def attempted(self, key: DeliveryKey, room: RoomId, attempt: Attempt) -> None:
        """Notes a send that is about to leave."""
        self._db.execute(
            "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)",
            (key, attempt.at, room, _rows(attempt.sealed_to)),
        )

    def attempts(self, key: DeliveryKey) -> list[Attempt]:
        """All attempts of a delivery, first to last."""
        rows = self._db.execute("SELECT at, sealed FROM attempt WHERE key = ? ORDER BY at", (key,))
        return [Attempt(int(at), _readers(sealed)) for at, sealed in rows]

    def forget_before(self, at: int) -> None:
        """Deletes what is only needed for a while and is older than ``at``, microseconds UTC."""
        for table in ("attempt", "heard", "called"):
            self._db.execute(f"DELETE FROM {table} WHERE at < ?", (at,))  # noqa: S608 (constants)


def _rows(readers: frozenset[Reader] | None) -> str | None:
    if readers is None:
        return None
    return json.dumps(
        sorted([r.account, d.device, d.key] for r in readers for d in r.devices or ())
    )


def _readers(rows: str | None) -> frozenset[Reader] | None:
    if rows is None:
        return None
    found: dict[AccountId, set[Device]] = {}
    for account, device, key in json.loads(rows):
        found.setdefault(AccountId(account), set()).add(Device(DeviceId(device), key))
    return frozenset(Reader(a, frozenset(devices)) for a, devices in found.items())
