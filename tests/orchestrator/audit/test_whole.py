"""What somebody does to a chain who can write every row, and has not the home's secrets."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from hashlib import sha256

import pytest

from orchestrator.audit.chain import append, head, is_own
from orchestrator.audit.granted import commitment, stated
from orchestrator.audit.heads import HeadKey, sign_heads
from orchestrator.audit.kinds import Kind
from orchestrator.audit.state import read_entries
from orchestrator.audit.verify import verify_chain
from orchestrator.audit.whole import Flaw, Wholeness
from orchestrator.store.pen import Pen
from orchestrator.store.unit import Store, Tx

DEAL = "deal_" + "0" * 32
AT = 1_700_000_000_000_000
PEN = Pen(bytes(32))
Act = Callable[[sqlite3.Connection], None]


@pytest.fixture
async def written(store: Store) -> Store:
    store.pen = PEN

    def unit(tx: Tx) -> None:
        for n in range(6):
            body = {"person": "ada", "row": commitment("person", n)}
            append(tx, DEAL, Kind.PERSON_PAUSED, body, at=AT + n, actor="system")

    await store.write(unit)
    return store


def forge(connection: sqlite3.Connection, *, salt: bytes = bytes(range(32))) -> None:
    """Appends an entry in perfect form, as whoever owns the file can."""
    (n, prev) = connection.execute(
        "SELECT n, hash FROM audit WHERE deal_id = ? ORDER BY n DESC LIMIT 1", (DEAL,)
    ).fetchone()
    body = json.dumps({"person": "ada", "row": "0" * 64}, separators=(",", ":")).encode()
    said = {
        "actor": "system", "at": AT + 9, "commitment": sha256(salt + body).hexdigest(),
        "deal": DEAL, "kind": "person.resumed", "n": n + 1, "prev": prev.hex(), "v": 1,
    }  # fmt: skip
    entry = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
    row = (DEAL, n + 1, entry, salt, body, sha256(entry).digest())
    connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", row)


def alter(connection: sqlite3.Connection, n: int = 3) -> None:
    connection.execute("UPDATE audit SET body = X'7b2020207d' WHERE n = ?", (n,))


def reseal(connection: sqlite3.Connection) -> None:
    """Another body under another salt, with hashes that fit, in the newest entry."""
    connection.execute("DELETE FROM audit WHERE n = 6")
    forge(connection)


def take_out(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit WHERE n = 3")


def take_out_the_first(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit WHERE n = 1")


def cut(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit WHERE n > 4")


def write_no_entry(connection: sqlite3.Connection, entry: bytes = b"no entry") -> None:
    """Something that is no entry, under a hash that fits."""
    row = (entry, sha256(entry).digest())
    connection.execute("UPDATE audit SET entry = ?, hash = ? WHERE n = 6", row)


def write_half_an_entry(connection: sqlite3.Connection) -> None:
    write_no_entry(connection, b'{"deal":"' + DEAL.encode() + b'"}')


def write_behind_an_entry(connection: sqlite3.Connection) -> None:
    """The very entry, with something behind it that a reader may not see."""
    (entry,) = connection.execute("SELECT entry FROM audit WHERE n = 6").fetchone()
    write_no_entry(connection, entry + b" {}")


ACTS: dict[Act, tuple[int, str]] = {
    forge: (7, "foreign"),
    alter: (3, "altered"),
    reseal: (6, "foreign"),
    take_out: (3, "gap"),
    take_out_the_first: (1, "gap"),
    write_no_entry: (6, "altered"),
    write_half_an_entry: (6, "altered"),
    write_behind_an_entry: (6, "altered"),
}


async def attack(store: Store, act: Act) -> None:
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        act(connection)


async def flaws(store: Store, record: Wholeness, *, anew: bool) -> dict[str, tuple[Flaw, ...]]:
    return dict(await store.read(lambda tx: record.look(tx, anew=anew)))


async def test_a_record_of_our_own_is_whole(written: Store) -> None:
    record = Wholeness()
    assert await flaws(written, record, anew=True) == {}
    await written.write(lambda tx: append(tx, DEAL, Kind.MESSAGE_DEAD, {}, at=AT, actor="system"))
    assert await flaws(written, record, anew=False) == {}


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_whatever_is_done_to_it_is_named(written: Store, act: Act) -> None:
    n, code = ACTS[act]
    await attack(written, act)
    found = await flaws(written, Wholeness(), anew=True)
    assert found[DEAL][0] == Flaw(DEAL, n, code)


@pytest.mark.parametrize("act", [forge, reseal, cut], ids=lambda act: act.__name__)
async def test_a_home_that_runs_sees_it_by_reading_what_is_new(written: Store, act: Act) -> None:
    record = Wholeness()
    await flaws(written, record, anew=True)
    await attack(written, act)
    assert await flaws(written, record, anew=False) != {}
    assert await flaws(written, record, anew=False) != {}  # and does not forget it


async def test_what_messages_make_is_read_and_counted_and_not_kept(written: Store) -> None:
    made = [Kind.MESSAGE_ACCEPTED, Kind.MESSAGE_ROUTED, Kind.MESSAGE_SETTLED, Kind.DELIVERY_DONE]
    for kind in (*made, Kind.MESSAGE_DEAD):
        await written.write(partial(append, deal_id=DEAL, kind=kind, body={}, at=AT, actor="one"))
    found = await written.read(lambda tx: read_entries(tx, DEAL))
    assert [e.kind for e in found.entries] == [Kind.PERSON_PAUSED] * 6 + [Kind.MESSAGE_DEAD]
    assert (found.read, found.flaws) == (11, ())
    await attack(written, partial(alter, n=8))
    found = await written.read(lambda tx: read_entries(tx, DEAL))
    assert (found.read, found.flaws) == (10, (Flaw(DEAL, 8, "altered"),)), "it is checked like all"


async def test_an_entry_of_somebody_else_states_nothing(written: Store) -> None:
    await attack(written, forge)
    found = await written.read(lambda tx: stated(tx, DEAL))
    assert [e.kind for e in found] == [Kind.PERSON_PAUSED] * 6


async def test_a_chain_that_was_cut_before_a_start_is_found_by_what_was_signed(
    written: Store, key: HeadKey
) -> None:
    """The pen cannot know how long a chain was; heads do, and whoever drops those meets anchors."""
    await written.write(lambda tx: sign_heads(tx, key, at=AT + 20))
    await attack(written, cut)
    assert await flaws(written, Wholeness(), anew=True) == {}
    report = await written.read(lambda tx: verify_chain(tx, DEAL, key.home))
    assert "head.truncated" in {problem.code for problem in report.problems}


async def test_without_the_pen_a_perfect_entry_passes(written: Store) -> None:
    """What the mark is for: planted, the same entry is believed where nobody looks at its salt."""
    await attack(written, forge)
    written.pen = None
    assert await flaws(written, Wholeness(), anew=True) == {}
    assert [e.kind for e in await written.read(lambda tx: stated(tx, DEAL))][-1] == "person.resumed"


def test_no_two_things_share_a_mark() -> None:
    things = [("a", "b"), ("ab", ""), ("a", None), ("a", ""), ("a",), ("a", "b", ""), ("a", b"-;")]
    marks = {PEN.mark("row", *parts) for parts in things}
    assert len(marks) == len(things)
    assert not PEN.made(PEN.mark("row", "a"), "entry", "a")
    assert not PEN.made(None, "row", "a")
    assert Pen(b"another secret").mark("row", "a") not in marks


async def test_the_salt_shows_who_wrote(written: Store) -> None:
    found = await written.read(
        lambda tx: tx.one("SELECT entry, salt, body FROM audit WHERE deal_id = ?", (DEAL,))
    )
    assert found is not None
    entry, salt, body = found
    assert is_own(PEN, entry, salt, body)
    assert is_own(None, entry, salt, body)
    assert not is_own(Pen(b"another"), entry, salt, body)
    assert not is_own(PEN, entry, salt, body + b" ")
    assert not is_own(PEN, entry.replace(b'"n":1', b'"n":2'), salt, body)
    assert (await written.read(lambda tx: head(tx, DEAL))) is not None
