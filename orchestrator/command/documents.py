"""Formal documents: handed in for named readers, and what became of each copy."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from orchestrator.client import views
from orchestrator.client.problems import Missing, Wrong
from orchestrator.command.conversations import conversation_of, deal_of, over
from orchestrator.command.messages import remote_id
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import API
from orchestrator.flow.documents import SECOND_PERSON
from orchestrator.flow.incoming import Incoming, IncomingFile
from orchestrator.ids import new_id
from orchestrator.outbox.withdraw import RECALLED
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, DealId, MessageId, PersonId

_DOCUMENT = (
    "SELECT m.message_id, m.deal_id, m.conversation_id, m.person_id, m.state, m.tier, m.size, "
    "m.accepted_at, h.reasons, d.readers, d.seals "
    "FROM document d JOIN message m USING (message_id) "
    "LEFT JOIN held h ON h.message_id = m.message_id AND h.state = 'held' "
)
_COPIES = """
SELECT c.number, c.reader, c.connector, c.reasons, d.state, d.reason, d.settled_at,
    EXISTS (SELECT 1 FROM receipt r WHERE r.connector = d.connector AND r.room = d.room
        AND r.remote_id = d.remote_id AND r.kind = 'failed'),
    f.seals, EXISTS (SELECT 1 FROM sealed s WHERE s.owner = d.delivery_id),
    EXISTS (SELECT 1 FROM document_taken t WHERE t.message_id = c.message_id
        AND t.number = c.number),
    k.at IS NOT NULL, k.settled_at IS NOT NULL,
    (SELECT u.state FROM delivery u WHERE u.message_id = c.message_id AND u.kind = 'undo'
        AND u.connector = c.connector AND u.room = c.room ORDER BY u.seq DESC LIMIT 1)
FROM document_copy c JOIN document f USING (message_id)
LEFT JOIN delivery d ON d.message_id = c.message_id AND d.connector = c.connector
    AND d.room = c.room AND d.kind = 'send'
LEFT JOIN document_recall k ON k.message_id = c.message_id AND k.reader = c.reader
WHERE c.message_id = ? ORDER BY c.number, d.seq"""
_RECALLED = "SELECT reader FROM document_recall WHERE message_id = ?"
_STATES = {
    "queued": "sending",
    "started": "sending",
    "done": "sent",
    "possibly": "possibly",
    "dead": "not_sent",
    "stopped": "not_sent",
}


class Documents:
    """Implements ``orchestrator.api.port.DocumentAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def document_send(
        self, deal: DealId, post: views.Post, data: AsyncIterator[bytes], *, actor: str
    ) -> views.Sent:
        """Accepts a document as a person of the deal, for the readers that he names."""
        incoming = self._addressed(deal, post, data, actor)
        receipt = (await self._r.accepter.accept([incoming]))[0]
        if receipt.message_id is None:
            raise over()
        return views.Sent(message_id=str(receipt.message_id), state="accepted")

    def _addressed(
        self, deal: DealId, post: views.Post, data: AsyncIterator[bytes], actor: str
    ) -> Incoming:
        view = deal_of(self._r, deal)
        if post.file is None or post.conversation is None or not post.readers:
            raise Wrong(
                "A document names its conversation and its readers",
                still="Nothing was sent",
                then="wallcross doc send FILE --conversation NAME --to PERSON",
            )
        for person in (post.person, *post.readers):
            if view.roster.person(PersonId(person)) is None:
                raise Missing(f"{person} is not on the roster", then="wallcross roster show")
        file = IncomingFile(post.file.name, post.file.media_type, 0, lambda: data)
        return Incoming(
            API,
            remote_id(deal, "api", post.key or new_id("api")),
            AccountId(post.person),
            "",
            self._r.now(),
            subject=post.file.name,
            files=(file,),
            deal_id=deal,
            named=conversation_of(view, post.conversation).conversation_id,
            readers=tuple(PersonId(reader) for reader in post.readers),
            seals=post.seals,
            actor=actor,
        )

    async def document_list(self, deal: DealId) -> Sequence[views.DocumentView]:
        """The deal's documents, newest first."""
        return await self.document_newest(deal, -1)

    async def document_newest(self, deal: DealId, limit: int) -> Sequence[views.DocumentView]:
        """The newest of them; -1: all."""
        most = self._most()
        return await self._r.store.read(lambda tx: _listed(tx, deal, most, limit))

    async def document_show(self, message: MessageId) -> views.DocumentView:
        """One document, with what became of each copy."""
        most = self._most()
        row = await self._r.store.read(lambda tx: _one(tx, message, most))
        if row is None:
            raise Missing("there is no such document", then="wallcross doc status")
        return row

    def _most(self) -> Mapping[str, int]:
        """The largest file in bytes that each open channel takes."""
        return {n: c.capabilities.max_attachment_bytes for n, c in self._r.connectors.items()}


