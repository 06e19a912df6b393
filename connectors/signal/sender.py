"""Sends to one group or to one person, to exactly the readers named.

Rules kept here:

1. Members and keys are read from the server just before the send. Signal has no call that does
   both, so somebody who comes in between is told of afterwards, not stopped.
2. Whose key is untrusted, distrusted or another than the reader's is sent nothing.
3. One call, never repeated here. What it came to is said by whatever runs the account.
"""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from connectors.port import AccountId, RemoteId, RoomId
from connectors.port.errors import (
    NOT_A_MEMBER,
    ConnectorError,
    IdentityChanged,
    ReadersChanged,
    Rejected,
    Unavailable,
    Unreadable,
)
from connectors.port.messages import Accepted, Delivery, Presence, Reader
from connectors.signal.account import Account
from connectors.signal.backend import Backend
from connectors.signal.groups import UNDO_FOR, Group
from connectors.signal.ids import is_group, is_line, remote_id, split_remote
from connectors.signal.ledger import Ledger, Seat
from connectors.signal.peers import Peer

_MS = 1000
_ASK_AGAIN = 60_000_000
"""Microseconds for which receipts of a removal's request are waited for before another."""


class Sender:
    """Sends for one account.

    Args:
        backend: whatever runs the account.
        now: the clock, microseconds UTC.
        suspect: told when the network refused somebody's key.
        tell: has a note told in its order.
    """

    def __init__(
        self,
        backend: Backend,
        account: Account,
        ledger: Ledger,
        now: Callable[[], int],
        suspect: Callable[[], None],
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._backend = backend
        self._account = account
        self._ledger = ledger
        self._now = now
        self._suspect = suspect
        self._tell = tell

    async def seats(self, room: RoomId) -> dict[AccountId, Seat]:
        """Who reads a room, our own account included. Raises: NoRoom, Unreadable, Unavailable."""
        own = self._account.own.account
        if is_line(room):
            joined = Presence.JOINED.value
            other = AccountId(room.lower())
            return {own: Seat(joined, admin=True), other: Seat(joined, admin=False)}
        return (await self.group(room)).seats()

    async def group(self, room: RoomId) -> Group:
        """A group that we are in. Raises: NoRoom, Unreadable, Unavailable."""
        if not is_group(room):
            raise Unreadable("room_form", "this is no room of Signal")
        group = await self._account.group(room)
        if not group.ours and self._account.own.account in group.members:
            raise Unreadable("group_malformed", "the listing has us among the members, and not in")
        if not group.ours:
            raise await self._account.out_of(room, NOT_A_MEMBER)
        return group

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once. Raises: ConnectorError."""
        return await self._send(delivery, None)

    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        """Puts another text in the place of a message of ours. Raises: ConnectorError."""
        if delivery.room != room:
            raise Rejected("another_room", "an edit stands where its message does")
        if delivery.content.attachments:
            raise Rejected("edit_with_files", "an edit of Signal replaces the text alone")
        return await self._send(delivery, self._recent(room, message))

    async def _send(self, delivery: Delivery, edits: int | None) -> Accepted:
        if not is_group(delivery.room) and not is_line(delivery.room):
            raise Rejected("room_form", "this is no room of Signal")
        request = self._backend.prepare(delivery, self._account.own, edits)
        readers = await self._check_readers(delivery)
        try:
            stamp = await self._backend.send(request, readers)
        except ConnectorError as error:
            if isinstance(error, IdentityChanged) or "identity" in error.code:
                self._suspect()
            raise
        at, name = self._now(), remote_id(self._account.own.account, stamp)
        with suppress(sqlite3.Error):  # it is sent, whatever our disk says
            self._ledger.sent(stamp, delivery.room, delivery.key, at)
            self._tell_early_receipts(delivery.room, stamp, name)
        return Accepted(name, at)

    def _tell_early_receipts(self, room: RoomId, stamp: int, name: RemoteId) -> None:
        """Receipts overtake the answer that first says what they are for."""
        for account, kind, at in self._ledger.receipts(stamp):
            told = {"room": room, "message": name, "account": account, "kind": kind, "at": at}
            self._tell({"note": "receipt", **told})

    async def _check_readers(self, delivery: Delivery) -> frozenset[AccountId]:
        """Who is in beside us; each, and who is only asked in, is named with the key that he has.

        Raises:
            ReadersChanged, IdentityChanged: somebody else would read. Unavailable.
        """
        try:
            seats = await self.seats(delivery.room)
            peers = await self._account.peers()
        except Unreadable as error:
            raise Unavailable(error.code, error.hint) from None
        named = {reader.account: reader for reader in delivery.readers}
        others = seats.keys() - {self._account.own.account}
        if others - named.keys():
            raise ReadersChanged("unknown_reader", "somebody is in the room who is not named")
        for account in sorted(others):
            self._check_key(named[account], peers)
        joined = Presence.JOINED.value
        return frozenset(account for account in others if seats[account].presence == joined)

    def _check_key(self, reader: Reader, peers: Mapping[AccountId, Peer]) -> None:
        peer = peers.get(reader.account)
        if peer is None:
            if reader.devices is not None:
                raise IdentityChanged("no_identity", "the reader's safety number is not known yet")
            return
        if peer.untrusted:
            raise IdentityChanged("identity_untrusted", "compare the safety number, then trust it")
        if self._ledger.distrusts(reader.account, peer.key):
            raise IdentityChanged("identity_distrusted", "the reader's key is distrusted here")
        if reader.devices is not None and peer.device not in reader.devices:
            raise IdentityChanged("identity_changed", "the reader's safety number is another")

    # --- taking back ----------------------------------------------------------------------------

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks everybody's clients to remove a message of ours. Raises: ConnectorError."""
        stamp = self._recent(room, message)
        before = self._ledger.removal_asked_at(stamp)
        if before is not None and 0 <= self._now() - before < _ASK_AGAIN:
            return
        asked = await self._backend.take_back(room, stamp)
        self._ledger.asked_removal(stamp, asked, self._now())

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Whether the client of everybody who is in has acknowledged the removal.

        Signal tells no more than that: no server holds the message, and what a client does with
        the request only its owner sees. A listing that leaves somebody out looks like a whole one,
        so whoever either of two has must have acknowledged it.
        """
        stamp = self._ours(room, message)
        others = await self._joined(room) | await self._joined(room)
        if self._ledger.removal_asked_at(stamp) is None:
            return False
        return others - {self._account.own.account} <= self._ledger.removal_seen(stamp)

    async def _joined(self, room: RoomId) -> set[AccountId]:
        seats, joined = await self.seats(room), Presence.JOINED.value
        return {account for account, seat in seats.items() if seat.presence == joined}

    def _recent(self, room: RoomId, message: RemoteId) -> int:
        """The timestamp of a message of ours that clients still change."""
        stamp = self._ours(room, message)
        if self._now() - stamp * _MS > UNDO_FOR:
            raise Rejected("too_late", "clients take back or replace a message for a day")
        return stamp

    def _ours(self, room: RoomId, message: RemoteId) -> int:
        named = split_remote(message)
        if named is None or named[0] != self._account.own.account:
            raise Rejected("not_ours", "only messages of our own can be taken back")
        if self._ledger.room_of(named[1]) != room:
            raise Rejected("not_found", "we sent no such message to this room")
        return named[1]
