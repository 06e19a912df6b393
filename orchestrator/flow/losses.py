"""What did not reach a reader: a finding says whom, its author is told, and a new fact closes it.

Rules kept here:

1. A document's copy that was refused, died on its way or came back, and a message that came back,
   are each acted upon once; looked for on a schedule, so that a crash loses none of them.
2. A copy's finding is over once its reader has it after all, or once a later document of that
   conversation went to him and is not known to have come back.
3. What came back from a room is over once somebody from whom it came back writes to us, or once
   something later has stood there for a day without coming back.
4. The author is told when it was that he wrote, and nothing of it; why, and of a message who, is
   for the deal's owner: an author may not be cleared for what he may send to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from orchestrator.clock import DAY, Clock, iso
from orchestrator.deals.book import Book
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.flow.documents import COPY_REFUSED, subject_of_copy
from orchestrator.flow.notices import Notice
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import OpensLines
from orchestrator.flow.stopped import told_in_line
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName, DealId

NOT_SENT, RETURNED = "copy_not_sent", "returned"
_RULES: Final = {"refused": COPY_REFUSED, "not_sent": NOT_SENT, "returned": RETURNED}
_AT_ONCE: Final = 64

# CROSS JOIN keeps the order in which tables are gone through: from what failed, which is little, to
# its delivery, never through all that was ever delivered.
_NEW = """
SELECT kind, message_id, deal_id, connector, sender, person_id, accepted_at, reader, channel, room,
    account, code
FROM (
    SELECT 'refused' AS kind, m.message_id, m.deal_id, m.connector, m.sender, m.person_id,
        m.accepted_at, c.reader, '' AS channel, '' AS room, '' AS account, '' AS code
    FROM document_copy c JOIN message m USING (message_id)
    WHERE c.connector IS NULL AND c.reasons <> '[]'
        AND m.state IN ('delivering', 'delivered', 'possibly', 'dead')
    UNION ALL
    SELECT 'not_sent', m.message_id, m.deal_id, m.connector, m.sender, m.person_id,
        m.accepted_at, c.reader, d.connector, d.room, '', coalesce(d.reason, '')
    FROM document_copy c JOIN message m USING (message_id) JOIN delivery d
        ON d.message_id = c.message_id AND d.connector = c.connector AND d.room = c.room
    WHERE d.kind = 'send' AND d.state = 'dead' AND coalesce(d.reason, '') <> 'recalled'
    UNION ALL
    SELECT 'returned', m.message_id, m.deal_id, m.connector, m.sender, m.person_id,
        m.accepted_at, c.reader, d.connector, d.room, max(r.account), ''
    FROM receipt r INDEXED BY receipt_failed CROSS JOIN delivery d
        ON d.connector = r.connector AND d.remote_id = r.remote_id AND d.room = r.room
    JOIN message m ON m.message_id = d.message_id LEFT JOIN document_copy c
        ON c.message_id = d.message_id AND c.connector = d.connector AND c.room = d.room
    WHERE r.kind = 'failed' AND d.kind = 'send'
    GROUP BY d.delivery_id
) AS n
WHERE NOT EXISTS (SELECT 1 FROM loss l WHERE l.message_id = n.message_id AND l.kind = n.kind
    AND l.subject = coalesce(n.reader, n.channel || '/' || n.room))
LIMIT ?"""
_CAME_BACK = """EXISTS (SELECT 1 FROM receipt r WHERE r.connector = d.connector
    AND r.room = d.room AND r.remote_id = d.remote_id AND r.kind = 'failed')"""
_COPIES_OVER = f"""
SELECT f.deal_id, f.rule, f.subject FROM finding f JOIN loss l
    ON f.subject = l.message_id || '/' || l.subject
JOIN message m ON m.message_id = l.message_id
WHERE f.closed_at IS NULL AND f.rule IN ('copy_refused', 'copy_not_sent', 'returned')
    AND EXISTS (SELECT 1 FROM document_copy c
        CROSS JOIN message later ON later.message_id = c.message_id
        CROSS JOIN delivery d ON d.message_id = c.message_id AND d.connector = c.connector
            AND d.room = c.room
        WHERE c.reader = l.subject AND later.conversation_id = m.conversation_id
            AND later.arrival >= m.arrival AND d.kind = 'send' AND d.state = 'done'
            AND NOT {_CAME_BACK})"""  # noqa: S608 - our own text
_ROOMS_OVER = f"""
SELECT DISTINCT f.deal_id, f.rule, f.subject FROM finding f JOIN loss l
    ON f.subject = l.subject AND l.kind = 'returned'
