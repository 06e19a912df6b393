"""Copies of documents: called back, taken away sealed, and known again.

Rules kept here:

1. Taking away needs one person: whoever sent it, or who may take out. It says what remains.
2. A sealed copy is given to nobody but its sender, only while nothing was called back, and only
   if its reader may have it at that very moment; each giving is an entry.
3. A file is known again by its hashes alone. It is read where it lies and comes to no server; who
   had it is told to whoever may see that document, and to others in the words of a file that is
   none of ours. No more is said than the hashes show: the document itself is the same for all.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from connectors.port.connector import UndoesMessages
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.copies import KnownCopy, KnownDocument
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.command.documents import Documents
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.flow.recalled import Recalls, call_back
from orchestrator.flow.taking import Kept, against_taking
from orchestrator.outbox.prints import Form, Known, known_again
from orchestrator.query.cut import Cut, cut
from orchestrator.seal.body import Unlocked
from orchestrator.store.unit import Row, Tx
from tiers.ids import ConnectorName, ConversationId, DealId, MessageId, PersonId, RoomId
from tiers.rights import Right, Scope, Viewer
from tiers.tier import Tier

REASONS: Final = ("wrong_version", "wrong_reader", "withdrawn", "leaked")
STILL = "Nothing was called back."
_STATE = "SELECT state FROM message WHERE message_id = ?"
_OF = """
SELECT d.delivery_id, c.reader, c.connector, c.room, d.conversation_id, d.as_tier, d.sealed_to
FROM document_copy c
JOIN delivery d ON d.message_id = c.message_id AND d.connector = c.connector AND d.room = c.room
JOIN document f ON f.message_id = c.message_id
WHERE c.message_id = ? AND c.number = ? AND f.seals AND d.kind = 'send' AND d.state = 'done'
    AND NOT EXISTS (SELECT 1 FROM document_recall r WHERE r.message_id = c.message_id
        AND r.reader = c.reader)
