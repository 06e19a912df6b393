"""What came once and nobody has taken over yet: sealed, on disk, in order.

Rules kept here:

1. What comes is sealed and on disk before it is answered; some at once, whole or not at all.
2. What is here is offered again until whoever takes it over says that he has stored it, and then
   it is deleted, its pages overwritten. Without the key of the settings it cannot be read.
3. What waits is bounded: a consumer that stands still must not fill the disk.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.shared.database import opened, unhurried
from connectors.shared.sealed import Sealed

_TRIAL = 64 * 1024
_POST = b"post"
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


class Full(Exception):
    """There is no room for another."""


class SealedSpool(Sealed, ABC):
    """The file of one account.

    Args:
        folder: owner-only; exists.
        key: 32 bytes.
        schema: makes ``spool (seq, at, sealed, files)``, ``meta (name, value)`` and what the
            adapter keeps besides.
        proof: see ``Sealed``.

    Raises:
        Rejected: the file was made with another key.
    """

    def __init__(self, folder: Path, key: bytes, *, schema: str, proof: bytes) -> None:
        super().__init__(opened(folder / "spool.db", schema), key, proof)
        self._count = int(self._db.execute("SELECT count(*) FROM spool").fetchone()[0])

    def _store(
        self,
        batch: Iterable[tuple[dict[str, Any], str | bytes]],
        at: int,
        *,
        always: bool,
        lasting: bool = True,
    ) -> None:
        """Seals and stores some, all of them or none; on disk when it returns.

        Args:
            batch: each with the files that go with it, as the adapter keeps them.
            at: now, microseconds UTC.
            always: also when too much waits.
            lasting: False for what a failing power supply may take: the disk is not waited for.

        Raises:
            Full: too much waits. sqlite3.Error: it could not be stored.
        """
        if self.full and not always:
            raise Full
        rows = [(at, self._json(told, _POST), files) for told, files in batch]
        with self._db if lasting else unhurried(self._db):
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
        return [Waiting(n, at, self._read(s, _POST)) for n, at, s in rows]

    def taken(self, seq: int) -> None:
        """What stands up to a place was stored by whoever takes it over; its files can go.

        What a failing power supply brings back of it is offered again, and known again there.
        """
        with unhurried(self._db):
            rows = self._db.execute(
                "DELETE FROM spool WHERE seq <= ? RETURNING files", (seq,)
            ).fetchall()
            self._leave([files for (files,) in rows])
        self._count -= len(rows)

    @abstractmethod
    def _leave(self, files: list[Any]) -> None:
        """Notes, in the same step, which files nobody needs any more; as they were stored."""

    def now(self) -> int:
        """The place behind everything that ever came."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spool'").fetchone()
        return int(row[0]) if row else 0
