"""Receiving: takes posts into the spool, and hands them on until they are stored elsewhere.

Rules kept here:

1. A post is on disk before it is answered. What it says is worked out later, when it is asked for.
2. A batch's posts leave the spool when the next batch is asked for, or a stream starts behind them.
3. Files of a post are deleted on the server once the post has left the spool, not before.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from connectors.port import AccountId, DeviceId, RemoteId, RoomId
from connectors.port.errors import ConnectorError, Unreadable
from connectors.port.events import (
    Batch,
    Event,
    Forged,
    KeyChanged,
    MembershipChange,
    MembershipChanged,
    Missed,
    Receipt,
    ReceiptKind,
)
from connectors.port.messages import Device, Presence
from connectors.port.posts import Said
from connectors.shared.spool import Full, Waiting
from connectors.signal import translate
from connectors.signal.account import Account
from connectors.signal.answers import mapping
from connectors.signal.backend import Backend
from connectors.signal.ledger import SEEN, Ledger, Seat, Timer
from connectors.signal.spool import Spool

_MOST = 200
_HINT = 5.0
_MS = 1000


class Receiver:
    """Receives for one account.

    Args:
        backend: whatever runs the account.
        limit: largest file in bytes.
        suspect: told when a post could not be opened, or a group changed: that asks for a look.
    """

    def __init__(
        self,
        backend: Backend,
        account: Account,
        ledger: Ledger,
        spool: Spool,
        now: Callable[[], int],
        limit: int,
        suspect: Callable[[], None],
    ) -> None:
        self._backend = backend
        self._account = account
        self._ledger = ledger
        self._spool = spool
        self._now = now
        self._limit = limit
        self._suspect = suspect
        self._came = asyncio.Event()
        self._stopped = False
        self.heard_at: int | None = None

    def came(self) -> None:
        """The spool has something new."""
        self._came.set()

    def stop(self) -> None:
        """Ends every stream, at once."""
        self._stopped = True
        self._came.set()

    # --- what is posted -------------------------------------------------------------------------

    def take(self, body: bytes) -> Said:
        """Stores a post, and says what it is answered with."""
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return Said.MALFORMED
        found = translate.heard(told, self._account.own)
        if isinstance(found, str):
            return Said.OTHER_ACCOUNT if found == "other_account" else Said.MALFORMED
        at = self._now()
        try:
            self._spool.put({"post": told}, at, translate.files(found.envelope))
            self._note(found, at)
        except (sqlite3.Error, Full):
            return Said.NOT_STORED
        self.heard_at = at
        self.came()
        return Said.STORED

    def _note(self, found: translate.Heard, at: int) -> None:
        """What a post says beside its text: the time to live, and who got a removal's request."""
        seen = translate.timer_seen(found, self._account.own)
        if seen is not None:
            self._ledger.note_timer(seen[0], SEEN, Timer(seen[1], min(at, found.stamp * _MS)))
        receipt = mapping(found.envelope.get("receiptMessage"))
        kind = translate.receipt_kind(receipt).value
        for stamp in translate.acknowledged(receipt):
            self._ledger.acknowledged(stamp, found.sender, kind, at)
        if found.failed or translate.changed_group(found.envelope) is not None:
            self._suspect()

    # --- what is handed on ----------------------------------------------------------------------

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Batches after ``cursor`` until stopped."""
        place = self._spool.now() if cursor is None else self._spool.of_cursor(cursor)
        self._spool.taken(place)
        if cursor is None:
            yield Batch((), self._spool.cursor(place))
        while not self._stopped:
            self._came.clear()
            waiting = self._spool.after(place, _MOST)
            if not waiting:
                await self._came.wait()
                continue
            events = [event for one in waiting for event in await self._events(one)]
            place = waiting[-1].seq
            if events:
                yield Batch(tuple(events), self._spool.cursor(place))
            if not self._stopped:
                self._spool.taken(place)

    async def _events(self, one: Waiting) -> list[Event]:
        if "post" not in one.told:
            return [_noted(one.told)]
        found = translate.heard(one.told["post"], self._account.own)
        if isinstance(found, str):  # it was of the right form when it was stored
            return []
        told = self._told(found)
        changed = translate.changed_group(found.envelope)
        moved = await self._moved(changed, found) if changed is not None else []
        return [*moved, *told]

    def _told(self, found: translate.Heard) -> list[Event]:
        """What a post says; one that we do not understand must stop nothing behind it."""
        own = self._account.own
        try:
            return list(translate.events(found, own, self._file, self._ledger.room_of))
        except Exception:  # noqa: BLE001 - it is told as unreadable, and read again by nobody
            return [translate.unreadable(found, None, "not_understood", direct=False)]

    async def _moved(self, room: RoomId, found: translate.Heard) -> list[Event]:
        """Who came, went or got another role since we last told of it; read back.

        Where the group cannot be read, that it changed is told all the same, without names.
        """
        try:
            async with asyncio.timeout(_HINT):  # what stands behind it must not wait for a hint
                group = await self._account.group(room)
        except (ConnectorError, TimeoutError):
            return []
        if self._stopped:
            return []
        before, after = self._ledger.seats(room), group.seats()
        self._ledger.keep_seats(room, after)
        name = f"{found.sender}/{found.stamp}"
        return [
            MembershipChanged(room, account, change, found.sender, RemoteId(f"{name}/{account}"))
            for account in sorted(before.keys() | after.keys())
            if (change := _change(before.get(account), after.get(account))) is not None
        ]

    def _file(self, name: str, size: int | None) -> Callable[[], AsyncIterator[bytes]]:
        def read() -> AsyncIterator[bytes]:
            return self._read(name, size)

        return read

    async def _read(self, name: str, size: int | None) -> AsyncIterator[bytes]:
        count = 0
        async with self._backend.download(name, self._limit) as pieces:
            async for piece in pieces:
                count += len(piece)
                yield piece
        if size is not None and count != size:
            raise Unreadable("file_length_differs", "a file is not as long as it was said to be")

    async def remove_leftovers(self) -> None:
        """Deletes files on the server that nobody needs any more. Raises: ConnectorError."""
        for name in self._spool.leftovers():
            await self._backend.remove_file(name)
            self._spool.removed(name)


def _change(before: Seat | None, after: Seat | None) -> MembershipChange | None:
    if before == after:
        return None
    if after is None:
        return MembershipChange.LEFT
    if before is not None and before.presence == after.presence:
        return MembershipChange.ROLE
    invited = after.presence == Presence.INVITED.value
    return MembershipChange.INVITED if invited else MembershipChange.JOINED


def _noted(note: dict[str, Any]) -> Event:
    """A note of ours as the event that it tells of."""
    if note["note"] == "missed":
        return Missed(note["since"], note["until"], note["code"])
    if note["note"] == "forged":
        return Forged(note["code"], note["at"], note["count"])
    if note["note"] == "receipt":
        kind = ReceiptKind(note["kind"])
        account, message = AccountId(note["account"]), RemoteId(note["message"])
        return Receipt(RoomId(note["room"]), message, account, kind, note["at"])
    device = Device(DeviceId(note["device"]), note["key"])
    return KeyChanged(AccountId(note["account"]), device)
