"""Units commit together or not at all, and take nothing from one another."""

import asyncio
import random
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.store.unit import GROUP, Store, StoreError, Tx


def put(tx: Tx, n: int, data: bytes = b"") -> int:
    tx.run("INSERT INTO thing VALUES (?, ?)", (n, data))
    return n


async def numbers(store: Store) -> list[int]:
    return await store.read(lambda tx: [n for (n,) in tx.all("SELECT n FROM thing ORDER BY n")])


async def test_what_a_unit_returns_comes_back_once_it_is_on_disk(store: Store, path: Path) -> None:
    assert await store.write(lambda tx: put(tx, 7)) == 7
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT n FROM thing").fetchall() == [(7,)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(fails=st.lists(st.booleans(), max_size=3 * GROUP))
async def test_units_of_one_group_take_nothing_from_one_another(
    store: Store, fails: list[bool]
) -> None:
    await store.write(lambda tx: tx.run("DELETE FROM thing"))

    def unit(tx: Tx, n: int, *, fail: bool) -> int:
        put(tx, 2 * n)
        if fail:
            raise LookupError(n)
        return put(tx, 2 * n + 1)

    units = [store.write(partial(unit, n=n, fail=f)) for n, f in enumerate(fails)]
    done = await asyncio.gather(*units, return_exceptions=True)
    kept = [n for n, fail in enumerate(fails) if not fail]
    assert await numbers(store) == [m for n in kept for m in (2 * n, 2 * n + 1)]
    assert [isinstance(one, LookupError) for one in done] == fails


async def test_waiting_units_share_commits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Recording(store._writer)
    monkeypatch.setattr(store, "_writer", seen)
    await asyncio.gather(*(store.write(partial(put, n=n)) for n in range(4 * GROUP)))
    assert seen.said.count("COMMIT") < GROUP


async def test_what_is_not_in_the_expected_state_undoes_its_unit(store: Store) -> None:
    def unit(tx: Tx) -> None:
        put(tx, 1)
        tx.expect("UPDATE thing SET data = x'00' WHERE n = 2")

    with pytest.raises(StoreError):
        await store.write(unit)
    assert await numbers(store) == []


async def test_a_duplicate_is_told_as_such(store: Store) -> None:
    await store.write(lambda tx: put(tx, 1))
    with pytest.raises(sqlite3.IntegrityError):
        await store.write(lambda tx: put(tx, 1))


async def test_hooks_run_in_the_loop_once_the_unit_is_on_disk(store: Store, path: Path) -> None:
    seen: list[Any] = []

    def hook() -> None:
        with closing(sqlite3.connect(path)) as other:
            seen.extend(other.execute("SELECT n FROM thing").fetchall())
        seen.append(asyncio.get_running_loop())

    def unit(tx: Tx) -> None:
        tx.after_commit(hook)
        put(tx, 1)

    await store.write(unit)
    assert seen == [(1,), asyncio.get_running_loop()]


async def test_hooks_of_a_failed_unit_never_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    def unit(tx: Tx, *, fail: bool) -> None:
        tx.after_commit(lambda: ran.append(1))
        put(tx, 1)
        if fail:
            raise LookupError

    with pytest.raises(LookupError):
        await store.write(lambda tx: unit(tx, fail=True))
    monkeypatch.setattr(store, "_writer", Recording(store._writer, failing="COMMIT"))
    with pytest.raises(StoreError, match="disk is full"):
        await store.write(lambda tx: unit(tx, fail=False))
    monkeypatch.undo()
    await store.write(lambda tx: put(tx, 2))
    assert ran == []
    assert await numbers(store) == [2]


async def test_a_hook_that_raises_keeps_nobody_waiting(store: Store) -> None:
    loop, told = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    ran: list[int] = []

    def unit(tx: Tx, n: int) -> None:
        put(tx, n)
        tx.after_commit(lambda: 1 // n)  # type: ignore[arg-type]  # 1 // 0 raises
        tx.after_commit(lambda: ran.append(n))

    await asyncio.gather(*(store.write(partial(unit, n=n)) for n in range(5)))
    assert ran == [0, 1, 2, 3, 4]
    assert told == ["after_commit failed"]


async def test_a_caller_who_goes_away_does_not_undo_his_unit(store: Store) -> None:
    ran: list[int] = []

    def unit(tx: Tx) -> None:
        put(tx, 1)
        tx.after_commit(lambda: ran.append(1))

    task = asyncio.create_task(store.write(unit))
    await asyncio.sleep(0)
    task.cancel()
    await store.write(lambda tx: put(tx, 2))
    assert await numbers(store) == [1, 2]
    assert ran == [1]


async def test_a_read_sees_one_moment_and_cannot_write(store: Store, path: Path) -> None:
    def twice(tx: Tx) -> list[int]:
        first = len(tx.all("SELECT n FROM thing"))
        with closing(sqlite3.connect(path)) as other:
            other.execute("INSERT INTO thing (data) VALUES (x'00')")
            other.commit()
        return [first, len(tx.all("SELECT n FROM thing"))]

    assert await store.read(twice) == [0, 0]
    assert len(await numbers(store)) == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await store.read(lambda tx: put(tx, 9))
    assert len(await numbers(store)) == 1


async def test_a_full_file_is_a_store_error_and_the_store_recovers(store: Store) -> None:
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 8}")
    done: list[int | BaseException] = []
    for n in range(40):
        done += await asyncio.gather(
            store.write(partial(put, n=n, data=bytes(3000))), return_exceptions=True
        )
    written = [one for one in done if isinstance(one, int)]
    assert 0 < len(written) < 40
    assert await numbers(store) == written
    units = [store.write(partial(put, n=200 + n, data=bytes(3000))) for n in range(40)]
    done = await asyncio.gather(*units, return_exceptions=True)
    assert all(isinstance(one, StoreError) for one in done)
    assert await numbers(store) == written
    store._writer.execute("PRAGMA max_page_count = 1000000")
    await store.write(lambda tx: put(tx, 100, bytes(3000)))
    assert await numbers(store) == [*written, 100]


