"""What time does to messages: a held one is handed on, a body past its tier's time is destroyed.

Rules kept here:

1. Nothing ends silently. What expires is a dead letter with that reason, told to its author where
   he has a line, in the unit that ends it; whoever was next owns what is held too long.
2. Time reaches every message that is not delivered, wherever it stands: held, in doubt, behind a
   blocked lane, or not routed yet. A part of it that was started has possibly arrived. What nobody
   judged has the longest time that its deal gives any tier.
3. A finding about a held message is closed once the message is settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import MINUTE
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.flow.notices import Notice
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import OpensLines
from orchestrator.flow.stopped import told_in_line
from orchestrator.outbox import rows
from orchestrator.outbox.port import OURS
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName

AT_ONCE: Final = 100
"""Messages ended in one turn; the next turn takes the next."""
IN_FLIGHT: Final = 15 * MINUTE
"""A part that was started less long ago may still be under way: its own attempt ends it."""
_LATE = Raised(
    "held_overdue",
    "high",
    ("a held message is past its deadline; the next person, where there is one, owns it now",),
    "wallcross held list",
)
# Findings about messages, and what shows that they are over.
_OVER = """
SELECT f.deal_id, f.rule, f.subject FROM finding f INDEXED BY finding_open
JOIN message m ON m.message_id = f.subject
WHERE f.closed_at IS NULL AND (
    f.rule IN ('held_overdue', 'release_asked') AND m.state <> 'held'
    OR f.rule = 'withdrawn' AND m.state NOT IN ('accepted', 'held', 'delivering')
        AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = f.subject
            AND d.kind = 'undo' AND d.state <> 'done'))"""
# From what is still sealed: what was ever stored grows without end.
_EXPIRED = """
SELECT message_id, state, connector, sender FROM sealed CROSS JOIN message ON owner = message_id
WHERE sealed.deal_id = ?1 AND connector <> ?2 AND accepted_at < ?3
    AND state IN ('held', 'possibly', 'dead', 'delivering', 'accepted') AND tier IS ?4
    AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.message_id
        AND d.kind = 'send' AND d.state = 'started' AND d.started_at > ?5)
