"""What comes in by mail: fetched, judged, and told as what it is.

Rules kept here:

1. Each mail is judged by the one judge before anything of it is told. Verified messages of pinned
   contacts are messages, reports are receipts, everything else goes to quarantine as it came.
2. A mail is offered again until it is stored; its name is made of what it says and who signed it,
   so that it is stored once.
3. A connection that breaks is made again, with growing pauses; what came meanwhile is searched for.
4. The keys are copied for the judge, again when they have changed; text is in memory only.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

from connectors.pgpmail.inbox_also import also_to
from connectors.pgpmail.inbox_bounce import read_report
from connectors.pgpmail.inbox_mail import Box, BoxError, Fetched
from connectors.pgpmail.inbox_state import InboxState
from connectors.pgpmail.judge.judge import Court
from connectors.pgpmail.judge.keyring import Keyring, NoEngine
from connectors.pgpmail.judge.sender import Known
from connectors.pgpmail.judge.words import (
    Judgement,
    Letter,
    Limits,
    MailClass,
    Verdict,
)
from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.port.door import Door, DoorClosed, Opening
from connectors.port.errors import Unavailable
from connectors.port.events import Batch, Event, InboundMessage, Quarantined, Receipt, ReceiptKind
from connectors.port.messages import Attachment, Device

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two tries to reach the mailbox."""
_SEEN_FOR = 2
"""How many times a signature's greatest age its digest is kept."""


_PIECE = 256 * 1024
_OWN_KEPT = 64
"""How many of our own mails to ourselves are remembered; they come back within minutes."""


class _Over(Exception):
    """The inbox was closed."""


class Sent(Protocol):
    """A mail of ours, as the ledger has it."""

    @property
    def message(self) -> RemoteId:
        """Its Message-ID."""
        ...

    @property
    def key(self) -> DeliveryKey:
        """The delivery that it carried."""
        ...

    @property
    def room(self) -> RoomId:
        """Whose mailing."""
        ...


class Book(Protocol):
    """What the inbound side asks of the ledger, and the one thing that it notes there."""

    def contacts(self) -> dict[AccountId, frozenset[str]]:
        """Pinned fingerprints by address, lower case."""
        ...

    def sent(self, message: str) -> Sent | None:
        """The mail of this Message-ID, if it is one of ours."""
        ...

    def bounced(self, token: str) -> Sent | None:
        """The mail whose return path holds this token."""
        ...

    def account_of(self, room: RoomId) -> AccountId | None:
        """Whom a mailing goes to."""
        ...

    def rooms_of(self, account: AccountId) -> list[RoomId]:
        """All mailings to an address."""
        ...

    def heard(self, remote: RemoteId, message: str, at: int) -> None:
        """Notes the Message-ID of a verified mail, so that an answer can name it."""
        ...


@dataclass(frozen=True, slots=True)
class Ours:
    """Who we are, and what opens what is sealed to us.

    Attributes:
        account: our address.
        key: our key, as devices are listed.
        home: GnuPG home that it lies in.
        passphrase: of it.
        return_path: form of our return paths, ``{token}`` in the place of the token.
        program: gpg.
    """

    account: AccountId
    key: Device
    home: Path
    passphrase: str = field(repr=False)
    return_path: str
    program: str = "gpg"


