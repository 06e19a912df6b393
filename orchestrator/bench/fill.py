"""Fills a store with messages that were delivered, quickly: rows as the core left them, copied.

Rule kept here: a copy has every row that its original has (message, delivery, journal, three audit
entries, its lane's number), under ids of its own; the audit is appended as ever, so it verifies.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from orchestrator.audit.chain import append_all
from orchestrator.audit.kinds import Kind
from orchestrator.command.runtime import Runtime
from orchestrator.ids import new_id
from orchestrator.store.unit import Tx

EACH = 20
"""Copies made of one original in a row."""
ACTOR = "bench"

Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Original:
    """One delivered message with all that lies about it."""

    message: Columns
    delivery: Columns
    journal: Columns
    audit: Sequence[tuple[Kind, Mapping[str, Any]]]


async def fill(runtime: Runtime, stored: int) -> None:
    """Copies delivered messages, one of each lane in turn, until ``stored`` are there."""
    originals = await runtime.store.read(_originals)
    (there,) = await runtime.store.read(lambda tx: tx.all("SELECT count(*) FROM message")[0])
    turn = 0
    while there < stored:
        copies = min(EACH, stored - there)
        original = originals[turn % len(originals)]
        at = runtime.now()
        await runtime.store.write(partial(_copy, original=original, copies=copies, at=at))
        there, turn = there + copies, turn + 1


def _originals(tx: Tx) -> list[Original]:
    newest = (  # of what somebody wrote: our own notices are in no journal
        "SELECT max(d.seq), d.message_id FROM delivery d JOIN journal j USING (message_id) "
        "WHERE d.state = 'done' GROUP BY d.lane"
    )
    audit = _entries(tx)
    return [
        Original(
            _row(tx, "SELECT * FROM message WHERE message_id = ?", message),
            _row(tx, "SELECT * FROM delivery WHERE message_id = ?", message),
            _row(tx, "SELECT * FROM journal WHERE message_id = ?", message),
            audit[message],
        )
        for _, message in tx.all(newest)
    ]


def _entries(tx: Tx) -> dict[str, list[tuple[Kind, Mapping[str, Any]]]]:
    found: dict[str, list[tuple[Kind, Mapping[str, Any]]]] = {}
    for entry, body in tx.all("SELECT entry, body FROM audit ORDER BY deal_id, n"):
        said = json.loads(body)
        if "message" in said:
            found.setdefault(said["message"], []).append((Kind(json.loads(entry)["kind"]), said))
    return found


def _row(tx: Tx, sql: str, message: str) -> Columns:
    cursor = tx.connection.execute(sql, (message,))
    names = [name for name, *_ in cursor.description]
    return dict(zip(names, cursor.fetchone(), strict=True))


def _copy(tx: Tx, original: Original, copies: int, at: int) -> None:
    names = [new_id("msg") for _ in range(copies)]
    message = dict(original.message)
    del message["arrival"]
    _insert(tx, "message", (message | {"message_id": m, "remote_id": m} for m in names))
    _insert(tx, "delivery", _deliveries(tx, original, names))
    _insert(tx, "journal", (dict(original.journal) | {"message_id": m} for m in names))
    entries = [(kind, dict(said) | {"message": m}) for m in names for kind, said in original.audit]
    append_all(tx, original.message["deal_id"], entries, at=at, actor=ACTOR)


def _deliveries(tx: Tx, original: Original, names: Sequence[str]) -> Iterator[Columns]:
    lane = original.delivery["lane"]
    sql = "UPDATE lane SET next_seq = next_seq + ? WHERE lane = ? RETURNING next_seq"
    (behind,) = tx.all(sql, (len(names), lane))[0]
    for seq, message in enumerate(names, behind - len(names)):
        wire = {"delivery_id": new_id("dlv"), "wire_key": new_id("wx"), "remote_id": message}
        yield dict(original.delivery) | wire | {"message_id": message, "seq": seq}


def _insert(tx: Tx, table: str, rows: Iterator[Columns]) -> None:
    listed = [dict(row) for row in rows]
    columns = ", ".join(listed[0])
    places = ", ".join("?" * len(listed[0]))
    sql = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - our own tables' names
    tx.many(sql, [tuple(row.values()) for row in listed])
