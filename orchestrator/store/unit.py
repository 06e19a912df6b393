"""Unit of work over SQLite: one writer thread, commits in groups.

Rules kept here:

1. Everything that belongs together is written by one function handed to ``write``: all of it is
   on disk when ``write`` returns, or none of it is.
2. Functions that wait at the same moment share one commit (``synchronous=FULL``), each inside its
   own savepoint, so that the failure of one takes nothing from the others.
3. ``after_commit`` runs only once the commit is on disk.
4. What was deleted is overwritten (``secure_delete``), and the write-ahead log is truncated at
   least once a minute and on close, so that deleted rows do not live on in it. SQLite does not
   overwrite what it leaves behind when it moves living rows between pages (seen: 1 in 4,000
   deleted rows); what lies there is sealed under an epoch key that is destroyed within the hour.
5. A unit must let the errors of its statements pass: they may have undone the whole group.
6. In a rehearsal every unit is undone (``orchestrator.store.rehearsal``).
"""

import asyncio
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.store.pen import Pen
from orchestrator.store.rehearsal import rehearsing, undone

T = TypeVar("T")
Row = tuple[Any, ...]
Params = Sequence[object]

GROUP = 64
"""Functions that share a commit at most; docs/performance.md has what that buys."""
SWITCH_S = 0.0005
"""After so long a thread that waits for the interpreter is given it. With Python's 5 ms the writer
waits longer for each of its statements than all of them take."""
CHECKPOINT_EVERY_S = 30.0
CHECKPOINT_AGAIN_S = 2.0
"""After a reader was in the way."""


class StoreError(Exception):
    """The store could not do what was asked; nothing of it was written."""


@dataclass(slots=True)
class Tx:
    """One function's view of the transaction; used inside that function only."""

    connection: sqlite3.Connection
    hooks: list[Callable[[], None]] = field(default_factory=list)
    pen: Pen | None = None
    """The home's; None in a store that is no home's."""
    stated: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Kind and body of each entry that this unit appended to a chain, in order."""

    def run(self, sql: str, params: Params = ()) -> int:
        """Executes a statement and returns how many rows it touched."""
        return self.connection.execute(sql, params).rowcount

    def many(self, sql: str, rows: Iterable[Params]) -> None:
        """Executes a statement for each of ``rows``."""
        self.connection.executemany(sql, rows)

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """Returns the first row, or None."""
        row: Row | None = self.connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: Params = ()) -> list[Row]:
        """Returns all rows."""
        return self.connection.execute(sql, params).fetchall()

    def expect(self, sql: str, params: Params = (), rows: int = 1) -> None:
        """Executes a guarded change of exactly so many rows.

        Raises:
            StoreError: a row was not in the expected state; the whole unit is undone.
        """
        if self.run(sql, params) != rows:
            raise StoreError("a row was not in the state that this change expects")

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Has ``hook`` called in the event loop's thread once this unit is on disk."""
        self.hooks.append(hook)


@dataclass(slots=True)
class _Job:
    work: Callable[[Tx], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    hooks: list[Callable[[], None]] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Opens the file with the settings that the rules above need."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 5000")
    if readonly:
        connection.execute("PRAGMA query_only = ON")
        return connection
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    # ids are random: in a large store the rows of one commit lie on many pages, kept at hand here
    connection.execute("PRAGMA cache_size = -65536")
    return connection