class Inbox:
    """Implements ``Mailbox``.

    Args:
        box: the mailbox, blocking.
        ours: who we are.
        book: contacts and our own mails.
        state: what must be remembered; closed with the inbox.
        now: the clock, microseconds UTC.
        door: checks the address of ``opening`` at each connection.
        opening: the server's place; None for a folder.
        limits: of the judge.
        pauses: seconds, shortest and longest, between two tries.
    """

    def __init__(
        self,
        box: Box,
        ours: Ours,
        book: Book,
        state: InboxState,
        now: Callable[[], int],
        door: Door | None = None,
        opening: Opening | None = None,
        limits: Limits | None = None,
        pauses: tuple[float, float] = (FIRST_PAUSE, LONGEST_PAUSE),
    ) -> None:
        self._box = box
        self._ours = ours
        self._book = book
        self._state = state
        self._now = now
        self._door = door
        self._opening = opening
        self._limits = limits or Limits()
        self._pauses = pauses
        self._worker = ThreadPoolExecutor(1, "pgpmail-inbox")
        self._closed = asyncio.Event()
        self._newest = 0
        self._trouble: str | None = None
        self._keyring: Keyring | None = None
        self._stamp: tuple[int, ...] = ()
        self._own: deque[DeliveryKey] = deque(maxlen=_OWN_KEPT)

    async def close(self) -> None:
        """Ends every stream, the worker and the judge's agent; may be called twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._box.cut()
        await asyncio.to_thread(self._worker.shutdown)
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._box.close()
        if self._keyring is not None:
            self._keyring.close()
        self._state.close()

    async def _work(self, call: Callable[[], T]) -> T:
        """Runs in the one worker thread; waits for it also when cancelled. Raises: _Over."""
        if self._closed.is_set():
            raise _Over
        running = asyncio.get_running_loop().run_in_executor(self._worker, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._box.cut()
            with suppress(Exception):
                await running
            raise

    @property
    def trouble(self) -> str | None:
        """Why the mailbox cannot be read now, short and stable; None while it can."""
        return self._trouble

    def came_back(self, key: DeliveryKey) -> bool:
        """Whether a mail of ours to ourselves came in since the start, and was verified."""
        return key in self._own

    # --- the stream -----------------------------------------------------------------------------

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Batches of one mail each, after ``cursor``, until closed; see ``Connector.receive``.

        A later call ends an earlier one: there is one mailbox.

        Raises:
            Unavailable: gpg cannot be run; nothing was skipped.
        """
        self._newest += 1
        mine, pause = self._newest, self._pauses[0]
        with suppress(_Over):
            while self._goes_on(mine):
                try:
                    async with aclosing(self._connected(cursor, mine)) as batches:
                        async for batch in batches:
                            yield batch
                            cursor, pause = batch.cursor, self._pauses[0]
                except (OSError, BoxError, DoorClosed) as error:
                    self._trouble = _trouble(error)
                await self._rest(pause)
                pause = min(self._pauses[1], pause * 2)

    def _goes_on(self, mine: int) -> bool:
        return mine == self._newest and not self._closed.is_set()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    async def _connected(self, cursor: str | None, mine: int) -> AsyncGenerator[Batch, None]:
        """Batches over one connection. Raises: OSError, BoxError, DoorClosed, Unavailable."""
        addresses = await self._addresses()
        box = self._box
        try:
            await self._work(box.close)
            await self._work(lambda: box.open(addresses))
            self._trouble = None
            if cursor is None:
                cursor = await self._work(box.now)
                yield Batch((), cursor)
            await self._work(partial(box.start, cursor))
            while self._goes_on(mine):
                fetched = await self._work(box.next)
                if fetched is None:
                    await self._work(box.wait)
                    continue
                source = sha256(fetched.raw).hexdigest()
                if fetched.again and self._state.is_stored(source):
                    yield Batch((), fetched.cursor)
                    continue
                yield await self._told(fetched, source)
                if self._goes_on(mine):
                    self._state.keep_stored(source, self._now())
        finally:
            if self._goes_on(mine):
                await self._work(box.close)

    async def _addresses(self) -> list[str]:
        if self._door is None or self._opening is None:
            return []
        return await self._door.addresses(self._opening)

    # --- one mail -------------------------------------------------------------------------------

    async def _told(self, fetched: Fetched, source: str) -> Batch:
        known = self._known()
        try:
            found = await self._work(lambda: self._judge(fetched, source, known))
        except NoEngine:
            found = None
        if found is None:
            raise Unavailable("gpg_missing", "install gnupg, or give the channel its gpg")
        return Batch((self._event(fetched, found, source),), fetched.cursor)

    def _known(self) -> Known:
        ours = self._ours.account.lower()
        pinned: dict[str, frozenset[str]] = dict(self._book.contacts().items())
        pinned[ours] = frozenset({self._ours.key.key})
        return Known(pinned, frozenset({ours}))

    def _judge(self, fetched: Fetched, source: str, known: Known) -> Judgement:
        if fetched.size > self._limits.mail_bytes:
            return Judgement(Verdict.MALFORMED, MailClass.MESSAGE, ("mail_too_large",))
        now = self._now()

        def seen(digest: str) -> bool:
            return self._state.brought_by(digest) not in {None, source}

        found = Court(self._keys(), known, now, self._limits, seen).judge(fetched.raw)
        if found.released and found.digest is not None:
            self._state.saw(found.digest, source, now)
            self._state.forget_before(now - _SEEN_FOR * self._limits.age)
        return found

    def _keys(self) -> Keyring:
        """The copy of the keys, made anew when they have changed. Raises: NoEngine."""
        fresh = Keyring(self._ours.home, self._ours.program, self._ours.passphrase)
        stamp = fresh.stamp()
        if self._keyring is not None and stamp == self._stamp:
            return self._keyring
        if self._keyring is not None:
            self._keyring.close()
        self._keyring = None
        fresh.open()
        self._keyring, self._stamp = fresh, stamp
        return fresh

    def _event(self, fetched: Fetched, found: Judgement, source: str) -> Event:
        if found.letter is not None and found.digest is not None and found.signer is not None:
            message = self._message(found.letter, found.digest, found.signer)
            return replace(message, also_to=also_to(fetched.raw, self._ours.account, self._limits))
        if found.mail_class is MailClass.BOUNCE:
            failed = self._failed(fetched.raw)
            if failed is not None:
                return failed
        return Quarantined(
            RemoteId(source),
            verdict=found.verdict.value,
            mail_class=found.mail_class.value,
            reasons=found.reasons,
            claimed_sender=None if found.claimed is None else AccountId(found.claimed),
            received_at=self._now(),
            raw=_as_it_came(fetched.raw),
        )

    def _message(self, letter: Letter, digest: str, signer: str) -> InboundMessage:
        sender = self._as_listed(AccountId(letter.sender))
        if letter.sender == self._ours.account.lower():
            own = self._book.sent(letter.message_id or "")
            if own is not None:
                self._own.append(own.key)
                return _returned(letter, own, sender)
        if letter.message_id is not None:
            self._book.heard(RemoteId(digest), letter.message_id, self._now())
        return InboundMessage(
            room=None,
            remote_id=RemoteId(digest),
            sender=sender,
            content=letter.content,
            sent_at=letter.sent_at,
            sender_device=Device(self._ours.key.device, signer),
            reply_to=self._answered(letter, sender),
        )

    def _as_listed(self, sender: AccountId) -> AccountId:
        """The address as our own lists write it, capitals and all."""
        for room in self._book.rooms_of(sender):
            account = self._book.account_of(room)
            if account is not None:
                return account
        return sender

    def _answered(self, letter: Letter, sender: AccountId) -> RemoteId | None:
        """The mail of ours that it answers: one that went to him, and no other."""
        sent = self._book.sent(letter.answers or "")
        if sent is None:
            return None
        reader = self._book.account_of(sent.room)
        return sent.message if reader is not None and reader.lower() == sender.lower() else None

    def _failed(self, raw: bytes) -> Receipt | None:
        report = read_report(raw, self._ours.return_path, self._limits)
        if report is None:
            return None
        sent = self._book.bounced(report.token) if report.token else None
        if sent is None and report.message_id is not None:
            sent = self._book.sent(report.message_id)
        account = None if sent is None else self._book.account_of(sent.room)
        if sent is None or account is None:
            return None
        return Receipt(sent.room, sent.message, account, ReceiptKind.FAILED, self._now())


def _trouble(error: Exception) -> str:
    """A code; never a server's words."""
    if isinstance(error, BoxError):
        return str(error)
    return error.code if isinstance(error, DoorClosed) else "mailbox_unreachable"


def _returned(letter: Letter, own: Sent, account: AccountId) -> InboundMessage:
    """A mail of ours to ourselves."""
    return InboundMessage(
        room=own.room,
        remote_id=own.message,
        sender=account,
        content=letter.content,
        sent_at=letter.sent_at,
        delivery_key=own.key,
    )


def _as_it_came(raw: bytes) -> Attachment:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(raw), _PIECE):
            yield raw[at : at + _PIECE]

    return Attachment("mail.eml", "message/rfc822", len(raw), pieces)
