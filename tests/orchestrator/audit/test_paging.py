"""Pages of a chain: each holds what fits, in order, whole, and costs by its own length."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.audit import paging, state
from orchestrator.audit.chain import append_all, append_each
from orchestrator.audit.kinds import Kind
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Tx, connect

DEAL, OTHER = "deal_" + "1" * 32, "deal_" + "2" * 32
BULK = (Kind.MESSAGE_ACCEPTED, Kind.MESSAGE_ROUTED, Kind.DELIVERY_DONE, Kind.MESSAGE_SETTLED)


@pytest.fixture(scope="module")
def tx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    path: Path = tmp_path_factory.mktemp("chain") / "wallcross.db"
    migrate(path)
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")
        found = Tx(connection)
        for step in range(300):
            bulk = [(kind, {"message": f"msg_{'0' * 32}"}) for kind in BULK]
            append_all(found, DEAL, bulk, at=1_000 + step, actor="channel:memory")
            if step % 10 == 0:
                paused = [(Kind.PERSON_PAUSED, {"person": f"p{step % 3}", "row": "0" * 64})]
                append_all(found, DEAL, paused, at=1_000 + step, actor="person:ada")
        append_each(found, [(OTHER, Kind.PERSON_LEFT, {"person": "p0"})], at=1, actor="person:ada")
        yield found


def pages(tx: Tx, limit: int, **asked: object) -> list[list[int]]:
    found, before = [], None
    for _ in range(2_000):
        leaf = paging.page(tx, DEAL, before=before, limit=limit, **asked)  # type: ignore[arg-type]  # names as given
        found.append([e.n for e in leaf.entries])
        before = leaf.after
        if before is None:
            return found
    raise AssertionError("it never ends")


@settings(max_examples=25, deadline=None)
@given(
    limit=st.integers(1, 200),
    kinds=st.sets(st.sampled_from([*BULK, Kind.PERSON_PAUSED, Kind.KEY_SEEN]), max_size=3),
    person=st.sampled_from([None, "p0", "p1", "ada", "nobody"]),
)
def test_pages_together_are_the_chain_filtered_and_newest_first(
    tx: Tx, limit: int, kinds: set[Kind], person: str | None
) -> None:
    rows = tx.all("SELECT n, entry, body FROM audit WHERE deal_id = ? ORDER BY n DESC", (DEAL,))
    every = [paging._told(*row) for row in rows]
    wanted = [
        e.n
        for e in every
        if (not kinds or e.kind in kinds) and (person is None or paging.about(e, person))
    ]
    found = pages(tx, limit, kinds=tuple(kinds), person=person)
    assert [n for leaf in found for n in leaf] == wanted
    assert all(len(leaf) <= limit for leaf in found)


def test_nothing_of_another_deal_is_ever_on_a_page(tx: Tx) -> None:
    leaf = paging.page(tx, DEAL, person="p0", kinds=("person.left",))
    assert leaf.entries == ()


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (paging._BY_KIND, "audit_kind"),
        (paging._BY_PERSON, "audit_person"),
        (paging._BY_ACTOR, "audit_by"),
    ],
)
def test_each_way_in_goes_by_its_index_in_order(tx: Tx, sql: str, index: str) -> None:
    plan = tx.all(f"EXPLAIN QUERY PLAN {sql}", (DEAL, b"x", 10, 10))
    [told] = [row[3] for row in plan]
    assert f"USING INDEX {index} (deal_id=? AND <expr>=? AND n<?)" in told


def test_by_number_goes_by_the_key(tx: Tx) -> None:
    plan = tx.all(f"EXPLAIN QUERY PLAN {paging._BY_NUMBER}", (DEAL, 10, 1, 10))
    [told] = [row[3] for row in plan]
    assert "(deal_id=? AND n>? AND n<?)" in told
    assert "SCAN" not in told


def test_a_page_of_a_million_costs_as_one_of_a_thousand(tx: Tx) -> None:
    """By steps of the database's own machine, not by a clock."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def cost(**asked: object) -> int:
        nonlocal steps
        steps = 0
        tx.connection.set_progress_handler(count, 10)
        paging.page(tx, DEAL, limit=20, **asked)  # type: ignore[arg-type]  # names as given
        tx.connection.set_progress_handler(None, 0)
        return steps

    asks: list[dict[str, object]] = [
        {},
        {"person": "p1"},
        {"kinds": ("person.paused",)},
        {"kinds": ("message.accepted",)},
    ]
    before = [cost(**asked) for asked in asks]
    tx.run("SAVEPOINT more")
    for step in range(100):
        bulk = [(kind, {"message": f"msg_{'0' * 32}"}) for kind in BULK * 25]
        append_all(tx, DEAL, bulk, at=9_000 + step, actor="channel:memory")
        append_all(tx, DEAL, [(Kind.PERSON_PAUSED, {"person": "p1"})], at=9_000, actor="x")
    after = [cost(**asked) for asked in asks]
    tx.run("ROLLBACK TO more")
    for one, other, asked in zip(before, after, asks, strict=True):
        assert (
            other <= one * 5 + 50 if "message.accepted" in str(asked) else other <= one * 1.5 + 20
        )


def test_what_every_message_makes_costs_its_writer_no_row_of_these_indexes(tx: Tx) -> None:
    """The hot path: such an entry is in none of the three."""
    where = {
        "audit_kind": state.NOT_COMMON,
        "audit_person": "instr(body, X'22706572736f6e223a22') > 0",
        "audit_by": "substr(entry, 1, 17) = X'7b226163746f72223a22706572736f6e3a'",
    }
    for index, words in where.items():
        [(found,)] = tx.all(f"SELECT count(*) FROM audit INDEXED BY {index} WHERE {words}")  # noqa: S608 - our own words
        assert found == 31, "the pauses, and the leave of another deal"
