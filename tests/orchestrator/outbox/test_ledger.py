"""Starts and ends of sends, written together: all on disk at once, none at another's cost."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.audit.chain import GENESIS
from orchestrator.ids import new_id
from orchestrator.outbox import rows
from orchestrator.outbox.item import DeliveryState, Done, Item, Start
from orchestrator.outbox.ledger import MOST, Ledger
from orchestrator.seal.master import create_master
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.files import FileStore
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, StoreError, Tx

DEALS = ("deal_1", "deal_2")
AT = 1_800_000_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "store.db")
    opened = Store(tmp_path / "store.db")
    yield opened
    await opened.close()


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    vault = FileStore(tmp_path / "secrets")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Sealer(home, vault, create_master(vault), lambda: AT)


async def queued(store: Store, sealer: Sealer, count: int, legs: int = 1) -> list[Item]:
    """Messages of ``legs`` deliveries each, in a lane of its own for each delivery."""
    lanes = itertools.count()

    def unit(tx: Tx) -> list[Item]:
        for n in range(count):
            deal, message = DEALS[n % 2], new_id("msg")
            tx.run(
                "INSERT INTO message (message_id, deal_id, connector, remote_id, sender, sent_at,"
                " accepted_at, size, state) VALUES (?, ?, 'api', ?, 'a', 0, 0, 4, 'delivering')",
                (message, deal, message),
            )
            sealer.insert(tx, sealer.prepare(deal, message, b"text"))
            for _ in range(legs):
                enqueue(tx, deal, message, f"room-{next(lanes)}")
        made = [lane for (lane,) in tx.all("SELECT lane FROM lane ORDER BY lane")]
        return [due.item for lane in made for due in rows.due(tx, sealer, lane, 1)]

    return await store.write(unit)


def enqueue(tx: Tx, deal: str, message: str, room: str) -> None:
    rows.enqueue(
        tx, kind="send", message_id=message, deal_id=deal, conversation_id=None, connector="net",
        room=room, as_tier="coordination", blocks=False, at=0,
    )  # fmt: skip


def started(item: Item) -> Item:
    return replace(item, state=DeliveryState.STARTED, attempts=item.attempts + 1, started_at=AT)


def done(item: Item) -> Done:
    return Done(started(item), f"there-{item.delivery_id}", "ab" * 32, AT)


async def deliveries(store: Store) -> dict[str, tuple[str, int, str | None]]:
    sql = "SELECT delivery_id, state, attempts, remote_id FROM delivery"
    return {d: (s, n, r) for d, s, n, r in await store.read(lambda tx: tx.all(sql))}


async def column(store: Store, sql: str) -> list[str]:
    return [value for (value,) in await store.read(lambda tx: tx.all(sql))]


def entries(tx: Tx, deal: str) -> list[tuple[bytes, bytes, bytes]]:
    return tx.all("SELECT entry, body, hash FROM audit WHERE deal_id = ? ORDER BY n", (deal,))


async def test_what_waits_at_the_same_time_is_one_unit(
    store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = await queued(store, sealer, 12)
    units: list[Callable[[Tx], object]] = []
    put = store.put

    def counted(work: Callable[[Tx], object]) -> "asyncio.Future[object]":
        units.append(work)
        return put(work)

    monkeypatch.setattr(store, "put", counted)
    ledger = Ledger(store, sealer)
    await asyncio.gather(*(ledger.write(None, Start(item, AT)) for item in items))
    assert len(units) == 1
    assert set((await deliveries(store)).values()) == {("started", 1, None)}
    await asyncio.gather(*(ledger.write(done(item)) for item in items))
    assert len(units) == 2
    assert await deliveries(store) == {
        i.delivery_id: ("done", 1, f"there-{i.delivery_id}") for i in items
    }
    assert set(await column(store, "SELECT state FROM message")) == {"delivered"}
    assert await column(store, "SELECT owner FROM sealed") == []


async def test_one_half_of_the_lanes_goes_on_once_the_other_is_handed_over(
    store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = await queued(store, sealer, MOST + 3)
    handed: list[int] = []
    put = store.put

    def counted(work: "partial[None]") -> "asyncio.Future[None]":
        handed.append(len(work.keywords["group"]))
        return put(work)

    monkeypatch.setattr(store, "put", counted)
    ledger = Ledger(store, sealer)

    async def lane(item: Item) -> tuple[int, ...]:
        await ledger.write(None, Start(item, AT))
        return tuple(handed)

    seen = await asyncio.gather(*(lane(item) for item in items))
    assert seen == [(MOST, 3)] * len(items), "the others were handed over before these went on"
    assert {state for state, _, _ in (await deliveries(store)).values()} == {"started"}


async def test_each_end_has_its_entry_in_the_chain_of_its_deal(
    store: Store, sealer: Sealer
) -> None:
    items = await queued(store, sealer, 7)
    ledger = Ledger(store, sealer)
    await asyncio.gather(*(ledger.write(None, Start(item, AT)) for item in items))
    await asyncio.gather(*(ledger.write(done(item)) for item in items))
    for deal in DEALS:
        chain = await store.read(partial(entries, deal=deal))
        told = [json.loads(body)["message"] for _, body, _ in chain]
        assert sorted(told) == sorted(i.message_id for i in items if i.deal_id == deal)
        before = [GENESIS, *(digest.hex() for _, _, digest in chain[:-1])]
        assert [json.loads(entry)["prev"] for entry, _, _ in chain] == before
        assert [sha256(entry).digest() for entry, _, _ in chain] == [d for _, _, d in chain]


async def test_a_message_is_delivered_when_the_last_of_its_deliveries_is(
    store: Store, sealer: Sealer
) -> None:
    first, second = await queued(store, sealer, 1, legs=2)
    ledger = Ledger(store, sealer)
    await asyncio.gather(*(ledger.write(None, Start(item, AT)) for item in (first, second)))
    await ledger.write(done(first))
    assert await column(store, "SELECT state FROM message") == ["delivering"]
    assert len(await column(store, "SELECT owner FROM sealed")) == 1
    await ledger.write(done(second))
    assert await column(store, "SELECT state FROM message") == ["delivered"]
    assert await column(store, "SELECT owner FROM sealed") == []


async def test_what_is_not_as_it_was_read_takes_nothing_from_what_waits_beside_it(
    store: Store, sealer: Sealer
) -> None:
    items = await queued(store, sealer, 6)
    ledger = Ledger(store, sealer)
    other = replace(items[2], attempts=5)
    asked = [*items[:2], other, *items[3:]]
    came = await asyncio.gather(
        *(ledger.write(None, Start(item, AT)) for item in asked), return_exceptions=True
    )
    assert [type(c) for c in came] == [type(None), type(None), StoreError, *[type(None)] * 3]
    states = await deliveries(store)
    assert [states[i.delivery_id][0] for i in items] == [
        "started", "started", "queued", "started", "started", "started"
    ]  # fmt: skip


async def test_an_end_that_cannot_be_written_keeps_the_beginning_behind_it_back(
    store: Store, sealer: Sealer
) -> None:
    ended, following = await queued(store, sealer, 2)
    ledger = Ledger(store, sealer)
    with pytest.raises(StoreError):
        await ledger.write(done(ended), Start(following, AT))
    assert {state for state, _, _ in (await deliveries(store)).values()} == {"queued"}
    assert await column(store, "SELECT n FROM audit") == []


async def test_of_one_who_waits_no_more_the_end_is_written_and_the_beginning_is_not(
    store: Store, sealer: Sealer
) -> None:
    ended, following, beside = await queued(store, sealer, 3)
    ledger = Ledger(store, sealer)
    await ledger.write(None, Start(ended, AT))
    gone = asyncio.ensure_future(ledger.write(done(ended), Start(following, AT)))
    stays = asyncio.ensure_future(ledger.write(None, Start(beside, AT)))
    await asyncio.sleep(0)  # both stand in the ledger, nothing is written yet
    gone.cancel()
    await stays
    states = await deliveries(store)
    assert [states[i.delivery_id][0] for i in (ended, following, beside)] == [
        "done", "queued", "started"
    ]  # fmt: skip


async def test_who_waits_at_a_closed_store_is_told(store: Store, sealer: Sealer) -> None:
    items = await queued(store, sealer, 3)
    await store.close()
    ledger = Ledger(store, sealer)
    came = await asyncio.gather(
        *(ledger.write(None, Start(item, AT)) for item in items), return_exceptions=True
    )
    assert [type(c) for c in came] == [StoreError] * 3


async def test_what_comes_while_others_are_written_apart_is_written_too(
    store: Store, sealer: Sealer
) -> None:
    first, second, third, *late = await queued(store, sealer, 6)
    ledger = Ledger(store, sealer)
    others = [replace(first, attempts=5), replace(second, attempts=5), third]

    async def lane(item: Item) -> None:
        with suppress(StoreError):
            await ledger.write(None, Start(item, AT))
        if late:
            await ledger.write(None, Start(late.pop(), AT))

    await asyncio.gather(*(lane(item) for item in others))
    states = [state for state, _, _ in (await deliveries(store)).values()]
    assert (states.count("started"), states.count("queued")) == (4, 2)
