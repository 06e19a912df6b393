"""The Overview costs what is open and what this day brought, not what was ever written."""

import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from orchestrator.clock import MINUTE
from orchestrator.command.channels import QUEUED
from orchestrator.flow import losses
from orchestrator.ids import new_id
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
    "the messages before the newest of a day": (traffic._SETTLED, 4),
    "the newest messages": (traffic._NEWEST, 4),
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
        plan = store.execute(f"EXPLAIN QUERY PLAN {QUEUED}", ("x",)).fetchall()
    scanned = [step for *_, step in plan if step.startswith("SCAN")]
    assert scanned == ["SCAN d USING INDEX delivery_due"], "an index of what waits alone"


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
    assert (first, len(asked) - first) == (traffic.DAYS + 2, 1)


def test_a_day_is_counted_from_its_index_alone(tmp_path: Path) -> None:
    path = tmp_path / "wallcross.db"
    migrate(path)
    with closing(sqlite3.connect(path)) as store:
        plan = store.execute(f"EXPLAIN QUERY PLAN {traffic._SETTLED}", "x" * 4).fetchall()
    assert "COVERING INDEX message_lately" in plan[0][3], "no message is opened"


def test_a_day_that_runs_is_counted_right_however_much_it_has(tmp_path: Path) -> None:
    """What is new, and what got its tier meanwhile, stands in the figures like all else."""
    path = tmp_path / "wallcross.db"
    migrate(path)
    at, zone = 1_767_268_800_000_000, ZoneInfo("UTC")
    deal, counting = DealId("deal_1"), traffic.Traffic()
    with closing(sqlite3.connect(path)) as store:
        tx = Tx(store)

        def write(count: int, tier: str | None, when: int) -> None:
            for _ in range(count):
                name = new_id("msg")
                store.execute(
                    "INSERT INTO message (message_id, deal_id, connector, remote_id, sender, "
                    "sent_at, accepted_at, size, state, tier) "
                    "VALUES (?1, 'deal_1', 'one', ?1, 'ada', 0, ?2, 1, 'accepted', ?3)",
                    (name, when, tier),
                )

        def today(when: int) -> list[int]:
            return list(counting.by_day(tx, deal, when, zone)[-1].values())

        write(traffic.FRESH + 40, "coordination", at)
        write(1, None, at)
        assert today(at) == [traffic.FRESH + 40, 0, 0]
        write(2, "valuation", at + 1)
        store.execute("UPDATE message SET tier = 'operations' WHERE tier IS NULL")
        assert today(at + 1) == [traffic.FRESH + 40, 1, 2], "at once, not a minute later"
        store.execute("UPDATE message SET tier = 'operations' WHERE arrival = 1")
        assert today(at + MINUTE) == [traffic.FRESH + 39, 2, 2], "an old one within a minute"
        assert today(at + 24 * 60 * MINUTE) == [0, 0, 0], "tomorrow is another day"


@pytest.mark.parametrize("sql", [losses._NEW, losses._COPIES_OVER], ids=["new", "over"])
def test_what_did_not_arrive_is_looked_for_among_what_failed(tmp_path: Path, sql: str) -> None:
    """This is asked every ten seconds of a home that delivered a million."""
    path = tmp_path / "wallcross.db"
    migrate(path)
    with closing(sqlite3.connect(path)) as store:
        plan = store.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?")).fetchall()
    through = {step for *_, step in plan if step.startswith("SCAN d")}
    assert through <= {"SCAN d USING INDEX delivery_dead"}, "never through all that was delivered"
