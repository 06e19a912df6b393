"""Accept: what a sender waits for. Sealed, chained and on disk, or not accepted.

Rules kept here:

1. A message and the channel's cursor behind it are written in one unit, never the cursor first.
2. The same message again (same door, same name) is a duplicate: one row, one entry. Only one that
   nobody could read is taken a second time, once its key has come.
3. Nothing is classified here. A slow classifier must not make a sender wait.
4. Files are sealed as they stream in and are never whole in memory. One that its network will
   never give is left out, and its message counts as unreadable: it must not stop all behind it.
   That it never will is said by a refusal alone; one that could not be read now is asked for again.
"""

import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Protocol

from connectors.port.errors import ConnectorError, Rejected
from orchestrator.audit.body import Json, named
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock
from orchestrator.deals.book import HOME, Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.body import Body, FileBody
from orchestrator.flow.incoming import Incoming
from orchestrator.flow.resolve import deal_answered, deal_named
from orchestrator.flow.screenshot import tell_screenshot
from orchestrator.ids import new_id
from orchestrator.outbox.marks import SEALS, Origin, mark
from orchestrator.outbox.prints import note_document
from orchestrator.seal.body import SealedRow
from orchestrator.seal.sealer import INLINE_MAX, Sealer
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.ids import DealId, MessageId, PersonId

CLOSED = "deal_closed"
"""Why something is not taken in: its deal was closed for good."""
Cursor = tuple[str, str]
"""(connector, cursor)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What accepting came to.

    Attributes:
        message_id: of the message, also when it had been accepted before; None when it was
            refused, because nobody knows its sender, or its deal was closed for good.
        duplicate: it had been.
    """

    message_id: MessageId | None
    duplicate: bool


