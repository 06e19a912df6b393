"""What a message hangs on, what it answers or corrects, as each room's own network calls it.

Rules kept here:

1. An answered or corrected message is found by where it was written or where we brought it; in each
   other room it goes by the name that the room's own network gave our copy.
2. Where a room has no such name, or its network cannot change what was sent, it is said beside the
   author's name, where no text can imitate it; nothing of the other message is quoted.
3. What was held up takes the place of no later correction.
4. Only its own author corrects a message; whoever else replaces one says something new.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from orchestrator.deals.book import DealView
from orchestrator.outbox.item import Item
from orchestrator.outbox.port import Due, MessageFacts
from orchestrator.store.unit import Store, Tx
from tiers.ids import ConnectorName, PersonId, RemoteId

_DEEPEST = 16
"""Corrections of corrections that are followed back."""


@dataclass(frozen=True, slots=True)
class Thread:
    """How a delivery hangs on an earlier message.

    Attributes:
        reply_to: what it answers, as the room's network calls it.
        edits: our copy that it replaces.
        beside: what is said beside its author's name; empty when the network shows it.
    """

    reply_to: RemoteId | None = None
    edits: RemoteId | None = None
    beside: str = ""


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A message that another hangs on, and its name in the room in question, if it has one."""

    person_id: str | None
    conversation_id: str | None
    is_there: bool
    name: RemoteId | None
    corrected_since: bool = False
    """A later correction of it is there already."""


class Threads:
    """Finds what deliveries hang on.

    Args:
        store: for messages and deliveries.
        edits: whether a network can change what was sent.
    """

    def __init__(self, store: Store, edits: Callable[[ConnectorName], bool]) -> None:
        self._store = store
        self._edits = edits

    async def of(self, due: Due, deal: DealView) -> Thread:
        """How one delivery hangs on what went before; costs nothing where it does not."""
        message, item = due.message, due.item
        if message.edits is not None:
            find = partial(_corrected, message=message, item=item)
            return self._correction(item, await self._store.read(find))
        if message.reply_to is not None:
            find = partial(_answered, message=message, item=item)
            return _reply(item, await self._store.read(find), deal)
        return Thread()

    def _correction(self, item: Item, earlier: _Earlier | None) -> Thread:
        if earlier is None or not earlier.is_there:
            return Thread()
        if earlier.corrected_since:
            return Thread(reply_to=earlier.name, beside="an earlier wording")
        if earlier.name is not None and self._edits(ConnectorName(item.connector)):
            return Thread(edits=earlier.name)
        return Thread(reply_to=earlier.name, beside="corrected")


def _reply(item: Item, earlier: _Earlier | None, deal: DealView) -> Thread:
    if earlier is None or earlier.conversation_id != item.conversation_id:
        return Thread()
    if earlier.name is not None:
        return Thread(reply_to=earlier.name)
    person = deal.roster.person(PersonId(earlier.person_id)) if earlier.person_id else None
    return Thread(beside=f"in answer to {person.name}" if person is not None else "")


def _answered(tx: Tx, message: MessageFacts, item: Item) -> _Earlier | None:
    found = _named(tx, message.connector, message.reply_to or "", item.deal_id)
    return _earlier(tx, found, item) if found is not None else None


def _corrected(tx: Tx, message: MessageFacts, item: Item) -> _Earlier | None:
    """The first form of what a message replaces, where it is of the same author."""
    name: str | None = message.edits
    found, names = None, []
    for _ in range(_DEEPEST):
        if name is None:
            break
        sql = "SELECT message_id, edits, sender FROM message WHERE connector = ? AND remote_id = ?"
        row = tx.one(f"{sql} AND deal_id = ?", (message.connector, name, item.deal_id))
        if row is None or row[2] != message.sender:
            break
        names.append(name)
        found, name = row[0], row[1]
    if found is None:
        return None
    since = _corrected_since(tx, names, message, item)
    return replace(_earlier(tx, found, item), corrected_since=since)


def _corrected_since(tx: Tx, names: list[str], message: MessageFacts, item: Item) -> bool:
    """Whether its author wrote a later correction of the same, and that is there already."""
    later = tx.one(
        "SELECT 1 FROM message n JOIN delivery d USING (message_id) "
        "WHERE n.arrival > (SELECT arrival FROM message WHERE message_id = ?) "
        "AND n.connector = ? AND n.sender = ? AND n.deal_id = ? "
        "AND n.edits IN (SELECT value FROM json_each(?)) AND d.connector = ? AND d.room = ? "
        "AND d.kind = 'send' AND d.state IN ('done', 'possibly') LIMIT 1",
        (
            *(message.message_id, message.connector, message.sender, item.deal_id),
            *(json.dumps([*names, message.remote_id]), item.connector, item.room),
        ),
    )
    return later is not None


def _named(tx: Tx, connector: str, name: str, deal_id: str) -> str | None:
    """The message that a network calls so: a person's, or our copy of one."""
    row = tx.one(
        "SELECT message_id FROM message WHERE connector = ?1 AND remote_id = ?2 AND deal_id = ?3 "
        "UNION ALL SELECT message_id FROM delivery "
        "WHERE connector = ?1 AND remote_id = ?2 AND deal_id = ?3 LIMIT 1",
        (connector, name, deal_id),
    )
    return row[0] if row is not None else None


def _earlier(tx: Tx, message_id: str, item: Item) -> _Earlier:
    [(person, conversation, connector, room, name)] = tx.all(
        "SELECT person_id, conversation_id, connector, room, remote_id FROM message "
        "WHERE message_id = ?",
        (message_id,),
    )
    if (connector, room) == (item.connector, item.room):
        return _Earlier(person, conversation, is_there=True, name=RemoteId(name))
    copy = tx.one(
        "SELECT remote_id FROM delivery WHERE message_id = ? AND connector = ? AND room = ? "
        "AND kind = 'send' AND state IN ('done', 'possibly') ORDER BY seq LIMIT 1",
        (message_id, item.connector, item.room),
    )
    found = RemoteId(copy[0]) if copy is not None and copy[0] is not None else None
    return _Earlier(person, conversation, is_there=copy is not None, name=found)
