"""Hands the newest signed head to each anchor, in turns, and records what came of it.

Rules kept here:

1. No anchor waits for another, and no message waits for any.
2. A failure is a fact: it is recorded with its code, stands in the home's chain when it begins
   and when it ends, and is tried again after a pause that grows to an hour.
3. What no anchor has seen yet is counted in time, and the count is shown.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from orchestrator.audit import chain
from orchestrator.audit.anchors.port import Anchor, AnchorFailed, CollectsReceipts
from orchestrator.audit.heads import SignedHead, newest_head, signed_heads
from orchestrator.audit.instants import entry_instant
from orchestrator.audit.kinds import Kind
from orchestrator.clock import HOUR, MINUTE, Clock
from orchestrator.store.unit import Store, Tx

log = structlog.get_logger(__name__)
MOST_LINKS = 1500
"""Statements handed over before a head: what a day makes. Of a longer silence a gap remains,
which an export fills."""
RECENT = 200
"""Receipts looked at for better ones."""


class Anchoring:
    """Runs the anchors of a home.

    Args:
        store: the home's store.
        anchors: each with a name of its own.
        clock: the clock.

    Raises:
        ValueError: two anchors have one name.
    """

    def __init__(self, store: Store, anchors: Sequence[Anchor], clock: Clock) -> None:
        if len({anchor.name for anchor in anchors}) != len(anchors):
            raise ValueError("two anchors have the same name")
        self._store = store
        self._anchors = anchors
        self._clock = clock

    async def turn(self, *, early: bool = False) -> None:
        """Hands over what is due; a schedule calls this every minute. Never raises for an anchor.

        Args:
            early: hands the newest head over although an anchor's own time has not come, as
                before an export.

        Raises:
            StoreError: the outcome could not be recorded.
        """
        await asyncio.gather(*(self._one(anchor, early=early) for anchor in self._anchors))

    async def _one(self, anchor: Anchor, *, early: bool) -> None:
        head = await self._store.read(lambda tx: _due(tx, anchor, self._clock(), early=early))
        try:
            if head is not None:
                receipt = await anchor.anchor(head)
                await self._store.write(lambda tx: self._taken(tx, anchor, head.n, receipt))
            if isinstance(anchor, CollectsReceipts):
                await self._collect(anchor, anchor.name)
        except AnchorFailed as error:
            await self._failed(anchor, error.code)
        except Exception as error:  # noqa: BLE001 - one anchor's fault is no other's
            await self._failed(anchor, f"unexpected.{type(error).__name__.lower()}")

    async def _collect(self, anchor: CollectsReceipts, name: str) -> None:
        taken = await self._store.read(lambda tx: _recent(tx, name))
        better = await anchor.collect(taken)
        if better:
            rows = [(receipt, name, n) for n, receipt in better]
            sql = "UPDATE anchor SET receipt = ? WHERE name = ? AND head = ?"
            await self._store.write(lambda tx: tx.many(sql, rows))

    async def _failed(self, anchor: Anchor, code: str) -> None:
        log.warning("audit.anchor_failed", anchor=anchor.name, code=code)
        await self._store.write(lambda tx: self._note(tx, anchor, code))

    def _taken(self, tx: Tx, anchor: Anchor, head: int, receipt: bytes) -> None:
        tx.run(
            """INSERT INTO anchor (head, kind, name, receipt, at) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            (head, anchor.kind, anchor.name, receipt, self._clock()),
        )
        if tx.run("DELETE FROM anchor_failing WHERE name = ?", (anchor.name,)):
            self._tell(tx, Kind.ANCHOR_RECOVERED, {"anchor": anchor.name, "kind": anchor.kind})

    def _note(self, tx: Tx, anchor: Anchor, code: str) -> None:
        now = self._clock()
        row = tx.one("SELECT attempts FROM anchor_failing WHERE name = ?", (anchor.name,))
        attempts = row[0] + 1 if row else 1
        tx.run(
            """INSERT INTO anchor_failing (name, kind, since, attempts, code, retry_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE
               SET attempts = ?4, code = ?5, retry_at = ?6""",
            (anchor.name, anchor.kind, now, attempts, code, now + pause_after(attempts)),
        )
        if attempts == 1:
            body = {"anchor": anchor.name, "kind": anchor.kind, "code": code}
            self._tell(tx, Kind.ANCHOR_FAILED, body)

    def _tell(self, tx: Tx, kind: Kind, body: dict[str, str]) -> None:
        chain.append(tx, chain.HOME, kind, body, at=self._clock(), actor="system")


def pause_after(attempts: int) -> int:
    """Returns the pause after so many failures in a row, microseconds."""
    return min(MINUTE << min(attempts - 1, 8), HOUR)


def unanchored(tx: Tx, now: int) -> int:
    """Returns for how long (microseconds) the oldest entry that no anchor has seen stands."""
    row = tx.one("SELECT max(head) FROM anchor")
    newest = (row and row[0]) or 0
    waiting = [at for deal, head in chain.heads(tx) for at in _first_after(tx, deal, newest)]
    return max(0, now - min(waiting)) if waiting else 0


def failing(tx: Tx) -> list[dict[str, object]]:
    """Returns the anchors that do not answer: name, kind, since, attempts, code."""
    rows = tx.all("SELECT name, kind, since, attempts, code FROM anchor_failing ORDER BY name")
    return [
        dict(zip(("name", "kind", "since", "attempts", "code"), row, strict=True)) for row in rows
    ]


def _first_after(tx: Tx, deal: str, head: int) -> list[int]:
    row = tx.one(
        """SELECT entry FROM audit WHERE deal_id = ?1 AND n = 1 + coalesce(
           (SELECT max(n) FROM audit_leaf WHERE deal_id = ?1 AND head <= ?2), 0)""",
        (deal, head),
    )
    return [entry_instant(row[0])] if row else []


def _due(tx: Tx, anchor: Anchor, now: int, *, early: bool) -> SignedHead | None:
    head = newest_head(tx)
    paused = tx.one(
        "SELECT 1 FROM anchor_failing WHERE name = ? AND retry_at > ?", (anchor.name, now)
    )
    last = tx.one("SELECT max(head), max(at) FROM anchor WHERE name = ?", (anchor.name,))
    if head is None or paused:
        return None
    if last is None or last[0] is None:
        return _with_links(tx, head, 0)
    waits = not early and 0 <= now - last[1] < anchor.every
    return _with_links(tx, head, last[0]) if head.n > last[0] and not waits else None


def _with_links(tx: Tx, head: SignedHead, taken: int) -> SignedHead:
    first = max(taken, head.n - 1 - MOST_LINKS)
    rows = tx.all(
        "SELECT statement FROM audit_head WHERE n > ? AND n < ? ORDER BY n", (first, head.n)
    )
    return replace(head, links=tuple(statement for (statement,) in rows))


def _recent(tx: Tx, name: str) -> list[tuple[SignedHead, bytes]]:
    rows = tx.all(
        "SELECT head, receipt FROM anchor WHERE name = ? ORDER BY head DESC LIMIT ?", (name, RECENT)
    )
    receipts: dict[int, bytes] = dict(rows)
    first = min(receipts, default=0)
    return [(head, receipts[head.n]) for head in signed_heads(tx, first - 1) if head.n in receipts]
