"""Sending: who is written to, with which key, the mail sealed, handed over, and what is proven.

Rules kept here:

1. The reader and his key are looked up for each mail; what does not fit is refused before a file
   is read and before anything is connected.
2. What lies on disk in between is sealed already, in our own folder, and gone afterwards; what a
   crash left is removed at the next start.
3. The mail's name is noted before it leaves. A repetition has the same name and says what it is.
4. A mail that is handed to us in a file is the very one that would have left, by the same checks.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from connectors.pgpmail import mime
from connectors.pgpmail.home import Home
from connectors.pgpmail.keyring import Keyring
from connectors.pgpmail.ledger import Ledger, Sent
from connectors.pgpmail.settings import MailSettings, same_address
from connectors.pgpmail.submit import Mail, Submission
from connectors.port import AccountId, RoomId
from connectors.port.errors import ROOM_UNKNOWN, IdentityChanged, ReadersChanged, Rejected
from connectors.port.messages import Accepted, Delivery, Device, Prints, Reader

_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_TEXT = 512 * 1024
_READ = 256 * 1024


def most_text(settings: MailSettings) -> int:
    """Longest text in bytes."""
    return min(_MOST_TEXT, settings.max_mail_bytes // 4)


def most_file(settings: MailSettings) -> int:
    """Largest file in bytes, as it grows on its way into a mail."""
    return mime.largest_file(settings.max_mail_bytes, settings.attachment_encoding)


class Sender:
    """Sends for one account.

    Args:
        settings: of the account.
        home: our key.
        keyring: the advisers' keys.
        ledger: rooms and names.
        submission: the mail server.
        spool: owner-only folder for sealed mails on their way; exists.
        own: fingerprint of our key.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        settings: MailSettings,
        home: Home,
        keyring: Keyring,
        ledger: Ledger,
        submission: Submission,
        spool: Path,
        own: Device,
        now: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._home = home
        self._keyring = keyring
        self._ledger = ledger
        self._submission = submission
        self._spool = spool
        self._own = own
        self._now = now
        self._turns: dict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once, to exactly the reader. Raises: ConnectorError."""
        return await self._made(delivery, self._submission.deliver)

    async def seal(
        self, delivery: Delivery, take: Callable[[AsyncIterator[bytes]], Awaitable[None]]
    ) -> Accepted:
        """Makes the same mail and gives it to ``take``; nothing goes out. Raises as ``send``."""

        async def kept(mail: Mail) -> None:
            await take(mail.read())

        return await self._made(delivery, kept)

    async def _made(
        self, delivery: Delivery, give: Callable[[Mail], Awaitable[object]]
    ) -> Accepted:
        _refuse_no_text(delivery)
        self._refuse_oversize(delivery)
        account = self._ledger.account_of(delivery.room)
        if account is None:
            raise Rejected(ROOM_UNKNOWN, "there is no such mailing")
        async with self._turns[delivery.room]:
            return await self._given(delivery, account, give)

    async def _given(
        self,
        delivery: Delivery,
        account: AccountId,
        give: Callable[[Mail], Awaitable[object]],
    ) -> Accepted:
        self._refuse_ended(delivery.room)
        subkey, reader = await self._reader(delivery, account)
        sent = self._noted(delivery)
        envelope = mime.Envelope(
            sender=self._settings.address,
            sender_name=self._settings.name,
            recipient=account,
            message=sent.message,
            now=self._now(),
        )
        answered = delivery.reply_to and self._ledger.message_of(delivery.reply_to)
        inner = mime.Inner(delivery, envelope, self._settings.attachment_encoding, answered)
        self._refuse_too_large(mime.wire_size(mime.padded(inner.size)))
        with self._staged() as path:
            opened = hashlib.sha256()
            async with aclosing(_noting(inner.read(), opened)) as pieces:
                await self._home.seal(pieces, self._own.key, subkey, path)
            mail, sealed = await self._mail(envelope, sent, path)
            self._refuse_too_large(mail.size)
            self._refuse_ended(delivery.room)  # he may have been put out while it was sealed
            await give(mail)
        prints = Prints(sealed, opened.hexdigest())
        return Accepted(sent.message, self._now(), frozenset({reader}), prints)

    def _refuse_ended(self, room: RoomId) -> None:
        if self._ledger.is_ended(room):
            raise Rejected("mailing_ended", "its adviser was put out: nothing is sealed to him")

    async def _reader(self, delivery: Delivery, account: AccountId) -> tuple[str, Reader]:
        """The key to seal to, and what is proven by it.

        Raises:
            ReadersChanged: the addressee is not among the readers.
            IdentityChanged: he has a key that is not the reader's.
            Rejected: his key may not be used.
        """
        if same_address(account) == same_address(self._settings.address):
            own = await self._keyring.own(account, self._own.key)
            return own.subkey, Reader(account, frozenset({self._own}))
        named = next((r for r in delivery.readers if r.account == account), None)
        if named is None:
            raise ReadersChanged("reader_unknown", "the mailing goes to somebody who may not read")
        standing = await self._keyring.standing(account)
        if named.devices is not None and not standing.devices <= named.devices:
            raise IdentityChanged("key_differs", "the adviser has a key that was not compared")
        found = standing.usable
        sealed = frozenset(each for each in standing.devices if each.key == found.fingerprint)
        return found.subkey, Reader(account, sealed)

    def _noted(self, delivery: Delivery) -> Sent:
        return self._ledger.sending(
            Sent(
                message=mime.new_message_id(self._settings.domain),
                key=delivery.key,
                room=delivery.room,
                token=secrets.token_hex(8),
                at=self._now(),
            )
        )

    @contextlib.contextmanager
    def _staged(self) -> Iterator[Path]:
        """A name for a sealed mail; what lies there is removed at the end."""
        path = self._spool / f"{secrets.token_hex(16)}.asc"
        try:
            yield path
        finally:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    async def _mail(self, envelope: mime.Envelope, sent: Sent, path: Path) -> tuple[Mail, str]:
        """The mail around what was sealed, and by what that can be known again."""
        around = mime.outer(envelope)
        lines, size, sealed = await asyncio.to_thread(_measure, path)
        mail = Mail(
            sender=self._settings.verp(sent.token),
            recipient=envelope.recipient,
            token=sent.token,
            size=len(around.head) + size + lines + len(around.tail),
            read=lambda: _read(around, path),
        )
        return mail, sealed

    def _refuse_oversize(self, delivery: Delivery) -> None:
        """Refuses what can be seen to be too large before anything is read."""
        size, most = len(delivery.content.text.encode()), most_text(self._settings)
        if size > most:
            raise Rejected("too_large", f"a text of {size} bytes; the most is {most}")
        largest = most_file(self._settings)
        for file in delivery.content.attachments:
            if file.size > largest:
                raise Rejected("too_large", f"a file of {file.size} bytes; the most is {largest}")

    def _refuse_too_large(self, size: int) -> None:
        most = self._settings.max_mail_bytes
        if size > most:
            raise Rejected("too_large", f"the mail would have {size} bytes; the most is {most}")


def _refuse_no_text(delivery: Delivery) -> None:
    """Refuses half characters, which no encoding can carry, without quoting them."""
    content = delivery.content
    names = (name for file in content.attachments for name in (file.name, file.media_type))
    texts = (content.text, content.subject or "", delivery.author_line or "", *names)
    if any(_SURROGATE.search(text) for text in texts):
        raise Rejected("no_text", "a text holds half of a character and cannot be sent")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


async def _noting(pieces: AsyncGenerator[bytes, None], into: _Hash) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        async for piece in pieces:
            into.update(piece)
            yield piece


def _measure(path: Path) -> tuple[int, int, str]:
    """Lines and bytes of a sealed mail, and the SHA-256 of its armour, whose lines end by LF."""
    lines, sealed = 0, hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ):
            lines += piece.count(b"\n")
            sealed.update(piece)
    return lines, path.stat().st_size, sealed.hexdigest()


async def _read(around: mime.Outer, path: Path) -> AsyncGenerator[bytes, None]:
    """A mail's bytes in whole lines, ended as mail wants them."""
    yield around.head
    with await asyncio.to_thread(path.open, "rb") as file:
        while lines := await asyncio.to_thread(file.readlines, _READ):
            yield b"".join(lines).replace(b"\n", b"\r\n")
    yield around.tail


def empty(spool: Path) -> None:
    """Makes the folder, and removes what an earlier run left in it."""
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    spool.chmod(0o700)
    for left in spool.iterdir():
        os.unlink(left)  # noqa: PTH108 (whatever it is, it is a name in our folder)