FULL_DISK = """
    import asyncio, resource, sys
    from functools import partial
    from pathlib import Path
    from orchestrator.store.unit import Store, StoreError

    def put(tx, n):
        tx.run("INSERT INTO thing VALUES (?, ?)", (n, bytes(20_000)))
        return n

    async def main():
        store = Store(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
        done = await asyncio.gather(
            *(store.write(partial(put, n=n)) for n in range(100)), return_exceptions=True)
        assert any(isinstance(one, StoreError) for one in done), done
        written = [one for one in done if isinstance(one, int)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        written.append(await store.write(lambda tx: put(tx, 1000)))
        rows = await store.read(lambda tx: tx.all("SELECT n FROM thing ORDER BY n"))
        found = [n for (n,) in rows]
        assert found == written, (found, written)
        await store.close()
        print("recovered")

    asyncio.run(main())
"""


def run(program: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk_is_a_store_error_and_the_store_recovers(path: Path) -> None:
    with run(FULL_DISK, path) as process:
        assert process.communicate(timeout=60)[0] == "recovered\n"
    assert process.returncode == 0


KILLED = """
    import asyncio, sys
    from pathlib import Path
    from orchestrator.store.unit import Store

    async def sender(store, first):
        for n in range(first, first + 10_000):
            await store.write(lambda tx: tx.run("INSERT INTO thing VALUES (?, x'00')", (n,)))
            sys.stdout.write(f"{n}\\n")
            sys.stdout.flush()

    async def main():
        store = Store(Path(sys.argv[1]))
        await asyncio.gather(*(sender(store, k * 10_000) for k in range(8)))

    asyncio.run(main())
"""


def test_what_was_committed_is_there_after_kill_9(path: Path) -> None:
    with run(KILLED, path) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(400)]
        process.kill()
        rest = process.stdout.read().splitlines(keepends=True)
    told += [int(line) for line in rest if line.endswith("\n")]
    with closing(sqlite3.connect(path)) as connection:
        found = {n for (n,) in connection.execute("SELECT n FROM thing")}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert set(told) <= found


@pytest.mark.parametrize("secure", [True, False])
async def test_deleted_bytes_are_in_no_file(store: Store, path: Path, *, secure: bool) -> None:
    if not secure:  # the positive control: without the setting this test finds them
        store._writer.execute("PRAGMA secure_delete = OFF")
    dice = random.Random(5)  # noqa: S311 - the layout of the file must be the same each time
    bodies = {n: dice.randbytes(dice.choice([80, 1000, 1500, 9000])) for n in range(200)}
    for n, body in bodies.items():
        await store.write(partial(put, n=n, data=body))
    store._checkpoint()
    assert found(path, bodies) == 200
    for n in dice.sample(sorted(bodies), 200):
        await store.write(partial(Tx.run, sql="DELETE FROM thing WHERE n = ?", params=(n,)))
    store._checkpoint()
    assert (found(path, bodies) == 0) == secure
    assert (path.parent / "wallcross.db-wal").stat().st_size == 0


def found(path: Path, bodies: dict[int, bytes]) -> int:
    files = [path, path.with_name(path.name + "-wal")]
    content = b"".join(file.read_bytes() for file in files if file.exists())
    return sum(body[:32] in content or body[-32:] in content for body in bodies.values())


async def test_a_reader_in_the_way_of_the_checkpoint_is_waited_for_later(
    store: Store, path: Path
) -> None:
    await store.write(lambda tx: put(tx, 1))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM thing").fetchall()
        await store.write(lambda tx: put(tx, 2))
        store._checkpoint()
        assert path.with_name("wallcross.db-wal").stat().st_size > 0
        assert await store.write(lambda tx: put(tx, 3)) == 3
    store._checkpoint()
    assert path.with_name("wallcross.db-wal").stat().st_size == 0


async def test_closing_finishes_what_was_handed_in_and_refuses_the_rest(path: Path) -> None:
    store = Store(path)
    waiting = [asyncio.create_task(store.write(partial(put, n=n))) for n in range(200)]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert await asyncio.gather(*waiting) == list(range(200))
    with pytest.raises(StoreError, match="closed"):
        await store.write(lambda tx: put(tx, 999))
    assert not path.with_name("wallcross.db-wal").exists()


class Recording:
    """A connection that notes what is executed and may fail at one statement."""

    def __init__(self, real: sqlite3.Connection, failing: str = "") -> None:
        self.real = real
        self.failing = failing
        self.said: list[str] = []

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        self.said.append(sql)
        if sql == self.failing:
            raise sqlite3.OperationalError("database or disk is full")
        return self.real.execute(sql, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
