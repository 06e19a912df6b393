"""What is remembered of a leave: an act is over once it was seen, and nothing undoes that."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from sqlite3 import connect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.clock import MINUTE, SECOND
from orchestrator.rooms import leave_rows as rows
from orchestrator.rooms.leave_rows import KEY, REVOKE, ROOM, ROTATE, Leave, LeaveAct
from orchestrator.store.schema import migrations
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId, PersonId

DEAL, BO = DealId("deal_1"), PersonId("bo")
LEAVE = Leave("leave_1", DEAL, BO, "left", "local:x", 10, rows.OPEN, None, {})
SCHEMA = [text for _, text in migrations() if "CREATE TABLE leaving " in text]
ACTS = tuple(
    LeaveAct("leave_1", kind, ConnectorName("memory"), subject, AccountId("bo"))
    for kind, subject in (
        (ROOM, "a"),
        (ROOM, "b"),
        (ROTATE, "a"),
        (KEY, "phone"),
        (REVOKE, "phone"),
    )
)


@contextmanager
def opened() -> Iterator[Tx]:
    with closing(connect(":memory:", isolation_level=None)) as connection:
        for text in SCHEMA:
            connection.executescript(text)
        yield Tx(connection)


@pytest.fixture
def tx() -> Iterator[Tx]:
    with opened() as found:
        yield found


def kept(tx: Tx) -> dict[tuple[str, str], LeaveAct]:
    return {(a.kind, a.subject): a for a in rows.acts_of(tx, "leave_1")}


Step = Callable[[Tx], None]
steps = st.one_of(
    st.builds(lambda act, at: ("seen", act, at), st.sampled_from(ACTS), st.integers(1, 99)),
    st.builds(lambda act, at: ("again", act, at), st.sampled_from(ACTS), st.integers(1, 99)),
    st.builds(lambda act: ("add", act, 0), st.sampled_from(ACTS)),
    st.builds(lambda act: ("inside", act, 0), st.sampled_from(ACTS)),
)


@given(st.lists(steps, max_size=25))
def test_what_was_seen_stays_seen_and_what_was_not_is_tried_on(
    done: list[tuple[str, LeaveAct, int]],
) -> None:
    seen: dict[tuple[str, str], int] = {}
    tries: dict[tuple[str, str], int] = {}
    with opened() as tx:
        rows.insert(tx, LEAVE, ACTS)
        for what, act, at in done:
            key = act.kind, act.subject
            now = kept(tx)[key]
            if what == "seen":
                rows.seen(tx, now, at, "gone")
            elif what == "again":
                rows.again(tx, now, at, "not_seen")
            elif what == "add":
                rows.add(tx, [act])
            else:
                rows.inside(tx, now, None)
            if what in {"seen", "again"} and key not in seen:
                tries[key] = tries.get(key, 0) + 1
            if what == "seen":
                seen.setdefault(key, at)
        for key, act in kept(tx).items():
            assert act.seen_at == seen.get(key)
            assert act.tries == tries.get(key, 0)
        assert bool(rows.unfinished(tx))
        assert rows.end(tx, LEAVE, rows.GONE, 99)
        assert bool(rows.unfinished(tx)) == (len(seen) < len(ACTS))


def test_it_waits_longer_each_time_and_never_longer_than_it_says(tx: Tx) -> None:
    rows.insert(tx, LEAVE, ACTS)
    waits = []
    for _ in range(12):
        act = kept(tx)[ROOM, "a"]
        rows.again(tx, act, 1_000, "not_seen")
        waits.append(kept(tx)[ROOM, "a"].due_at - 1_000)
    assert waits[:4] == [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert waits == sorted(waits)
    assert waits[-1] == 5 * MINUTE


def test_a_leave_ends_once_and_what_is_undone_is_not_tried_on(tx: Tx) -> None:
    rows.insert(tx, LEAVE, ACTS)
    assert rows.end(tx, LEAVE, rows.GONE, 20)
    assert not rows.end(tx, LEAVE, rows.GONE, 30)
    assert rows.end(tx, LEAVE, rows.UNDONE, 40)
    assert not rows.end(tx, LEAVE, rows.UNDONE, 50)
    assert rows.unfinished(tx) == []
    found = rows.newest(tx, DEAL, BO)
    assert found is not None
    assert (found.state, found.ended_at) == (rows.UNDONE, 40)


def test_the_newest_leave_of_somebody_is_the_one_that_counts(tx: Tx) -> None:
    rows.insert(tx, LEAVE, ())
    later = replace(LEAVE, leave_id="leave_2", began_at=20)
    rows.insert(tx, later, ())
    rows.insert(tx, replace(LEAVE, leave_id="leave_3", person=PersonId("cy"), began_at=30), ())
    found = rows.newest(tx, DEAL, BO)
    assert found is not None
    assert found.leave_id == "leave_2"
    assert [leave.leave_id for leave in rows.of_deal(tx, DEAL)] == ["leave_3", "leave_2", "leave_1"]


@pytest.mark.parametrize(("reason", "waits"), [("left", False), ("phished", True)])
def test_keys_in_other_hands_are_waited_for(reason: str, *, waits: bool) -> None:
    leave = replace(LEAVE, reason=reason)
    assert {a.kind for a in ACTS if leave.awaits(a)} >= {ROOM, ROTATE, KEY}
    assert leave.awaits(ACTS[-1]) is waits
