"""A store that is not ours is not opened, and one process owns a home."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.store import schema
from orchestrator.store.lock import HomeInUse, home_lock
from orchestrator.store.schema import migrate, migrations
from orchestrator.store.unit import StoreError


def test_migrations_are_numbered_without_gaps_and_applied_once(tmp_path: Path) -> None:
    assert [n for n, _ in migrations()] == list(range(1, len(migrations()) + 1))
    assert migrate(tmp_path / "a.db") == len(migrations())
    assert migrate(tmp_path / "a.db") == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("INSERT INTO migration VALUES (9999, 'x')", "does not know"),
        ("UPDATE migration SET sha256 = 'x' WHERE n = 1", "not ours"),
    ],
)
def test_a_foreign_store_is_refused_and_left_alone(tmp_path: Path, change: str, says: str) -> None:
    file = tmp_path / "a.db"
    migrate(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(change)
        connection.commit()
        before = list(connection.iterdump())
        with pytest.raises(StoreError, match=says):
            migrate(file)
        assert list(connection.iterdump()) == before


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"a\.db"):
        migrate(tmp_path / "a.db")
    assert (tmp_path / "a.db").read_bytes() == b"no database at all" * 100


def test_a_migration_that_fails_leaves_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, known = tmp_path / "a.db", migrations()
    migrate(file)
    bad = [*known, (len(known) + 1, "CREATE TABLE half (n INTEGER);\nCREATE TABEL broken;")]
    monkeypatch.setattr(schema, "migrations", lambda: bad)
    for store in (file, tmp_path / "new.db"):
        with pytest.raises(StoreError):
            migrate(store)
    monkeypatch.undo()
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        assert connection.execute("SELECT max(n) FROM migration").fetchone() == (None,)
    assert migrate(tmp_path / "new.db") == len(known)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT max(n) FROM migration").fetchone() == (len(known),)
        assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name='half'").fetchall()


HOLDER = """
import sys
from pathlib import Path
from orchestrator.store.lock import home_lock
with home_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_ends_however_it_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HomeInUse, match=str(holder.pid)), home_lock(tmp_path):
            pytest.fail("two processes hold one home")
        holder.kill()
    with home_lock(tmp_path), pytest.raises(HomeInUse), home_lock(tmp_path):
        pytest.fail("the home is held twice")
    with home_lock(tmp_path):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
