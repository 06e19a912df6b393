"""An adapter's file is its owner's alone, and what need not wait for the disk is not lost by us."""

import sqlite3
import stat
from pathlib import Path

import pytest

from connectors.shared.database import opened, unhurried

SCHEMA = "CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY) STRICT;"
FULL, NORMAL = 2, 1


def setting(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA synchronous").fetchone()[0])


def test_it_is_its_owners_alone_and_waits_for_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    db = opened(path, SCHEMA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert setting(db) == FULL
    assert db.execute("PRAGMA secure_delete").fetchone()[0] == 1
    db.close()


def test_an_unhurried_step_is_there_for_the_next_opening_and_only_that_step_is(
    tmp_path: Path,
) -> None:
    db = opened(tmp_path / "a.db", SCHEMA)
    with unhurried(db):
        assert setting(db) == NORMAL
        db.execute("INSERT INTO fact VALUES ('one')")
    assert setting(db) == FULL
    other = sqlite3.connect(tmp_path / "a.db")
    assert other.execute("SELECT name FROM fact").fetchall() == [("one",)]
    other.close()
    db.close()


def test_an_unhurried_step_that_fails_is_undone_and_the_disk_waited_for_again(
    tmp_path: Path,
) -> None:
    db = opened(tmp_path / "a.db", SCHEMA)

    def fails() -> None:
        with unhurried(db):
            db.execute("INSERT INTO fact VALUES ('one')")
            db.execute("INSERT INTO fact VALUES ('one')")

    with pytest.raises(sqlite3.IntegrityError):
        fails()
    assert setting(db) == FULL
    assert db.execute("SELECT name FROM fact").fetchall() == []
    db.close()
