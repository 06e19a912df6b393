"""The outbox's statements: each names the state that it expects, and writes its audit entry.

Rule kept here: a change of state and the entry that states it are in one unit of work.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from orchestrator.audit.body import Json, coded, named
from orchestrator.audit.chain import append, append_each
from orchestrator.audit.kinds import Kind
from orchestrator.ids import new_id
from orchestrator.outbox import prints
from orchestrator.outbox.item import Done, Item, Start, from_row
from orchestrator.outbox.marks import (
    DELIVERY_COLUMNS,
    MESSAGE_COLUMNS,
    Origin,
    Target,
    is_planted,
    mark,
)
from orchestrator.outbox.port import Due, HeldAs, MessageFacts
from orchestrator.seal.body import Unlocked
from orchestrator.seal.errors import Destroyed
from orchestrator.seal.sealer import SEALED, Sealer
from orchestrator.store.unit import Tx
from tiers.decision import Reason

ACTOR = "wallcross"
UNDO = "@undo/"
"""Begins the lane of what is to be taken back in a room; no channel's name begins so."""

_DUE = f"""
SELECT d.delivery_id, d.kind, d.message_id, d.deal_id, d.conversation_id, d.connector, d.room,
    d.lane, d.seq, d.wire_key, d.state, d.attempts, d.not_before, d.started_at, d.possibly,
    d.as_tier, d.target,
    m.message_id, m.connector, m.remote_id, m.room, m.sender, m.person_id, m.reply_to, m.edits,
    m.accepted_at, m.size,
    EXISTS (SELECT 1 FROM document f WHERE f.message_id = m.message_id),
    EXISTS (SELECT 1 FROM document f WHERE f.message_id = m.message_id AND f.seals),
    m.taken_back_at IS NOT NULL,
    {MESSAGE_COLUMNS.format("m")}, m.mark, {DELIVERY_COLUMNS.format("d")}, d.mark,
    {SEALED}
FROM delivery d JOIN message m USING (message_id) LEFT JOIN sealed ON owner = m.message_id
WHERE d.lane = ?1 AND d.state IN ('queued', 'started')
    AND (m.state = 'delivering' OR d.state = 'started' OR d.kind = 'undo')
    AND NOT EXISTS (SELECT 1 FROM delivery WHERE lane = ?1 AND state = 'dead' AND blocks)
ORDER BY d.seq LIMIT ?2"""  # noqa: S608 - our own columns
_ITEM, _FACTS, _ORIGIN, _MARKS = 17, 30, 43, 55
"""Where the columns of a delivery end, those of its message, and those under each mark with the
mark; what is sealed follows."""


def due(tx: Tx, sealer: Sealer, lane: str, limit: int) -> list[Due]:
    """The open rows of a lane in their order, unless a dead row blocks it; one statement.

    While a message is held, because another room of it was stopped, no part of it is due.
    """
    return [_due(tx, sealer, row) for row in tx.all(_DUE, (lane, limit))]


def _due(tx: Tx, sealer: Sealer, row: tuple[Any, ...]) -> Due:
    facts = MessageFacts(*row[_ITEM:_FACTS])
    body = _body(tx, sealer, facts.message_id, row[_MARKS:])
    return Due(from_row(row[:_ITEM]), facts, body, planted=_is_planted(tx, row))


def _is_planted(tx: Tx, row: tuple[Any, ...]) -> bool:
    *origin, origin_mark = row[_FACTS:_ORIGIN]
    *target, target_mark = row[_ORIGIN:_MARKS]
    return is_planted(tx.pen, Target(*target), target_mark) or is_planted(
        tx.pen, Origin(*origin), origin_mark
    )


def _body(tx: Tx, sealer: Sealer, owner: str, sealed: tuple[Any, ...]) -> Unlocked | None:
    if sealed[0] is None:
        return None
    try:
        return sealer.unlock_row(owner, sealed)
    except Destroyed:  # a turn ended its epoch meanwhile: the row hangs on the next one now
        return unlocked(tx, sealer, owner)


def unlocked(tx: Tx, sealer: Sealer, owner: str) -> Unlocked | None:
    """A sealed body, to be opened after the transaction; None when it was destroyed."""
    try:
        return sealer.unlock(tx, owner)
    except Destroyed:
        return None


def lanes_with_work(tx: Tx) -> list[tuple[str, int]]:
    """Every lane that has an open row, with the earliest instant that one is due."""
    return [
        (lane, at)
        for lane, at in tx.all(
            "SELECT lane, MIN(not_before) FROM delivery "
            "WHERE state IN ('queued', 'started') GROUP BY lane"
        )
    ]


