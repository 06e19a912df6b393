"""Any change of an export is found; so is a past rewritten with the host's own key."""

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.audit.anchors.port import kept
from orchestrator.audit.body import Json, canonical_of
from orchestrator.audit.chain import append
from orchestrator.audit.export import DOMAIN, bundle, export, lines, sealed
from orchestrator.audit.heads import DOMAIN as HEAD_DOMAIN
from orchestrator.audit.heads import HeadKey, SignedHead, load_key, sign_heads
from orchestrator.audit.kinds import Kind
from orchestrator.audit.offline.check import _Check, verify
from orchestrator.audit.offline.report import Outside, Report, Trust, words
from orchestrator.audit.offline.values import iso
from orchestrator.audit.verify import search, tail, verify_chain
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx, connect
from tests.orchestrator.audit.conftest import AT, SECOND, Fill, Sign

DEAL = "deal_" + "0" * 32
KEY = load_key("home_" + "7" * 32, lambda: bytes(range(32)))


@dataclass(frozen=True)
class Made:
    """An export, and the statements signed on the way."""

    lines: list[bytes]
    heads: list[SignedHead]
    earlier: list[list[bytes]]
    """What an export made at each statement would have been."""


History = dict[int, int]
"""Seconds of the deal's entries, each with what its body says."""


def made(
    history: History,
    *,
    signs: Collection[int] = (15, 25, 40),
    exports: Collection[int] = (),
    bodies: bool = True,
    key: HeadKey = KEY,
) -> Made:
    """Makes an export of a home in which this happened; deterministic but for the salts."""
    heads: list[SignedHead] = []
    earlier: list[list[bytes]] = []
    exports = exports or {max(signs)}

    def signing(tx: Tx, second: int) -> None:
        if second in exports:
            body: dict[str, Json] = {"bodies": bodies}
            append(tx, DEAL, Kind.AUDIT_EXPORTED, body, at=at(second), actor="local:root")
        heads.append(sign_heads(tx, key, at=at(second)))
        earlier.append(list(sealed(lines(tx, DEAL, key.home, bodies=bodies), key)))

    events: dict[int, Callable[[Tx], object]] = {
        second: partial(add, deal=DEAL, second=second, size=size)
        for second, size in history.items()
    }
    for other in range(4):
        events[5 + other] = partial(add, deal=f"deal_{other:032x}1", second=5 + other, size=other)
    for second in signs:
        events[second] = partial(signing, second=second)
    with TemporaryDirectory() as folder:
        migrate(Path(folder) / "a.db")
        with closing(connect(Path(folder) / "a.db")) as connection:
            tx = Tx(connection)
            for second in sorted(events):
                events[second](tx)
            return Made(earlier[-1], heads, earlier)


def add(tx: Tx, deal: str, second: int, size: int) -> None:
    append(tx, deal, Kind.MESSAGE_ACCEPTED, {"size": size}, at=at(second), actor="system")


def at(second: int) -> int:
    return AT + second * SECOND


HONEST: History = {10: 1, 11: 2, 12: 3, 20: 4, 21: 5, 30: 6, 31: 7}
GOOD = made(HONEST)
WITHOUT = made(HONEST, bodies=False)
OUTSIDE = [Outside("kept", GOOD.heads[1].digest)]


def reseal(rows: Iterable[bytes]) -> list[bytes]:
    """Signs changed lines anew, as only the host can."""
    return list(sealed((row for row in rows if b'"type":"seal"' not in row), KEY))


def codes(report: Report) -> set[str]:
    return {problem.code for problem in report.problems}


def test_an_honest_export_verifies() -> None:
    report = verify(GOOD.lines, outside=OUTSIDE, trust=Trust(host_keys={KEY.public}))
    assert report.problems == []
    assert report.ok
    assert (report.entries, report.statements, report.bodies) == (8, 3, True)
    assert report.outside == [{"name": "kept", "statement": 2, "newer": False}]
    assert report.host_key == "as given"


