"""A small home without secrets: a store with two chains, blobs, copies, and a channel's files."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from orchestrator.audit.chain import HOME, append
from orchestrator.audit.heads import HeadKey, load_key, sign_heads
from orchestrator.audit.kinds import Kind
from orchestrator.backup.layout import STORE
from orchestrator.backup.manifest import Manifest
from orchestrator.backup.pack import made
from orchestrator.backup.snapshot import Member, taken
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Tx, connect

AT = 1_767_225_600_000_000
DEAL = "deal_" + "a" * 32
LARGE = b"\x01sealed" * 30_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A home, and whoever may open its backups."""

    home: Path
    key: HeadKey
    identity: pyrage.x25519.Identity

    def plain(
        self, settings: tuple[Member, ...] = (), outside: dict[str, str] | None = None
    ) -> bytes:
        """The archive in the clear."""
        with taken(self.home, settings) as snapshot:
            about = Manifest(
                *(self.key.home, AT, "0.1.0", snapshot.schema, {}, {}),
                outside=outside or {},
                public=self.key.public.hex(),
            )
            return b"".join(made(snapshot, lambda m: m.signed(self.key), about))

    def seal(self, archive: bytes) -> io.BytesIO:
        """A backup that holds these bytes."""
        return io.BytesIO(pyrage.encrypt(archive, [self.identity.to_public()]))


def row(home: Path, sql: str, *params: object) -> None:
    """Writes a row."""
    with closing(connect(home / STORE)) as connection:
        connection.execute(sql, params)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    migrate(home / STORE)
    key = load_key("home_" + "b" * 32, lambda: b"\x07" * 32)
    (home / "home_id").write_text(key.home)
    with closing(connect(home / STORE)) as connection:
        connection.execute("BEGIN")
        tx = Tx(connection)
        tx.run("INSERT INTO deal VALUES (?, 'HERON', 1, ?)", (DEAL, AT))
        for n in range(20):
            append(tx, DEAL, Kind.DEAL_CREATED, {"n": n}, at=AT + n, actor="local:me")
        append(tx, HOME, Kind.BACKUP_MADE, {"what": "backup"}, at=AT + 20, actor="local:me")
        sign_heads(tx, key, at=AT + 21)
        for owner in ("msg_1", "msg_2"):
            tx.run("INSERT INTO sealed VALUES (?, ?, 'e1', x'00', NULL, 10)", (owner, DEAL))
        connection.execute("COMMIT")
    for folder in ("blobs", "journal", "run", "tmp", "channels/m/inner", "channels/m/spool"):
        (home / folder).mkdir(parents=True, mode=0o700)
    for owner in ("msg_1", "msg_2", "msg_of_no_row"):
        (home / "blobs" / owner).write_bytes(LARGE + owner.encode())
    (home / "channels/m/session.json").write_text("{}")
    (home / "channels/m/inner/empty").touch()
    (home / "run/wallcross.log").write_text("a log")
    return Kept(home, key, pyrage.x25519.Identity.generate())


@pytest.fixture
def database(kept: Kept) -> Iterator[sqlite3.Connection]:
    """A channel's own database, open and written in the log that it writes ahead."""
    with closing(sqlite3.connect(kept.home / "channels/m/olm.db", isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE t (n INTEGER)")
        opened.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(500)])
        yield opened
