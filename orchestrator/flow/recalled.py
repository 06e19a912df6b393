"""What follows when a document's copies are called back, until nothing more can be done here.

Rules kept here:

1. From the unit on that calls a copy back nothing of it goes to the wire any more: what waits is
   taken back in that unit, and the guard stops whatever is queued again.
2. What a network took is asked for where the network can undo, and counts as gone once it was read
   back as gone. Where it cannot, its reader is asked to delete it, without a word of what it was,
   and a finding says with whom it stays. A 2xx, or an asked reader, is no proof.
3. Looked for on a schedule: a crash in between, or an attempt that was under way, loses nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock, iso
from orchestrator.deals.book import Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.documents import subject_of_copy
from orchestrator.flow.notices import Notice
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import OpensLines
from orchestrator.flow.stopped import told_in_line
from orchestrator.outbox import rows
from orchestrator.outbox.sealing import destroy_over, over
from orchestrator.outbox.withdraw import Withdrawn, recall
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.ids import ConnectorName, DealId, PersonId

REMAINS: Final = "not_taken_back"
_AT_ONCE: Final = 64
_OPEN = """
SELECT r.message_id, r.reader, m.deal_id, m.conversation_id, m.tier, m.state, m.person_id,
    m.accepted_at, d.connector, d.room, d.remote_id, d.state, f.seals,
    EXISTS (SELECT 1 FROM document_taken t WHERE t.message_id = c.message_id
        AND t.number = c.number),
    (SELECT u.state FROM delivery u WHERE u.message_id = d.message_id AND u.kind = 'undo'
        AND u.connector = d.connector AND u.room = d.room ORDER BY u.seq DESC LIMIT 1)
FROM document_recall r INDEXED BY document_recall_open JOIN document f USING (message_id)
JOIN message m USING (message_id)
LEFT JOIN document_copy c ON c.message_id = r.message_id AND c.reader = r.reader
LEFT JOIN delivery d ON d.message_id = c.message_id AND d.connector = c.connector
    AND d.room = c.room AND d.kind = 'send'
    AND d.seq = (SELECT max(l.seq) FROM delivery l WHERE l.message_id = d.message_id
        AND l.connector = d.connector AND l.room = d.room AND l.kind = 'send')
