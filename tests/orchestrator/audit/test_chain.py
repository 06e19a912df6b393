"""Chains have no gap and no fork, and never run ahead of the disk."""

import asyncio
import json
import sqlite3
from hashlib import sha256
from typing import Any, cast

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.audit.body import LARGEST_INT, BodyRefused
from orchestrator.audit.chain import GENESIS, HOME, append, append_all, head, heads
from orchestrator.audit.kinds import Kind
from orchestrator.store.unit import Store, StoreError, Tx

DEAL = "deal_" + "0" * 32
OTHER = "deal_" + "1" * 32
AT = 1_700_000_000_000_000


def add(tx: Tx, deal: str = DEAL, size: int = 1) -> int:
    return append(tx, deal, Kind.MESSAGE_ACCEPTED, {"size": size}, at=AT, actor="system")


async def chain(store: Store, deal: str = DEAL) -> list[tuple[int, bytes, bytes, bytes, bytes]]:
    return await store.read(
        lambda tx: tx.all(
            "SELECT n, entry, salt, body, hash FROM audit WHERE deal_id = ? ORDER BY n", (deal,)
        )
    )


async def sizes(store: Store, deal: str = DEAL) -> list[int]:
    rows = await chain(store, deal)
    prev = GENESIS
    for count, (n, entry, salt, body, digest) in enumerate(rows, 1):
        fields = json.loads(entry)
        assert (n, fields["n"], fields["prev"], fields["deal"]) == (count, count, prev, deal)
        assert fields["commitment"] == sha256(salt + body).hexdigest()
        assert sha256(entry).digest() == digest
        prev = digest.hex()
    return [json.loads(row[3])["size"] for row in rows]


async def test_entries_are_chained_from_one_for_each_deal(store: Store) -> None:
    await store.write(lambda tx: [add(tx, size=1), add(tx, OTHER, 5), add(tx, size=2)])
    assert await store.write(lambda tx: add(tx, size=3)) == 3
    assert await sizes(store) == [1, 2, 3]
    assert await sizes(store, OTHER) == [5]


async def test_an_entry_is_the_rfc_8785_form_of_its_fields(store: Store) -> None:
    await store.write(add)
    ((_, entry, salt, body, _),) = await chain(store)
    expected: dict[str, Any] = {
        "v": 1, "deal": DEAL, "n": 1, "at": AT, "kind": "message.accepted", "actor": "system",
        "commitment": sha256(salt + body).hexdigest(), "prev": GENESIS,
    }  # fmt: skip
    assert entry == rfc8785.dumps(expected)
    assert len(salt) == 32


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    kind=st.sampled_from(Kind),
    at=st.integers(0, LARGEST_INT),
    user=st.from_regex(r"[^\s:]{1,64}", fullmatch=True).filter(str.isprintable),
)
async def test_any_entry_is_canonical(store: Store, kind: Kind, at: int, user: str) -> None:
    await store.write(lambda tx: append(tx, HOME, kind, {}, at=at, actor=f"local:{user}"))
    entry = (await chain(store, HOME))[-1][1]
    assert rfc8785.dumps(json.loads(entry)) == entry


async def test_many_entries_at_once_are_the_same_as_one_by_one(store: Store) -> None:
    entries = [(Kind.MESSAGE_ACCEPTED, {"size": k}) for k in range(5)]
    last = await store.write(lambda tx: append_all(tx, DEAL, entries, at=AT, actor="system"))
    assert last == 5
    assert await sizes(store) == [0, 1, 2, 3, 4]
    assert await store.write(lambda tx: append_all(tx, OTHER, [], at=AT, actor="system")) == 0


async def test_what_one_unit_undid_the_next_one_of_the_group_does_not_build_upon(
    store: Store,
) -> None:
    def fails(tx: Tx) -> None:
        add(tx, size=99)
        raise StoreError("planted")

    units = [lambda tx, k=k: fails(tx) if k % 3 == 1 else add(tx, size=k) for k in range(60)]
    done = await asyncio.gather(*map(store.write, units), return_exceptions=True)
    kept = [k for k in range(60) if k % 3 != 1]
    assert await sizes(store) == kept
    assert [n for n in done if isinstance(n, int)] == list(range(1, len(kept) + 1))


async def test_what_a_failed_commit_undid_is_not_built_upon(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write(lambda tx: add(tx, size=1))
    monkeypatch.setattr(store, "_writer", NoCommit(store._writer))
    with pytest.raises(StoreError):
        await store.write(lambda tx: add(tx, size=2))
    monkeypatch.undo()
    assert await store.write(lambda tx: add(tx, size=3)) == 2
    assert await sizes(store) == [1, 3]


class NoCommit:
    """A connection on a disk that fills up at the moment of the commit."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self.real = real

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        if sql == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        return self.real.execute(sql, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


async def test_a_refused_body_takes_its_whole_unit_with_it(store: Store) -> None:
    def leaks(tx: Tx) -> None:
        add(tx)
        append(tx, DEAL, Kind.MESSAGE_HELD, {"reason": "Price is high"}, at=AT, actor="system")

    with pytest.raises(BodyRefused):
        await store.write(leaks)
    assert await chain(store) == []


@pytest.mark.parametrize(
    ("kind", "deal", "at", "actor"),
    [
        (cast("Kind", "message.accepted"), DEAL, AT, "system"),
        (Kind.MESSAGE_ACCEPTED, "", AT, "system"),
        (Kind.MESSAGE_ACCEPTED, "a deal", AT, "system"),
        (Kind.MESSAGE_ACCEPTED, 'deal"', AT, "system"),
        (Kind.MESSAGE_ACCEPTED, DEAL, -1, "system"),
        (Kind.MESSAGE_ACCEPTED, DEAL, LARGEST_INT + 1, "system"),
        (Kind.MESSAGE_ACCEPTED, DEAL, AT, "Some Body"),
    ],
)
async def test_what_is_not_on_the_list_is_refused(
    store: Store, kind: Kind, deal: str, at: int, actor: str
) -> None:
    with pytest.raises(BodyRefused):
        await store.write(lambda tx: append(tx, deal, kind, {}, at=at, actor=actor))


async def test_heads_lists_each_chain_once_in_order(store: Store) -> None:
    assert await store.read(lambda tx: list(heads(tx))) == []
    deals = [f"deal_{k:032x}" for k in range(20)]

    def fill(tx: Tx) -> None:
        for count, deal in enumerate(reversed(deals), 1):
            for _ in range(count):
                add(tx, deal)

    await store.write(fill)
    found = await store.read(lambda tx: list(heads(tx)))
    assert [deal for deal, _ in found] == deals
    assert [head.n for _, head in found] == list(range(20, 0, -1))
    assert found[3][1].hash == (await chain(store, deals[3]))[-1][4]
    assert await store.read(lambda tx: head(tx, "deal_none")) is None
