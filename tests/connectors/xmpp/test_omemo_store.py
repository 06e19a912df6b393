"""What OMEMO keeps: sealed at rest, written whole or not at all, by one process."""

import json
import secrets
import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.port import AccountId, DeviceId
from connectors.port.errors import Rejected, Unavailable
from connectors.port.messages import Device
from connectors.xmpp.omemo.marks import Mark, Marks
from connectors.xmpp.omemo.store import Store, Unit

KEY = secrets.token_bytes(32)
ANNA = AccountId("anna@deal.test")
PHONE = Device(DeviceId("17"), "aa" * 32)


def test_what_was_written_is_there_after_a_start(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    store.write({("omemo", "/a"): '{"n":1}', ("omemo", "/b"): "null"})
    store.close()
    again = Store(tmp_path / "omemo", KEY)
    assert again.get(("omemo", "/a")) == '{"n":1}'
    assert again.get(("omemo", "/b")) == "null"
    assert again.get(("omemo", "/c")) is None
    again.close()


def test_neither_names_nor_values_stand_on_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    store.write({("omemo", "/devices/anna@deal.test/17"): json.dumps("a ratchet's key")})
    found = b"".join(f.read_bytes() for f in (tmp_path / "omemo").iterdir())
    assert b"anna" not in found
    assert b"ratchet" not in found
    store.close()


def test_folder_and_files_are_the_owners_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    store.write({("omemo", "/a"): "1"})
    assert stat.S_IMODE((tmp_path / "omemo").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "omemo").iterdir()}
    assert modes == {0o600}
    store.close()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    Store(tmp_path / "omemo", KEY).close()
    with pytest.raises(Rejected) as refused:
        Store(tmp_path / "omemo", secrets.token_bytes(32))
    assert refused.value.code == "keys_sealed"


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "omemo").mkdir()
    (tmp_path / "omemo" / "omemo.db").write_bytes(b"not a database at all" * 300)
    with pytest.raises(Rejected):
        Store(tmp_path / "omemo", KEY)


def test_a_row_in_anothers_place_does_not_open(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    store.write({("omemo", "/trust/anna"): '"no"', ("omemo", "/trust/mal"): '"yes"'})
    store.close()
    with sqlite3.connect(tmp_path / "omemo" / "omemo.db") as db:
        rows = db.execute("SELECT name, value FROM held WHERE kind = 'omemo'").fetchall()
        for (name, _), (_, value) in zip(rows, reversed(rows), strict=True):
            db.execute("UPDATE held SET value = ? WHERE name = ?", (value, name))
    db.close()
    again = Store(tmp_path / "omemo", KEY)
    with pytest.raises(Rejected):
        again.get(("omemo", "/trust/anna"))
    again.close()


def test_two_processes_do_not_move_the_same_keys(tmp_path: Path) -> None:
    first = Store(tmp_path / "omemo", KEY)
    with pytest.raises(Rejected) as refused:
        Store(tmp_path / "omemo", KEY)
    assert refused.value.code == "state_in_use"
    first.close()
    Store(tmp_path / "omemo", KEY).close()


def test_a_unit_is_seen_by_itself_alone_until_it_is_committed(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    unit = Unit(store)
    unit.put(("omemo", "/a"), [1, 2])
    assert (unit.get(("omemo", "/a")), store.get(("omemo", "/a"))) == ("[1,2]", None)
    unit.commit()
    assert store.get(("omemo", "/a")) == "[1,2]"
    unit.drop(("omemo", "/a"))
    assert (unit.get(("omemo", "/a")), store.get(("omemo", "/a"))) == (None, "[1,2]")
    store.close()


def test_a_unit_that_the_disk_refuses_was_never_done(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    store.write({("omemo", "/a"): "1"})
    store._db.execute("PRAGMA max_page_count = 8")
    unit = Unit(store)
    unit.put(("omemo", "/a"), 2)
    unit.put(("omemo", "/b"), "x" * 200_000)
    with pytest.raises(Unavailable):
        unit.commit()
    assert (store.get(("omemo", "/a")), store.get(("omemo", "/b"))) == ("1", None)
    store.close()
    again = Store(tmp_path / "omemo", KEY)
    assert (again.get(("omemo", "/a")), again.get(("omemo", "/b"))) == ("1", None)
    again.close()


@settings(max_examples=10, deadline=None)
@given(
    changes=st.lists(
        st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers(), min_size=1), max_size=4
    )
)
def test_it_holds_what_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, int | None]]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    held: dict[str, int] = {}
    store = Store(folder, KEY)
    for change in changes:
        unit = Unit(store)
        for name, value in change.items():
            if value is None:
                unit.drop(("omemo", name))
                held.pop(name, None)
            else:
                unit.put(("omemo", name), value)
                held[name] = value
        unit.commit()
    store.close()
    store = Store(folder, KEY)
    kept = {name: store.get(("omemo", name)) for name in "abcd"}
    assert {n: json.loads(v) for n, v in kept.items() if v is not None} == held
    store.close()


# --- marks ------------------------------------------------------------------------------------


def test_marks_outlive_a_start_and_the_last_one_counts(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    marks = Marks(store)
    marks.set(ANNA, PHONE, Mark.TRUSTED)
    marks.set(ANNA, PHONE, Mark.DISTRUSTED)
    store.close()
    store = Store(tmp_path / "omemo", KEY)
    again = Marks(store)
    assert again.of(ANNA, Mark.DISTRUSTED) == {PHONE}
    assert again.of(ANNA, Mark.TRUSTED) == frozenset()
    store.close()


def test_a_mark_is_for_account_device_and_key(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    marks = Marks(store)
    marks.set(ANNA, PHONE, Mark.TRUSTED)
    assert marks.of(AccountId("mal@deal.test"), Mark.TRUSTED) == frozenset()
    assert Device(PHONE.device, "bb" * 32) not in marks.of(ANNA, Mark.TRUSTED)
    store.close()


def test_a_key_that_was_cast_out_is_so_under_every_number(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    marks = Marks(store)
    marks.set(ANNA, PHONE, Mark.DISTRUSTED)
    assert marks.is_cast_out(ANNA, PHONE.key)
    assert not marks.is_cast_out(ANNA, "bb" * 32)
    assert not marks.is_cast_out(AccountId("mal@deal.test"), PHONE.key)
    store.close()


def test_what_was_seen_is_remembered_and_nothing_is_not_never(tmp_path: Path) -> None:
    store = Store(tmp_path / "omemo", KEY)
    marks = Marks(store)
    assert marks.seen(ANNA) is None
    marks.see(ANNA, {})
    assert marks.seen(ANNA) == {}
    marks.see(ANNA, {17: PHONE.key, 18: ""})
    store.close()
    store = Store(tmp_path / "omemo", KEY)
    again = Marks(store)
    assert again.seen(ANNA) == {17: PHONE.key, 18: ""}
    store.close()


def test_a_key_is_whose_it_was_first_unless_people_compared_it(tmp_path: Path) -> None:
    mal, other = AccountId("mal@deal.test"), Device(DeviceId("99"), PHONE.key)
    store = Store(tmp_path / "omemo", KEY)
    marks = Marks(store)
    marks.see(ANNA, {17: PHONE.key})
    marks.see(mal, {99: PHONE.key, 98: ""})
    store.close()
    store = Store(tmp_path / "omemo", KEY)
    marks = Marks(store)
    assert (marks.is_anothers(ANNA, PHONE), marks.is_anothers(mal, other)) == (False, True)
    marks.set(mal, other, Mark.TRUSTED)
    assert not marks.is_anothers(mal, other)
    store.close()
