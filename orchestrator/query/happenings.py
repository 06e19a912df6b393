"""What happens from now on, told to each listener as far as he may know.

Rules kept here:

1. What a listener was not told yet waits in the audit, not in memory: of it so much is read at once
   and no more, however slowly he takes it.
2. Whoever sees a deal's whole trail is told all of it. Others are told what is about themselves and
   what happens in conversations that they are in, without reasons; of a deal in which they have no
   seat nothing. What is no deal's is for the home's own user.
3. What he may see is looked up when it happens, not when he began to listen.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from orchestrator.client.problems import Unready
from orchestrator.client.views import Happening
from orchestrator.command.overview import happening
from orchestrator.command.runtime import Runtime
from orchestrator.query.cut import Cut, cut
from orchestrator.store.unit import Row, Tx
from tiers.ids import ConversationId, DealId
from tiers.rights import Right, Scope, Viewer

LOOK_EVERY_S = 0.25
AT_ONCE = 200
_AFTER = "SELECT rowid, deal_id, entry, body FROM audit WHERE rowid > ? ORDER BY rowid LIMIT ?"
_NEWEST = "SELECT coalesce(max(rowid), 0) FROM audit"
_MESSAGE = "SELECT person_id, conversation_id FROM message WHERE message_id = ?"
_OF_ALL = frozenset({"delivered", "routed", "room", "paused", "resumed"})
"""What whoever is in a conversation is told of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A step in the audit.

    Attributes:
        n: its place there.
        happening: what happened; None where it is not for this listener, or nothing did.
    """

    n: int
    happening: Happening | None = None


class Happenings:
    """Implements ``orchestrator.api.port.EventAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def happenings(self, viewer: Viewer, after: int | None) -> AsyncIterator[Told]:
        """What happens, for ever; a step without a happening each time that nothing did.

        Args:
            viewer: who listens.
            after: the step that he was told last; None: from now on.
        """
        last = after
        if last is None:
            row = await self._r.store.read(lambda tx: tx.one(_NEWEST))
            last = int(row[0]) if row else 0
        while True:
            rows = await self._rows(last)
            cuts: dict[str, Cut | None] = {}
            for row in rows:
                last = int(row[0])
                yield Told(last, await self._for(row, viewer, cuts))
            if not rows:
                yield Told(last)
                await asyncio.sleep(LOOK_EVERY_S)

    async def _rows(self, after: int) -> list[Row]:
        return await self._r.store.read(lambda tx: tx.all(_AFTER, (after, AT_ONCE)))

    async def _for(self, row: Row, viewer: Viewer, cuts: dict[str, Cut | None]) -> Happening | None:
        if viewer.whole:
            return happening(row)
        deal = DealId(row[1])
        if deal not in viewer.seats:
            return None
        if deal not in cuts:
            cuts[deal] = await _cut(self._r, deal, viewer)
        seen, one = cuts[deal], happening(row)
        if seen is None or one is None:
            return None
        return await self._r.store.read(lambda tx: _told(tx, seen, one))


async def _cut(runtime: Runtime, deal: DealId, viewer: Viewer) -> Cut | None:
    try:
        return await cut(runtime, deal, viewer)
    except Unready:
        return None


def _told(tx: Tx, seen: Cut, one: Happening) -> Happening | None:
    if seen.scope(Right.AUDIT) is Scope.ALL:
        return one
    if seen.person is None or not seen.shows(Right.DEAL, Scope.COUNTS):
        return None
    author, conversation = _message(tx, one)
    if seen.person in {author, one.subject}:
        return replace(one, reason="", conversation=_known(seen, conversation))
    if one.kind in _OF_ALL and conversation is not None and conversation in seen.own:
        subject = one.subject if _ours(one.subject) or seen.sees_person(one.subject) else ""
        return replace(one, reason="", subject=subject, conversation=conversation)
    return None


def _message(tx: Tx, one: Happening) -> tuple[str | None, ConversationId | None]:
    """Who wrote what it is about, and the conversation that it is about."""
    row = tx.one(_MESSAGE, (one.subject,))
    author, where = (None, None) if row is None else (row[0], row[1])
    conversation = one.conversation or where
    return author, None if conversation is None else ConversationId(conversation)


def _known(seen: Cut, conversation: ConversationId | None) -> str | None:
    return conversation if conversation is not None and seen.sees(conversation) else None


def _ours(subject: str) -> bool:
    """It is an id of ours that says nothing."""
    return subject.startswith("msg_")