def enqueue(
    tx: Tx,
    *,
    kind: str,
    message_id: str,
    deal_id: str,
    conversation_id: str | None,
    connector: str,
    room: str,
    as_tier: str,
    blocks: bool,
    target: str | None = None,
    possibly: bool = False,
    at: int,
) -> str:
    """Adds a row at the end of its lane and returns the lane.

    ``seq`` comes from the lane's own counter inside the unit, never from a clock. What takes a
    message back waits behind nothing that is sent. ``possibly``: an attempt of an earlier way may
    have brought it there, so that this one is marked.
    """
    lane = f"{connector}/{room}" if kind == "send" else f"{UNDO}{connector}/{room}"
    row = tx.one(
        "INSERT INTO lane (lane, deal_id, next_seq) VALUES (?, ?, 2) "
        "ON CONFLICT (lane) DO UPDATE SET next_seq = next_seq + 1 RETURNING next_seq - 1",
        (lane, deal_id),
    )
    seq = row[0] if row else 1
    goes = Target(
        *(new_id("dlv"), kind, message_id, deal_id, conversation_id, connector),
        *(room, lane, new_id("wx"), as_tier, target),
    )
    tx.run(
        "INSERT INTO delivery (delivery_id, kind, message_id, deal_id, conversation_id, connector,"
        " room, lane, wire_key, as_tier, target, seq, state, attempts, not_before, blocks,"
        " possibly, mark) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, ?, ?, ?)",
        (*goes, seq, at, blocks, possibly, mark(tx.pen, goes)),
    )
    return lane


# The three of every message are sets, so that what many lanes do at once costs few statements.
_START = """
UPDATE delivery SET state = 'started', attempts = attempts + 1,
    started_at = json_extract(v.value, '$[3]')
FROM json_each(?) AS v WHERE delivery_id = json_extract(v.value, '$[0]')
    AND state = json_extract(v.value, '$[1]') AND attempts = json_extract(v.value, '$[2]')"""
_DONE = """
UPDATE delivery SET state = 'done', remote_id = json_extract(v.value, '$[1]'),
    sealed_to = json_extract(v.value, '$[2]'), settled_at = json_extract(v.value, '$[3]')
FROM json_each(?) AS v WHERE delivery_id = json_extract(v.value, '$[0]') AND state = 'started'"""


def start(tx: Tx, starts: Sequence[Start]) -> None:
    """Writes down that attempts begin, before anything goes out.

    Raises:
        StoreError: one of them is not as it was read; the whole unit is undone.
    """
    rows = [(s.item.delivery_id, s.item.state.value, s.item.attempts, s.at) for s in starts]
    tx.expect(_START, (json.dumps(rows),), len(rows))


def done(tx: Tx, sealer: Sealer, dones: Sequence[Done]) -> None:
    """Settles deliveries that the network took.

    Raises:
        StoreError: one of them was not under way; the whole unit is undone.
    """
    rows = [(d.item.delivery_id, d.remote_id, d.sealed_to, d.at) for d in dones]
    tx.expect(_DONE, (json.dumps(rows),), len(rows))
    at = max(d.at for d in dones)
    for one in dones:
        if one.prints is not None:
            prints.note_copy(tx, one.item.message_id, one.item.delivery_id, one.prints)
    entries = [(d.item.deal_id, Kind.DELIVERY_DONE, _done(d)) for d in dones]
    append_each(tx, entries, at=at, actor=ACTOR)
    finish(tx, sealer, [d.item.message_id for d in dones], at)


def _done(done: Done) -> dict[str, Json]:
    item = done.item
    return {
        "message": item.message_id,
        "seq": item.seq,
        "possibly": item.possibly,
        "room": item.room,
        "remote_id": named(done.remote_id),
        "sealed_to": done.sealed_to,
        **({} if done.prints is None else {"copy": f"sha256:{done.prints.sealed}"}),
    }


def possibly(
    tx: Tx, sealer: Sealer, item: Item, code: str, at: int, *, expected: str = "started"
) -> None:
    """Settles a delivery whose outcome cannot be known: a person decides what follows."""
    _end(tx, item, "possibly", code, at, expected=expected)
    _state(tx, item, Kind.DELIVERY_POSSIBLY, code, at)
    finish(tx, sealer, (item.message_id,), at)


def dead(tx: Tx, sealer: Sealer, item: Item, code: str, at: int, *, blocks: bool = True) -> None:
    """Puts a delivery among the dead letters, with the reason.

    What no person could send again keeps nothing behind it waiting: it never ``blocks``.
    """
    _end(tx, item, "dead", code, at)
    if not blocks:
        tx.run("UPDATE delivery SET blocks = 0 WHERE delivery_id = ?", (item.delivery_id,))
    _state(tx, item, Kind.DELIVERY_DEAD, code, at)
    finish(tx, sealer, (item.message_id,), at)


