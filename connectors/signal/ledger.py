"""What we must remember of our account: sends, timers seen, keys and devices known, our own pulse.

Rules kept here:

1. No text, no file name and no key that opens anything is kept here.
2. A time to live that was asked for and one that was seen in traffic are kept apart, each with its
   instant.
3. The pulse is written while we can be reached: after a crash it tells since when we could not.

One file, SQLite, owner-only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from connectors.port import AccountId, DeliveryKey, RoomId
from connectors.shared.database import opened, unhurried

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    stamp INTEGER PRIMARY KEY, room TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS removal (
    stamp INTEGER NOT NULL, asked INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (stamp, asked)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipt (
    stamp INTEGER NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (stamp, account, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timer (
    room TEXT NOT NULL, how TEXT NOT NULL, seconds INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (room, how)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (
    account TEXT PRIMARY KEY, key TEXT NOT NULL, untrusted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS distrusted (
    account TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS device (
    id INTEGER NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (id, created)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS present (
    room TEXT NOT NULL, account TEXT NOT NULL, presence TEXT NOT NULL, admin INTEGER NOT NULL,
    PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owner (
    room TEXT NOT NULL, account TEXT NOT NULL, PRIMARY KEY (room, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
ASKED, SEEN = "asked", "seen"


@dataclass(frozen=True, slots=True)
class Timer:
    """A time to live, asked for or seen.

    Attributes:
        seconds: 0 is off.
        at: when, microseconds UTC.
    """

    seconds: int
    at: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A member of a room as last read: ``joined`` or ``invited``."""

    presence: str
    admin: bool


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

    # --- messages of ours -----------------------------------------------------------------------

    def sent(self, stamp: int, room: RoomId, key: DeliveryKey, at: int) -> None:
        """Notes a message that the network took (its timestamp in milliseconds).

        What a failing power supply takes of it is a receipt's name and no more, so the disk is not
        waited for; the program's own end takes nothing.
        """
        with unhurried(self._db):
            row = (stamp, room, key, at)
            self._db.execute("INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)", row)

    def room_of(self, stamp: int) -> RoomId | None:
        """The room of a message of ours; None where it is none."""
        row = self._db.execute("SELECT room FROM sent WHERE stamp = ?", (stamp,)).fetchone()
        return RoomId(row[0]) if row else None

    def asked_removal(self, stamp: int, asked: int, at: int) -> None:
        """Notes that a message's removal was asked for, by a message with its own timestamp."""
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO removal VALUES (?, ?, ?)", (stamp, asked, at))

    def acknowledged(self, stamp: int, account: AccountId, kind: str, at: int) -> None:
        """Notes that somebody's client got a message; that may be known before its timestamp is.

        Where a failing power supply takes it, a removal that was seen counts as not seen.
        """
        with unhurried(self._db):
            self._db.execute(
                "INSERT OR IGNORE INTO receipt VALUES (?, ?, ?, ?)", (stamp, account, kind, at)
            )

    def receipts(self, stamp: int) -> list[tuple[AccountId, str, int]]:
        """Who acknowledged a message, how and when."""
        rows = self._db.execute("SELECT account, kind, at FROM receipt WHERE stamp = ?", (stamp,))
        return [(AccountId(account), kind, at) for account, kind, at in rows]

    def removal_asked_at(self, stamp: int) -> int | None:
        """When a message's removal was last asked for, microseconds UTC; None if never."""
        row = self._db.execute("SELECT max(at) FROM removal WHERE stamp = ?", (stamp,)).fetchone()
        return int(row[0]) if row[0] is not None else None

    def removal_seen(self, stamp: int) -> frozenset[AccountId]:
        """Whose clients got the request for a message's removal."""
        rows = self._db.execute(
            "SELECT account FROM receipt WHERE stamp IN"
            " (SELECT asked FROM removal WHERE stamp = ?)",
            (stamp,),
        )
        return frozenset(AccountId(a) for (a,) in rows)

    def forget_before(self, at: int) -> None:
        """Deletes what is older than ``at``, microseconds UTC."""
        with self._db:
            self._db.execute("DELETE FROM sent WHERE at < ?", (at,))
            self._db.execute("DELETE FROM removal WHERE at < ?", (at,))
            self._db.execute("DELETE FROM receipt WHERE at < ?", (at,))

    # --- timers ---------------------------------------------------------------------------------

    def timer(self, room: RoomId, how: str) -> Timer | None:
        """The time to live last asked for, or last seen."""
        row = self._db.execute(
            "SELECT seconds, at FROM timer WHERE room = ? AND how = ?", (room, how)
        ).fetchone()
        return Timer(*row) if row else None

    def note_timer(self, room: RoomId, how: str, timer: Timer) -> None:
        """Notes a time to live, unless a later one is known."""
        with self._db:
            self._db.execute(
                "INSERT INTO timer VALUES (?, ?, ?, ?) ON CONFLICT (room, how) DO UPDATE SET "
                "seconds = excluded.seconds, at = excluded.at WHERE excluded.at >= timer.at",
                (room, how, timer.seconds, timer.at),
            )

    # --- identities and devices -----------------------------------------------------------------

    def identities(self) -> dict[AccountId, tuple[str, bool]]:
        """Key and whether it is untrusted, of everybody as last seen."""
        rows = self._db.execute("SELECT account, key, untrusted FROM identity")
        return {AccountId(a): (key, bool(untrusted)) for a, key, untrusted in rows}

    def keep_identity(self, account: AccountId, key: str, *, untrusted: bool) -> None:
        """Notes somebody's key as it is now."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO identity VALUES (?, ?, ?)", (account, key, untrusted)
            )

    def distrust(self, account: AccountId, key: str) -> None:
        """Notes a key that nothing is to be sealed to."""
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO distrusted VALUES (?, ?)", (account, key))

    def trust(self, account: AccountId, key: str) -> None:
        """Forgets that a key was distrusted."""
        with self._db:
            self._db.execute("DELETE FROM distrusted WHERE account = ? AND key = ?", (account, key))

    def distrusts(self, account: AccountId, key: str) -> bool:
        """Whether nothing is to be sealed to a key."""
        found = self._db.execute(
            "SELECT 1 FROM distrusted WHERE account = ? AND key = ?", (account, key)
        )
        return found.fetchone() is not None

    def devices(self) -> frozenset[tuple[int, int]]:
        """Our own devices that are known: number and instant of making."""
        return frozenset((n, c) for n, c in self._db.execute("SELECT id, created FROM device"))

    def keep_devices(self, devices: Iterable[tuple[int, int]]) -> None:
        """Notes our own devices as they are now."""
        with self._db:
            self._db.execute("DELETE FROM device")
            self._db.executemany("INSERT OR IGNORE INTO device VALUES (?, ?)", list(devices))

    # --- rooms ----------------------------------------------------------------------------------

    def seats(self, room: RoomId) -> dict[AccountId, Seat]:
        """A room's members as last read."""
        rows = self._db.execute(
            "SELECT account, presence, admin FROM present WHERE room = ?", (room,)
        )
        return {AccountId(a): Seat(presence, bool(admin)) for a, presence, admin in rows}

    def keep_seats(self, room: RoomId, seats: dict[AccountId, Seat]) -> None:
        """Notes a room's members as they are now."""
        rows = [(room, a, seat.presence, seat.admin) for a, seat in seats.items()]
        with self._db:
            self._db.execute("DELETE FROM present WHERE room = ?", (room,))
            self._db.executemany("INSERT INTO present VALUES (?, ?, ?, ?)", rows)

    def owners(self) -> dict[RoomId, set[AccountId]]:
        """Who is still to be made an admin, once he is in."""
        found: dict[RoomId, set[AccountId]] = {}
        for room, account in self._db.execute("SELECT room, account FROM owner"):
            found.setdefault(RoomId(room), set()).add(AccountId(account))
        return found

    def keep_owners(self, room: RoomId, accounts: Iterable[AccountId]) -> None:
        """Notes who is still to be made an admin of a room."""
        with self._db:
            self._db.execute("DELETE FROM owner WHERE room = ?", (room,))
            self._db.executemany("INSERT INTO owner VALUES (?, ?)", [(room, a) for a in accounts])

    def forget_owner(self, room: RoomId, account: AccountId) -> None:
        """Notes that somebody is not to be made an admin of a room any more."""
        with self._db:
            self._db.execute("DELETE FROM owner WHERE room = ? AND account = ?", (room, account))

    # --- single facts ---------------------------------------------------------------------------

    def fact(self, name: str) -> str | None:
        """A single fact."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def instant(self, name: str) -> int | None:
        """A single instant, microseconds UTC."""
        value = self.fact(name)
        return int(value) if value is not None else None

    def keep(self, name: str, value: str | int | None) -> None:
        """Notes a single fact; None forgets it."""
        with self._db:
            if value is None:
                self._db.execute("DELETE FROM fact WHERE name = ?", (name,))
            else:
                self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, str(value)))
