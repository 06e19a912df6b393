"""What we must remember of our own sends, and whom we distrust, in a small database.

Rules kept here:

1. An attempt is written down before it leaves: the room, when, the room key's session and the
   devices that it was sealed to. So after a crash it can still be said who can read a message,
   and how far back to look for one.
2. No text, no file name and no ciphertext is kept here: nothing that a key could open later.

One file, SQLite, owner-only.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from connectors.matrix.devices import Target, from_rows, to_rows
from connectors.port import AccountId, DeliveryKey, DeviceId, RemoteId, RoomId
from connectors.port.messages import Device
from connectors.shared.database import opened

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attempt (
    key TEXT NOT NULL, room TEXT NOT NULL, session TEXT NOT NULL, sealed TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (key, session)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accepted (
    room TEXT NOT NULL, event TEXT NOT NULL, key TEXT NOT NULL, part INTEGER NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (room, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS accepted_key ON accepted (key);
CREATE TABLE IF NOT EXISTS distrusted (
    account TEXT NOT NULL, device TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (account, device, key)
) STRICT, WITHOUT ROWID;
"""
MAIN = -1
"""Part number of the event that completes a delivery; files count from 0."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sealing of a delivery.

    Attributes:
        session: id of the room key that it was sealed with.
        sealed: devices that had the key.
        at: when, microseconds UTC.
    """

    session: str
    sealed: frozenset[Target]
    at: int


class Ledger:
    """The database of one account.

    Args:
        folder: owner-only folder; exists.
    """

    def __init__(self, folder: Path) -> None:
        self._db = opened(folder / "sent.db", _SCHEMA)

    def close(self) -> None:
        """Closes the database."""
        self._db.close()

    def attempted(self, key: DeliveryKey, room: RoomId, attempt: Attempt) -> None:
        """Notes an attempt about to leave."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?)",
                (key, room, attempt.session, json.dumps(to_rows(attempt.sealed)), attempt.at),
            )

    def attempts(self, key: DeliveryKey) -> list[Attempt]:
        """All attempts of a delivery, first to last."""
        rows = self._db.execute(
            "SELECT session, sealed, at FROM attempt WHERE key = ? ORDER BY at", (key,)
        )
        return [Attempt(session, from_rows(json.loads(sealed)), at) for session, sealed, at in rows]

    def accepted(self, room: RoomId, event: RemoteId, key: DeliveryKey, part: int, at: int) -> None:
        """Notes what the homeserver named one event of a delivery."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO accepted VALUES (?, ?, ?, ?, ?)",
                (room, event, key, part, at),
            )

    def is_ours(self, room: RoomId, event: str) -> bool:
        """Whether an event is one that we sent."""
        found = self._db.execute(
            "SELECT 1 FROM accepted WHERE room = ? AND event = ?", (room, event)
        )
        return found.fetchone() is not None

    def parts(self, room: RoomId, event: RemoteId) -> list[RemoteId]:
        """All events of the delivery that an event belongs to, itself first."""
        rows = self._db.execute(
            "SELECT event FROM accepted WHERE room = ? AND key ="
            " (SELECT key FROM accepted WHERE room = ? AND event = ?)",
            (room, room, event),
        )
        return [event, *(RemoteId(e) for (e,) in rows if e != event)]

    def distrust(self, target: Target) -> None:
        """Notes a device that is never to be sealed to."""
        with self._db:
            self._db.execute(
                "INSERT OR IGNORE INTO distrusted VALUES (?, ?, ?)",
                (target.account, target.device.device, target.device.key),
            )

    def trust(self, target: Target) -> None:
        """Forgets that a device was distrusted."""
        with self._db:
            self._db.execute(
                "DELETE FROM distrusted WHERE account = ? AND device = ? AND key = ?",
                (target.account, target.device.device, target.device.key),
            )

    def distrusted(self) -> frozenset[Target]:
        """Devices that are never to be sealed to."""
        rows = self._db.execute("SELECT account, device, key FROM distrusted")
        return frozenset(Target(AccountId(a), Device(DeviceId(d), k)) for a, d, k in rows)

    def forget_before(self, at: int) -> None:
        """Deletes what is older than ``at``, microseconds UTC."""
        with self._db:
            self._db.execute("DELETE FROM attempt WHERE at < ?", (at,))
            self._db.execute("DELETE FROM accepted WHERE at < ?", (at,))


def same_session(attempts: Collection[Attempt], session: object) -> frozenset[Target] | None:
    """The devices that a message under this room key was sealed to; None when not known."""
    found = [a.sealed for a in attempts if a.session == session]
    return found[-1] if found else None
