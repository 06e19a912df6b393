"""What a mail account must remember: rooms, keys, pins and the names of its own mails.

Rules kept here:

1. A mail's name is written down before the mail leaves, so that an answer or a bounce finds its
   room even when we never heard whether it was taken.
2. No text, subject, file name or ciphertext is kept: nothing that a key could open later.
3. A pin is about one address with one fingerprint, and a barred fingerprint is barred for ever.

One file, SQLite, owner-only. The inbound side reads it; the outbound side alone writes.
"""

from dataclasses import dataclass
from pathlib import Path

from connectors.pgpmail.settings import same_address
from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.shared.database import opened

_SCHEMA = """
CREATE TABLE IF NOT EXISTS room (
    room TEXT PRIMARY KEY, address TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (
    room TEXT PRIMARY KEY, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS room_address ON room (address);
CREATE TABLE IF NOT EXISTS known_key (
    address TEXT NOT NULL, fingerprint TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (address, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verdict (
    address TEXT NOT NULL, fingerprint TEXT NOT NULL, pinned INTEGER NOT NULL,
    PRIMARY KEY (address, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (
    message TEXT PRIMARY KEY, key TEXT NOT NULL, room TEXT NOT NULL, token TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL, UNIQUE (room, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard (
    remote TEXT PRIMARY KEY, message TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS own (
    one INTEGER PRIMARY KEY CHECK (one = 1), fingerprint TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail of ours.

    Attributes:
        message: its Message-ID with the angle brackets; what everybody calls it.
        key: the delivery that it carried.
        room: whose mailing.
        token: what its return path holds.
        at: when it was first handed over, microseconds UTC.
    """

    message: RemoteId
    key: DeliveryKey
    room: RoomId
    token: str
    at: int


