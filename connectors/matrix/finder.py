"""Whether a delivery arrived, after its outcome was left open; and taking a message back.

Rules kept here:

1. A delivery is found by opening our own messages and comparing the key that lies inside.
2. "Certainly not" is said only after every message since before the first attempt was looked at,
   and each of ours could be opened, or was taken back, or has another transaction id.
"""

import hashlib
from collections.abc import AsyncIterator, Callable

from connectors.matrix.client import Client, Json, malformed, room_path
from connectors.matrix.devices import sealed_readers
from connectors.matrix.layout import DELIVERY, PART
from connectors.matrix.ledger import MAIN, Attempt, Ledger, same_session
from connectors.matrix.machine import Machine
from connectors.matrix.standing import Standing
from connectors.matrix.translate import mapping_of, sent_at
from connectors.port import DeliveryKey, RemoteId, RoomId
from connectors.port.errors import Rejected, Unreadable
from connectors.port.messages import Accepted

_PAGE = "100"
_MOST_PAGES = 500
_SLACK = 10 * 60 * 1_000_000
"""Microseconds by which the homeserver's clock may be behind ours."""


class Finder:
    """Looks back for one account.

    Args:
        client: signed in.
        machine: our keys.
        ledger: what we remember of sends.
        standing: whether we are in a room: to who is not, its events are not there.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        client: Client,
        machine: Machine,
        ledger: Ledger,
        standing: Standing,
        now: Callable[[], int],
    ) -> None:
        self._client = client
        self._machine = machine
        self._ledger = ledger
        self._standing = standing
        self._now = now

    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        """The delivery as the homeserver has it; None when it certainly has not.

        Raises:
            Unavailable: not now. Unreadable: neither can be said.
        """
        attempts = self._ledger.attempts(key)
        since = attempts[0].at - _SLACK if attempts else None
        async for event in self._ours(room, since):
            if self._may_be(event, attempts) and self._is(room, event, key):
                return self._accepted(room, event, key, attempts)
        return None

    def _accepted(
        self, room: RoomId, event: Json, key: DeliveryKey, attempts: list[Attempt]
    ) -> Accepted:
        name, at = RemoteId(str(event.get("event_id"))), sent_at(event) or self._now()
        sealed = same_session(attempts, mapping_of(event.get("content")).get("session_id"))
        self._ledger.accepted(room, name, key, MAIN, at)
        return Accepted(name, at, None if sealed is None else sealed_readers(sealed))

    def _may_be(self, event: Json, attempts: list[Attempt]) -> bool:
        """Whether an event was sealed with a key that one of the attempts used."""
        used = {a.session for a in attempts}
        return not used or mapping_of(event.get("content")).get("session_id") in {*used, None}

    def _is(self, room: RoomId, event: Json, key: DeliveryKey) -> bool:
        """Whether an event of ours completes the delivery."""
        if mapping_of(event.get("unsigned")).get("transaction_id") == key:
            return True
        if not event.get("content"):
            return False
        opened = self._machine.open(room, event)
        if isinstance(opened, str):
            raise Unreadable("own_message_unreadable", "a message of ours cannot be opened")
        completes = opened.content.get(DELIVERY) == key and PART not in opened.content
        return opened.ours and completes

    async def _ours(self, room: RoomId, since: int | None) -> AsyncIterator[Json]:
        """Our own messages, newest first, back to an instant or to the room's beginning."""
        own = self._machine.own.account
        query = {"dir": "b", "limit": _PAGE}
        for _ in range(_MOST_PAGES):
            answer = await self._client.call("GET", room_path(room, "messages"), query=query)
            chunk = answer.get("chunk")
            if not isinstance(chunk, list):
                raise malformed(acts=False)
            for event in chunk:
                if since is not None and 0 < sent_at(event) < since:
                    return
                if event.get("sender") == own and event.get("type") == "m.room.encrypted":
                    yield event
            if not chunk or not isinstance(answer.get("end"), str):
                return
            query["from"] = answer["end"]
        raise Unreadable("history_too_long", "too many messages to look through")

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks for the removal of a message, and of the files that belong to it.

        Raises:
            ConnectorError: of which Rejected for a message that is not there.
        """
        for event in self._ledger.parts(room, message):
            if await self._handed_out(room, event):
                transaction = hashlib.sha256(event.encode()).hexdigest()
                path = room_path(room, "redact", event, transaction)
                await self._client.call("PUT", path, {}, acts=True)

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Whether the homeserver hands out none of the message's content any more."""
        for event in self._ledger.parts(room, message):
            if await self._handed_out(room, event):
                return False
        return True

    async def _handed_out(self, room: RoomId, event: RemoteId) -> bool:
        """Whether an event's content is still told. What we know of and is purged, is not.

        To somebody who is not in the room the homeserver says the same of what others still read.
        """
        try:
            raw = await self._client.call("GET", room_path(room, "event", event))
        except Rejected as error:
            purged = error.code == "not_found" and self._ledger.is_ours(room, event)
            if purged and await self._standing.is_in(room):
                return False
            raise
        content = raw.get("content")
        if raw.get("event_id") != event or not isinstance(content, dict):
            raise malformed(acts=False)
        return bool(content)
