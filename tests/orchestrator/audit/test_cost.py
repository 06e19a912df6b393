"""What an entry costs (docs/performance.md): several are written for each message."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.store.schema import migrate
from orchestrator.store.unit import GROUP, Tx, connect

BODY: dict[str, Json] = {
    "message": "message_" + "0" * 32,
    "connector": "memory",
    "room": "!abc:server",
    "sender": "@someone:server",
    "size": 1024,
    "tier": "valuation",
}


@pytest.mark.long
@pytest.mark.alone
def test_an_entry_costs_at_most_40_microseconds_of_cpu_with_its_share_of_the_commit(
    tmp_path: Path,
) -> None:
    migrate(tmp_path / "a.db")
    costs = []
    with closing(connect(tmp_path / "a.db")) as connection:
        tx = Tx(connection)
        for group in range(200):
            start = time.thread_time()
            connection.execute("BEGIN IMMEDIATE")
            for k in range(GROUP):
                append(tx, f"deal_{k % 3}", Kind.MESSAGE_ACCEPTED, BODY, at=group, actor="system")
            connection.execute("COMMIT")
            costs.append((time.thread_time() - start) / GROUP)
    assert sorted(costs)[len(costs) // 2] <= 40e-6