WHERE r.settled_at IS NULL LIMIT ?"""


def call_back(
    tx: Tx, sealer: Sealer, message_id: str, readers: Sequence[PersonId], at: int
) -> Withdrawn:
    """Writes that copies are called back, and takes back what of them waits."""
    for reader in readers:
        tx.run(
            "INSERT INTO document_recall (message_id, reader, at) VALUES (?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (message_id, reader, at),
        )
    taken = recall(tx, sealer, message_id, readers, at)
    dead = "SELECT 1 FROM message WHERE message_id = ? AND state = 'dead'"
    if tx.one(dead, (message_id,)) is not None:
        rows.destroy_body(tx, sealer, message_id)  # nobody is to send it again
    destroy_over(tx, sealer, at)
    return taken


@dataclass(frozen=True, slots=True)
class _Called:
    """A copy that was called back, as it stands.

    Attributes:
        state: of its newest delivery; None where it has none.
        undo: of the newest withdrawal; None where none was begun.
    """

    message_id: str
    reader: str
    deal_id: str
    conversation_id: str | None
    tier: str | None
    message: str
    sender: str | None
    accepted_at: int
    connector: str | None
    room: str | None
    remote_id: str | None
    state: str | None
    seals: bool
    taken: bool
    undo: str | None

    @property
    def went(self) -> bool:
        """Whether its reader has it, or may."""
        return self.state in {"done", "possibly"} and (not self.seals or bool(self.taken))

    @property
    def over(self) -> bool:
        """Whether it reached nobody and never will."""
        if self.state is None:
            return self.message not in {"accepted", "held"}
        return self.state in {"dead", "stopped"} or (self.state == "done" and not self.went)


class Recalls:
    """Sees recalls through.

    Args:
        store: state.
        sealer: destroys sealed copies that were called back or not fetched in time.
        book: deals in force.
        lines: finds a reader's line.
        writer: writes what he is told, and has lanes drained.
        undoes: whether a network takes messages of ours back.
        now: the clock.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        book: Book,
        lines: OpensLines,
        writer: Writer,
        undoes: Callable[[ConnectorName], bool],
        now: Clock,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._book = book
        self._lines = lines
        self._writer = writer
        self._undoes = undoes
        self._now = now

    async def look(self) -> None:
        """Does what can be done now for every copy that was called back."""
        at = self._now()
        if await self._store.read(lambda tx: over(tx, at)):
            await self._store.write(lambda tx: destroy_over(tx, self._sealer, at))
        for row in await self._store.read(lambda tx: tx.all(_OPEN, (_AT_ONCE,))):
            await self._one(_Called(*row))

    async def _one(self, copy: _Called) -> None:
        if copy.over or copy.undo == "done":
            await self._store.write(partial(self._settle, copy))
        elif copy.went and copy.undo is None and self._can_undo(copy):
            await self._store.write(partial(self._undo, copy))
        elif copy.went and copy.undo in {None, "dead"}:
            told = await self._told(copy)
            await self._store.write(partial(self._remains, copy, told))

    def _can_undo(self, copy: _Called) -> bool:
        known = copy.connector is not None and copy.remote_id is not None
        return known and not copy.seals and self._undoes(ConnectorName(copy.connector or ""))

    def _settle(self, copy: _Called, tx: Tx) -> None:
        tx.run(
            "UPDATE document_recall SET settled_at = ? WHERE message_id = ? AND reader = ? "
            "AND settled_at IS NULL",
            (self._now(), copy.message_id, copy.reader),
        )

    def _undo(self, copy: _Called, tx: Tx) -> None:
        at = self._now()
        lane = rows.enqueue(
            tx,
            kind="undo",
            message_id=copy.message_id,
            deal_id=copy.deal_id,
            conversation_id=copy.conversation_id,
            connector=copy.connector or "",
            room=copy.room or "",
            as_tier=copy.tier or "",
            blocks=False,
            target=copy.remote_id,
            at=at,
        )
        self._writer.wake(lane, at, tx)

    async def _told(self, copy: _Called) -> Told | None:
        deal = self._book.deals.get(DealId(copy.deal_id))
        reader = deal.roster.person(PersonId(copy.reader)) if deal is not None else None
        name = ConnectorName(copy.connector or "")
        if reader is None or name not in reader.accounts:
            return None
        door = name, reader.accounts[name]
        return await told_in_line(self._lines, door, reader, copy.deal_id, _notice(copy))

    def _remains(self, copy: _Called, told: Told | None, tx: Tx) -> None:
        at = self._now()
        self._settle(copy, tx)
        if told is not None:
            self._writer.tell(tx, copy.deal_id, told, at)
        subject = subject_of_copy(copy.message_id, copy.reader)
        asked = "he was asked to delete it" if told is not None else "he could not be asked"
        because = f"the copy of {copy.reader} was called back, and stays with him; {asked}"
        then = f"ask {copy.reader} to delete it; wallcross doc status {copy.message_id}"
        raise_finding(
            tx, copy.deal_id, subject, Raised(REMAINS, "high", (because,), then, copy.sender), at
        )
        body: dict[str, Json] = {"message": copy.message_id, "reader": copy.reader}
        body |= {"asked": told is not None}
        append(tx, copy.deal_id, Kind.DOCUMENT_REMAINS, body, at=at, actor=rows.ACTOR)


def _notice(copy: _Called) -> Notice:
    when = iso(copy.accepted_at)[:10]
    lines = [
        f"A document that was sent to you on {when} (UTC) has been called back.",
        "Please delete your copy and whatever was made of it, and do not use it.",
        "Whoever sent it can tell you more, by a way that you trust.",
    ]
    return Notice(copy.message_id, "\n".join(lines))
