"""Rows of notifications: what was opened, who is to be told of it, and what became of each telling.

Rules kept here:

1. An attempt is on disk before it begins. What had begun when the program ended is tried again
   under the same id, and says that it may have come before: never twice silently, never lost.
2. What waits for the same person by the same way goes as one; and not sooner than some time after
   the last, so that a storm is one message.
3. A row that this home did not make tells nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import HOUR, MINUTE, SECOND
from orchestrator.ids import new_id
from orchestrator.notify.things import Thing
from orchestrator.store.unit import Tx
from tiers.ids import DealId

ACTOR = "wallcross"
STAGES = (5 * MINUTE, 10 * MINUTE)
"""From the first telling to the next person, and from there to everybody: 5 and 15 minutes."""
LAST_STAGE = len(STAGES)
SPACING, SPACING_URGENT = 5 * MINUTE, MINUTE
"""Between two tellings of one person by one way; the second where a message is held."""
FIRST_WAIT, LONGEST_WAIT = 30 * SECOND, 15 * MINUTE
MOST_ATTEMPTS = 8
PATIENCE = MINUTE
"""After which the next of his ways is tried too."""
WAIT_AT_MOST = HOUR
AT_ONCE = 64

_PARTS = """
SELECT a.kind, count(*) FROM alert_part p JOIN alert a USING (alert_id)
WHERE p.send_id = ? AND a.settled_at IS NULL AND a.answered_at IS NULL GROUP BY a.kind"""
_DUE = """
SELECT send_id, deal_id, person, way, rank, attempts, again, mark FROM alert_send
WHERE state = 'queued' AND not_before <= ? ORDER BY not_before, send_id LIMIT ?"""
_STALE = """
SELECT send_id, deal_id, person, way, rank, attempts, again, mark
FROM alert_send INDEXED BY alert_send_stale
WHERE deal_id = ? AND next_way = 0 AND person <> '' AND state IN ('queued', 'started', 'dead')
    AND (state = 'dead'
    OR (state IN ('queued', 'started') AND attempts > 0 AND started_at <= ?))"""


@dataclass(frozen=True, slots=True)
class Send:
    """One telling of one person by one way. ``person`` is empty for the webhook."""

    send_id: str
    deal_id: DealId
    person: str
    way: str
    rank: int
    attempts: int
    again: bool


def open_alert(tx: Tx, deal: DealId, thing: Thing, at: int) -> str:
    """Writes that something needs somebody."""
    alert = new_id("alr")
    tx.run(
        "INSERT INTO alert (alert_id, deal_id, kind, subject, opened_at, stage, next_at)"
        " VALUES (?, ?, ?, ?, ?, 0, ?)",
        (alert, deal, thing.kind, thing.subject, at, at + STAGES[0]),
    )
    return alert


def open_alerts(tx: Tx, deal: DealId) -> dict[tuple[str, str], str]:
    """Ids of what needs somebody, by kind and subject."""
    query = "SELECT kind, subject, alert_id FROM alert WHERE deal_id = ? AND settled_at IS NULL"
    return {(kind, subject): alert for kind, subject, alert in tx.all(query, (deal,))}


def settle_alert(tx: Tx, alert: str, at: int) -> None:
    """Writes that it needs nobody any more."""
    tx.run("UPDATE alert SET settled_at = ?, next_at = NULL WHERE alert_id = ?", (at, alert))


def due_stages(tx: Tx, deal: DealId, at: int) -> list[tuple[str, str, str, int]]:
    """What nobody answered in time: id, kind, subject, and the stage that is due."""
    return tx.all(
        "SELECT alert_id, kind, subject, stage + 1 FROM alert INDEXED BY alert_open "
        "WHERE deal_id = ? AND settled_at IS NULL AND answered_at IS NULL AND next_at <= ?",
        (deal, at),
    )


def advance(tx: Tx, alert: str, stage: int, at: int) -> None:
    """Writes which stage it is in."""
    then = at + STAGES[stage] if stage < LAST_STAGE else None
    tx.run("UPDATE alert SET stage = ?, next_at = ? WHERE alert_id = ?", (stage, then, alert))


def told_of(tx: Tx, alert: str) -> frozenset[str]:
    """Who was told of it, or is about to be."""
    query = "SELECT DISTINCT s.person FROM alert_part p JOIN alert_send s USING (send_id)"
    return frozenset(p for (p,) in tx.all(f"{query} WHERE p.alert_id = ?", (alert,)))


def queue(
    tx: Tx,
    deal: DealId,
    to: tuple[str, str, int],
    alerts: Iterable[str],
    *,
    at: int,
    not_before: int,
    urgent: bool,
) -> None:
    """Has a person told of things by a way; joins what waits for him there already.

    Args:
        tx: the unit of work.
        deal: whose things.
        to: who, by which way, and which of his ways that is.
        alerts: what of.
        at: microseconds UTC.
        not_before: not sooner.
        urgent: a message is held.
    """
    person, way, _ = to
    spacing = SPACING_URGENT if urgent else SPACING
    last = tx.one(
        "SELECT max(coalesce(ended_at, made_at)) FROM alert_send INDEXED BY alert_send_person "
        "WHERE deal_id = ? AND person = ? AND way = ? AND state <> 'queued'",
        (deal, person, way),
    )
    soonest = max(not_before, last[0] + spacing if last and last[0] else 0)
    there = tx.one(
        "UPDATE alert_send SET not_before = min(not_before, ?) WHERE send_id = ("
        "SELECT send_id FROM alert_send WHERE deal_id = ? AND person = ? AND way = ? "
        "AND state = 'queued' AND attempts = 0 LIMIT 1) RETURNING send_id",
        (soonest, deal, person, way),
    )
    send = str(there[0]) if there is not None else _new(tx, deal, to, soonest, at)
    tx.many("INSERT OR IGNORE INTO alert_part VALUES (?, ?)", [(send, a) for a in alerts])


def _new(tx: Tx, deal: DealId, to: tuple[str, str, int], not_before: int, at: int) -> str:
    send, (person, way, rank) = new_id("snd"), to
    tx.run(
        "INSERT INTO alert_send (send_id, deal_id, person, way, rank, state, attempts, again,"
        " not_before, made_at, next_way, mark) VALUES (?, ?, ?, ?, ?, 'queued', 0, 0, ?, ?, 0, ?)",
        (send, deal, person, way, rank, not_before, at, _mark(tx, send, deal, person, way)),
    )
    return send


def _mark(tx: Tx, *parts: str) -> bytes | None:
    return None if tx.pen is None else tx.pen.mark("alert", *parts)


def due(tx: Tx, at: int) -> list[Send]:
    """What is to be sent now; what this home did not write is passed over."""
    return _sends(tx, tx.all(_DUE, (at, AT_ONCE)))


def stale(tx: Tx, deal: DealId, at: int) -> list[Send]:
    """What is dead, or did not go within a minute, and has not been tried another way."""
    return _sends(tx, tx.all(_STALE, (deal, at - PATIENCE)))


def _sends(tx: Tx, rows: Sequence[tuple[object, ...]]) -> list[Send]:
    return [
        Send(str(s), DealId(str(d)), str(p), str(w), int(str(r)), int(str(n)), bool(again))
        for s, d, p, w, r, n, again, mark in rows
        if mark == _mark(tx, str(s), str(d), str(p), str(w))
    ]


def parts(tx: Tx, send: str) -> list[str]:
    """Ids of what a telling is about."""
    return [a for (a,) in tx.all("SELECT alert_id FROM alert_part WHERE send_id = ?", (send,))]


def passed_on(tx: Tx, send: str) -> None:
    """Writes that the next way was tried too."""
    tx.run("UPDATE alert_send SET next_way = 1 WHERE send_id = ?", (send,))


def start(tx: Tx, send: Send, at: int) -> dict[str, int] | None:
    """Writes that an attempt begins; what it is about, by kind; None: of nothing any more."""
    counts: dict[str, int] = dict(tx.all(_PARTS, (send.send_id,)))
    state = "started" if counts else "settled"
    tx.expect(
        "UPDATE alert_send SET state = ?, attempts = attempts + ?, "
        "started_at = coalesce(started_at, ?), ended_at = ? "
        "WHERE send_id = ? AND state = 'queued'",
        (state, int(bool(counts)), at, None if counts else at, send.send_id),
    )
    return counts or None


def sent(tx: Tx, send: Send, code: str, count: int, at: int) -> None:
    """Writes that it was taken, and states it."""
    _end(tx, send, "sent", code, at)
    body: dict[str, Json] = {
        "send": send.send_id,
        "person": send.person or None,
        "channel": send.way,
        "things": count,
    }
    append(tx, send.deal_id, Kind.ALERT_SENT, body, at=at, actor=ACTOR)


def dead(tx: Tx, send: Send, code: str, at: int) -> None:
    """Writes that it goes nowhere by this way."""
    _end(tx, send, "dead", code, at)


def later(tx: Tx, send: Send, code: str, wait: int | None, at: int, *, unknown: bool) -> None:
    """Writes that it is tried again; after the last time it is dead."""
    attempts = send.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        dead(tx, send, code, at)
        return
    pause = min(LONGEST_WAIT, FIRST_WAIT << (attempts - 1))
    pause = max(pause, min(wait or 0, WAIT_AT_MOST))
    tx.expect(
        "UPDATE alert_send SET state = 'queued', not_before = ?, code = ?, again = again OR ? "
        "WHERE send_id = ? AND state = 'started'",
        (at + pause, code, int(unknown), send.send_id),
    )


def _end(tx: Tx, send: Send, state: str, code: str, at: int) -> None:
    tx.expect(
        "UPDATE alert_send SET state = ?, code = ?, ended_at = ? "
        "WHERE send_id = ? AND state = 'started'",
        (state, code, at, send.send_id),
    )


def recover(tx: Tx) -> int:
    """What had begun when the program ended may have gone: it is tried again, and says so."""
    return tx.run(
        "UPDATE alert_send SET state = 'queued', again = 1, code = 'unknown' "
        "WHERE state = 'started'"
    )


def answer(tx: Tx, deal: DealId, alert: str, *, at: int, actor: str) -> bool:
    """Writes that somebody sees to it; False: there is no such thing that needs somebody."""
    found = tx.run(
        "UPDATE alert SET answered_at = ?, answered_by = ?, next_at = NULL WHERE alert_id = ? "
        "AND deal_id = ? AND settled_at IS NULL AND answered_at IS NULL",
        (at, actor, alert, deal),
    )
    if found:
        body: dict[str, Json] = {"alert": alert}
        append(tx, deal, Kind.ALERT_ANSWERED, body, at=at, actor=actor)
    return bool(found)
