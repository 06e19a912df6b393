"""What is done every minute costs what is under way, not what was ever stored."""

import pytest

from orchestrator.flow.overdue import destroy_expired, hand_on
from orchestrator.store.unit import Row, Tx

from .conftest import Opens


async def test_no_statement_of_every_minute_reads_all_that_was_stored(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens()
    runtime = house.home.runtime
    asked: list[str] = []
    whole = Tx.all

    def noted(tx: Tx, sql: str, params: tuple[object, ...] = ()) -> list[Row]:
        plan = tx.connection.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        asked.extend(str(step[3]) for step in plan)
        return whole(tx, sql, params)

    await house.quiet()
    monkeypatch.setattr(Tx, "all", noted)
    await hand_on(runtime.store, house.clock())
    await destroy_expired(runtime.store, runtime.sealer, runtime.book, house.clock())
    monkeypatch.undo()
    assert any("sealed" in step for step in asked)
    assert [s for s in asked if s.startswith(("SCAN message", "SCAN finding"))] == []
