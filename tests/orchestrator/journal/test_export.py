"""Exported by a host that cannot read it, opened offline with shares alone."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from orchestrator.journal import keys
from orchestrator.journal.errors import BadExport, BadShare
from orchestrator.journal.export import ENVELOPES, INDEX, OPENED, export, open_export
from orchestrator.journal.keygen import Group, NewJournalKey, combine, generate
from orchestrator.journal.writer import JournalWriter
from orchestrator.store.unit import Store, Tx

AT = 1_800_000_000_000_000
DEAL = "deal_1"
CANARY = b"kq7Zr2mVw9Xc4Tn1Lp6Yb3Hs8Gd5Fj0A"
LARGE = 700_000
WRITTEN = """INSERT INTO message (message_id, deal_id, connector, remote_id, sender, person_id,
 sent_at, accepted_at, size, state, conversation_id, tier) VALUES ('msg_001', 'deal_1', 'matrix',
 'r', '@ada:s', 'ada.park', 5, 6, 7, 'delivered', 'conv_1', 'valuation')"""


@pytest.fixture(scope="module")
def joint() -> NewJournalKey:
    return generate("joint", [Group("acquirer", 2, 3), Group("target", 2, 3)])


@pytest.fixture(scope="module")
def side() -> NewJournalKey:
    return generate("side_target", [Group("target", 2, 3)])


def every(key: NewJournalKey) -> list[str]:
    return [share for shares in key.shares.values() for share in shares]


@pytest.fixture
async def exported(
    store: Store,
    writer: JournalWriter,
    joint: NewJournalKey,
    side: NewJournalKey,
    tmp_path: Path,
) -> Path:
    def adopt(tx: Tx) -> None:
        keys.adopt(tx, DEAL, joint.public, at=AT, actor="x")
        keys.adopt(tx, DEAL, side.public, at=AT, actor="x")

    await store.write(adopt)
    await store.write(lambda tx: tx.run(WRITTEN))
    for n in range(250):
        scope = "side_target" if n == 0 else "joint"
        await journal(store, writer, f"msg_{n:03}", scope, large=n == 7)
    await export(store, DEAL, writer.files, tmp_path / "export")
    return tmp_path / "export"


async def journal(
    store: Store, writer: JournalWriter, message: str, scope: str, *, large: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield CANARY
        yield bytes(LARGE)

    duty = await store.read(lambda tx: writer.duty(tx, DEAL, (scope,), "OPERATIONS", AT))
    if large:
        copy = await writer.seal_stream(duty, message, pieces())
    else:
        copy = writer.seal(duty, CANARY + message.encode())
    await store.write(
        lambda tx: writer.append(
            tx,
            deal_id=DEAL,
            message_id=message,
            scopes=(scope,),
            tier="OPERATIONS",
            sealed=copy,
            at=AT,
        )
    )


def test_counsel_opens_what_is_theirs_and_nothing_else(
    exported: Path, joint: NewJournalKey, side: NewJournalKey, tmp_path: Path
) -> None:
    shares = [*joint.shares["acquirer"][:2], *joint.shares["target"][1:]]
    found = open_export(exported, joint.public, shares, tmp_path / "out")
    assert (found.opened, found.other_key, found.failed) == (249, 1, ())
    assert (tmp_path / "out" / "msg_001.entry").read_bytes() == CANARY + b"msg_001"
    assert (tmp_path / "out" / "msg_007.entry").read_bytes() == CANARY + bytes(LARGE)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "out" / "msg_001.entry").stat().st_mode & 0o777 == 0o600
    own = open_export(exported, side.public, every(side), tmp_path / "own")
    assert (own.opened, own.other_key) == (1, 249)


def test_what_was_opened_names_its_author_and_its_time(
    exported: Path, joint: NewJournalKey, tmp_path: Path
) -> None:
    open_export(exported, joint.public, every(joint), tmp_path / "out")
    file = tmp_path / "out" / OPENED
    rows = {row["message"]: row for row in map(json.loads, file.read_text().splitlines())}
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(rows) == 249
    assert rows["msg_001"] == {
        "message": "msg_001", "at": AT, "author": "ada.park", "account": "@ada:s", "sent_at": 5,
        "accepted_at": 6, "tier": "valuation", "conversation": "conv_1",
    }  # fmt: skip
    assert rows["msg_002"]["author"] is None  # nothing is made up where nothing is known


def test_the_export_holds_no_text_and_plain_age_opens_each_envelope(
    exported: Path, joint: NewJournalKey
) -> None:
    files = [path.read_bytes() for path in exported.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert not any(CANARY in content for content in files)
    identity = combine(joint.public, every(joint))
    large = (exported / ENVELOPES / "msg_007.age").read_bytes()
    assert pyrage.decrypt(large, [identity]).startswith(CANARY)


def test_too_few_shares_open_nothing(exported: Path, joint: NewJournalKey, tmp_path: Path) -> None:
    with pytest.raises(BadShare):
        open_export(exported, joint.public, joint.shares["acquirer"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_damaged_entry_is_named_and_stops_no_other(
    exported: Path, joint: NewJournalKey, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in (exported / INDEX).read_text().splitlines()]
    at = {entry.get("message"): entry for entry in lines}
    at["msg_002"]["envelope"] = at["msg_003"]["envelope"]
    at["msg_004"] |= {"envelope": at["msg_005"]["envelope"][:-8]}
    at["msg_006"] |= {"message": "../../etc/x"}
    (exported / ENVELOPES / "msg_007.age").unlink()
    at["msg_008"] |= {"envelope": "!!"}
    at["msg_009"] |= {"envelope": "aGVsbG8=", "sha256": SHA_OF_HELLO}
    (exported / INDEX).write_text("\n".join([*map(json.dumps, lines), "not json"]))
    found = open_export(exported, joint.public, every(joint), tmp_path / "out")
    assert found.opened == 249 - 6
    assert found.other_key == 2
    names = [name for name, _ in found.failed]
    assert names == ["msg_002", "msg_004", "../../etc/x", "msg_007", "msg_008", "msg_009"]
    assert not (tmp_path / "out" / "msg_009.entry").exists()


SHA_OF_HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def test_what_is_no_export_is_refused(exported: Path, joint: NewJournalKey, tmp_path: Path) -> None:
    stranger = generate("joint", [Group("a", 2, 2)])
    with pytest.raises(BadExport, match="nothing in this export"):
        open_export(exported, stranger.public, every(stranger), tmp_path / "out")
    with pytest.raises(BadExport, match=INDEX):
        open_export(tmp_path, joint.public, every(joint), tmp_path / "out")
    (exported / INDEX).write_text('{"format": "other"}\n')
    with pytest.raises(BadExport, match="not a journal export"):
        open_export(exported, joint.public, every(joint), tmp_path / "out")


async def test_an_export_never_overwrites(
    store: Store, writer: JournalWriter, exported: Any
) -> None:
    with pytest.raises(BadExport, match="not empty"):
        await export(store, DEAL, writer.files, exported)


async def test_a_copy_that_ended_meanwhile_is_left_out_and_a_missing_one_is_named(
    store: Store, writer: JournalWriter, joint: NewJournalKey, tmp_path: Path
) -> None:
    await store.write(lambda tx: keys.adopt(tx, DEAL, joint.public, at=AT, actor="x"))
    for name in ("msg_a", "msg_b"):
        await journal(store, writer, name, "joint", large=True)
    read = writer.files.path

    def ends(owner: str) -> Path:
        if owner == "msg_a":  # its row went in another unit, behind the page that was read
            read(owner).unlink(missing_ok=True)
            with sqlite3.connect(store.path) as other:
                other.execute("DELETE FROM journal WHERE message_id = 'msg_a'")
        return read(owner)

    writer.files.path = ends  # type: ignore[method-assign]  # the moment between two reads
    assert await export(store, DEAL, writer.files, tmp_path / "one") == 1
    writer.files.path = read  # type: ignore[method-assign]
    writer.files.remove("msg_b")
    with pytest.raises(BadExport, match="msg_b is missing"):
        await export(store, DEAL, writer.files, tmp_path / "two")
