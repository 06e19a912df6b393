"""Seals bodies and names, opens them, destroys them, and turns the deals' epochs.

Rules kept here:

1. Every owner has its own random key; the row keeps it wrapped by the deal's epoch in use.
2. The wrap is made inside the transaction that inserts the row, so that no row can appear under an
   epoch that has already been emptied.
3. An epoch's key is destroyed only after the transaction that re-wrapped its last living row is on
   disk. A crash at any point leaves both keys, and the next turn goes on from there.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from orchestrator.clock import Clock
from orchestrator.seal.blobs import Blobs
from orchestrator.seal.body import SealedRow, Unlocked
from orchestrator.seal.envelope import Sealing, seal_bytes
from orchestrator.seal.epochs import EpochKeys
from orchestrator.seal.errors import Destroyed, SealError, Tampered
from orchestrator.seal.master import MasterKey
from orchestrator.seal.wrap import Subject, new_key, unwrap, wrap
from orchestrator.secrets.port import SecretStore
from orchestrator.store.unit import Row, Store, Tx

FOLDER = "blobs"
INLINE_MAX = 256 * 1024
"""Text of up to this many bytes lies in its row; more lies in a file."""
BATCH = 500
"""Rows re-wrapped in one transaction: about 10 ms, so that a turn delays nobody."""

ABREAST = 16
"""Deals turned at the same time, so that their commits and flushes share the disk's waits."""


SEALED = "sealed.deal_id, sealed.epoch, sealed.wrapped, sealed.envelope, sealed.size"
"""The columns of what is sealed that ``Sealer.unlock_row`` needs."""