ORDER BY arrival LIMIT ?6"""
_PARTS = """
SELECT delivery_id, state, seq, room, attempts FROM delivery
WHERE message_id = ? AND kind = 'send' AND state IN ('queued', 'started')"""


async def hand_on(store: Store, now: int) -> int:
    """Hands held messages that are past their deadline to the next person; returns how many.

    One without a next person stays with its owner, and is a finding all the same. Findings about
    messages that are settled by now are closed.
    """

    def unit(tx: Tx) -> int:
        for deal_id, rule, subject in tx.all(_OVER):
            close_findings(tx, deal_id, rule, subject, now)
        late = tx.all(
            "SELECT message_id, deal_id FROM held WHERE state = 'held' AND deadline < ? "
            "AND NOT EXISTS (SELECT 1 FROM finding WHERE rule = 'held_overdue' "
            "AND finding.deal_id = held.deal_id AND subject = message_id AND closed_at IS NULL "
            "AND last_seen > deadline)",
            (now,),
        )
        for message_id, deal_id in late:
            tx.run(
                "UPDATE held SET owner = COALESCE(next_person, owner), next_person = NULL "
                "WHERE message_id = ?",
                (message_id,),
            )
            raise_finding(tx, deal_id, message_id, _LATE, now)
        return len(late)

    return await store.write(unit)


@dataclass(frozen=True, slots=True)
class _Expired:
    message_id: str
    state: str
    told: Told | None


class Expiry:
    """Ends what could not be delivered in its tier's time.

    Args:
        lines: finds an author's private line.
        writer: writes what he is told.
    """

    def __init__(
        self, store: Store, sealer: Sealer, book: Book, lines: OpensLines, writer: Writer
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._book = book
        self._lines = lines
        self._writer = writer

    async def turn(self, now: int) -> int:
        """Destroys bodies that were kept as long as their tier allows; returns how many."""
        count = 0
        for deal in list(self._book.deals.values()):
            times = {t.value: p.body_for for t, p in deal.policy.tiers.items()}
            for tier, kept in [*times.items(), (None, max(times.values()))]:
                count += await self._end(deal, tier, now - kept, now)
        return count

    async def _end(self, deal: DealView, tier: str | None, before: int, now: int) -> int:
        params = (deal.deal_id, OURS, before, tier, now - IN_FLIGHT, AT_ONCE)
        found = await self._store.read(lambda tx: tx.all(_EXPIRED, params))
        ending = [
            _Expired(message_id, state, await self._told(deal, message_id, state, door))
            for message_id, state, *door in found
        ]

        def unit(tx: Tx) -> int:
            still = {row[:2] for row in tx.all(_EXPIRED, params)}
            due = [one for one in ending if (one.message_id, one.state) in still]
            for one in due:
                self._expire(tx, deal, one, now)
            return len(due)

        return await self._store.write(unit) if ending else 0

    async def _told(
        self, deal: DealView, message_id: str, state: str, door: Sequence[str]
    ) -> Told | None:
        connector, account = ConnectorName(door[0]), AccountId(door[1])
        author = deal.author(connector, account)
        if author is None or state in {"possibly", "dead"}:
            return None  # he was told, or nobody can be
        line = (connector, account)
        return await told_in_line(self._lines, line, author, deal.deal_id, _notice(message_id))

    def _expire(self, tx: Tx, deal: DealView, one: _Expired, at: int) -> None:
        message_id = one.message_id
        if one.state == "delivering":
            end_parts(tx, deal.deal_id, message_id, "expired", at)
            rows.finish(tx, self._sealer, (message_id,), at)
        rows.supersede(tx, message_id, at)
        rows.destroy_body(tx, self._sealer, message_id)
        if one.state == "held":
            tx.run(
                "UPDATE held SET state = 'dropped', settled_at = ?, settled_by = 'time' "
                "WHERE message_id = ? AND state = 'held'",
                (at, message_id),
            )
        tx.run(  # what may have arrived stays so
            "UPDATE message SET state = 'dead', settled_at = ? "
            "WHERE message_id = ? AND state IN ('accepted', 'held', 'delivering')",
            (at, message_id),
        )
        body: dict[str, Json] = {"message": message_id, "reason": "expired"}
        append(tx, deal.deal_id, Kind.MESSAGE_DEAD, body, at=at, actor=rows.ACTOR)
        if one.told is not None:
            self._writer.tell(tx, deal.deal_id, one.told, at)


def end_parts(tx: Tx, deal_id: str, message_id: str, reason: str, at: int) -> None:
    """Ends what is open of a message: started, it may have arrived; queued, it never will.

    What is dead for no fault of its own keeps nothing behind it waiting.
    """
    for delivery_id, state, seq, room, attempts in tx.all(_PARTS, (message_id,)):
        started = state == "started"
        tx.expect(
            "UPDATE delivery SET state = ?, reason = ?, settled_at = ?, blocks = 0 "
            "WHERE delivery_id = ? AND state = ?",
            ("possibly" if started else "dead", reason, at, delivery_id, state),
        )
        body: dict[str, Json] = {
            "message": message_id,
            "seq": seq,
            "room": room,
            "reason": reason,
            "attempts": attempts,
        }
        kind = Kind.DELIVERY_POSSIBLY if started else Kind.DELIVERY_DEAD
        append(tx, deal_id, kind, body, at=at, actor=rows.ACTOR)


def _notice(message_id: str) -> Notice:
    lines = [
        "A message of yours could not be delivered everywhere in the time that its tier allows.",
        "Its text is destroyed here. What did not arrive by now will not: write it again.",
    ]
    return Notice(message_id, "\n".join(lines))