@dataclass(frozen=True, slots=True)
class _Ready:
    incoming: Incoming
    message_id: MessageId
    deal_id: DealId
    person_id: PersonId | None
    size: int
    rows: tuple[SealedRow, ...]
    prints: tuple[str, ...] = ()
    """SHA-256 of each file of a document, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class _Late:
    """What came for a deal that was closed for good."""

    incoming: Incoming
    deal_id: DealId


class Accepter:
    """Takes messages in.

    Args:
        wake: told in the unit of each deal that will have something to route.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        book: Book,
        now: Clock,
        wake: Callable[[Tx, DealId], None],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._book = book
        self._now = now
        self._wake = wake

    @property
    def book(self) -> Book:
        """The deals in force."""
        return self._book

    @property
    def now(self) -> Clock:
        """The clock."""
        return self._now

    async def accept(
        self,
        incoming: Sequence[Incoming],
        cursor: Cursor | None = None,
        also: Callable[[Tx], None] | None = None,
        *,
        lossy: bool = False,
    ) -> list[Receipt]:
        """Accepts all of ``incoming`` with the cursor behind them, or none.

        Args:
            incoming: in the order of the network.
            cursor: the channel's, behind all of them.
            also: writes what else the same batch said.
            lossy: a file that its network does not give now is left out as if it never would.

        Raises:
            StoreError: nothing was written; the sender must offer it again.
        """
        ready: list[_Ready | Incoming | _Late] = []
        try:
            for one in incoming:
                ready.append(await self._make_ready(one, lossy=lossy))  # noqa: PERF401 - kept also when the next fails
        except BaseException:
            self._discard(ready)
            raise
        at = self._now()

        def unit(tx: Tx) -> list[Receipt]:
            receipts = [self._take(tx, one, at) for one in ready]
            if also is not None:
                also(tx)
            if cursor is not None:
                _set_cursor(tx, cursor, at)
            return receipts

        try:
            return await self._store.write(unit)
        except StoreError:
            self._discard(ready)
            raise

    def _take(self, tx: Tx, one: "_Ready | Incoming | _Late", at: int) -> Receipt:
        """Takes one message in, or says of it that it was not taken."""
        if isinstance(one, Incoming):
            return _refuse(tx, one, at)
        return _too_late(tx, one, at) if isinstance(one, _Late) else self._insert(tx, one, at)

    def _discard(self, ready: "Sequence[_Ready | Incoming | _Late]") -> None:
        for one in ready:
            for row in one.rows if isinstance(one, _Ready) else ():
                self._sealer.discard(row)

    async def _make_ready(self, incoming: Incoming, *, lossy: bool) -> "_Ready | Incoming | _Late":
        deal_id, person_id = self._whose(incoming)
        if deal_id is None:
            return incoming
        view = self._book.deals.get(deal_id)
        if view is not None and view.closed_at is not None:
            return _Late(incoming, deal_id)
        message_id = MessageId(new_id("msg"))
        rows: list[SealedRow] = []
        try:
            whole, prints = _noted(incoming) if incoming.readers else (incoming, ())
            files = await self._files(whole, deal_id, message_id, rows, lossy=lossy)
            if len(files) < len(incoming.files):
                incoming = replace(incoming, unreadable=incoming.unreadable or "file_lost")
            body = Body(incoming.text, incoming.subject, incoming.quoted, tuple(files))
            rows.append(await self._seal(deal_id, message_id, body.pack()))
        except BaseException:
            for row in rows:
                self._sealer.discard(row)
            raise
        size = sum(row.size for row in rows)
        digests = tuple(one.hexdigest() for one in prints)
        return _Ready(incoming, message_id, deal_id, person_id, size, tuple(rows), digests)

    async def _files(
        self,
        incoming: Incoming,
        deal_id: DealId,
        message_id: MessageId,
        rows: list[SealedRow],
        *,
        lossy: bool,
    ) -> list[FileBody]:
        """Seals the files into ``rows``; one that the network will never give is left out."""
        files = []
        for n, file in enumerate(incoming.files):
            owner = f"{message_id}-{n}"
            try:
                row = await self._sealer.prepare_stream(deal_id, owner, file.open())
            except ConnectorError as error:
                if lossy or isinstance(error, Rejected):
                    continue
                raise
            rows.append(row)
            files.append(FileBody(owner, file.name, file.media_type, row.size))
        return files

    async def _seal(self, deal_id: DealId, message_id: MessageId, packed: bytes) -> SealedRow:
        if len(packed) <= INLINE_MAX:
            return self._sealer.prepare(deal_id, message_id, packed)
        return await self._sealer.prepare_stream(deal_id, message_id, _whole(packed))

    def takes(self, incoming: Incoming) -> bool:
        """Whether a deal takes a message in: its room is one of ours, or its sender is known."""
        return self._whose(incoming)[0] is not None

    def _whose(self, incoming: Incoming) -> tuple[DealId | None, PersonId | None]:
        """The deal by room or door, else the sender's; None where nobody knows the sender.

        Of a sender on several deals it is the one that he answers in or names a conversation of;
        else the first keeps the message, held.
        """
        every = self._book.deals_of(incoming.connector, incoming.sender)
        deals = tuple(d for d in every if d[0].closed_at is None) or every
        found = self._book.room(incoming.connector, incoming.room) if incoming.room else None
        deal_id = incoming.deal_id or (found[0].deal_id if found else self._was(incoming))
        if deal_id is None and deals:
            own = {view.deal_id for view, _ in deals}
            deal_id = (self._meant(incoming, own) if len(own) > 1 else None) or min(own)
        people = [p.person_id for view, p in deals if view.deal_id == deal_id]
        return deal_id, people[0] if people else None

    def _was(self, incoming: Incoming) -> DealId | None:
        """The deal of a closed conversation in whose room somebody of it writes on."""
        if incoming.room is None:
            return None
        view = self._book.gone(incoming.connector, incoming.room)
        known = view is not None and view.author(incoming.connector, incoming.sender) is not None
        return view.deal_id if view is not None and known else None

    def _meant(self, incoming: Incoming, own: Collection[DealId]) -> DealId | None:
        """Which of several deals a sender means, by what he answers or by his leading name."""
        door, reply = (incoming.connector, incoming.sender), incoming.reply_to
        answered = (
            self._store.glance(lambda tx: deal_answered(tx, incoming.connector, reply))
            if reply is not None
            else None
        )
        if answered in own:
            return answered
        return deal_named(self._book, door, incoming.text, self._now())

    def _insert(self, tx: Tx, ready: _Ready, at: int) -> Receipt:
        incoming = ready.incoming
        there = tx.one(
            "SELECT message_id, unreadable FROM message WHERE connector = ? AND remote_id = ? "
            "ORDER BY opened DESC LIMIT 1",
            (incoming.connector, incoming.remote_id),
        )
        opened = there is not None and there[1] is not None and incoming.unreadable is None
        if there is not None and not opened:
            for row in ready.rows:
                self._sealer.discard(row)
            return Receipt(MessageId(there[0]), duplicate=True)
        _insert_message(tx, ready, at, opened=opened)
        for row in ready.rows:
            self._sealer.insert(tx, row)
        body: dict[str, Json] = {
            "message": ready.message_id,
            "remote_id": named(incoming.remote_id),
            "sender": named(incoming.sender),
            "room": named(incoming.room) if incoming.room is not None else None,
            "size": ready.size,
            "files": len(incoming.files),
        }
        append(
            tx,
            ready.deal_id,
            Kind.MESSAGE_ACCEPTED,
            body,
            at=at,
            actor=incoming.actor or f"channel:{incoming.connector}",
        )
        tell_screenshot(tx, self._book, ready.deal_id, ready.message_id, incoming, at)
        self._wake(tx, ready.deal_id)
        return Receipt(ready.message_id, duplicate=False)


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def _noted(incoming: Incoming) -> tuple[Incoming, Sequence[_Hash]]:
    """A document whose files are hashed as they stream in; its bytes are kept nowhere for it."""
    prints = [sha256() for _ in incoming.files]
    files = (
        replace(file, open=partial(_through, file.open, into))
        for file, into in zip(incoming.files, prints, strict=True)
    )
    return replace(incoming, files=tuple(files)), prints


