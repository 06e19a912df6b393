"""Sealing in a home: rows, files, destruction, epochs."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.clock import HOUR, MINUTE
from orchestrator.seal import sealer as sealer_module
from orchestrator.seal.body import SealedRow
from orchestrator.seal.errors import Destroyed, MasterKeyMissing, SealError, Tampered
from orchestrator.seal.master import create_master, open_master
from orchestrator.seal.sealer import INLINE_MAX, Sealer, Turn
from orchestrator.secrets.ownfile import PART
from orchestrator.store.unit import Store, StoreError, Tx

MOVED = (
    "(envelope, wrapped, epoch, deal_id) ="
    " (SELECT envelope, wrapped, epoch, deal_id FROM sealed WHERE owner = 'msg_3')"
)
CANARY = b"kq7Zr2mVw9Xc4Tn1Lp6Yb3Hs8Gd5Fj0A"


async def pieces(size: int, step: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, size, step):
        yield bytes([at % 251]) * min(step, size - at)


async def put(store: Store, sealer: Sealer, owner: str, text: bytes, deal: str = "deal_1") -> None:
    row = sealer.prepare(deal, owner, text)
    await store.write(lambda tx: sealer.insert(tx, row))


async def get(store: Store, sealer: Sealer, owner: str) -> bytes:
    return await store.read(lambda tx: sealer.open(tx, owner))


async def test_what_is_sealed_comes_back_and_its_text_is_nowhere(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_1", CANARY)
    await put(store, sealer, "msg_2", b"")
    assert await get(store, sealer, "msg_1") == CANARY
    assert await get(store, sealer, "msg_2") == b""
    assert await get(store, house.sealer(), "msg_1") == CANARY
    files = [path.read_bytes() for path in house.base.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert not any(CANARY in content for content in files)


async def test_epoch_keys_lie_outside_the_home(store: Store, sealer: Sealer, house: Any) -> None:
    await put(store, sealer, "msg_1", CANARY)
    key = sealer._epochs.current("deal_1").key
    everywhere = [path.read_bytes() for path in house.base.rglob("*") if path.is_file()]
    assert not any(key in content for content in everywhere)
    assert len(house.secrets().names("epoch")) == 1
    assert not (house.base / "secrets").is_relative_to(house.home)


async def test_no_repr_shows_text_or_key(store: Store, sealer: Sealer) -> None:
    row = sealer.prepare("deal_1", "msg_1", CANARY)
    await store.write(lambda tx: sealer.insert(tx, row))
    unlocked = await store.read(lambda tx: sealer.unlock(tx, "msg_1"))
    for shown in (repr(row), repr(unlocked), repr(sealer._epochs.current("deal_1"))):
        assert "envelope" not in shown
        assert "key=b" not in shown
        assert CANARY.decode() not in shown


async def test_a_row_changed_in_the_store_is_refused(store: Store, sealer: Sealer) -> None:
    await put(store, sealer, "msg_1", b"one")
    await put(store, sealer, "msg_2", b"two")
    await put(store, sealer, "msg_3", b"six", deal="deal_2")
    swaps = [
        "envelope = (SELECT envelope FROM sealed WHERE owner = 'msg_2')",
        "(envelope, wrapped) = (SELECT envelope, wrapped FROM sealed WHERE owner = 'msg_2')",
        MOVED,
        "size = 4",
        "envelope = NULL",
        "wrapped = x'00'",
    ]
    for sql in swaps:

        def attempt(tx: Tx, sql: str = sql) -> None:
            tx.run(f"UPDATE sealed SET {sql} WHERE owner = 'msg_1'")  # noqa: S608 - our own list
            sealer.open(tx, "msg_1")

        with pytest.raises(Tampered):
            await store.write(attempt)
    assert await get(store, sealer, "msg_1") == b"one"


async def test_destroyed_is_gone(store: Store, sealer: Sealer) -> None:
    await put(store, sealer, "msg_1", CANARY)
    assert await store.read(lambda tx: sealer.exists(tx, "msg_1"))
    assert await store.write(lambda tx: sealer.destroy(tx, "msg_1"))
    assert not await store.write(lambda tx: sealer.destroy(tx, "msg_1"))
    assert not await store.read(lambda tx: sealer.exists(tx, "msg_1"))
    with pytest.raises(Destroyed):
        await get(store, sealer, "msg_1")


async def test_an_owner_is_sealed_once(store: Store, sealer: Sealer) -> None:
    await put(store, sealer, "msg_1", b"one")
    with pytest.raises(sqlite3.IntegrityError):
        await put(store, sealer, "msg_1", b"two")
    assert await get(store, sealer, "msg_1") == b"one"


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, INLINE_MAX, INLINE_MAX + 1, (3 << 20) + 5, 4 << 20])
async def test_streams_of_any_size(store: Store, sealer: Sealer, house: Any, size: int) -> None:
    row = await sealer.prepare_stream("deal_1", "att_1", pieces(size))
    await store.write(lambda tx: sealer.insert(tx, row))
    whole = b"".join([piece async for piece in pieces(size)])
    unlocked = await store.read(lambda tx: sealer.unlock(tx, "att_1"))
    assert unlocked.size == size
    assert b"".join([piece async for piece in unlocked.stream()]) == whole
    assert unlocked.read() == whole
    assert (house.home / "blobs" / "att_1").exists() == (size > INLINE_MAX)


async def test_a_file_goes_with_its_row_and_not_before(
    store: Store, sealer: Sealer, house: Any
) -> None:
    path = house.home / "blobs" / "att_1"
    row = await sealer.prepare_stream("deal_1", "att_1", pieces(INLINE_MAX + 1))
    await store.write(lambda tx: sealer.insert(tx, row))

    def destroy_and_fail(tx: Tx) -> None:
        sealer.destroy(tx, "att_1")
        raise StoreError("undone")

    with pytest.raises(StoreError):
        await store.write(destroy_and_fail)
    assert path.stat().st_mode & 0o777 == 0o600
    await store.write(lambda tx: sealer.destroy(tx, "att_1"))
    assert not path.exists()
    with pytest.raises(Destroyed):
        await get(store, sealer, "att_1")


def flawed(good: bytes) -> list[bytes]:
    chunk = 65_536 + 17
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    return [flipped, good[:-40], good[: 44 + 8 * chunk], good + b"x", good[:30], b""]


async def test_a_changed_or_missing_file_is_refused(
    store: Store, sealer: Sealer, house: Any
) -> None:
    row = await sealer.prepare_stream("deal_1", "att_1", pieces(3 << 20))
    await store.write(lambda tx: sealer.insert(tx, row))
    unlocked = await store.read(lambda tx: sealer.unlock(tx, "att_1"))
    path: Path = house.home / "blobs" / "att_1"
    for bad in flawed(await asyncio.to_thread(path.read_bytes)):
        await asyncio.to_thread(path.write_bytes, bad)
        with pytest.raises(Tampered):
            async for _ in unlocked.stream():
                pass
        with pytest.raises(Tampered):
            unlocked.read()
    await asyncio.to_thread(path.unlink)
    with pytest.raises(Destroyed):
        async for _ in unlocked.stream():
            pass


async def test_a_stream_that_breaks_leaves_nothing(sealer: Sealer, house: Any) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(INLINE_MAX + 1)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await sealer.prepare_stream("deal_1", "att_1", broken())
    assert list((house.home / "blobs").iterdir()) == []


async def test_a_file_name_never_leaves_the_folder(sealer: Sealer) -> None:
    for owner in ("../x", "a/b", "", ".", "x" * 129, "a\n"):
        with pytest.raises(SealError):
            await sealer.prepare_stream("deal_1", owner, pieces(INLINE_MAX + 1))
    with pytest.raises(SealError, match="as a stream"):
        sealer.prepare("deal_1", "msg_1", bytes(INLINE_MAX + 1))


async def test_files_without_a_row_go_at_the_next_start(
    store: Store, sealer: Sealer, house: Any
) -> None:
    kept = await sealer.prepare_stream("deal_1", "att_1", pieces(INLINE_MAX + 1))
    await store.write(lambda tx: sealer.insert(tx, kept))
    await sealer.prepare_stream("deal_1", "att_2", pieces(INLINE_MAX + 1))
    (house.home / "blobs" / ("att_3" + PART)).write_bytes(b"half")
    dropped = await sealer.prepare_stream("deal_1", "att_4", pieces(INLINE_MAX + 1))
    sealer.discard(dropped)
    assert await house.sealer().recover(store) == 2
    assert [path.name for path in (house.home / "blobs").iterdir()] == ["att_1"]


# --- epochs -------------------------------------------------------------------------------------


async def test_a_turn_keeps_what_lives_and_ends_the_key(
    store: Store, sealer: Sealer, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer_module, "BATCH", 7)
    for n in range(20):
        await put(store, sealer, f"msg_{n}", b"%d" % n)
    row = await sealer.prepare_stream("deal_1", "att_1", pieces(INLINE_MAX + 1))
    await store.write(lambda tx: sealer.insert(tx, row))
    before = house.secrets().names("epoch")
    assert await sealer.turn(store, "deal_1") == Turn("deal_1", 21, 1, ())
    after = house.secrets().names("epoch")
    assert len(after) == 1
    assert after != before
    for reader in (sealer, house.sealer()):
        assert [await get(store, reader, f"msg_{n}") for n in range(20)] == [
            b"%d" % n for n in range(20)
        ]
        assert len(await get(store, reader, "att_1")) == INLINE_MAX + 1


async def test_turns_come_every_hour_and_only_where_due(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_1", b"one", deal="deal_1")
    house.now += MINUTE
    await put(store, sealer, "msg_2", b"two", deal="deal_2")
    assert await sealer.turn_due(store, house.now) == []
    turns = await sealer.turn_due(store, house.now + HOUR - MINUTE)
    assert [turn.deal_id for turn in turns] == ["deal_1"]
    house.now += HOUR
    assert [t.deal_id for t in await sealer.turn_due(store, house.now)] == ["deal_1", "deal_2"]
    earlier = house.now - 10 * HOUR
    assert len(await sealer.turn_due(store, earlier)) == 2, "an epoch from the future is turned"


async def test_a_deal_without_anything_sealed_has_no_key(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_1", b"one")
    await store.write(lambda tx: sealer.destroy(tx, "msg_1"))
    assert await sealer.turn_due(store, house.hour()) == [Turn("deal_1", 0, 1, ())]
    assert house.secrets().names("epoch") == []
    assert await sealer.turn_due(store, house.hour()) == []
    await put(store, sealer, "msg_2", b"two")
    assert await get(store, sealer, "msg_2") == b"two"


async def test_an_old_copy_with_todays_secrets_opens_nothing_destroyed_before_the_turn(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_gone", CANARY)
    await put(store, sealer, "msg_lives", b"lives")
    big = await sealer.prepare_stream("deal_1", "att_gone", pieces(INLINE_MAX + 1))
    await store.write(lambda tx: sealer.insert(tx, big))
    old = await house.copy(store, "backup")
    await store.write(lambda tx: sealer.destroy(tx, "msg_gone"))
    await store.write(lambda tx: sealer.destroy(tx, "att_gone"))

    copied, reader = house.store(old), house.sealer(old)
    assert await get(copied, reader, "msg_gone") == CANARY, "until the turn the copy still opens"

    await sealer.turn_due(store, house.hour())
    reader = house.sealer(old)
    for owner in ("msg_gone", "att_gone", "msg_lives"):
        with pytest.raises(Destroyed):
            await get(copied, reader, owner)
    await copied.close()
    assert await get(store, sealer, "msg_lives") == b"lives"


async def test_a_row_prepared_before_the_turn_is_inserted_under_the_new_epoch(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_1", b"one")
    late = sealer.prepare("deal_1", "msg_late", b"late")
    await sealer.turn(store, "deal_1")
    await store.write(lambda tx: sealer.insert(tx, late))
    assert await get(store, house.sealer(), "msg_late") == b"late"


async def test_sealing_and_opening_go_on_during_turns(store: Store, sealer: Sealer) -> None:
    done = asyncio.Event()
    await put(store, sealer, "msg_0", b"0")

    async def write() -> int:
        n = 1
        while not done.is_set():
            await put(store, sealer, f"msg_{n}", b"%d" % n)
            assert await get(store, sealer, f"msg_{n // 2}") == b"%d" % (n // 2)
            n += 1
        return n

    async def turn() -> None:
        for _ in range(15):
            await sealer.turn(store, "deal_1")
        done.set()

    count, _ = await asyncio.gather(write(), turn())
    assert count > 5
    for n in range(count):
        assert await get(store, sealer, f"msg_{n}") == b"%d" % n


async def test_a_turn_that_cannot_write_destroys_no_key(
    store: Store, sealer: Sealer, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, sealer, "msg_1", b"one")

    def full(*_args: object, **_more: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Sealer, "_rewrap_one", full)
        house.hour()
        for _ in range(5):
            with pytest.raises(StoreError):
                await sealer.turn_due(store, house.now)
    assert len(house.secrets().names("epoch")) == 2, "failing turns heap up no keys"
    assert await get(store, sealer, "msg_1") == b"one"
    assert await get(store, house.sealer(), "msg_1") == b"one"
    assert [t.rewrapped for t in await sealer.turn_due(store, house.now)] == [1]
    assert len(house.secrets().names("epoch")) == 1
    assert await get(store, sealer, "msg_1") == b"one"


async def test_a_half_turned_deal_is_finished_after_a_restart(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_1", b"one")
    sealer._epochs.retire("deal_1")
    await put(store, sealer, "msg_2", b"two")
    assert len(house.secrets().names("epoch")) == 2
    again = house.sealer()
    assert await get(store, again, "msg_1") == b"one"
    assert [t.ended for t in await again.turn_due(store, house.now)] == [1]
    assert len(house.secrets().names("epoch")) == 1
    assert await get(store, again, "msg_1") == b"one"
    assert await get(store, again, "msg_2") == b"two"


async def test_a_wrap_that_is_not_ours_does_not_stop_the_turn(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_1", b"one")
    await put(store, sealer, "msg_2", b"two")
    await store.write(lambda tx: tx.run("UPDATE sealed SET wrapped = x'00' WHERE owner = 'msg_1'"))
    assert await sealer.turn(store, "deal_1") == Turn("deal_1", 1, 1, ("msg_1",))
    assert await get(store, house.sealer(), "msg_2") == b"two"


# --- the master key -----------------------------------------------------------------------------


async def test_another_master_key_opens_no_epoch(store: Store, sealer: Sealer, house: Any) -> None:
    await put(store, sealer, "msg_1", b"one")
    house.secrets().set("master", b"m" * 32)
    with pytest.raises(Tampered, match="master key"):
        house.sealer()


async def test_an_epoch_file_of_another_deal_is_refused(
    store: Store, sealer: Sealer, house: Any
) -> None:
    await put(store, sealer, "msg_1", b"one")
    secrets = house.secrets()
    (name,) = secrets.names("epoch")
    secrets.set(name.replace("deal_1", "deal_2"), secrets.get(name).reveal())
    with pytest.raises(Tampered):
        house.sealer()


def test_a_missing_master_key_is_never_made_anew(house: Any) -> None:
    with pytest.raises(MasterKeyMissing, match="already"):
        create_master(house.secrets())
    house.secrets().delete("master")
    with pytest.raises(MasterKeyMissing, match="missing"):
        open_master(house.secrets())
    house.secrets().set("master", b"short")
    with pytest.raises(MasterKeyMissing, match="32 bytes"):
        open_master(house.secrets())


def test_a_prepared_row_is_a_value(sealer: Sealer) -> None:
    one, two = sealer.prepare("d", "o", b"x"), sealer.prepare("d", "o", b"x")
    assert isinstance(one, SealedRow)
    assert one.key != two.key
    assert one.envelope != two.envelope