def again(tx: Tx, item: Item, code: str, *, doubtful: bool, not_before: int, at: int) -> None:
    """Queues a delivery once more under the same wire id."""
    tx.expect(
        "UPDATE delivery SET state = 'queued', possibly = possibly OR ?, not_before = ?, reason = ?"
        " WHERE delivery_id = ? AND state = ?",
        (doubtful, not_before, code, item.delivery_id, item.state.value),
    )
    if doubtful and not item.possibly:
        _state(tx, item, Kind.DELIVERY_RETRIED, code, at)


def stop(tx: Tx, item: Item, reasons: Iterable[Reason], held: HeldAs, at: int) -> None:
    """Stops a delivery before the wire and holds its message."""
    found = tuple(reasons)
    _end(tx, item, "stopped", found[0].rule if found else "unvouched", at)
    codes = sorted({coded(r.rule) for r in found})
    body = {"message": item.message_id, "rules": codes, "tier": item.as_tier}
    append(tx, item.deal_id, Kind.DELIVERY_STOPPED, body, at=at, actor=ACTOR)
    hold(
        tx,
        message_id=item.message_id,
        deal_id=item.deal_id,
        conversation_id=item.conversation_id,
        tier=item.as_tier,
        reasons=found,
        held=held,
        expected="delivering",
        at=at,
    )


def taken_back(tx: Tx, sealer: Sealer, item: Item, at: int) -> None:
    """Ends what waits of a message whose author deleted it; what may have arrived stays so."""
    if item.possibly:
        possibly(tx, sealer, item, "taken_back", at, expected=item.state.value)
        return
    _end(tx, item, "stopped", "taken_back", at)
    body: dict[str, Json] = {
        "message": item.message_id,
        "rules": ["taken_back"],
        "tier": item.as_tier,
    }
    append(tx, item.deal_id, Kind.DELIVERY_STOPPED, body, at=at, actor=ACTOR)
    settle_taken_back(tx, sealer, item.message_id, at)


def settle_taken_back(tx: Tx, sealer: Sealer, message_id: str, at: int) -> None:
    """Ends what has no delivery under way: as it went, or dropped where it went nowhere."""
    finish(tx, sealer, (message_id,), at)
    nowhere = tx.run(
        "UPDATE message SET state = 'dropped', settled_at = ?1 WHERE message_id = ?2 "
        "AND state IN ('delivering', 'held') AND NOT EXISTS (SELECT 1 FROM delivery "
        "WHERE message_id = ?2 AND kind = 'send' AND state <> 'stopped')",
        (at, message_id),
    )
    if not nowhere:
        return
    tx.run(
        "UPDATE held SET state = 'dropped', settled_at = ?, settled_by = 'author' "
        "WHERE message_id = ? AND state = 'held'",
        (at, message_id),
    )
    destroy_body(tx, sealer, message_id)


def undone(tx: Tx, item: Item, at: int) -> None:
    """Settles a withdrawal that was seen: the network no longer hands the message out.

    The finding says for how long it was visible: from when we accepted it until now.
    """
    tx.expect(
        "UPDATE delivery SET state = 'done', settled_at = ? "
        "WHERE delivery_id = ? AND state = 'started'",
        (at, item.delivery_id),
    )
    row = tx.one("SELECT accepted_at FROM message WHERE message_id = ?", (item.message_id,))
    visible = at - row[0] if row else 0
    body = {"message": item.message_id, "room": item.room, "remote_id": named(item.target or "")}
    append(
        tx,
        item.deal_id,
        Kind.DELIVERY_WITHDRAWN,
        {**body, "visible_us": visible},
        at=at,
        actor=ACTOR,
    )
    tx.run(
        "UPDATE finding SET last_seen = ?, reasons = json_insert(reasons, '$[#]', ?) "
        "WHERE deal_id = ? AND rule = 'withdrawn' AND subject = ?",
        (at, f"withdrawn after {visible / 1e6:.1f} s", item.deal_id, item.message_id),
    )