# An owner's parts (``owner-0``) follow it in order: '-' stands right before '.'.
_PARTS = """
SELECT s.rowid FROM json_each(?1) AS v CROSS JOIN sealed AS s WHERE s.owner = v.value
UNION ALL
SELECT s.rowid FROM json_each(?1) AS v CROSS JOIN sealed AS s
WHERE s.owner > v.value || '-' AND s.owner < v.value || '.'"""
_IN_FILES = f"SELECT owner FROM sealed WHERE envelope IS NULL AND rowid IN ({_PARTS})"  # noqa: S608 - ours
_DESTROY = f"DELETE FROM sealed WHERE rowid IN ({_PARTS})"  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn of a deal's epoch did.

    Attributes:
        rewrapped: living rows that now hang on the new epoch.
        ended: epoch keys destroyed.
        unreadable: owners whose wrap was not ours; they were unreadable before.
    """

    deal_id: str
    rewrapped: int
    ended: int
    unreadable: tuple[str, ...]


class Sealer:
    """Sealing for one home.

    Args:
        home: the home's folder; large envelopes lie in ``blobs`` below it.
        secrets: keeps the epoch keys.
        master: wraps them.
        clock: for their age.

    Raises:
        Tampered: an epoch key was not wrapped by this master key.
    """

    def __init__(self, home: Path, secrets: SecretStore, master: MasterKey, clock: Clock) -> None:
        self._secrets = secrets
        self._epochs = EpochKeys(secrets, master, clock)
        self._blobs = Blobs(home / FOLDER)
        self._turning: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def prepare(self, deal_id: str, owner: str, text: bytes) -> SealedRow:
        """Seals up to ``INLINE_MAX`` bytes; computes only, touches nothing.

        Raises:
            SealError: it is larger; use ``prepare_stream``.
        """
        if len(text) > INLINE_MAX:
            raise SealError(f"more than {INLINE_MAX} bytes are sealed as a stream")
        key = new_key()
        envelope = seal_bytes(key.key, key.key_id, owner, deal_id, text)
        return SealedRow(owner, deal_id, len(text), key, envelope)

    async def prepare_stream(
        self, deal_id: str, owner: str, pieces: AsyncIterator[bytes]
    ) -> SealedRow:
        """Seals text of any size, into a file when it is larger than ``INLINE_MAX``.

        The file is on disk when this returns; ``discard`` it when the row is never inserted.

        Raises:
            SealError: this owner already has a file.
            Exception: what ``pieces`` raised; nothing is left behind.
        """
        first = bytearray()
        async for piece in pieces:
            first += piece
            if len(first) > INLINE_MAX:
                return await self._to_file(deal_id, owner, bytes(first), pieces)
        return self.prepare(deal_id, owner, bytes(first))

    async def _to_file(
        self, deal_id: str, owner: str, first: bytes, rest: AsyncIterator[bytes]
    ) -> SealedRow:
        key, size = new_key(), len(first)
        sealing = Sealing(key.key, key.key_id, owner, deal_id)
        async with self._blobs.writing(owner) as file:
            file.write(sealing.head)
            await asyncio.to_thread(_add, file, sealing, first)
            async for piece in rest:
                size += len(piece)
                await asyncio.to_thread(_add, file, sealing, piece)
            await asyncio.to_thread(file.write, sealing.finish())
        return SealedRow(owner, deal_id, size, key, None)

    def discard(self, row: SealedRow) -> None:
        """Removes the file of a row that will not be inserted."""
        if row.envelope is None:
            self._blobs.remove(row.owner)

    def insert(self, tx: Tx, row: SealedRow) -> None:
        """Inserts a prepared row under the deal's epoch in use."""
        epoch = self._epochs.current(row.deal_id)
        subject = Subject(row.owner, row.deal_id, row.size, row.envelope is not None)
        wrapped = wrap(row.key, epoch.epoch_id, epoch.key, subject)
        tx.run(
            "INSERT INTO sealed (owner, deal_id, epoch, wrapped, envelope, size)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (row.owner, row.deal_id, epoch.epoch_id, wrapped, row.envelope, row.size),
        )

    def exists(self, tx: Tx, owner: str) -> bool:
        """Tells whether something is sealed under ``owner``."""
        return tx.one("SELECT 1 FROM sealed WHERE owner = ?", (owner,)) is not None

    def unlock(self, tx: Tx, owner: str) -> Unlocked:
        """Reads a row and its key; open it with ``read`` or ``stream``, also after ``tx``.

        Raises:
            Destroyed: there is no such row, or its epoch has ended.
            Tampered: the row is not what we wrote.
        """
        try:
            return self._unlock(tx, owner)
        except Destroyed:
            # On a reader's connection a turn may have ended the epoch since the row was read:
            # the row as it is now hangs on the next one.
            return self._unlock(tx, owner)

    def _unlock(self, tx: Tx, owner: str) -> Unlocked:
        row = tx.one(f"SELECT {SEALED} FROM sealed WHERE owner = ?", (owner,))  # noqa: S608 - ours
        if row is None:
            raise Destroyed("nothing is sealed under this owner")
        return self.unlock_row(owner, row)

    def unlock_row(self, owner: str, row: Row) -> Unlocked:
        """As ``unlock``, of the columns ``SEALED`` as they were read together with others.

        Raises:
            Destroyed: its epoch has ended; the row may have been wrapped anew since.
            Tampered: the row is not what we wrote.
        """
        deal_id, epoch, wrapped, envelope, size = row
        subject = Subject(owner, deal_id, size, envelope is not None)
        key = unwrap(wrapped, epoch, self._epochs.key(deal_id, epoch), subject)
        return Unlocked(owner, deal_id, size, key, envelope, self._blobs)

    def open(self, tx: Tx, owner: str) -> bytes:
        """Returns the text sealed under ``owner``.

        Raises:
            Destroyed: it is gone.
            Tampered: it is not what we sealed.
        """
        return self.unlock(tx, owner).read()

    def destroy(self, tx: Tx, owner: str) -> bool:
        """Destroys what is sealed under ``owner``; False when there was nothing.

        The row goes with the transaction, a file right after it, and what old copies of the
        home still hold goes with the epoch.
        """
        # typeof: SQLite 3.40 answers `RETURNING envelope IS NULL` with 0 for a NULL.
        sql = "DELETE FROM sealed WHERE owner = ? RETURNING typeof(envelope) = 'null'"
        row = tx.one(sql, (owner,))
        if row is None:
            return False
        if row[0]:
            tx.after_commit(lambda: self._blobs.remove(owner))
        return True

    def destroy_all(self, tx: Tx, owners: Sequence[str]) -> None:
        """Destroys what is sealed under each of ``owners`` and under its parts (``owner-part``)."""
        named = (json.dumps(owners),)
        for (owner,) in tx.all(_IN_FILES, named):
            tx.after_commit(partial(self._blobs.remove, owner))
        tx.run(_DESTROY, named)

    async def recover(self, store: Store) -> int:
        """Removes what a crash left: files without a row, half-written keys.

        Called at start by who holds the home, before anything is sealed; returns how many went.
        """
        self._secrets.tidy()
        rows = await store.read(
            lambda tx: tx.all("SELECT owner FROM sealed WHERE envelope IS NULL")
        )
        return await asyncio.to_thread(self._blobs.sweep, [owner for (owner,) in rows])

    async def turn_due(
        self, store: Store, now: int, *, stop: Callable[[], bool] = lambda: False
    ) -> list[Turn]:
        """Turns every deal whose epoch is past its hour or was left half-turned.

        Args:
            store: holds the rows.
            now: microseconds UTC.
            stop: asked between groups of ``ABREAST``; True ends early (the rest stays due).
        """
        turns: list[Turn] = []
        due = self._epochs.due(now)
        for first in range(0, len(due), ABREAST):
            if stop():
                break
            group = due[first : first + ABREAST]
            turns += await self._turn_all(store, group)
        return turns

    async def _turn_all(self, store: Store, deals: list[str]) -> list[Turn]:
        work = (self.turn(store, deal_id, resume=True) for deal_id in deals)
        done = await asyncio.gather(*work, return_exceptions=True)
        failed = [result for result in done if isinstance(result, BaseException)]
        if failed:
            raise failed[0]
        return [result for result in done if isinstance(result, Turn)]

    async def turn(self, store: Store, deal_id: str, *, resume: bool = False) -> Turn:
        """Ends the deal's epochs: re-wraps what lives, then destroys their keys.

        Args:
            store: holds the rows.
            deal_id: the deal.
            resume: of a turn that broke off, end only the old epochs if the new is within its hour.

        Raises:
            StoreError: a transaction failed; no key was destroyed.
        """
        async with self._turning[deal_id]:
            old = self._epochs.retire(deal_id, resume=resume)
            rewrapped, unreadable = 0, []
            for epoch in old:
                moved, bad = await self._empty(store, deal_id, epoch)
                rewrapped += moved
                unreadable += bad
                await asyncio.to_thread(self._epochs.end, deal_id, epoch)
            return Turn(deal_id, rewrapped, len(old), tuple(unreadable))

    async def _empty(self, store: Store, deal_id: str, epoch: str) -> tuple[int, list[str]]:
        if await store.read(partial(_lives, deal_id=deal_id, epoch=epoch)):
            await asyncio.to_thread(self._epochs.current, deal_id)  # flushed outside the writer
        last, moved, bad = "", 0, list[str]()
        while True:
            batch = await store.write(
                partial(self._rewrap, deal_id=deal_id, epoch=epoch, after=last)
            )
            moved += sum(ok for _, ok in batch)
            bad += [owner for owner, ok in batch if not ok]
            if len(batch) < BATCH:
                return moved, bad
            last = batch[-1][0]

    def _rewrap(self, tx: Tx, deal_id: str, epoch: str, after: str) -> list[tuple[str, bool]]:
        rows = tx.all(
            "SELECT owner, wrapped, size, envelope IS NOT NULL FROM sealed"
            " WHERE deal_id = ? AND epoch = ? AND owner > ? ORDER BY owner LIMIT ?",
            (deal_id, epoch, after, BATCH),
        )
        return [
            (owner, self._rewrap_one(tx, epoch, wrapped, Subject(owner, deal_id, size, bool(row))))
            for owner, wrapped, size, row in rows
        ]

    def _rewrap_one(self, tx: Tx, epoch: str, wrapped: bytes, subject: Subject) -> bool:
        try:
            key = unwrap(wrapped, epoch, self._epochs.key(subject.deal_id, epoch), subject)
        except Tampered:
            return False
        new = self._epochs.current(subject.deal_id)
        tx.expect(
            "UPDATE sealed SET epoch = ?, wrapped = ? WHERE owner = ? AND epoch = ?",
            (new.epoch_id, wrap(key, new.epoch_id, new.key, subject), subject.owner, epoch),
        )
        return True


def _add(file: BinaryIO, sealing: Sealing, text: bytes) -> None:
    file.write(sealing.add(text))


def _lives(tx: Tx, deal_id: str, epoch: str) -> bool:
    sql = "SELECT 1 FROM sealed WHERE deal_id = ? AND epoch = ? LIMIT 1"
    return tx.one(sql, (deal_id, epoch)) is not None