def test_without_bodies_and_salts_it_still_verifies() -> None:
    report = verify(WITHOUT.lines, outside=[Outside("kept", WITHOUT.heads[1].digest)])
    assert report.ok
    assert not report.bodies
    text = b"".join(WITHOUT.lines)
    assert b"salt" not in text
    assert b'"body"' not in text


@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    whole = bytearray(b"".join(GOOD.lines))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255).filter(lambda b: b != whole[place]))
    assert not verify(bytes(whole).splitlines(keepends=True)).ok


@given(st.integers(0, len(b"".join(GOOD.lines)) - 1))
def test_any_cut_is_found(size: int) -> None:
    assert not verify(b"".join(GOOD.lines)[:size].splitlines(keepends=True)).ok


@given(st.permutations(range(len(GOOD.lines))))
def test_any_other_order_is_found(order: list[int]) -> None:
    rows = [GOOD.lines[k] for k in order]
    assert verify(rows).ok == (rows == GOOD.lines)


@given(extra=st.sampled_from(GOOD.lines), place=st.integers(0, len(GOOD.lines)))
def test_any_doubled_line_is_found(extra: bytes, place: int) -> None:
    assert not verify([*GOOD.lines[:place], extra, *GOOD.lines[place:]]).ok


@given(st.data())
def test_any_changed_value_is_found_though_the_host_seals_it_again(data: st.DataObject) -> None:
    rows = [json.loads(row) for row in GOOD.lines]
    number = data.draw(
        st.sampled_from([k for k, row in enumerate(rows) if row["type"] in ("entry", "head")])
    )
    change(rows[number], data)
    report = verify(reseal(canonical_of(row) + b"\n" for row in rows))
    assert not report.ok


def change(row: Any, data: st.DataObject) -> None:
    """Changes one value somewhere in ``row``."""
    names = [name for name in row if name != "type"] if isinstance(row, dict) else range(len(row))
    name = data.draw(st.sampled_from(list(names)))
    value = row[name]
    if isinstance(value, dict | list) and value:
        change(value, data)
    elif isinstance(value, str):
        place = data.draw(st.integers(0, len(value) - 1))
        other = data.draw(st.sampled_from("0123456789abcdef").filter(lambda c: c != value[place]))
        row[name] = value[:place] + other + value[place + 1 :]
    else:
        row[name] = (value or 0) + data.draw(st.integers(1, 5))


@given(st.sampled_from([k for k, row in enumerate(GOOD.lines) if b'"type":"entry"' in row]))
def test_a_gap_is_found_though_the_host_seals_it_again(number: int) -> None:
    report = verify(reseal(GOOD.lines[:number] + GOOD.lines[number + 1 :]))
    assert not report.ok


