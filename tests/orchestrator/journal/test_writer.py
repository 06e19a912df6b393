"""The journal's write: which key, which exemption, and nothing without either."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyrage
import pytest

from orchestrator.journal import decision, keys
from orchestrator.journal.decision import Decision
from orchestrator.journal.envelope import MAGIC, seal_for
from orchestrator.journal.errors import (
    BadDecision,
    JournalError,
    KeyChanged,
    NoJournalKey,
)
from orchestrator.journal.policy import JournalPolicy, scopes_of
from orchestrator.journal.writer import Duty, JournalWriter
from orchestrator.store.unit import Store, Tx

AT = 1_800_000_000_000_000
DEAL = "deal_1"
TEXT = b"the copy that counsel gets"


def public(scope: str, identity: Any) -> dict[str, Any]:
    groups = [{"name": scope, "needed": 2, "commitments": ["00", "01", "02"]}]
    recipient = str(identity.to_public())
    return {"format": keys.FORMAT, "scope": scope, "recipient": recipient, "groups": groups}


@pytest.fixture
async def joint(store: Store) -> Any:
    """The private half of the joint key, which the host never has."""
    identity = pyrage.x25519.Identity.generate()
    await store.write(
        lambda tx: keys.adopt(tx, DEAL, public("joint", identity), at=AT, actor="local:x")
    )
    return identity


def append(writer: JournalWriter, tx: Tx, message: str, **changes: Any) -> Duty:
    scopes = changes.pop("scopes", ("joint",))
    tier = changes.pop("tier", "OPERATIONS")
    duty = writer.duty(tx, DEAL, scopes, tier, AT)
    sealed = changes.pop("sealed", writer.seal(duty, TEXT))
    return writer.append(
        tx, deal_id=DEAL, message_id=message, scopes=scopes, tier=tier, sealed=sealed, at=AT
    )


async def test_a_copy_that_the_ordinary_age_format_opens(
    store: Store, writer: JournalWriter, joint: Any
) -> None:
    duty = await store.write(lambda tx: append(writer, tx, "msg_1"))
    assert (duty.scope, duty.exemption) == ("joint", None)
    row = await store.read(lambda tx: tx.one("SELECT * FROM journal"))
    assert row is not None
    message, deal, key_id, exempt, record_class, keep_until, envelope, at = row
    assert (message, deal, exempt, at) == ("msg_1", DEAL, None, AT)
    assert duty.key is not None
    assert key_id == duty.key.key_id
    assert record_class == "5-years"
    assert keep_until == AT + 5 * 365 * 86_400_000_000
    assert envelope.startswith(MAGIC)
    assert TEXT not in envelope
    assert pyrage.decrypt(envelope, [joint]) == TEXT


async def test_no_key_and_no_decision_is_refused(store: Store, writer: JournalWriter) -> None:
    with pytest.raises(NoJournalKey, match="side_target or joint"):
        await store.read(
            lambda tx: writer.duty(tx, DEAL, ("side_target", "joint"), "OPERATIONS", AT)
        )
    with pytest.raises(NoJournalKey):
        await store.write(lambda tx: append(writer, tx, "msg_1"))


async def test_a_private_conversation_never_falls_to_the_joint_key(
    store: Store, writer: JournalWriter, joint: Any
) -> None:
    assert joint is not None
    scopes = scopes_of(conversation=True, side="side_target", sender_side="side_acquirer")
    with pytest.raises(NoJournalKey):
        await store.read(lambda tx: writer.duty(tx, DEAL, scopes, "OPERATIONS", AT))


@pytest.mark.parametrize(
    ("conversation", "side", "sender", "scopes"),
    [
        (True, None, "side_a", ("joint",)),
        (True, "side_b", "side_a", ("side_b",)),
        (False, None, "side_a", ("side_a", "joint")),
        (False, None, None, ("joint",)),
    ],
)
def test_whose_journal(
    conversation: bool,
    side: str | None,
    sender: str | None,
    scopes: tuple[str, ...],
) -> None:
    assert scopes_of(conversation=conversation, side=side, sender_side=sender) == scopes


async def test_the_newest_key_is_in_force_and_an_older_copy_is_refused(
    store: Store, writer: JournalWriter, joint: Any
) -> None:
    old = await store.read(lambda tx: writer.duty(tx, DEAL, ("joint",), "OPERATIONS", AT))
    copy = writer.seal(old, TEXT)
    newer = pyrage.x25519.Identity.generate()
    await store.write(
        lambda tx: keys.adopt(tx, DEAL, public("joint", newer), at=AT + 1, actor="local:x")
    )
    with pytest.raises(KeyChanged):
        await store.write(lambda tx: append(writer, tx, "msg_1", sealed=copy))
    with pytest.raises(KeyChanged):
        await store.write(lambda tx: append(writer, tx, "msg_1", sealed=None))
    await store.write(lambda tx: append(writer, tx, "msg_1"))
    row = await store.read(lambda tx: tx.one("SELECT envelope FROM journal"))
    assert row is not None
    assert pyrage.decrypt(row[0], [newer]) == TEXT
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(row[0], [joint])


async def test_a_message_is_journaled_once(store: Store, writer: JournalWriter, joint: Any) -> None:
    assert joint is not None
    await store.write(lambda tx: append(writer, tx, "msg_1"))
    with pytest.raises(Exception, match="UNIQUE"):
        await store.write(lambda tx: append(writer, tx, "msg_1"))


async def test_a_tier_without_a_record_class_is_refused(
    store: Store, writer: JournalWriter, joint: Any
) -> None:
    assert joint is not None
    with pytest.raises(JournalError, match="record class"):
        await store.write(lambda tx: append(writer, tx, "msg_1", tier="SECRET"))


async def test_the_same_key_is_adopted_once_per_deal_and_scope(store: Store, joint: Any) -> None:
    with pytest.raises(JournalError, match="already"):
        await store.write(lambda tx: keys.adopt(tx, DEAL, public("joint", joint), at=AT, actor="x"))
    broken = public("joint", joint) | {"recipient": "age1nothing"}
    with pytest.raises(JournalError, match="damaged"):
        await store.write(lambda tx: keys.adopt(tx, DEAL, broken, at=AT, actor="x"))


async def test_a_large_copy_is_streamed_to_a_file_that_age_opens(
    store: Store, writer: JournalWriter, joint: Any, tmp_path: Path
) -> None:
    size = 3 * (1 << 20) + 17

    async def pieces() -> AsyncIterator[bytes]:
        for n in range(0, size, 100_000):
            yield bytes([n % 251]) * min(100_000, size - n)

    duty = await store.read(lambda tx: writer.duty(tx, DEAL, ("joint",), "OPERATIONS", AT))
    copy = await writer.seal_stream(duty, "msg_1", pieces())
    await store.write(lambda tx: append(writer, tx, "msg_1", sealed=copy))
    await writer.seal_stream(duty, "msg_lost", pieces())
    assert await writer.recover(store) == 1
    out = io.BytesIO()
    with (tmp_path / "home" / "journal" / "msg_1").open("rb") as file:
        pyrage.decrypt_io(file, out, [joint])
    assert out.getvalue() == b"".join([piece async for piece in pieces()])


async def test_a_stream_that_breaks_leaves_nothing(
    store: Store, writer: JournalWriter, joint: Any, tmp_path: Path
) -> None:
    assert joint is not None

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(200_000)
        raise ConnectionError("cut")

    duty = await store.read(lambda tx: writer.duty(tx, DEAL, ("joint",), "OPERATIONS", AT))
    with pytest.raises(ConnectionError):
        await writer.seal_stream(duty, "msg_1", pieces())
    assert list((tmp_path / "home" / "journal").iterdir()) == []


def test_a_recipient_that_is_none_is_refused() -> None:
    with pytest.raises(JournalError):
        seal_for("age1nothing", TEXT)


# --- exemptions ---------------------------------------------------------------------------------


def exempting(scope: str = "joint", tier: str = "VALUATION", **changes: Any) -> Decision:
    return replace(Decision(DEAL, scope, tier, journal=False, at=AT), **changes)


def record_signed(tx: Tx, policy: JournalPolicy, signed: tuple[bytes, bytes, str]) -> None:
    decision.record(tx, policy, *signed, at=AT)


async def decide(store: Store, policy: JournalPolicy, what: Decision, *signers: Any) -> None:
    for key in signers:
        signed = decision.sign(what, key)
        await store.write(partial(record_signed, policy=policy, signed=signed))


async def owed(store: Store, writer: JournalWriter, at: int = AT, **changes: Any) -> Duty:
    scope, tier = changes.get("scope", "joint"), changes.get("tier", "VALUATION")
    return await store.read(lambda tx: writer.duty(tx, DEAL, (scope,), tier, at))


async def test_every_counsel_must_sign_for_a_joint_scope(
    store: Store, writer: JournalWriter, policy: JournalPolicy, counsel: Any, joint: Any
) -> None:
    assert joint is not None
    await decide(store, policy, exempting(), counsel.acquirer)
    assert (await owed(store, writer)).exemption is None
    await decide(store, policy, exempting(), counsel.target)
    duty = await owed(store, writer)
    assert duty.key is None
    assert duty.exemption is not None
    assert writer.seal(duty, TEXT) is None
    await store.write(lambda tx: append(writer, tx, "msg_1", tier="VALUATION"))
    row = await store.read(lambda tx: tx.one("SELECT key_id, exemption, envelope FROM journal"))
    assert row == (None, duty.exemption, None)
    assert (await owed(store, writer, tier="OPERATIONS")).key is not None


async def test_a_decision_ends_by_date_or_by_a_newer_one(
    store: Store, writer: JournalWriter, policy: JournalPolicy, counsel: Any
) -> None:
    scope = "side_target"
    await decide(store, policy, exempting(scope, until=AT + 10), counsel.target)
    assert (await owed(store, writer, AT + 9, scope=scope)).exemption is not None
    with pytest.raises(NoJournalKey):
        await owed(store, writer, AT + 10, scope=scope)
    with pytest.raises(NoJournalKey):
        await owed(store, writer, AT - 1, scope=scope)
    await decide(store, policy, exempting(scope, journal=True, at=AT + 5), counsel.target)
    assert (await owed(store, writer, AT + 4, scope=scope)).exemption is not None
    with pytest.raises(NoJournalKey):
        await owed(store, writer, AT + 5, scope=scope)


async def test_a_row_in_the_table_grants_nothing(
    store: Store, writer: JournalWriter, policy: JournalPolicy, counsel: Any
) -> None:
    statement, signature, signer = decision.sign(exempting("side_target"), counsel.target)
    other = decision.sign(exempting("side_target", tier="OPERATIONS"), counsel.target)
    foreign = decision.sign(exempting("side_target"), counsel.acquirer)
    forged = [
        (statement, bytes(64), signer),
        (statement, other[1], signer),
        (statement + b" ", signature, signer),
        foreign,
        (other[0], other[1], signer),
        (b"{}", counsel.target.sign(b"{}"), signer),
    ]
    sql = "INSERT INTO journal_exemption VALUES (NULL, ?, 'side_target', 'VALUATION', ?, ?, ?, 0)"
    for row in forged:
        await store.write(partial(Tx.run, sql=sql, params=(DEAL, *row)))
    with pytest.raises(NoJournalKey):
        await owed(store, writer, scope="side_target")
    await store.write(lambda tx: tx.run(sql, (DEAL, statement, signature, signer)))
    assert (await owed(store, writer, scope="side_target")).exemption is not None
    strict = JournalWriter(store.path.parent, lambda _deal: replace(policy, counsel={}))
    with pytest.raises(NoJournalKey):
        await owed(store, strict, scope="side_target")


async def test_only_counsel_of_the_scope_can_record(
    store: Store, policy: JournalPolicy, counsel: Any
) -> None:
    with pytest.raises(BadDecision, match="does not name"):
        await decide(store, policy, exempting("side_target"), counsel.acquirer)
    statement, _, signer = decision.sign(exempting("side_target"), counsel.target)
    with pytest.raises(BadDecision, match="not signed"):
        await store.write(
            lambda tx: decision.record(tx, policy, statement, bytes(64), signer, at=AT)
        )