class Store:
    """The store of one home. Open it, write units, read, close it.

    Args:
        path: the database file; must already hold the current schema (``schema.migrate``).

    Attributes:
        pen: marks what this home writes; set once its secrets are open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pen: Pen | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = connect(path)
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._readers = ThreadPoolExecutor(1, "store-reader")
        self._reader = connect(path, readonly=True)
        self._glancer = connect(path, readonly=True)
        self._closed = False
        sys.setswitchinterval(SWITCH_S)
        self._thread.start()

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Runs ``work`` in the writer's thread and returns its result once it is on disk.

        ``work`` must do nothing but read and write through its ``Tx`` and compute.

        Raises:
            StoreError: the commit failed (for instance a full disk); nothing was written.
            Exception: whatever ``work`` raised; nothing of it was written.
        """
        return await self.put(work)

    def put(self, work: Callable[[Tx], T]) -> "asyncio.Future[T]":
        """Hands ``work`` to the writer's thread now; as ``write``, whose errors the future has."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._closed:
            future.set_exception(StoreError("the store is closed"))
        else:
            self._jobs.put(_Job(undone(work) if rehearsing() else work, future, loop))
        return future

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Runs ``work`` on one snapshot that cannot be written, outside the event loop's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._snapshot, work)

    def _snapshot(self, work: Callable[[Tx], T]) -> T:
        self._reader.execute("BEGIN")
        try:
            return work(Tx(self._reader, pen=self.pen))
        finally:
            self._reader.execute("ROLLBACK")

    def glance(self, work: Callable[[Tx], T]) -> T:
        """Runs ``work``, which reads by one statement, here and now.

        For a few rows by their index, which cost less than another thread's turn. Call it in the
        event loop's thread only, which waits meanwhile. A further statement sees what was
        committed since.
        """
        return work(Tx(self._glancer, pen=self.pen))

    async def close(self) -> None:
        """Finishes what was handed in, truncates the log and closes. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._readers.shutdown()
        self._reader.close()
        self._glancer.close()
        self._checkpoint()
        self._writer.close()

    def _serve(self) -> None:
        due = time.monotonic() + CHECKPOINT_EVERY_S
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                due = self._checkpoint()
                continue
            group, more = self._gather(job)
            if group:
                self._commit(group)
            if not more:
                return
            if time.monotonic() >= due:
                due = self._checkpoint()

    def _gather(self, first: _Job | None) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        job = first
        while job is not None:
            group.append(job)
            if len(group) == GROUP:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            if len(group) == 1:
                self._alone(group[0])
            else:
                for job in group:
                    self._run(job)
                self._writer.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - else whoever waits would wait for ever
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            for job in group:
                job.error = StoreError(f"nothing was written: {error}")
        _deliver(group)

    def _alone(self, job: _Job) -> None:
        """Runs the only unit of a commit: the transaction is its savepoint."""
        try:
            job.result = job.work(Tx(self._writer, job.hooks, self.pen))
        except BaseException as error:  # noqa: BLE001 - carried to whoever handed the work in
            job.error = _told(error)
            self._writer.execute("ROLLBACK")
        else:
            self._writer.execute("COMMIT")

    def _run(self, job: _Job) -> None:
        tx = Tx(self._writer, job.hooks, self.pen)
        self._writer.execute("SAVEPOINT unit")
        try:
            job.result = job.work(tx)
        except BaseException as error:  # noqa: BLE001 - carried to whoever handed the work in
            job.error = _told(error)
            self._writer.execute("ROLLBACK TO unit")
        self._writer.execute("RELEASE unit")

    def _checkpoint(self) -> float:
        """Truncates the log; a reader in the way delays no unit, and soon it is tried again."""
        busy = 1
        with suppress(sqlite3.Error):
            self._writer.execute("PRAGMA busy_timeout = 100")
            busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        with suppress(sqlite3.Error):
            self._writer.execute("PRAGMA busy_timeout = 5000")
        return time.monotonic() + (CHECKPOINT_AGAIN_S if busy else CHECKPOINT_EVERY_S)


def _told(error: BaseException) -> BaseException:
    """Returns what is told of a unit's failure: a full disk and its like are the store's own."""
    if not isinstance(error, sqlite3.OperationalError):
        return error
    told = StoreError(f"nothing was written: {error}")
    told.__cause__ = error
    return told


def _deliver(group: list[_Job]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        with suppress(RuntimeError):  # the loop is gone: its futures have nobody waiting
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.error is None:
            _call(job)
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _call(job: _Job) -> None:
    for hook in job.hooks:
        try:
            hook()
        except Exception as error:  # noqa: BLE001 - the unit is on disk; others wait for their turn
            job.loop.call_exception_handler({"message": "after_commit failed", "exception": error})
