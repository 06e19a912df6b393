"""Sending: who is in the room, which devices they have, the room key, the message, the proof.

Rules kept here:

1. Members and devices are read afresh for each message; nothing that an earlier sync said counts.
   A kick, a join or a new device a moment ago is seen, and the room key follows it.
2. Everything up to the message itself may fail without anything having been said: such failures
   are NOT_SENT. Files go first and the text last, so that the text's event proves the whole.
3. The transaction id is the delivery's key. Homeservers recognise a repetition by it for a while.
4. What is said to have been sealed to is what the stored event's room key was shared with.
5. The account that stands by is no person whose devices somebody watches over: it is sealed to on
   those devices alone that were marked as verified here, whatever the delivery names.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from connectors.matrix import layout, media
from connectors.matrix.client import Client, Json, room_path
from connectors.matrix.devices import (
    Members,
    Target,
    check_readers,
    sealed_readers,
    targets,
)
from connectors.matrix.ledger import MAIN, Attempt, Ledger, same_session
from connectors.matrix.machine import Machine
from connectors.matrix.plain import compact
from connectors.matrix.rooms import members_of
from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain
from connectors.port.messages import Accepted, Delivery
from connectors.shared.both import both

_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_BODY = 32_000
_MAX_PAYLOAD = 46_000
"""An event may have 65,536 bytes (matrix-spec, "Size limits"); base64 makes 4 of 3, and keys,
ids, hashes and the server's signature need the rest."""
IDEMPOTENT_FOR = 30 * 60 * 1_000_000
"""Synapse keeps a transaction's answer for 30 to 60 minutes (rest/client/transactions.py)."""