async def _through(read: Callable[[], AsyncIterator[bytes]], into: _Hash) -> AsyncIterator[bytes]:
    async for piece in read():
        into.update(piece)
        yield piece


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


_STRANGER = Raised(
    "unknown_sender",
    "medium",
    ("somebody who is on no list writes to our account; nothing of it was taken in",),
    "add the account to a roster, or block it on its network",
)


def _refuse(tx: Tx, incoming: Incoming, at: int) -> Receipt:
    """What comes from nobody that we know, outside every room of ours, is not taken in."""
    sender, remote_id = named(incoming.sender), named(incoming.remote_id)
    body: dict[str, Json] = {"sender": sender, "remote_id": remote_id}
    actor = f"channel:{incoming.connector}"
    append(tx, HOME, Kind.MESSAGE_REFUSED, body, at=at, actor=actor)
    raise_finding(tx, HOME, f"{incoming.connector}:{incoming.sender}", _STRANGER, at)
    return Receipt(None, duplicate=False)


def _too_late(tx: Tx, late: _Late, at: int) -> Receipt:
    """What comes for a deal that was closed for good is not taken in, whoever sends it."""
    incoming = late.incoming
    body: dict[str, Json] = {
        "sender": named(incoming.sender),
        "remote_id": named(incoming.remote_id),
        "reason": CLOSED,
    }
    actor = incoming.actor or f"channel:{incoming.connector}"
    append(tx, late.deal_id, Kind.MESSAGE_REFUSED, body, at=at, actor=actor)
    return Receipt(None, duplicate=False)


def _insert_message(tx: Tx, ready: _Ready, at: int, *, opened: bool) -> None:
    incoming = ready.incoming
    readers = json.dumps(incoming.readers) if incoming.readers else None
    way = f"{SEALS}{readers}" if readers is not None and incoming.seals else readers
    origin = Origin(
        *(ready.message_id, ready.deal_id, incoming.connector, incoming.remote_id),
        *(incoming.room, incoming.sender, ready.person_id, incoming.named),
        *(incoming.reply_to, incoming.edits, incoming.unreadable, way),
    )
    tx.run(
        "INSERT INTO message (message_id, deal_id, connector, remote_id, room, sender, person_id, "
        "named, reply_to, edits, unreadable, opened, sent_at, accepted_at, size, state, mark) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', ?)",
        (*origin[:-1], opened, incoming.sent_at, at, ready.size, mark(tx.pen, origin)),
    )
    if readers is not None:
        document = (ready.message_id, ready.deal_id, readers, incoming.seals)
        tx.run("INSERT INTO document VALUES (?, ?, ?, ?)", document)
        for digest in ready.prints:
            note_document(tx, ready.message_id, digest)


def _set_cursor(tx: Tx, cursor: Cursor, at: int) -> None:
    tx.run(
        "INSERT INTO channel (connector, cursor, changed_at) VALUES (?, ?, ?) "
        "ON CONFLICT (connector) DO UPDATE SET cursor = excluded.cursor, "
        "changed_at = excluded.changed_at",
        (*cursor, at),
    )