def hold(
    tx: Tx,
    *,
    message_id: str,
    deal_id: str,
    conversation_id: str | None,
    tier: str,
    reasons: Iterable[Reason],
    held: HeldAs,
    expected: str,
    at: int,
) -> None:
    """Holds a message with an owner, a deadline and a next person.

    What ended while a part of it was under way, because a person dropped it, is not held again.
    """
    found = tuple(reasons)
    fresh = tx.run(
        "UPDATE message SET state = 'held' WHERE message_id = ? AND state = ?",
        (message_id, expected),
    )
    held_by_another = "SELECT 1 FROM message WHERE message_id = ? AND state = 'held'"
    if not fresh and tx.one(held_by_another, (message_id,)) is None:
        return
    told = json.dumps([[r.rule, r.because, r.subject] for r in found])
    tx.run(
        "INSERT INTO held (message_id, deal_id, conversation_id, tier, reasons, owner, next_person,"
        " deadline, state, held_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'held', ?) "
        "ON CONFLICT (message_id) DO UPDATE SET state = 'held', reasons = excluded.reasons,"
        " deadline = excluded.deadline, settled_at = NULL, settled_by = NULL",
        (
            *(message_id, deal_id, conversation_id, tier, told),
            *(held.owner, held.next_person, held.deadline, at),
        ),
    )
    codes = sorted({coded(r.rule) for r in found})
    body: dict[str, Json] = {
        "message": message_id,
        "rules": codes,
        "tier": tier,
        "owner": held.owner,
        **_seen(tx, message_id),
    }
    append(tx, deal_id, Kind.MESSAGE_HELD, body, at=at, actor=ACTOR)
    if fresh and held.tell is not None:
        held.tell(tx)


def _seen(tx: Tx, message_id: str) -> dict[str, Json]:
    """Who may have seen a message that is held, as codes.

    Nobody of whom we know, those who have a part of it already, or everybody in the room that its
    author wrote it into himself.
    """
    stood = tx.one(
        "SELECT r.connector, r.room FROM message m"
        " JOIN room r ON r.connector = m.connector AND r.room = m.room WHERE m.message_id = ?",
        (message_id,),
    )
    if stood is not None:
        return {"seen": "room", "channel": stood[0], "room": stood[1]}
    went = "SELECT 1 FROM delivery WHERE message_id = ? AND kind = 'send' "
    if tx.one(went + "AND state IN ('done', 'possibly') LIMIT 1", (message_id,)) is not None:
        return {"seen": "part"}
    return {"seen": "nobody"}


# What was stopped says nothing here: its message is held, or has gone another way since.
_WORST = """
SELECT json_group_array(json_array(message_id, worst)) FROM (
    SELECT message_id, max(CASE d.state WHEN 'stopped' THEN -1 WHEN 'done' THEN possibly
        WHEN 'possibly' THEN 2 WHEN 'dead' THEN 3 ELSE 4 END) AS worst
    FROM delivery d JOIN message m USING (message_id) WHERE kind = 'send'
        AND message_id IN (SELECT value FROM json_each(?)) AND m.state = 'delivering'
    GROUP BY message_id)"""
_ENDS = (("delivered", True), ("possibly", True), ("possibly", False), ("dead", False))
"""By the worst of a message's deliveries: its end, and whether its body has done its service (what
may have arrived twice did arrive). Beyond them, one is open."""
_FINISH = """
UPDATE message SET state = ?, settled_at = ?
WHERE message_id IN (SELECT value FROM json_each(?)) AND state = 'delivering'"""


def finish(tx: Tx, sealer: Sealer, messages: Sequence[str], at: int) -> None:
    """Settles messages of which no delivery is open; what was delivered is destroyed."""
    worst = json.loads(tx.all(_WORST, (json.dumps(messages),))[0][0])
    for n, (end, served) in enumerate(_ENDS):
        ended = [message for message, found in worst if found == n]
        if ended:
            tx.run(_FINISH, (end, at, json.dumps(ended)))
            if served:
                sealer.destroy_all(tx, ended)


def supersede(tx: Tx, message_id: str, at: int) -> None:
    """Stops what is queued of a held message that goes another way now."""
    tx.run(
        "UPDATE delivery SET state = 'stopped', reason = 'superseded', settled_at = ? "
        "WHERE message_id = ? AND kind = 'send' AND state = 'queued'",
        (at, message_id),
    )


def destroy_body(tx: Tx, sealer: Sealer, message_id: str) -> None:
    """Destroys what a message said, its files included."""
    sealer.destroy_all(tx, (message_id,))


def _end(
    tx: Tx, item: Item, state: str, code: str, at: int, *, expected: str | None = None
) -> None:
    tx.expect(
        "UPDATE delivery SET state = ?, reason = ?, settled_at = ? "
        "WHERE delivery_id = ? AND state = ?",
        (state, code, at, item.delivery_id, expected or item.state.value),
    )


def _state(tx: Tx, item: Item, kind: Kind, code: str, at: int) -> None:
    body: dict[str, Json] = {
        "message": item.message_id,
        "seq": item.seq,
        "room": item.room,
        "reason": coded(code),
        "attempts": item.attempts,
    }
    append(tx, item.deal_id, kind, body, at=at, actor=ACTOR)