def _listed(tx: Tx, deal: DealId, most: Mapping[str, int], limit: int) -> list[views.DocumentView]:
    sql = _DOCUMENT + "WHERE d.deal_id = ? ORDER BY m.accepted_at DESC, m.arrival DESC LIMIT ?"
    return [_view(tx, row, most) for row in tx.all(sql, (deal, limit))]


def _one(tx: Tx, message: MessageId, most: Mapping[str, int]) -> views.DocumentView | None:
    row = tx.one(_DOCUMENT + "WHERE d.message_id = ?", (message,))
    return None if row is None else _view(tx, row, most)


def _view(tx: Tx, row: tuple[Any, ...], most: Mapping[str, int]) -> views.DocumentView:
    mid, deal, conversation, sender, state, tier, size, sent_at, held, readers, seals = row
    reasons = json.loads(held) if held is not None else []
    found = tuple(_copies(tx, mid, size, most)) or _undecided(tx, mid, json.loads(readers))
    return views.DocumentView(
        message_id=mid,
        deal_id=deal,
        conversation_id=conversation,
        sender=sender,
        state=state,
        tier=tier,
        size=size,
        sent_at=sent_at,
        second_person=any(rule == SECOND_PERSON for rule, _, _ in reasons),
        reasons=tuple(dict.fromkeys(because for _, because, _ in reasons)),
        copies=found,
        seals=bool(seals),
    )


def _undecided(tx: Tx, message: str, readers: Sequence[str]) -> tuple[views.CopyView, ...]:
    """The copies of a document of which nothing was decided yet."""
    recalled = {reader for (reader,) in tx.all(_RECALLED, (message,))}
    return tuple(
        views.CopyView(
            number=number,
            reader=reader,
            channel=None,
            state="recalled" if reader in recalled else "waiting",
            reasons=(),
            settled_at=None,
        )
        for number, reader in enumerate(readers, 1)
    )


def _copies(tx: Tx, message: str, size: int, most: Mapping[str, int]) -> Sequence[views.CopyView]:
    """The newest way of each copy; an earlier one of the same room is behind it."""
    newest = {row[0]: _copy(row, size, most) for row in tx.all(_COPIES, (message,))}
    return tuple(newest.values())


def _copy(row: tuple[Any, ...], size: int, most: Mapping[str, int]) -> views.CopyView:
    number, reader, channel, told, _, reason, settled, *_ = row
    reasons = tuple(dict.fromkeys(because for _, because, _ in json.loads(told)))
    because = (*reasons, *([_because(reason, size, most.get(channel))] if reason else []))
    return views.CopyView(
        number=number,
        reader=reader,
        channel=channel,
        state=_state(row, refused=bool(reasons)),
        reasons=because,
        settled_at=settled,
    )


def _state(row: tuple[Any, ...], *, refused: bool) -> str:
    """How a copy stands: as far as it came, and if it was called back, what is left of it."""
    state, reason, _, returned, seals, there, taken, recalled, over, undo = row[4:]
    if recalled and not (state is None and refused):
        return _recalled(state, reason, undo, over=bool(over), kept=bool(seals and not taken))
    if state is None:
        return "refused" if refused else "waiting"
    if seals and state == "done":
        return "handed" if taken else "sealed" if there else "lapsed"
    return "returned" if returned else _STATES[state]


def _recalled(
    state: str | None, reason: str | None, undo: str | None, *, over: bool, kept: bool
) -> str:
    """What is left of a copy that was called back; nothing is said to be gone that was not seen."""
    if undo == "done":
        return "taken_back"
    if state is None or (state in {"dead", "stopped"} and reason == RECALLED):
        return "recalled"
    if state in {"dead", "stopped"}:
        return _STATES[state]
    if kept and state == "done":
        return "recalled"
    return "remains" if over else "taking_back"


def _because(code: str, size: int, most: int | None) -> str:
    """Why a copy did not go; of one that was too large with the figures."""
    if most is None or not code.endswith("too_large"):
        return code
    return f"{code}: {size} bytes with its name; the channel takes a file of {most}"