ORDER BY d.seq DESC LIMIT 1"""
_WHOSE = """
SELECT c.number FROM delivery d JOIN document_copy c ON c.message_id = d.message_id
    AND c.connector = d.connector AND c.room = d.room WHERE d.delivery_id = ?"""


class Copies:
    """Implements ``orchestrator.api.port_copies.CopyAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def document_recall(
        self, message: MessageId, readers: Sequence[PersonId], reason: str, *, actor: str
    ) -> views.DocumentView:
        """Calls the copies of some readers back, or of all; says what became of each.

        Raises:
            Missing: there is no such document, or no such reader of it.
            Wrong: the reason is none of ``REASONS``.
        """
        if reason not in REASONS:
            raise Wrong(f"the reason is one of {', '.join(REASONS)}", still=STILL)
        found = await Documents(self._r).document_show(message)
        named = tuple(dict.fromkeys(PersonId(c.reader) for c in found.copies))
        strange = set(readers) - set(named)
        if strange:
            raise Missing(
                f"{min(strange)} was not to have a copy",
                still=STILL,
                then=f"wallcross doc status {message}",
            )
        chosen = tuple(readers) or named
        at = self._r.now()

        def unit(tx: Tx) -> None:
            call_back(tx, self._r.sealer, message, chosen, at)
            told: list[Json] = [{"reader": reader} for reader in chosen]
            body: dict[str, Json] = {"message": message, "copies": told, "reason": reason}
            append(tx, DealId(found.deal_id), Kind.DOCUMENT_RECALLED, body, at=at, actor=actor)

        await self._r.store.write(unit)
        await self._end_if_held(message, actor)
        if self._r.live:
            await recalls_of(self._r).look()
        return await Documents(self._r).document_show(message)

    async def _end_if_held(self, message: MessageId, actor: str) -> None:
        """A held document of which every copy was called back waits for nobody any more."""
        found = await Documents(self._r).document_show(message)
        row = await self._r.store.read(lambda tx: tx.one(_STATE, (message,)))
        if row == ("held",) and all(c.state in {"recalled", "refused"} for c in found.copies):
            await self._r.desk.drop(message, actor=actor)

    async def copy_take(
        self, message: MessageId, number: int, *, actor: str
    ) -> AsyncIterator[bytes]:
        """A sealed copy, for its sender. *live*.

        Raises:
            Missing: there is none of that number, or it was called back, or its day is over.
            Refused: its reader may not have it any more.
        """
        must_live(self._r)
        shown = await Documents(self._r).document_show(message)
        deal = DealId(shown.deal_id)
        await self._decided_again(message, number)
        sealed = await self._r.store.write(
            lambda tx: self._copy_taken(tx, deal, message, number, actor)
        )
        async for piece in sealed.stream():
            yield piece

    async def _decided_again(self, message: MessageId, number: int) -> None:
        row = await self._r.store.read(lambda tx: self._copy_there(tx, message, number))
        _, reader, connector, room, conversation, tier, sealed_to = row
        kept = Kept(
            PersonId(reader),
            ConnectorName(connector),
            RoomId(room),
            ConversationId(conversation),
            Tier(tier),
            sealed_to,
        )
        against = await against_taking(
            *(kept, self._r.book, self._r.observer, self._r.observer.devices, self._r.now),
            clock_trusted=self._r.clock_trusted(),
        )
        if against:
            raise Refused(
                f"copy {number} may not be given out any more: {'; '.join(against)}",
                still="Nothing was given out.",
                then=f"wallcross doc recall {message} --reason withdrawn",
            )

    def _copy_there(self, tx: Tx, message: MessageId, number: int) -> Row:
        row = tx.one(_OF, (message, number))
        if row is None or not self._r.sealer.exists(tx, row[0]):
            raise Missing(
                f"there is no sealed copy {number} to take",
                still="Nothing was given out.",
                then=f"wallcross doc status {message}",
            )
        return row

    def _copy_taken(
        self, tx: Tx, deal: DealId, message: MessageId, number: int, actor: str
    ) -> Unlocked:
        delivery, reader, *_ = self._copy_there(tx, message, number)
        at = self._r.now()
        tx.run(
            "INSERT INTO document_taken VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (message, number, at),
        )
        body: dict[str, Json] = {"message": message, "number": number, "reader": reader}
        append(tx, deal, Kind.DOCUMENT_TAKEN, body, at=at, actor=actor)
        return self._r.sealer.unlock(tx, delivery)

    async def document_known(
        self, deal: DealId, whole: str, sealed: str | None, viewer: Viewer
    ) -> Sequence[KnownDocument]:
        """Which of a deal's documents, or whose copy of it, a file is; none: none that he may see.

        Raises:
            Refused: this home has no marks.
        """
        if self._r.store.pen is None:
            raise Refused("this home marks no copies", still="Nothing was compared.")
        seen = await cut(self._r, deal, viewer)
        found = await self._r.store.read(lambda tx: _with_numbers(tx, whole, sealed))
        told = [await self._copies_known(seen, one, number) for one, number in found]
        return [one for one in told if one is not None]

    async def _copies_known(
        self, seen: Cut, known: Known, number: int | None
    ) -> KnownDocument | None:
        try:
            view = await Documents(self._r).document_show(MessageId(known.message_id))
        except Missing:
            return None
        if view.deal_id != seen.deal.deal_id:
            return None
        own = seen.person is not None and view.sender == seen.person
        every = seen.scope(Right.DOCUMENTS) is Scope.ALL or own
        copies = [c for c in view.copies if known.form is Form.DOCUMENT or c.number == number]
        copies = [c for c in copies if every or c.reader == seen.person]
        if not copies:
            return None
        named = view.conversation_id
        return KnownDocument(
            message_id=view.message_id,
            form=known.form.value,
            conversation="" if named is None else seen.name(ConversationId(named)),
            sender=view.sender,
            sent_at=view.sent_at,
            copies=tuple(_copy(seen, c) for c in copies),
        )


def recalls_of(runtime: Runtime) -> Recalls:
    """What sees the recalls of a home through."""
    return Recalls(
        runtime.store,
        runtime.sealer,
        runtime.book,
        runtime.lines,
        runtime.writer,
        lambda name: isinstance(runtime.connectors.get(name), UndoesMessages),
        runtime.now,
    )


def _copy(seen: Cut, copy: views.CopyView) -> KnownCopy:
    person = (seen.deal.adopted or seen.deal.roster).person(PersonId(copy.reader))
    return KnownCopy(
        number=copy.number,
        reader=copy.reader,
        name=copy.reader if person is None else person.name,
        state=copy.state,
        settled_at=copy.settled_at,
    )


def _with_numbers(tx: Tx, whole: str, sealed: str | None) -> list[tuple[Known, int | None]]:
    """Each that was known again, with the number of the copy that it is."""
    found = []
    for known in known_again(tx, whole, sealed):
        row = tx.one(_WHOSE, (known.delivery_id,)) if known.delivery_id else None
        found.append((known, None if row is None else int(row[0])))
    return found
