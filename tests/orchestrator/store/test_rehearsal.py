"""A rehearsed unit has every rule speak and leaves nothing, and nobody takes it for a failure."""

import asyncio
from pathlib import Path

import pytest

from orchestrator.store.rehearsal import Rehearsed, rehearsal, rehearsing
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, StoreError, Tx


async def opened(folder: Path) -> Store:
    migrate(folder / "store.db")
    store = Store(folder / "store.db")
    await store.write(lambda tx: tx.run("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    return store


async def count(store: Store) -> int:
    rows = await store.read(lambda tx: tx.all("SELECT n FROM t"))
    return len(rows)


async def test_a_rehearsed_unit_is_run_and_undone(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    ran: list[int] = []

    def unit(tx: Tx) -> None:
        tx.run("INSERT INTO t VALUES (1)")
        tx.after_commit(lambda: ran.append(2))
        tx.stated.append(("deal.created", {"code": "X"}))
        ran.append(1)

    with rehearsal(), pytest.raises(Rehearsed) as ended:
        await store.write(unit)
    assert ran == [1]
    assert ended.value.stated == (("deal.created", {"code": "X"}),)
    assert await count(store) == 0
    await store.close()


async def test_what_a_unit_is_refused_with_is_told_as_ever(tmp_path: Path) -> None:
    store = await opened(tmp_path)

    def refused(tx: Tx) -> None:
        tx.expect("DELETE FROM t WHERE n = 7")

    with rehearsal(), pytest.raises(StoreError):
        await store.write(refused)
    await store.close()


async def test_those_who_write_at_the_same_moment_lose_nothing(tmp_path: Path) -> None:
    """They share a commit; one of them rehearses."""
    store = await opened(tmp_path)

    async def rehearsed(n: int) -> bool:
        with rehearsal():
            try:
                await store.write(lambda tx: tx.run("INSERT INTO t VALUES (?)", (n,)))
            except Rehearsed:
                return True
        return False

    async def real(n: int) -> bool:
        await store.write(lambda tx: tx.run("INSERT INTO t VALUES (?)", (n,)))
        return False

    ended = await asyncio.gather(*((rehearsed if n % 2 else real)(n) for n in range(40)))
    assert ended == [bool(n % 2) for n in range(40)]
    found = await store.read(lambda tx: tx.all("SELECT n FROM t ORDER BY n"))
    assert [n for (n,) in found] == list(range(0, 40, 2))
    await store.close()


async def test_it_is_of_what_it_starts_and_of_nobody_else(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    waiting: asyncio.Queue[int] = asyncio.Queue()

    async def worker() -> None:
        n = await waiting.get()
        await store.write(lambda tx: tx.run("INSERT INTO t VALUES (?)", (n,)))

    beside = asyncio.create_task(worker())
    await asyncio.sleep(0)
    with rehearsal():
        assert rehearsing()
        mine = asyncio.create_task(worker())
        waiting.put_nowait(1)
        waiting.put_nowait(2)
        await beside
        with pytest.raises(Rehearsed):
            await mine
    assert not rehearsing()
    assert await count(store) == 1
    await store.close()


async def test_nothing_that_bears_failures_goes_on_from_it(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    went_on: list[str] = []

    async def bears() -> None:
        try:
            await store.write(lambda tx: tx.run("INSERT INTO t VALUES (1)"))
        except Exception:  # noqa: BLE001 - as a caller would that tries another way
            went_on.append("another way")

    with rehearsal(), pytest.raises(Rehearsed):
        await bears()
    assert went_on == []
    await store.close()