@given(
    second=st.sampled_from(sorted(HONEST)),
    size=st.integers(100, 200),
    drop=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_a_past_rewritten_with_the_hosts_own_key_contradicts_what_was_kept(
    second: int, size: int, *, drop: bool
) -> None:
    history = HONEST | {second: size}
    if drop:
        del history[second]
    forged = made(history)
    assert verify(forged.lines).ok  # nothing inside the export gives it away
    if second > 25:
        return  # younger than what was kept outside: docs/product.md 6 says so
    report = verify(forged.lines, outside=OUTSIDE)
    assert codes(report) == {"anchor.contradicted"}


def test_records_cut_short_and_signed_again_contradict_what_was_kept() -> None:
    forged = made({second: size for second, size in HONEST.items() if second < 20})
    assert verify(forged.lines).ok
    assert codes(verify(forged.lines, outside=OUTSIDE)) == {"anchor.contradicted"}


def test_the_kept_statement_cannot_be_slipped_into_a_rewritten_past() -> None:
    forged = made(HONEST | {11: 99}).lines
    genuine = [row for row in GOOD.lines if b'"type":"head"' in row][:2]
    heads = [k for k, row in enumerate(forged) if b'"type":"head"' in row]
    swapped = [*forged[: heads[0]], *genuine, *forged[heads[2] :]]
    report = verify(reseal(swapped), outside=OUTSIDE)
    assert "head.contradicted" in codes(report)


def test_a_chain_cannot_pretend_to_be_younger_than_what_was_kept() -> None:
    younger = made({second + 20: size for second, size in HONEST.items()}, signs=(15, 25, 60))
    forged = [json.loads(row) for row in younger.lines]
    genuine = [json.loads(row) for row in GOOD.lines if b'"type":"head"' in row]
    heads = [k for k, row in enumerate(forged) if row["type"] == "head"]
    for place, head in zip(heads[:1], genuine, strict=False):
        forged[place] = head | {"proof": forged[place]["proof"]}
    report = verify(
        reseal(canonical_of(row) + b"\n" for row in forged),
        outside=[Outside("kept", GOOD.heads[0].digest)],
    )
    assert "head.absent" in codes(report)


def test_another_key_is_found_when_the_hosts_is_known() -> None:
    other = load_key(KEY.home, lambda: b"y" * 32)
    forged = made(HONEST, key=other)
    assert verify(forged.lines).ok
    assert codes(verify(forged.lines, trust=Trust(host_keys={KEY.public}))) == {"key.host"}


# --- an export that is older than what was kept outside

LONG = made(HONEST | {50: 8}, signs=(15, 25, 40, 55, 60, 65), exports=(40, 65))
OLD = LONG.earlier[2]
"""What was exported when statement 3 was signed; 4, 5 and 6 came later."""


def held(*numbers: int, links: Mapping[int, Sequence[int]] | None = None) -> list[Outside]:
    """What an anchor keeps of these statements of ``LONG``, with what lies before them."""
    between = links or {}
    found = []
    for n in numbers:
        before = tuple(LONG.heads[k - 1].statement for k in between.get(n, ()))
        found.append(outside_of(LONG.heads[n - 1], before))
    return found


def outside_of(head: SignedHead, links: tuple[bytes, ...] = ()) -> Outside:
    return Outside(
        f"head {head.n}", head.digest, statement=head.statement, signature=head.signature,
        links=links,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kept_outside", "count"),
    [
        (held(4), 1),
        (held(1, 2, 3, 4, 5, 6), 3),
        (held(2, 6, links={6: (3, 4, 5)}), 3),
        (held(6, links={6: (4, 5)}), 3),
        ([*held(5, links={5: (4,)}), Outside("a token", LONG.heads[3].digest, at(56))], 2),
    ],
)
def test_an_older_export_holds_and_says_what_is_newer(
    kept_outside: list[Outside], count: int
) -> None:
    report = verify(OLD, outside=kept_outside)
    assert report.problems == []
    assert (report.statements, report.newer_statements) == (3, count)
    assert report.newer is not None
    assert (report.newer.last, report.newer.first_at) == (3 + count, iso(at(55)))
    told = list(words(report))
    assert told[0].startswith("VERIFIED UP TO STATEMENT 3, BUT NOT THE NEWEST")
    assert f"{count} newer statements" in told[0]
    assert report.longest_unanchored_seconds > 0  # a later statement fixes all before it


@pytest.mark.parametrize(
    "kept_outside",
    [
        held(5),  # 4 lies between and was not given
        held(6, links={6: (5,)}),
        [Outside("a token", LONG.heads[3].digest, at(56))],  # a bare hash follows nothing
    ],
)
def test_what_does_not_lead_back_to_the_export_does_not_pass(kept_outside: list[Outside]) -> None:
    assert codes(verify(OLD, outside=kept_outside)) == {"anchor.contradicted"}


def test_planted_records_cut_off_at_a_statement_and_sealed_again_do_not_pass_for_old() -> None:
    cut = LONG.earlier[1]  # all that stood at statement 2, where no export was made
    report = verify(cut, outside=held(1, 2, 3))
    assert codes(report) == {"export.cut"}
    shorter = reseal(row for row in OLD if row != LONG.lines[-2])
    assert "export.end" in codes(verify([row for row in shorter if row != last_head(OLD)]))


def last_head(rows: list[bytes]) -> bytes:
    return [row for row in rows if b'"type":"head"' in row][-1]


def test_planted_records_cut_short_and_signed_anew_are_a_fork() -> None:
    short = made({second: size for second, size in HONEST.items() if second < 30})
    assert verify(short.lines).ok
    assert codes(verify(short.lines, outside=held(4, 5))) == {"anchor.contradicted"}


def test_planted_two_stories_after_one_export_are_a_fork() -> None:
    other = fork(LONG.heads[3])
    report = verify(OLD, outside=[*held(4), outside_of(other)])
    assert "anchor.forked" in codes(report)
    assert not verify(OLD, outside=[outside_of(other), *held(5, links={5: (4,)})]).ok


def fork(head: SignedHead) -> SignedHead:
    """Another statement of the same number, over other chains, properly signed."""
    statement = canonical_of(json.loads(head.statement) | {"root": "0" * 64})
    return replace(head, statement=statement, signature=KEY.sign(HEAD_DOMAIN + statement))


def test_planted_a_statement_dropped_in_the_middle_is_found() -> None:
    heads = [row for row in OLD if b'"type":"head"' in row]
    report = verify(reseal(row for row in OLD if row != heads[1]), outside=held(4))
    assert codes(report) == {"head.gap", "head.chain"}
    fewer = made(HONEST, signs=(15, 40))  # numbered and signed anew without it
    assert verify(fewer.lines).ok
    assert codes(verify(fewer.lines, outside=held(4))) == {"anchor.contradicted"}
    assert "anchor.forked" in codes(verify(fewer.lines, outside=held(1)))


def test_planted_a_newer_statement_of_another_key_does_not_pass() -> None:
    stranger = load_key(KEY.home, lambda: b"y" * 32)
    four = LONG.heads[3]
    signature = stranger.sign(HEAD_DOMAIN + four.statement)
    forged = outside_of(replace(four, signature=signature))
    assert codes(verify(OLD, outside=[forged])) == {"anchor.signature"}


def test_a_living_chain_is_never_older_than_what_was_kept() -> None:
    unsealed = [row for row in OLD if b'"type":"seal"' not in row]
    report = verify(unsealed, outside=held(4), sealed=False)
    assert codes(report) == {"anchor.contradicted"}


@given(st.sets(st.integers(1, 6), min_size=1))
def test_only_an_unbroken_line_of_statements_makes_an_export_older(numbers: set[int]) -> None:
    report = verify(OLD, outside=held(*sorted(numbers)))
    later = sorted(n for n in numbers if n > 3)
    assert report.ok == (later == list(range(4, 4 + len(later))))
    assert not report.ok or report.newer_statements == len(later)


def test_the_longest_unanchored_span() -> None:
    alone = verify(GOOD.lines)
    assert alone.longest_unanchored_seconds == 30.0  # from the first entry to the last signature
    first = Outside("first", GOOD.heads[0].digest)
    last = Outside("last", GOOD.heads[2].digest)
    assert verify(GOOD.lines, outside=[first]).longest_unanchored_seconds == 20.0
    assert verify(GOOD.lines, outside=[first, *OUTSIDE, last]).longest_unanchored_seconds == 10.0
    late = Outside("last", GOOD.heads[2].digest, at=at(100))
    assert verify(GOOD.lines, outside=[first, late]).longest_unanchored_seconds == 80.0


async def test_a_clock_that_went_back_is_told(store: Store) -> None:
    def backwards(tx: Tx) -> None:
        for second in (10, 12, 11, 20):
            add(tx, DEAL, second, 1)

    await store.write(backwards)
    report = await store.read(lambda tx: verify_chain(tx, DEAL, KEY.home))
    assert report.ok
    assert report.clock_went_back == 1
    assert report.unsigned_entries == 4
    assert "went back 1 times" in "\n".join(words(report))


def forged_signature() -> None:
    rows = [json.loads(row) for row in GOOD.lines]
    head = next(row for row in rows if row["type"] == "head")
    head["signature"] = "00" + head["signature"][2:]
    assert not verify(reseal(canonical_of(row) + b"\n" for row in rows)).ok


def one_entry_less() -> None:
    assert "entry.gap" in codes(verify(reseal(GOOD.lines[:3] + GOOD.lines[4:])))


def other_past() -> None:
    assert not verify(made(HONEST | {11: 99}).lines, outside=OUTSIDE).ok


def other_body() -> None:
    rows = [row.replace(b'size\\":5', b'size\\":6') for row in GOOD.lines]
    assert rows != GOOD.lines
    assert not verify(reseal(rows)).ok


@pytest.mark.parametrize(
    ("blind", "attack"),
    [
        ("_signature", forged_signature),
        ("_place", one_entry_less),
        ("_held_outside", other_past),
        ("_body", other_body),
    ],
)
def test_planted_a_check_that_looks_away_is_found(
    monkeypatch: pytest.MonkeyPatch, blind: str, attack: Callable[[], None]
) -> None:
    attack()
    monkeypatch.setattr(_Check, blind, lambda *_: None)
    with pytest.raises(AssertionError):
        attack()


def test_planted_a_salt_of_another_length_moves_no_bytes_unseen() -> None:
    rows = [json.loads(row) for row in GOOD.lines]
    entry = next(row for row in rows if row["type"] == "entry")
    entry["salt"], entry["body"] = (
        entry["salt"] + entry["body"][:1].encode().hex(),
        entry["body"][1:],
    )
    salt, body = bytes.fromhex(entry["salt"]), entry["body"].encode()
    assert sha256(salt + body).hexdigest() == json.loads(entry["entry"])["commitment"]
    assert codes(verify(reseal(canonical_of(row) + b"\n" for row in rows))) >= {"form"}


def test_signatures_of_one_kind_are_none_of_another() -> None:
    digest = sha256(b"".join(GOOD.lines[:-1])).digest()
    row = json.loads(GOOD.lines[-1])
    assert KEY.sign(DOMAIN + digest).hex() == row["signature"]
    forged = row | {"signature": KEY.sign(digest).hex()}
    assert "signature" in codes(verify([*GOOD.lines[:-1], canonical_of(forged) + b"\n"]))


# --- the folder, and the program that goes with it


async def exported(store: Store, folder: Path, *, bodies: bool = True) -> Path:
    await export(store, DEAL, folder, KEY, at=at(60), actor="local:root", bodies=bodies)
    return folder


def program(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", str(folder / "verify_audit.py"), str(folder), *more],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip


async def test_the_program_in_the_folder_needs_nothing_else_of_ours(
    store: Store, tmp_path: Path, fill: Fill, sign: Sign
) -> None:
    await fill(DEAL, 5, 0)
    head = await sign(10)
    await fill(DEAL, 5, 20)
    folder = await exported(store, tmp_path / "out")
    (tmp_path / "kept.json").write_bytes(kept(head))
    done = program(folder, "--anchor", str(tmp_path / "kept.json"), "--host-key", KEY.public.hex())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VERIFIED\n")
    assert "Longest unanchored span: 40.0 seconds." in done.stdout
    report = json.loads(program(folder, "--json").stdout)
    assert report["ok"]
    assert report["entries"] == 11  # the export itself is the last
    assert report["longest_unanchored_seconds"] == 60.0
    assert "orchestrator" not in (folder / "verify_audit.py").read_text().replace(
        "``orchestrator", ""
    )


async def test_the_program_says_no_with_exit_code_1(
    store: Store, tmp_path: Path, fill: Fill
) -> None:
    await fill(DEAL, 5, 0)
    folder = await exported(store, tmp_path / "out")
    other = made(HONEST).heads[0]
    (tmp_path / "kept.json").write_bytes(kept(other))
    done = program(folder, "--anchor", str(tmp_path / "kept.json"))
    assert done.returncode == 1
    assert done.stdout.startswith("NOT VERIFIED")
    assert "rewritten or cut short" in done.stdout
    (tmp_path / "kept.json").write_bytes(b"{}")
    assert program(folder, "--anchor", str(tmp_path / "kept.json")).returncode == 1
    assert program(folder, "--anchor", str(tmp_path / "nothing")).returncode == 1
    (folder / "audit.jsonl").unlink()
    assert program(folder).returncode == 1


async def test_an_earlier_export_counts_as_kept_outside(
    store: Store, tmp_path: Path, fill: Fill
) -> None:
    await fill(DEAL, 5, 0)
    early = await exported(store, tmp_path / "early")
    await fill(DEAL, 5, 70)
    late = tmp_path / "late"
    await export(store, DEAL, late, KEY, at=at(90), actor="local:root", bodies=False)
    assert program(late, "--anchor", str(early / "audit.jsonl")).returncode == 0
    older = program(early, "--anchor", str(late / "audit.jsonl"))
    assert (older.returncode, older.stderr) == (0, "")
    assert older.stdout.startswith("VERIFIED UP TO STATEMENT 1, BUT NOT THE NEWEST\n")
    told = json.loads(program(early, "--anchor", str(late / "audit.jsonl"), "--json").stdout)
    assert (told["ok"], told["newer_statements"], told["newer"]["last"]) == (True, 1, 2)


async def test_an_export_is_audited_and_overwrites_nothing(
    store: Store, tmp_path: Path, fill: Fill
) -> None:
    await fill(DEAL, 2, 0)
    await exported(store, tmp_path / "out")
    (last,) = await store.read(lambda tx: tail(tx, DEAL, 1))
    assert (last["kind"], last["actor"], last["body"]) == (
        "audit.exported", "local:root", {"bodies": True},
    )  # fmt: skip
    with pytest.raises(FileExistsError):
        await exported(store, tmp_path / "out")
    with pytest.raises(LookupError):
        await export(store, "deal_none", tmp_path / "n", KEY, at=AT, actor="local:root")
    assert not (tmp_path / "n").exists()


async def test_entries_that_come_while_it_is_written_are_left_for_the_next(
    store: Store, tmp_path: Path, fill: Fill
) -> None:
    await fill(DEAL, 2, 0)
    await asyncio.gather(
        exported(store, tmp_path / "out"), *(fill(DEAL, 1, 61 + k) for k in range(20))
    )
    assert program(tmp_path / "out").returncode == 0


async def test_the_live_check_is_the_same_check(store: Store, fill: Fill, sign: Sign) -> None:
    await fill(DEAL, 3, 0)
    await sign(5)
    await fill(DEAL, 2, 6)
    report = await store.read(lambda tx: verify_chain(tx, DEAL, KEY.home))
    assert (report.ok, report.entries, report.unsigned_entries) == (True, 5, 2)
    await store.write(lambda tx: tx.run("UPDATE audit SET body = x'7b7d' WHERE n = 2"))
    report = await store.read(lambda tx: verify_chain(tx, DEAL, KEY.home))
    assert codes(report) == {"entry.body"}


def test_no_two_modules_of_the_program_define_the_same_name() -> None:
    tree = ast.parse(bundle())
    names = [
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ] + [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert len(names) == len(set(names))


# --- reading


async def test_tail_and_search(store: Store, fill: Fill) -> None:
    await fill(DEAL, 5, 0)
    await store.write(
        lambda tx: append(tx, DEAL, Kind.ROOM_PAUSED, {"room": "!r:s", "why": ["key.changed"]},
                          at=at(9), actor="local:ann")
    )  # fmt: skip
    last = await store.read(lambda tx: tail(tx, DEAL, 2))
    assert [row["n"] for row in last] == [5, 6]
    assert last[1]["time"] == "2023-11-14T22:13:29Z"

    async def find(**how: Any) -> list[int]:
        return [row["n"] for row in await store.read(lambda tx: search(tx, DEAL, **how))]

    assert await find(kind="room.paused") == await find(kind="room") == [6]
    assert await find(actor="local:ann") == await find(names="key.changed") == [6]
    assert await find(since=at(1), until=at(3)) == [2, 3]
    assert await find(names="!a:b", limit=2) == [1, 2]
    assert await find(names="!nobody:b") == []
