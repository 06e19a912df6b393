"""Destroying what several messages said, with their files, in one statement."""

from collections.abc import AsyncIterator
from typing import Any

from orchestrator.seal.sealer import INLINE_MAX, Sealer
from orchestrator.store.unit import Store, Tx

OTHERS = ["msg_10", "msg_1x", "msg_2.watch", "msg_3", "msg_3-0"]
"""None of them is a part of ``msg_1`` or ``msg_2``, however its name begins."""


async def large() -> AsyncIterator[bytes]:
    yield bytes(INLINE_MAX + 1)


async def owners(store: Store) -> list[str]:
    rows = await store.read(lambda tx: tx.all("SELECT owner FROM sealed ORDER BY owner"))
    return [owner for (owner,) in rows]


async def test_messages_go_with_their_parts_and_nothing_else_goes(
    store: Store, sealer: Sealer, house: Any
) -> None:
    inline = ["msg_1", "msg_1-0", "msg_1-11", "msg_2", *OTHERS]
    rows = [sealer.prepare("deal_1", owner, b"text") for owner in inline]
    rows += [await sealer.prepare_stream("deal_1", o, large()) for o in ("msg_2-0", "msg_4-0")]

    def insert(tx: Tx) -> None:
        for row in rows:
            sealer.insert(tx, row)

    await store.write(insert)
    await store.write(lambda tx: sealer.destroy_all(tx, ["msg_1", "msg_2", "msg_none"]))
    assert await owners(store) == sorted([*OTHERS, "msg_4-0"])
    assert [path.name for path in (house.home / "blobs").iterdir()] == ["msg_4-0"]
