"""A search finds what fits and nothing else, page by page, and costs by the page."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.audit import paging, search
from orchestrator.audit.chain import append_all
from orchestrator.audit.kinds import Kind
from orchestrator.audit.search import Sought, Thing
from orchestrator.audit.state import Told
from orchestrator.clock import DAY
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Tx, connect

DEAL = "deal_" + "1" * 32
RESET = "deal_" + "2" * 32
TALK, OTHER = "conv_" + "3" * 32, "conv_" + "4" * 32
ROOM = ("matrix", "!a:kestrel.example")
ROW = "0" * 64
STEPS = 240


def filled(tx: Tx, deal: str) -> None:
    for step in range(STEPS):
        at = 10 * DAY + step * DAY // 4
        accepted = (Kind.MESSAGE_ACCEPTED, {"message": f"msg_{'0' * 32}"})
        append_all(tx, deal, [accepted], at=at, actor="channel:memory")
        if step % 3 == 0:
            body = {"conversation": TALK if step % 2 else OTHER, "message": f"msg_{'0' * 32}"}
            append_all(tx, deal, [(Kind.MESSAGE_ROUTED, body)], at=at, actor="wallcross")
        if step % 5 == 0:
            paused = {"channel": ROOM[0], "room": ROOM[1], "row": ROW}
            append_all(tx, deal, [(Kind.ROOM_PAUSED, paused)], at=at, actor="local:ada")
        if step % 7 == 0:
            left = {"person": f"p{step % 2}", "row": ROW}
            append_all(tx, deal, [(Kind.PERSON_PAUSED, left)], at=at, actor="person:ada")


@pytest.fixture(scope="module")
def tx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    path: Path = tmp_path_factory.mktemp("chain") / "wallcross.db"
    migrate(path)
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")
        found = Tx(connection)
        filled(found, DEAL)
        filled(found, RESET)
        append_all(found, RESET, [(Kind.CLOCK_RESET, {"from": 1})], at=5 * DAY, actor="local:ada")
        accepted = (Kind.MESSAGE_ACCEPTED, {"message": f"msg_{'0' * 32}"})
        append_all(found, RESET, [accepted], at=5 * DAY, actor="channel:memory")
        yield found


def whole(tx: Tx, deal: str) -> list[Told]:
    rows = tx.all("SELECT n, entry, body FROM audit WHERE deal_id = ? ORDER BY n DESC", (deal,))
    return [paging._told(*row) for row in rows]


def numbers(tx: Tx, deal: str, sought: Sought, limit: int) -> list[int]:
    found: list[int] = []
    before: int | None = None
    for _ in range(3_000):
        leaf = search.search(tx, deal, sought, before=before, limit=limit)
        assert len(leaf.entries) <= limit
        assert leaf.after is None or before is None or leaf.after < before
        found += [e.n for e in leaf.entries]
        before = leaf.after
        if before is None:
            return found
    raise AssertionError("it never ends")


INSTANTS = st.one_of(st.none(), st.integers(0, 80 * DAY))
SOUGHT = st.builds(
    Sought,
    kinds=st.frozensets(
        st.sampled_from(["message.accepted", "message.routed", "room.paused", "person.paused"]),
        max_size=2,
    ),
    actor=st.sampled_from([None, "ada", "local:ada", "wallcross", "nobody"]),
    person=st.sampled_from([None, "p0", "ada", "nobody"]),
    thing=st.sampled_from([None, Thing(TALK), Thing(OTHER, frozenset({ROOM}))]),
    since=INSTANTS,
    until=INSTANTS,
)


@settings(max_examples=80, deadline=None)
@given(sought=SOUGHT, limit=st.integers(1, 120), deal=st.sampled_from([DEAL, RESET]))
def test_pages_together_are_what_fits_of_the_chain_newest_first(
    tx: Tx, sought: Sought, limit: int, deal: str
) -> None:
    wanted = [e.n for e in whole(tx, deal) if sought.fits(e)]
    assert numbers(tx, deal, sought, limit) == wanted


@settings(max_examples=30, deadline=None)
@given(sought=SOUGHT, far=st.integers(1, 40))
def test_it_is_the_same_when_a_page_looks_through_little(tx: Tx, sought: Sought, far: int) -> None:
    wanted = [e.n for e in whole(tx, DEAL) if sought.fits(e)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "FAR", far)
        patch.setattr(search, "READ", far)
        assert numbers(tx, DEAL, sought, 50) == wanted


def test_a_conversation_is_found_by_its_id_and_by_its_rooms(tx: Tx) -> None:
    by_id = {e.kind for e in whole(tx, DEAL) if Sought(thing=Thing(TALK)).fits(e)}
    room = Thing(TALK, frozenset({ROOM}))
    by_room = {e.kind for e in whole(tx, DEAL) if Sought(thing=room).fits(e)}
    assert by_id == {"message.routed"}
    assert by_room == {"message.routed", "room.paused"}


def test_a_page_never_looks_through_more_than_it_says(tx: Tx) -> None:
    """However long the chain is: what is read is bounded, and instants skip what is before them."""
    read = 0

    def counting(entry: Told) -> bool:
        nonlocal read
        read += 1
        return entry.actor == "nobody"

    leaf = paging.looked_through(tx, DEAL, counting, paging.top_of(tx, DEAL), 10)
    assert (leaf.entries, leaf.after) == ((), None)
    assert 0 < read <= paging.FAR
    late = Sought(since=10 * DAY + (STEPS - 8) * DAY // 4)
    low, top = search._between(tx, DEAL, late)
    assert top - low < 40, "a day's slack and two days of entries, and nothing before"
    assert search._between(tx, RESET, late)[0] == 1, "a clock that was set back narrows nothing"
