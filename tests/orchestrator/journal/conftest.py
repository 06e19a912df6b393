"""A store with one deal and messages in each state, and a deal policy with two counsels."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings

from orchestrator.audit.granted import stated
from orchestrator.clock import DAY
from orchestrator.journal.keys import in_force
from orchestrator.journal.policy import JournalPolicy, RecordRule
from orchestrator.journal.writer import JournalWriter
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx

# no deadline: a shared machine stalls by itself
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

AT = 1_800_000_000_000_000
DEAL = "deal_1"


class Counsel:
    """Signing keys of the counsels of two sides."""

    def __init__(self) -> None:
        self.acquirer = Ed25519PrivateKey.generate()
        self.target = Ed25519PrivateKey.generate()

    @staticmethod
    def public(key: Ed25519PrivateKey) -> str:
        return key.public_key().public_bytes_raw().hex()


@pytest.fixture
def counsel() -> Counsel:
    return Counsel()


@pytest.fixture
def policy(counsel: Counsel) -> JournalPolicy:
    acquirer, target = counsel.public(counsel.acquirer), counsel.public(counsel.target)
    return JournalPolicy(
        records={
            "COORDINATION": RecordRule("90-days", 90 * DAY),
            "OPERATIONS": RecordRule("5-years", 5 * 365 * DAY),
            "VALUATION": RecordRule("7-years", 7 * 365 * DAY),
        },
        counsel={
            "joint": (acquirer, target),
            "side_acquirer": (acquirer,),
            "side_target": (target,),
        },
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    migrate(home / "wallcross.db")
    opened = Store(home / "wallcross.db")
    await opened.write(lambda tx: tx.run("INSERT INTO deal VALUES (?, 'X', 1, 0)", (DEAL,)))
    yield opened
    await opened.close()


@pytest.fixture
def writer(tmp_path: Path, policy: JournalPolicy, store: Store) -> JournalWriter:
    assert store.path.parent == tmp_path / "home"

    def policy_now(_deal: str) -> JournalPolicy:
        return replace(policy, keys=store.glance(lambda tx: in_force(stated(tx, DEAL))))

    return JournalWriter(tmp_path / "home", policy_now)


@pytest.fixture
def accept() -> Callable[..., Any]:
    """Inserts a message as the accept and route transactions leave it."""

    def insert(
        tx: Tx,
        message_id: str,
        *,
        state: str = "delivering",
        tier: str | None = "OPERATIONS",
        conversation: str | None = None,
    ) -> None:
        tx.run(
            "INSERT INTO message (message_id, deal_id, connector, remote_id, sender, sent_at,"
            " accepted_at, size, state, tier, conversation_id)"
            " VALUES (?, ?, 'memory', ?, 'a', 0, 0, 1, ?, ?, ?)",
            (message_id, DEAL, message_id, state, tier, conversation),
        )

    return insert
