"""Who was where follows from readings alone: the entries come to what a plain replay does."""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.port.messages import Member, MemberSnapshot
from connectors.port.messages import Presence as Seated
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import DAY
from orchestrator.deals.book import DealView
from orchestrator.deals.stated import room_body
from orchestrator.rooms.presence import MOST_STRANGE, Presences, Present, presence
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.conversation import RoomBinding
from tiers.ids import AccountId, RoomId

from .conftest import OURS, one_deal

LISTED = ("ada", "bo")
NAMES = ("ada", "bo", "greta", "odd name of\nsomebody")
Reading = tuple[frozenset[str], bool]


def snapshot(
    binding: RoomBinding, names: Iterable[str], at: int, *, complete: bool = True
) -> MemberSnapshot:
    accounts = (*sorted(names), OURS)
    members = tuple(Member(AccountId(n), Seated.JOINED, admin=False) for n in accounts)
    return MemberSnapshot(binding.room, members, complete, at)


def replayed(readings: list[Reading]) -> list[tuple[int, int | None]]:
    """From when until when each was in, by the rule in words."""
    spans: list[tuple[int, int | None]] = []
    for name in NAMES:
        since: int | None = None
        for at, (names, complete) in enumerate(readings, 1):
            if name in names and since is None:
                since = at
            elif name not in names and complete and since is not None:
                spans.append((since, at))
                since = None
        spans += [(since, None)] if since is not None else []
    return sorted(spans, key=str)


readings = st.lists(st.tuples(st.frozensets(st.sampled_from(NAMES)), st.booleans()), max_size=8)


@settings(max_examples=25, deadline=None)
@given(readings, st.integers(0, 7))
async def test_stays_are_what_the_readings_come_to(found: list[Reading], restart: int) -> None:
    deal = one_deal()
    [[binding]] = deal.rooms.values()
    with tempfile.TemporaryDirectory() as folder:
        store = await _opened(Path(folder))
        kept = Presences(store)
        for at, (names, complete) in enumerate(found, 1):
            kept = Presences(store) if at == restart else kept  # a start knows what is on disk
            shown = snapshot(binding, names, at, complete=complete)
            await kept.see(deal, binding, shown, frozenset({OURS}), at)
        stays = await store.read(lambda tx: presence(tx, deal.deal_id))
        await store.close()
    assert sorted(((s.obtained_at, s.ceased_at) for s in stays), key=str) == replayed(found)


async def _opened(folder: Path) -> Store:
    migrate(folder / "store.db")
    return Store(folder / "store.db")


async def test_a_reading_that_tells_nothing_new_writes_nothing(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    kept = Presences(store)
    for at in range(1, 6):
        await kept.see(deal, binding, snapshot(binding, LISTED, at), frozenset({OURS}), at)
    [(count,)] = await store.read(lambda tx: tx.all("SELECT count(*) FROM audit"))
    assert count == len(LISTED)


async def test_a_stay_names_its_person_and_a_stranger_nobody(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    shown = snapshot(binding, ("ada", "greta"), 7)
    await Presences(store).see(deal, binding, shown, frozenset({OURS}), 9)
    stays = await store.read(lambda tx: presence(tx, deal.deal_id))
    assert {(s.account, s.person_id, s.obtained_at) for s in stays} == {
        ("ada", "ada", 7),
        ("greta", None, 7),
    }


async def test_an_older_reading_that_comes_late_tells_nothing(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    kept, ours = Presences(store), frozenset({OURS})
    await kept.see(deal, binding, snapshot(binding, ("ada",), 9), ours, 9)
    await kept.see(deal, binding, snapshot(binding, (), 8), ours, 10)
    assert await kept.inside(deal, binding.place) == {"ada"}


async def test_what_could_not_be_written_is_news_again(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    kept, ours = Presences(store), frozenset({OURS})
    news = await kept.news(deal, binding, snapshot(binding, ("ada",), 1), ours)

    def fails(_tx: Tx) -> None:
        raise StoreError("not now")

    with pytest.raises(StoreError):
        await kept.write(deal, news, fails)
    await kept.see(deal, binding, snapshot(binding, ("ada",), 2), ours, 2)
    stays = await store.read(lambda tx: presence(tx, deal.deal_id))
    assert [(s.account, s.obtained_at) for s in stays] == [("ada", 2)]


async def test_an_entry_that_was_changed_is_no_stay(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    shown = snapshot(binding, ("ada",), 1)
    await Presences(store).see(deal, binding, shown, frozenset({OURS}), 1)
    sql = "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'ada', 'bob') AS BLOB)"
    await store.write(lambda tx: tx.run(sql))
    assert await store.read(lambda tx: presence(tx, deal.deal_id)) == []


async def test_another_room_is_another_stay(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    kept, ours = Presences(store), frozenset({OURS})
    other = replace(binding, room=RoomId("!other:memory"))
    await kept.see(deal, binding, snapshot(binding, ("ada",), 1), ours, 1)
    await kept.see(deal, other, snapshot(other, ("ada",), 2), ours, 2)
    await kept.see(deal, binding, snapshot(binding, (), 3), ours, 3)
    stays = await store.read(lambda tx: presence(tx, deal.deal_id))
    assert [(s.obtained_at, s.ceased_at) for s in stays] == [(1, 3), (2, None)]


async def test_where_the_room_ended_every_stay_in_it_did(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    kept, ours = Presences(store), frozenset({OURS})
    await kept.see(deal, binding, snapshot(binding, ("ada", "bo"), 1), ours, 1)
    await kept.see(deal, binding, snapshot(binding, ("ada",), 2), ours, 2)
    await store.write(
        lambda tx: append(
            tx, deal.deal_id, Kind.ROOM_REPLACED, room_body(binding), at=7, actor="local:test"
        )
    )
    stays = await store.read(lambda tx: presence(tx, deal.deal_id))
    assert {(s.account, s.ceased_at) for s in stays} == {("ada", 7), ("bo", 2)}


async def test_a_list_that_is_full_of_new_strangers_each_time_fills_no_disk(
    store: Store, deal: DealView, binding: RoomBinding
) -> None:
    """A network may invent members; people of the roster are written down whatever it says."""
    await store.write(lambda tx: tx.run("INSERT INTO deal VALUES (?, 'X', 1, 0)", (deal.deal_id,)))
    presences, ours = Presences(store), frozenset({OURS})
    for at in range(1, 4):
        names = (*(f"{at}-{n}" for n in range(2 * MOST_STRANGE)), LISTED[at % 2])
        await presences.see(deal, binding, snapshot(binding, names, at), ours, at)
    entries = await store.read(lambda tx: tx.all("SELECT n FROM audit"))
    assert len(entries) <= 2 * MOST_STRANGE + 3 * len(LISTED)
    listed = [
        (s.account, s.obtained_at, s.ceased_at) for s in await stays(store, deal) if s.person_id
    ]
    assert listed == [("bo", 1, 2), ("ada", 2, 3), ("bo", 3, None)]
    later = 3 + DAY
    await presences.see(deal, binding, snapshot(binding, ("bo", "greta"), later), ours, later)
    assert "greta" in {s.account for s in await stays(store, deal)}


async def stays(store: Store, deal: DealView) -> list[Present]:
    return await store.read(lambda tx: presence(tx, deal.deal_id))
