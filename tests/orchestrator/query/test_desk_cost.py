"""The Overview costs what is open and what this day brought, not what was ever written."""

import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from orchestrator.command.channels import QUEUED
from orchestrator.query import held_desk, just_now, needs, standings, tiers, traffic
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Tx
from tiers.ids import DealId

QUESTIONS = {
    "what happened to a message": (just_now._WROTE, 1),
    "own held": (needs._OWN_HELD, 3),
    "held": (held_desk._LISTED, 5),
    "figures of held": (held_desk._FIGURES, 2),
    "newest grant": (standings._NEWEST, 1),
    "a day's messages": (traffic._COUNTS, 3),
    "seats": (traffic._SEATS, 1),
    "documents": (tiers._DOCUMENTS, 2),
    "what happened": (just_now._LAST, 2),
}
BIG = {"audit", "message", "finding", "held", "delivery", "seat", "sealed"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_reads_a_whole_table_that_grows(tmp_path: Path, name: str) -> None:
    sql, count = QUESTIONS[name]
    path = tmp_path / "wallcross.db"
    migrate(path)
    with closing(sqlite3.connect(path)) as store:
        plan = store.execute(f"EXPLAIN QUERY PLAN {sql}", ("x",) * count).fetchall()
    scanned = [step for *_, step in plan if step.startswith("SCAN") and "VIRTUAL" not in step]
    assert not [s for s in scanned if s.split()[1] in BIG | {"d", "h", "m", "f", "s"}], scanned


def test_what_waits_for_a_channel_is_counted_among_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "wallcross.db"
    migrate(path)
    with closing(sqlite3.connect(path)) as store:
        [(*_, step)] = store.execute(f"EXPLAIN QUERY PLAN {QUEUED}", ("x",)).fetchall()
    assert step == "SCAN delivery USING INDEX delivery_due", "an index of what waits alone"


def test_what_is_past_is_counted_once(tmp_path: Path) -> None:
    """After a day was counted, no later look reads its messages again."""
    path = tmp_path / "wallcross.db"
    migrate(path)
    asked: list[str] = []
    with closing(sqlite3.connect(path)) as store:
        store.set_trace_callback(asked.append)
        counting, tx = traffic.Traffic(), Tx(store)
        at, zone = 1_767_225_600_000_000, ZoneInfo("Europe/Berlin")
        counting.by_day(tx, DealId("deal_1"), at, zone)
        first = len(asked)
        counting.by_day(tx, DealId("deal_1"), at + 1, zone)
    assert (first, len(asked) - first) == (traffic.DAYS, 1)
