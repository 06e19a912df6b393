"""The journal's balance: it adds up, and every planted gap is named."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from orchestrator.journal import decision, keys
from orchestrator.journal.decision import Decision
from orchestrator.journal.keygen import Group, NewJournalKey, generate
from orchestrator.journal.policy import JournalPolicy
from orchestrator.journal.verify import Balance, verify
from orchestrator.journal.writer import JournalWriter
from orchestrator.store.unit import Store, Tx

AT = 1_800_000_000_000_000
DEAL = "deal_1"


@pytest.fixture
async def key(store: Store) -> NewJournalKey:
    made = generate("joint", [Group("a", 2, 3)])
    await store.write(lambda tx: keys.adopt(tx, DEAL, made.public, at=AT, actor="x"))
    return made


@pytest.fixture
async def routed(
    store: Store,
    writer: JournalWriter,
    policy: JournalPolicy,
    counsel: Any,
    accept: Callable[..., Any],
    key: NewJournalKey,
) -> Store:
    """Five journaled, two exempt, three waiting."""
    assert key.public["scope"] == "joint"
    signed = decision.sign(
        Decision(DEAL, "side_target", "VALUATION", journal=False, at=AT), counsel.target
    )

    def route(tx: Tx) -> None:
        decision.record(tx, policy, *signed, at=AT)
        for n in range(10):
            accept(tx, f"msg_{n}", state="accepted" if n > 6 else "delivering", tier=tier(n))
            if n <= 6:
                write(writer, tx, f"msg_{n}", "side_target" if n > 4 else "joint", tier(n))

    await store.write(route)
    return store


def tier(n: int) -> str:
    return "VALUATION" if n in {5, 6} else "OPERATIONS"


def write(writer: JournalWriter, tx: Tx, message: str, scope: str, tier: str) -> None:
    duty = writer.duty(tx, DEAL, (scope,), tier, AT)
    copy = writer.seal(duty, b"text")
    writer.append(
        tx, deal_id=DEAL, message_id=message, scopes=(scope,), tier=tier, sealed=copy, at=AT
    )


async def balance(store: Store, policy: JournalPolicy, writer: JournalWriter) -> Balance:
    return await store.read(lambda tx: verify(tx, DEAL, policy, writer.files))


async def test_accepted_is_journaled_plus_exempt_plus_waiting(
    routed: Store, policy: JournalPolicy, writer: JournalWriter
) -> None:
    found = await balance(routed, policy, writer)
    assert found == Balance(10, 5, 2, 3, ())
    assert found.ok


@pytest.mark.parametrize(
    ("sql", "message", "wrong"),
    [
        ("DELETE FROM journal WHERE message_id = 'msg_1'", "msg_1", "without a journal entry"),
        ("UPDATE message SET state = 'settled' WHERE message_id = 'msg_8'", "msg_8", "without"),
        ("DELETE FROM message WHERE message_id = 'msg_1'", "msg_1", "never accepted"),
        (
            "UPDATE journal SET envelope = x'00112233' WHERE message_id = 'msg_1'",
            "msg_1",
            "not an age file",
        ),
        ("UPDATE journal SET envelope = NULL WHERE message_id = 'msg_1'", "msg_1", "missing"),
        ("UPDATE journal SET key_id = 'jkey_x' WHERE message_id = 'msg_1'", "msg_1", "adopted"),
        ("UPDATE journal SET exemption = 1 WHERE message_id = 'msg_1'", "msg_1", "neither"),
        ("UPDATE journal SET key_id = NULL WHERE message_id = 'msg_1'", "msg_1", "neither"),
        (
            "UPDATE journal SET key_id = NULL, exemption = 9 WHERE message_id = 'msg_1'",
            "msg_1",
            "does not exist",
        ),
        (
            "UPDATE journal SET key_id = NULL, exemption = 1 WHERE message_id = 'msg_1'",
            "msg_1",
            "valid signature",
        ),
        ("UPDATE message SET tier = 'OPERATIONS' WHERE message_id = 'msg_5'", "msg_5", "valid"),
        ("UPDATE journal SET at = at - 1 WHERE message_id = 'msg_5'", "msg_5", "valid"),
    ],
)
async def test_each_gap_is_named(
    routed: Store,
    policy: JournalPolicy,
    writer: JournalWriter,
    sql: str,
    message: str,
    wrong: str,
) -> None:
    await routed.write(lambda tx: tx.run(sql))
    found = await balance(routed, policy, writer)
    assert not found.ok
    assert [name for name, _ in found.broken] == [message]
    assert wrong in found.broken[0][1]


async def test_a_forged_signature_breaks_every_message_that_used_it(
    routed: Store, policy: JournalPolicy, writer: JournalWriter
) -> None:
    forged = partial(Tx.run, sql="UPDATE journal_exemption SET signature = zeroblob(64)")
    await routed.write(forged)
    found = await balance(routed, policy, writer)
    assert [name for name, _ in found.broken] == ["msg_5", "msg_6"]
    strangers = replace(policy, counsel={"side_target": ("00" * 32,)})
    assert len((await balance(routed, strangers, writer)).broken) == 2


async def test_a_decision_for_another_scope_than_the_conversations_is_named(
    routed: Store, policy: JournalPolicy, writer: JournalWriter
) -> None:
    def place(tx: Tx) -> None:
        tx.run(
            "INSERT INTO conversation (conversation_id, deal_id, floor, compartment, side, state,"
            " created_at) VALUES ('conv_1', ?, 'VALUATION', 'all', NULL, 'open', 0)",
            (DEAL,),
        )
        tx.run("UPDATE message SET conversation_id = 'conv_1' WHERE message_id = 'msg_5'")

    await routed.write(place)
    found = await balance(routed, policy, writer)
    assert found.broken == (("msg_5", "exempt by a decision about another conversation's scope"),)
