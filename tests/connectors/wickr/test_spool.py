"""What came is on disk, sealed, in order, until it was taken over; and never in the clear."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.port import AccountId, RoomId
from connectors.port.errors import Rejected
from connectors.shared import spool as module
from connectors.shared.spool import Full
from connectors.wickr.ledger import CALLBACK, POLLING, Asked, Ledger
from connectors.wickr.spool import Put, Spool

KEY, OTHER = bytes(32), bytes([1] * 32)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, KEY)


def put(spool: Spool, *texts: str, **more: bool) -> None:
    spool.put([Put({"message": text}, (f"{text}.pdf",)) for text in texts], 1, **more)


def texts(spool: Spool, seq: int = 0) -> list[str]:
    return [str(one.told["message"]) for one in spool.after(seq, 100)]


def test_what_came_is_offered_in_order_until_it_was_taken(spool: Spool) -> None:
    put(spool, "a", "b")
    put(spool, "c")
    assert texts(spool) == texts(spool) == ["a", "b", "c"]
    spool.taken(2)
    assert texts(spool) == ["c"]
    assert spool.leftovers() == [(1, "a.pdf"), (2, "b.pdf")]
    spool.removed(1)
    assert spool.leftovers() == [(2, "b.pdf")]


def test_another_opening_of_the_same_file_offers_the_same(tmp_path: Path) -> None:
    first = Spool(tmp_path, KEY)
    put(first, "a")
    cursor = first.cursor(0)
    first.close()
    second = Spool(tmp_path, KEY)
    assert texts(second, second.of_cursor(cursor)) == ["a"]


def test_a_cursor_of_another_file_offers_everything(spool: Spool) -> None:
    put(spool, "a")
    assert [spool.of_cursor(c) for c in ("x.1", "", "x", f"{spool.cursor(1)}0x")] == [0, 0, 0, 0]
    assert spool.of_cursor(spool.cursor(1)) == 1


def test_a_batch_is_stored_whole_or_not_at_all(spool: Spool) -> None:
    with pytest.raises(TypeError):
        spool.put([Put({"message": "a"}), Put({"message": object()})], 1)
    assert texts(spool) == []


def test_what_is_polled_is_taken_even_when_too_much_waits(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    put(spool, "a", "b")
    with pytest.raises(Full):
        put(spool, "c")
    assert not spool.takes()
    put(spool, "d", always=True)
    assert texts(spool) == ["a", "b", "d"]
    spool.taken(3)
    assert spool.takes()


def test_nothing_is_in_the_clear_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, KEY)
    put(spool, "canary-of-a-text")
    spool.keep_paths(("canary-of-a-path", "another"))
    assert spool.paths() == ("canary-of-a-path", "another")
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    spool.taken(1)
    kept += b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert spool.leftovers() == [(1, "canary-of-a-text.pdf")]
    assert b"canary" not in kept
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.glob("spool.db"))


def test_another_key_is_refused(tmp_path: Path) -> None:
    Spool(tmp_path, KEY).close()
    with pytest.raises(Rejected) as caught:
        Spool(tmp_path, OTHER)
    assert caught.value.code == "state_key_differs"


@given(st.lists(st.lists(st.text(max_size=5), max_size=4), max_size=6), st.integers(0, 30))
@settings(max_examples=50, deadline=None)  # each opens files anew
def test_what_is_left_is_what_stands_behind_the_place(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]], seq: int
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"), KEY)
    for batch in batches:
        spool.put([Put({"message": text}) for text in batch], 1)
    spool.taken(seq)
    assert texts(spool) == [text for batch in batches for text in batch][seq:]
    assert json.loads(json.dumps(texts(spool))) == texts(spool)
    spool.close()


def test_the_ledger_outlives_its_closing(tmp_path: Path) -> None:
    room = RoomId("Sabc")
    first = Ledger(tmp_path)
    first.keep(CALLBACK, 5)
    first.keep(POLLING, 6)
    first.keep(POLLING, None)
    first.keep_seats(room, {AccountId("ann"): True, AccountId("bob"): False})
    first.keep_asked(room, Asked(60, 7))
    first.uploaded("word", 8)
    first.close()
    second = Ledger(tmp_path)
    assert (second.instant(CALLBACK), second.instant(POLLING)) == (5, None)
    assert second.seats(room) == {"ann": True, "bob": False}
    assert second.asked(room) == Asked(60, 7)
    assert (second.uploads(8), second.uploads(9)) == ([], ["word"])
    second.removed("word")
    assert second.uploads(9) == []
    second.close()
