"""Sends to one room or to one person, to exactly the readers named.

Rules kept here:

1. Members are read from the server just before the send. Wickr has no call that does both, so
   somebody who comes in between is told of afterwards, not stopped.
2. Each call once, never repeated here. A 200 counts only where its text says that it is being sent,
   and no answer names the message.
3. Files follow their text, one call each. Once something has left, what fails then is not known to
   have failed: some of it may have arrived.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress

from connectors.port.errors import (
    IdentityChanged,
    ReadersChanged,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.messages import Accepted, Attachment, Delivery
from connectors.wickr import outgoing
from connectors.wickr.account import Account
from connectors.wickr.answers import SENT, check_taken
from connectors.wickr.client import Client
from connectors.wickr.ids import Kind, kind_of, our_message
from connectors.wickr.ledger import Ledger


class Sender:
    """Sends for one account.

    Args:
        now: the clock, microseconds UTC.
        limit: largest file in bytes.
        burn_on_read: seconds, on private lines; None without.
    """

    def __init__(
        self,
        client: Client,
        account: Account,
        ledger: Ledger,
        now: Callable[[], int],
        limit: int,
        burn_on_read: int | None,
    ) -> None:
        self._client = client
        self._account = account
        self._ledger = ledger
        self._now = now
        self._limit = limit
        self._bor = burn_on_read or 0

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once. Raises: ConnectorError."""
        if kind_of(delivery.room) is None:
            raise Rejected("room_form", "this is no room of Wickr")
        lives = self._lives(delivery)
        body = outgoing.text_body(delivery, lives)
        await outgoing.check_files(delivery.content.attachments, self._limit)
        await self._check_readers(delivery)
        if body is not None:
            answer = await self._client.act("POST", "/Messages", body)
            check_taken(answer.text, SENT)
        await self._files(delivery, lives, left=body is not None)
        return Accepted(our_message(delivery.key, delivery.attempt), self._now())

    def _lives(self, delivery: Delivery) -> outgoing.Lives:
        """What a private line's message carries; a room has its own."""
        if kind_of(delivery.room) is not Kind.LINE:
            return outgoing.AS_THE_ROOM
        asked = self._ledger.asked(delivery.room)
        return outgoing.Lives(0 if asked is None else asked.seconds, self._bor)

    async def _files(self, delivery: Delivery, lives: outgoing.Lives, *, left: bool) -> None:
        for file in delivery.content.attachments:
            partly = False
            try:
                await self._file(file, delivery, lives)
            except (Rejected, Unavailable):
                if not left:
                    raise
                partly = True
            if partly:
                raise Uncertain("partly_sent", "a part of the message left before a file failed")
            left = True

    async def _file(self, file: Attachment, delivery: Delivery, lives: outgoing.Lives) -> None:
        """Sends one file. Raises: ConnectorError."""
        upload = outgoing.upload(file, delivery.room, lives)
        with suppress(sqlite3.Error):  # then it is a file among others on the bot's host
            self._ledger.uploaded(upload.word, self._now())
        said = await self._client.upload(upload.pieces(), upload.length, upload.boundary)
        check_taken(said, SENT)

    async def _check_readers(self, delivery: Delivery) -> None:
        """Nobody but those named would read.

        Raises:
            ReadersChanged, IdentityChanged: somebody, or some device, else would. Unavailable.
        """
        try:
            seats, is_whole = await self._account.seats(delivery.room)
        except Unreadable as error:
            raise Unavailable(error.code, error.hint) from None
        if kind_of(delivery.room) is Kind.GROUP:
            hint = "who is in a group conversation is not known for sure; use a secure room"
            raise Rejected("members_not_known", hint)
        if not is_whole:
            raise Unavailable("members_unsettled", "two listings of the room differ; ask again")
        named = {reader.account: reader for reader in delivery.readers}
        others = seats.keys() - {self._account.own}
        if others - named.keys():
            raise ReadersChanged("unknown_reader", "somebody is in the room who is not named")
        if any(named[account].devices is not None for account in others):
            hint = "Wickr's interface shows no devices, so none can be sealed to alone"
            raise IdentityChanged("devices_not_shown", hint)