class Sender:
    """Sends for one account.

    Args:
        client: signed in.
        machine: our keys.
        ledger: what we remember of sends.
        now: the clock, microseconds UTC.
        file_limit: largest file in bytes.
        standby: the account that stands by for ours; None without one.
    """

    def __init__(
        self,
        client: Client,
        machine: Machine,
        ledger: Ledger,
        now: Callable[[], int],
        file_limit: int,
        standby: AccountId | None = None,
    ) -> None:
        self._client = client
        self._machine = machine
        self._ledger = ledger
        self._now = now
        self._file_limit = file_limit
        self._standby = standby
        self._expected: dict[RoomId, frozenset[AccountId]] = {}
        self._turns: dict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, delivery: Delivery, edits: RemoteId | None = None) -> Accepted:
        """Sends once, to exactly the readers. Raises: ConnectorError.

        Args:
            delivery: what, and to whom.
            edits: our message that it replaces; None for a new one.
        """
        _refuse_no_text(delivery)
        earlier = self._ledger.attempts(delivery.key)
        repeated = bool(earlier) and self._now() - earlier[0].at > IDEMPOTENT_FOR
        repeated = repeated or (delivery.attempt > 1 and not earlier)
        main = self._main_content(delivery, repeated=repeated)
        if main is not None and edits is not None:
            main = layout.replacing(main, edits)
        self._check_size(delivery, main)
        async with self._turns[delivery.room]:
            if delivery.content.attachments:
                await self._wanted(delivery)  # refuses before a file is stored anywhere
            contents = await self._file_contents(delivery, completes=main is None)
            if main is not None:
                contents.append(main)
            return await self._send_all(delivery, contents)

    def _main_content(self, delivery: Delivery, *, repeated: bool) -> Json | None:
        """The text's event; None for one file without a word."""
        content = delivery.content
        if content.text or content.subject is not None or len(content.attachments) != 1:
            return layout.message(delivery, repeated=repeated)
        return None

    def _check_size(self, delivery: Delivery, main: Json | None) -> None:
        """Refuses what the homeserver would refuse, before anything leaves."""
        size = len(delivery.content.text.encode())
        payload = len(compact(main).encode()) if main else 0
        if size > MAX_BODY or payload > _MAX_PAYLOAD:
            most = f"the most is {MAX_BODY}, or {_MAX_PAYLOAD} with its marks"
            raise Rejected("too_large", f"a text of {size} bytes, {payload} with its marks; {most}")
        for file in delivery.content.attachments:
            if file.size > self._file_limit:
                most = f"the most is {self._file_limit}"
                raise Rejected("too_large", f"a file of {file.size} bytes; {most}")

    async def _wanted(self, delivery: Delivery) -> frozenset[Target]:
        """The devices to seal to, from members and devices as they are now.

        Both are asked for at once, the devices of those who were in the room the last time; who
        turns out to be there besides is asked about then.
        """
        own, room = self._machine.own, delivery.room
        expected = self._expected.get(room, frozenset()) | {own.account}
        members, told = await both(self.members(room), self._machine.query(expected))
        self._expected[room] = members.everybody
        check_readers(members, delivery.readers, own.account)
        more = await self._machine.query(members.everybody - expected)
        barred = self._ledger.distrusted()
        wanted = targets(members, told.and_of(more), delivery.readers, own, barred)
        return frozenset(t for t in wanted if self._may_read(t))

    def _may_read(self, target: Target) -> bool:
        return target.account != self._standby or self._machine.is_verified(target)

    async def members(self, room: RoomId) -> Members:
        """Who is in and who is asked in, as of now."""
        answer = await self._client.call("GET", room_path(room, "members"))
        chunk = answer.get("chunk")
        if not isinstance(chunk, list):
            raise Unavailable("answer_malformed", "the homeserver gave no list of members")
        return members_of(chunk)

    async def _file_contents(self, delivery: Delivery, *, completes: bool) -> list[Json]:
        """Stores the files, encrypted; their events' contents."""
        contents = []
        for index, file in enumerate(delivery.content.attachments):
            stored = await media.store(self._client, file, self._file_limit)
            contents.append(layout.file_message(delivery, index, stored, completes=completes))
        return contents

    async def _send_all(self, delivery: Delivery, contents: list[Json]) -> Accepted:
        """The events of a delivery, the one that completes it last."""
        last = len(contents) - 1
        for index, content in enumerate(contents[:last]):
            try:
                await self._send_one(delivery, content, f"{delivery.key}.{index}", index)
            except ConnectorError as error:
                if index == 0:
                    raise
                raise Uncertain(error.code, "some of its files went, the text did not") from error
        try:
            return await self._send_one(delivery, contents[last], delivery.key, MAIN)
        except ConnectorError as error:
            if last == 0:
                raise
            raise Uncertain(error.code, "its files went, the text did not") from error

    async def _send_one(
        self, delivery: Delivery, content: Mapping[str, Any], transaction: str, part: int
    ) -> Accepted:
        """One event: sealed to the members of this moment, written down, sent, proven."""
        room, key = delivery.room, DeliveryKey(transaction)
        wanted = await self._wanted(delivery)
        sealed_to = await self._machine.share(room, wanted)
        sealed = self._machine.seal(room, "m.room.message", content)
        if "m.relates_to" in content:
            sealed["m.relates_to"] = content["m.relates_to"]
        earlier = self._ledger.attempts(key)
        attempt = Attempt(str(sealed["session_id"]), sealed_to, self._now())
        self._ledger.attempted(key, room, attempt)
        path = room_path(room, "send", "m.room.encrypted", transaction)
        answer = await self._client.call("PUT", path, sealed, acts=True)
        event = answer.get("event_id")
        if not isinstance(event, str):
            raise Uncertain("answer_malformed", "the homeserver did not name the message")
        name = RemoteId(event)
        at = self._now()
        self._ledger.accepted(room, name, delivery.key, part, at)
        if earlier:
            return await self.proven(room, name, [*earlier, attempt], at)
        return Accepted(name, at, sealed_readers(sealed_to))

    async def proven(
        self, room: RoomId, event: RemoteId, attempts: list[Attempt], at: int
    ) -> Accepted:
        """Which of several sealings the homeserver kept, and so who can read it.

        Raises:
            Uncertain: it was accepted, but cannot be read back now.
        """
        try:
            raw = await self._client.call("GET", room_path(room, "event", event))
        except ConnectorError as error:
            raise Uncertain("proof_unread", "the message cannot be read back") from error
        content = raw.get("content")
        session = content.get("session_id") if isinstance(content, dict) else None
        sealed_to = same_session(attempts, session)
        return Accepted(event, at, None if sealed_to is None else sealed_readers(sealed_to))


def _refuse_no_text(delivery: Delivery) -> None:
    """Refuses half characters, which no encoding can carry, without quoting them."""
    content = delivery.content
    names = (name for file in content.attachments for name in (file.name, file.media_type))
    texts = (content.text, content.subject or "", delivery.author_line or "", *names)
    if any(_SURROGATE.search(text) for text in texts):
        raise Rejected("no_text", "a text holds half of a character and cannot be sent")
