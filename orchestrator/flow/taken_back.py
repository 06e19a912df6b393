"""What follows when somebody deletes, on his own network, what he wrote: we ask for our copies.

Rules kept here:

1. Only its own author's deletion counts: what an admin removes from one room stays in the others.
2. What waits for other rooms goes nowhere any more. What arrived is asked back where its network
   can do that, and seen to be gone as any withdrawal is; where it cannot, or where it may have
   arrived, a finding names the channels and its author is told.
3. The journal keeps its copy, and the audit says what happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.port.events import Redacted
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock
from orchestrator.deals.book import Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.notices import Notice
from orchestrator.flow.plan import Told, Writer
from orchestrator.outbox import rows
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName

_OF = """
SELECT message_id, deal_id, conversation_id, tier, state FROM message
WHERE connector = ?1 AND sender = ?2 AND (remote_id = ?3 OR edits = ?3) AND taken_back_at IS NULL"""
_COPIES = """
SELECT delivery_id, connector, room, state, possibly, remote_id FROM delivery
WHERE message_id = ? AND kind = 'send'"""


@dataclass(frozen=True, slots=True)
class _Copy:
    """A delivery of what was deleted."""

    delivery_id: str
    connector: ConnectorName
    room: str
    state: str
    possibly: bool
    remote_id: str | None

    def may_be_there(self) -> bool:
        """Not where it was stopped or is dead, unless an attempt of it is in doubt."""
        return bool(self.possibly) or self.state not in {"stopped", "dead"}


class TakenBack:
    """Acts upon deletions.

    Args:
        book: finds an author's line.
        sealer: destroys what nobody waits for any more.
        writer: tells the author, and has lanes drained.
        undoes: whether a network takes messages of ours back.
        now: the clock.
    """

    def __init__(
        self,
        book: Book,
        sealer: Sealer,
        writer: Writer,
        undoes: Callable[[ConnectorName], bool],
        now: Clock,
    ) -> None:
        self._book = book
        self._sealer = sealer
        self._writer = writer
        self._undoes = undoes
        self._now = now

    def __call__(self, tx: Tx, connector: ConnectorName, event: Redacted) -> None:
        """Writes down what follows of one deletion, in the unit that stores the event."""
        if event.by is None:
            return
        for found in tx.all(_OF, (connector, event.by, event.target)):
            self._act(tx, connector, event.by, found)

    def _act(self, tx: Tx, connector: ConnectorName, by: AccountId, found: Sequence[Any]) -> None:
        message_id, deal_id, *_, state = found
        at = self._now()
        tx.run("UPDATE message SET taken_back_at = ? WHERE message_id = ?", (at, message_id))
        if state == "accepted":
            return  # it is looked at and journaled as any, and goes nowhere
        body: dict[str, Json] = {"message": message_id, "acted": "taken_back"}
        actor = f"channel:{connector}"
        append(tx, deal_id, Kind.MESSAGE_SETTLED, body, at=at, actor=actor)
        copies = [_Copy(*row) for row in tx.all(_COPIES, (message_id,))]
        waiting = [c for c in copies if c.state == "queued" and not c.possibly]
        for copy in waiting:
            tx.run(
                "UPDATE delivery SET state = 'stopped', reason = 'taken_back', settled_at = ? "
                "WHERE delivery_id = ? AND state = 'queued'",
                (at, copy.delivery_id),
            )
        gone = [c for c in copies if c.state == "done" and self._can(c)]
        for copy in gone:
            self._undo(tx, found, copy, at)
        stays = [c for c in copies if c not in [*waiting, *gone] and c.may_be_there()]
        if stays:
            self._say(tx, found, (connector, by), sorted({c.connector for c in stays}))
        rows.settle_taken_back(tx, self._sealer, message_id, at)

    def _can(self, copy: _Copy) -> bool:
        return copy.remote_id is not None and self._undoes(copy.connector)

    def _undo(self, tx: Tx, found: Sequence[Any], copy: _Copy, at: int) -> None:
        message_id, deal_id, conversation_id, tier, _ = found
        lane = rows.enqueue(
            tx,
            kind="undo",
            message_id=message_id,
            deal_id=deal_id,
            conversation_id=conversation_id,
            connector=copy.connector,
            room=copy.room,
            as_tier=tier,
            blocks=False,
            target=copy.remote_id,
            at=at,
        )
        self._writer.wake(lane, at, tx)

    def _say(
        self,
        tx: Tx,
        found: Sequence[Any],
        author: tuple[ConnectorName, AccountId],
        channels: list[ConnectorName],
    ) -> None:
        """To the owner as a finding, to the author in his line, where he has one."""
        message_id, deal_id, *_ = found
        at, names = self._now(), ", ".join(channels)
        because = (f"its author deleted it; it stands, or may stand, on {names}",)
        then = "ask those who sit there to delete it"
        raise_finding(tx, deal_id, message_id, Raised("not_taken_back", "high", because, then), at)
        line = self._book.line_room(*author)
        if line is not None:
            text = (
                "You deleted a message in its room. "
                f"It cannot be taken back on {names}: please ask those who read it there."
            )
            told = Told(Notice(message_id, text), author[0], line)
            self._writer.tell(tx, deal_id, told, at)