class Ledger:
    """The database of one account.

    Args:
        folder: owner-only folder; exists.
    """

    def __init__(self, folder: Path) -> None:
        self._db = opened(folder / "mail.db", _SCHEMA)

    def close(self) -> None:
        """Closes the database."""
        self._db.close()

    # --- our own key ----------------------------------------------------------------------------

    def own_key(self) -> str | None:
        """Fingerprint of the key that this account began with."""
        row = self._db.execute("SELECT fingerprint FROM own").fetchone()
        return None if row is None else str(row[0])

    def keep_own_key(self, fingerprint: str) -> None:
        """Notes our own key, once."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO own VALUES (1, ?)", (fingerprint,))

    # --- rooms ----------------------------------------------------------------------------------

    def add_room(self, room: RoomId, account: AccountId, at: int) -> None:
        """Notes a mailing to one address."""
        with self._db:
            self._db.execute("INSERT INTO room VALUES (?, ?, ?)", (room, account, at))

    def account_of(self, room: RoomId) -> AccountId | None:
        """Whom a mailing goes to; None for a room that is not ours."""
        row = self._db.execute("SELECT address FROM room WHERE room = ?", (room,)).fetchone()
        return None if row is None else AccountId(row[0])

    def end(self, room: RoomId, at: int) -> None:
        """Notes that a mailing goes to nobody any more."""
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO ended VALUES (?, ?)", (room, at))

    def resume(self, room: RoomId) -> None:
        """Notes that a mailing goes to its adviser again."""
        with self._db:
            self._db.execute("DELETE FROM ended WHERE room = ?", (room,))

    def is_ended(self, room: RoomId) -> bool:
        """Whether a mailing goes to nobody any more."""
        found = self._db.execute("SELECT 1 FROM ended WHERE room = ?", (room,))
        return found.fetchone() is not None

    def rooms_of(self, account: AccountId) -> list[RoomId]:
        """All mailings to an address, the oldest first."""
        rows = self._db.execute(
            "SELECT room FROM room WHERE lower(address) = ? ORDER BY at, room",
            (same_address(account),),
        )
        return [RoomId(room) for (room,) in rows]

    # --- keys of others -------------------------------------------------------------------------

    def know(self, account: AccountId, fingerprint: str, at: int) -> None:
        """Notes that a certificate in the keyring names this address."""
        with self._db:
            self._db.execute(
                "INSERT OR IGNORE INTO known_key VALUES (?, ?, ?)",
                (same_address(account), fingerprint, at),
            )

    def known(self, account: AccountId) -> frozenset[str]:
        """Fingerprints of the address's certificates that are not barred."""
        rows = self._db.execute(
            "SELECT fingerprint FROM known_key WHERE address = ?1 AND fingerprint NOT IN"
            " (SELECT fingerprint FROM verdict WHERE address = ?1 AND pinned = 0)",
            (same_address(account),),
        )
        return frozenset(fingerprint for (fingerprint,) in rows)

    def first_known(self, account: AccountId) -> str | None:
        """Fingerprint of the first certificate that named the address, barred or not."""
        row = self._db.execute(
            "SELECT fingerprint FROM known_key WHERE address = ? ORDER BY at, fingerprint LIMIT 1",
            (same_address(account),),
        ).fetchone()
        return None if row is None else str(row[0])

    def pin(self, account: AccountId, fingerprint: str) -> None:
        """Notes that a key was compared and is this address's."""
        self._judge(account, fingerprint, pinned=True)

    def bar(self, account: AccountId, fingerprint: str) -> None:
        """Notes that a key is never to be sealed to."""
        self._judge(account, fingerprint, pinned=False)

    def _judge(self, account: AccountId, fingerprint: str, *, pinned: bool) -> None:
        """Barred once is barred for ever: a later pin changes nothing of it."""
        with self._db:
            self._db.execute(
                "INSERT INTO verdict VALUES (?, ?, ?) ON CONFLICT (address, fingerprint) "
                "DO UPDATE SET pinned = min(pinned, excluded.pinned)",
                (same_address(account), fingerprint, int(pinned)),
            )

    def pinned(self, account: AccountId) -> frozenset[str]:
        """Fingerprints that were compared and are this address's."""
        return self._judged(account, pinned=True)

    def barred(self, account: AccountId) -> frozenset[str]:
        """Fingerprints that are never to be sealed to for this address."""
        return self._judged(account, pinned=False)

    def _judged(self, account: AccountId, *, pinned: bool) -> frozenset[str]:
        rows = self._db.execute(
            "SELECT fingerprint FROM verdict WHERE address = ? AND pinned = ?",
            (same_address(account), int(pinned)),
        )
        return frozenset(fingerprint for (fingerprint,) in rows)

    def contacts(self) -> dict[AccountId, frozenset[str]]:
        """Pinned fingerprints by address (lower case): whom the inbound side may believe."""
        rows = self._db.execute("SELECT address, fingerprint FROM verdict WHERE pinned = 1")
        found: dict[AccountId, frozenset[str]] = {}
        for address, fingerprint in rows:
            account = AccountId(address)
            found[account] = found.get(account, frozenset()) | {fingerprint}
        return found

    # --- mails of ours --------------------------------------------------------------------------

    def sending(self, sent: Sent) -> Sent:
        """Notes a mail that is about to leave.

        Returns:
            What is noted: the names of the first attempt where there was one, so that a
            repetition has the same name.
        """
        with self._db:
            self._db.execute(
                "INSERT OR IGNORE INTO sent VALUES (?, ?, ?, ?, ?)",
                (sent.message, sent.key, sent.room, sent.token, sent.at),
            )
        found = self._one("room = ? AND key = ?", sent.room, sent.key)
        return sent if found is None else found

    def sent(self, message: str) -> Sent | None:
        """The mail of this Message-ID, if it is one of ours."""
        return self._one("message = ?", message)

    def bounced(self, token: str) -> Sent | None:
        """The mail whose return path holds this token."""
        return self._one("token = ?", token)

    def _one(self, where: str, *values: str) -> Sent | None:
        query = "SELECT message, key, room, token, at FROM sent WHERE "
        row = self._db.execute(query + where, values).fetchone()
        return None if row is None else Sent(*row)

    # --- mails of others ------------------------------------------------------------------------

    def heard(self, remote: RemoteId, message: str, at: int) -> None:
        """Notes the Message-ID of a verified mail, so that an answer to it can name it."""
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO heard VALUES (?, ?, ?)", (remote, message, at))

    def message_of(self, remote: RemoteId) -> str | None:
        """The Message-ID of a mail of ours or of a verified one; None when it is not known."""
        if self.sent(remote) is not None:
            return remote
        row = self._db.execute("SELECT message FROM heard WHERE remote = ?", (remote,)).fetchone()
        return None if row is None else str(row[0])

    def forget_before(self, at: int) -> None:
        """Deletes the names of mails older than ``at``, microseconds UTC."""
        with self._db:
            self._db.execute("DELETE FROM sent WHERE at < ?", (at,))
            self._db.execute("DELETE FROM heard WHERE at < ?", (at,))
