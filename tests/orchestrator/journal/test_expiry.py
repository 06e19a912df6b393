"""What ends is named by the unit that takes its row; what is gone without that is a gap."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.journal import keys
from orchestrator.journal.envelope import MAGIC
from orchestrator.journal.expiry import EACH, expire, expired
from orchestrator.journal.keygen import Group, generate
from orchestrator.journal.policy import JournalPolicy
from orchestrator.journal.verify import verify
from orchestrator.journal.writer import JournalWriter
from orchestrator.store.pen import Pen
from orchestrator.store.unit import Store, Tx

AT = 1_800_000_000_000_000
DEAL = "deal_1"
POLICY = "ab" * 32
COUNT = EACH + 3


def name(n: int) -> str:
    return f"msg_{n}"


@pytest.fixture
async def kept(store: Store, writer: JournalWriter, accept: Callable[..., Any]) -> Store:
    """A store with so many copies that two entries name them, one of them a file."""
    store.pen = Pen(b"p" * 32)
    made = generate("joint", [Group("a", 2, 3)])
    await store.write(lambda tx: keys.adopt(tx, DEAL, made.public, at=AT, actor="x"))

    def route(tx: Tx) -> None:
        for n in range(COUNT):
            accept(tx, name(n))
            duty = writer.duty(tx, DEAL, ("joint",), "OPERATIONS", AT)
            copy = writer.seal(duty, b"text")
            writer.append(
                tx, deal_id=DEAL, message_id=name(n), scopes=("joint",), tier="OPERATIONS",
                sealed=copy, at=AT,
            )  # fmt: skip
        tx.run("UPDATE journal SET envelope = NULL WHERE message_id = ?", (name(0),))

    await store.write(route)
    writer.files.path(name(0)).write_bytes(MAGIC + b"x" * 40)
    return store


async def end(store: Store, *messages: str) -> list[str]:
    return await store.write(lambda tx: expire(tx, DEAL, messages, at=AT, policy=POLICY))


async def test_each_is_named_once_and_the_balance_holds(
    kept: Store, writer: JournalWriter, policy: JournalPolicy
) -> None:
    every = [name(n) for n in range(COUNT)]
    assert await end(kept, *every, "msg_unknown") == [name(0)], "the one that is a file"
    assert await end(kept, *every) == []
    assert await kept.read(lambda tx: expired(tx, DEAL)) == set(every)
    sql = "SELECT body FROM audit WHERE instr(entry, 'journal.expired') > 0"
    assert len(await kept.read(lambda tx: tx.all(sql))) == 2
    found = await kept.read(lambda tx: verify(tx, DEAL, policy, writer.files))
    assert (found.ok, found.journaled, found.expired) == (True, 0, COUNT)


async def test_a_row_that_went_without_an_entry_is_a_gap(
    kept: Store, writer: JournalWriter, policy: JournalPolicy
) -> None:
    await kept.write(lambda tx: tx.run("DELETE FROM journal WHERE message_id = ?", (name(1),)))
    found = await kept.read(lambda tx: verify(tx, DEAL, policy, writer.files))
    assert [message for message, _ in found.broken] == [name(1)]


async def test_what_another_hand_says_has_ended_is_a_gap(
    kept: Store, writer: JournalWriter, policy: JournalPolicy
) -> None:
    body: dict[str, Json] = {
        "messages": [name(1)],
        "count": 1,
        "why": "retention",
        "policy": POLICY,
    }
    kept.pen = Pen(b"q" * 32)
    await kept.write(
        lambda tx: append(tx, DEAL, Kind.JOURNAL_EXPIRED, body, at=AT, actor="wallcross")
    )
    kept.pen = Pen(b"p" * 32)
    await kept.write(lambda tx: tx.run("DELETE FROM journal WHERE message_id = ?", (name(1),)))
    found = await kept.read(lambda tx: verify(tx, DEAL, policy, writer.files))
    assert [message for message, _ in found.broken] == [name(1)]


async def test_what_ended_and_is_there_again_is_named(
    kept: Store, writer: JournalWriter, policy: JournalPolicy
) -> None:
    sql = "INSERT INTO journal SELECT * FROM kept"
    await kept.write(
        lambda tx: tx.run(
            "CREATE TABLE kept AS SELECT * FROM journal WHERE message_id = ?", (name(1),)
        )
    )
    await end(kept, name(1))
    await kept.write(lambda tx: tx.run(sql))
    found = await kept.read(lambda tx: verify(tx, DEAL, policy, writer.files))
    assert [why for _, why in found.broken] == ["its time was over, and it is there again"]


async def test_what_one_unit_undid_is_there(
    kept: Store, writer: JournalWriter, policy: JournalPolicy
) -> None:
    def cut(tx: Tx) -> None:
        expire(tx, DEAL, [name(1)], at=AT, policy=POLICY)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await kept.write(cut)
    found = await kept.read(lambda tx: verify(tx, DEAL, policy, writer.files))
    assert (found.ok, found.expired) == (True, 0)