WHERE f.closed_at IS NULL AND f.rule = 'returned' AND (
    EXISTS (SELECT 1 FROM message m JOIN receipt r
        ON r.connector = m.connector AND r.account = m.sender
        WHERE r.kind = 'failed' AND r.connector || '/' || r.room = f.subject
        AND m.accepted_at > f.last_seen
        AND m.arrival > (SELECT arrival FROM message WHERE message_id = l.message_id))
    OR EXISTS (SELECT 1 FROM delivery d WHERE d.lane = f.subject AND d.kind = 'send'
        AND d.state = 'done' AND d.settled_at > f.last_seen AND d.settled_at < ?
        AND NOT {_CAME_BACK}))"""  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that did not reach a reader.

    Attributes:
        kind: ``refused``, ``not_sent`` or ``returned``.
        connector, sender, person_id: its author, and the door that he used.
        reader: whose copy of a document it was; None of an ordinary message.
        channel, room, account: where it was to go; empty where it was refused.
        code: why it died on its way.
    """

    kind: str
    message_id: str
    deal_id: str
    connector: str
    sender: str
    person_id: str | None
    accepted_at: int
    reader: str | None
    channel: str
    room: str
    account: str
    code: str

    @property
    def subject(self) -> str:
        """Whom it did not reach: a document's reader, else a room."""
        return self.reader or f"{self.channel}/{self.room}"


class Losses:
    """Looks for what did not reach its readers.

    Args:
        store: state.
        book: deals in force.
        lines: finds an author's line.
        writer: writes what he is told.
        now: the clock.
    """

    def __init__(
        self, store: Store, book: Book, lines: OpensLines, writer: Writer, now: Clock
    ) -> None:
        self._store = store
        self._book = book
        self._lines = lines
        self._writer = writer
        self._now = now

    async def look(self) -> None:
        """Acts upon what is new, and closes what is over."""
        found = await self._store.read(lambda tx: tx.all(_NEW, (_AT_ONCE,)))
        for row in found:
            loss = Loss(*row)
            told = await self._told(loss)
            await self._store.write(partial(self._write, loss, told))
        await self._close()

    async def _close(self) -> None:
        at = self._now()

        def over(tx: Tx) -> Sequence[tuple[str, str, str]]:
            return [*tx.all(_COPIES_OVER), *tx.all(_ROOMS_OVER, (at - DAY,))]

        def unit(tx: Tx) -> None:
            for deal_id, rule, subject in over(tx):
                close_findings(tx, deal_id, rule, subject, at)

        if await self._store.read(over):
            await self._store.write(unit)

    async def _told(self, loss: Loss) -> Told | None:
        deal = self._book.deals.get(DealId(loss.deal_id))
        door = (ConnectorName(loss.connector), AccountId(loss.sender))
        author = deal.author(*door) if deal is not None else None
        if author is None:  # a notice of ours, or somebody who left the list
            return None
        return await told_in_line(self._lines, door, author, loss.deal_id, _notice(loss))

    def _write(self, loss: Loss, told: Told | None, tx: Tx) -> None:
        at = self._now()
        tx.run(
            "INSERT INTO loss VALUES (?, ?, ?, ?)", (loss.message_id, loss.kind, loss.subject, at)
        )
        if loss.kind != "refused":  # that was written by the unit that refused it
            raise_finding(tx, loss.deal_id, _subject(loss), self._raised(loss), at)
        if told is not None:
            self._writer.tell(tx, loss.deal_id, told, at)

    def _raised(self, loss: Loss) -> Raised:
        rule, owner = _RULES[loss.kind], loss.person_id
        if loss.reader is None:
            because = (f"what was sent to {self._who(loss)} on {loss.channel} came back",)
            then = "ask by another way whether the address still holds; then have it written again"
            return Raised(rule, "high", because, then, owner)
        how = "came back" if loss.kind == "returned" else f"did not go ({loss.code})"
        because = (f"the copy for {loss.reader} {how} on {loss.channel}",)
        then = f"wallcross doc status {loss.message_id}; then send it to {loss.reader} again"
        return Raised(rule, "high", because, then, owner)

    def _who(self, loss: Loss) -> str:
        deal = self._book.deals.get(DealId(loss.deal_id))
        account = AccountId(loss.account)
        person = deal.author(ConnectorName(loss.channel), account) if deal is not None else None
        return person.person_id if person is not None else loss.account


def _subject(loss: Loss) -> str:
    if loss.reader is None:
        return loss.subject
    return subject_of_copy(loss.message_id, loss.reader)


def _notice(loss: Loss) -> Notice:
    when = iso(loss.accepted_at)[:16]
    if loss.reader is None:
        lines = [
            f"What you wrote at {when} UTC came back from {loss.channel}.",
            "A reader there did not get it. Whoever sits elsewhere is not affected.",
            "The deal's owner can see who it is.",
        ]
        return Notice(loss.message_id, "\n".join(lines))
    how = {
        "refused": "was refused: nothing of it was sent to that reader",
        "not_sent": "did not go: it was stopped on its way",
        "returned": "came back: that reader does not have it",
    }[loss.kind]
    lines = [
        f"Of the document that you sent at {when} UTC the copy for {loss.reader} {how}.",
        "The other copies are not affected. The deal's owner can see why.",
        "Once that is put right, send it to this reader again.",
    ]
    return Notice(loss.message_id, "\n".join(lines))
