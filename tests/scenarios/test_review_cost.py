"""What is done every minute costs what is under way, not what was ever stored."""

import pytest

from orchestrator.flow.overdue import Expiry, hand_on
from orchestrator.store.unit import Row, Tx

from .conftest import Opens


async def test_no_statement_of_every_minute_reads_all_that_was_stored(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens()
    runtime = house.home.runtime
    asked: list[str] = []
    expiry = Expiry(runtime.store, runtime.sealer, runtime.book, runtime.lines, runtime.writer)
    whole = Tx.all

    def noted(tx: Tx, sql: str, params: tuple[object, ...] = ()) -> list[Row]:
        plan = tx.connection.execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        asked.extend(str(step[3]) for step in plan)
        return whole(tx, sql, params)

    await house.quiet()
    monkeypatch.setattr(Tx, "all", noted)
    await hand_on(runtime.store, house.clock())
    await expiry.turn(house.clock())
    monkeypatch.undo()
    assert any("sealed" in step for step in asked)
    assert [s for s in asked if s.startswith(("SCAN m", "SCAN f"))] == [
        step for step in asked if step.startswith("SCAN f USING INDEX finding_open")
    ]
