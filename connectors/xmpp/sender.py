"""Sending: who may read, the seal, the stanza, and the room's own word that it has it.

Rules kept here:

1. Lists and devices are read afresh for each message, after it was asked for. What does not fit is
   refused before the first byte.
2. A message is accepted when the room has reflected it under our name and its id, and by nothing
   else: what is written in the instant that a line breaks may be lost without a word.
3. Its id is the delivery's key, at every attempt, so that readers can tell a repetition. When a
   stream is resumed and the server says not to have it, it is written again; whoever has given it
   up has it never written again.
4. Files go first and the text last, so that the text's reflection proves the whole.
5. The account that stands by is no person whose devices somebody watches over: it is sealed to on
   those devices alone that were marked as verified here, whatever the delivery names.
"""

import asyncio
import base64
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from slixmpp.stanza import Message

from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.port.errors import (
    NOT_A_MEMBER,
    ConnectorError,
    IdentityChanged,
    ReadersChanged,
    Rejected,
    Unavailable,
    Uncertain,
)
from connectors.port.messages import Accepted, Delivery, Device, Reader
from connectors.xmpp import layout, wire
from connectors.xmpp.desk import Desk
from connectors.xmpp.files import Files
from connectors.xmpp.line import Line, refusal
from connectors.xmpp.rooms import Lists
from connectors.xmpp.sealing import Sealer
from connectors.xmpp.seats import Seats
from connectors.xmpp.settings import XmppSettings
from connectors.xmpp.store import Attempt, Store
from connectors.xmpp.stream import serialised

MAX_BODY = 48_000
"""Bytes. RFC 6120, 13.12: a server takes stanzas of 10,000 bytes at least; usual are 256 KiB."""
_SWELLS = 16
"""Bytes that a character may become at most, its marks included, where the text is not tiny."""
EXACT = "urn:wallcross:exact:0"
"""Holds a text that XML changes on its way: line ends that are no line feeds become some."""
_UNSTYLED = "urn:xmpp:styling:0"
_SHUT = "This message is sealed (OMEMO), and your client does not open it."
_SURROGATE = re.compile("[\ud800-\udfff]")
_OUT = "not_acceptable"
Targets = Mapping[AccountId, frozenset[Device]]


@dataclass
class _Pending:
    room: RoomId
    reflected: "asyncio.Future[Element]" = field(repr=False)


class Sender:
    """Sends for one account.

    Args:
        line: to the server.
        seats: who sits where.
        desk: reads rooms.
        store: what must outlive a start.
        files: uploads.
        sealer: seals bodies; None where nothing does.
        settings: of the account.
        named: a reflected message's name.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        line: Line,
        seats: Seats,
        desk: Desk,
        store: Store,
        files: Files,
        sealer: Sealer | None,
        settings: XmppSettings,
        named: Callable[[RoomId, Element], str],
        now: Callable[[], int],
    ) -> None:
        self._line = line
        self._seats = seats
        self._desk = desk
        self._store = store
        self._files = files
        self._sealer = sealer
        self._settings = settings
        self._named = named
        self._now = now
        self._own = AccountId(settings.account)
        self._pending: dict[str, _Pending] = {}
        self._turns: dict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)
        line.messages.append(self._heard)
        line.attempted.append(self._attempted)

    async def send(self, delivery: Delivery, edits: str | None = None) -> Accepted:
        """Sends once, to exactly the readers. Raises: ConnectorError.

        Args:
            delivery: what, and to whom.
            edits: what we called the message that it replaces; None for a new one.
        """
        body = self._body(delivery)
        self._check(delivery, body)
        bodies = []
        if delivery.content.attachments:
            await self._readers(delivery)  # refuses before a file is stored anywhere
            bodies = [await self._files.store(file) for file in delivery.content.attachments]
        names = [f"{delivery.key}.{index}" for index in range(len(bodies))]
        if body is None:
            names[-1] = delivery.key
        else:
            bodies, names = [*bodies, body], [*names, delivery.key]
        return await self._send_all(delivery, list(zip(names, bodies, strict=True)), edits)

    def _body(self, delivery: Delivery) -> str | None:
        """The text with its marks; None for one file without a word or an author."""
        content = delivery.content
        plain = not content.text and content.subject is None and delivery.author_line is None
        if plain and len(content.attachments) == 1:
            return None
        return layout.render(content, delivery.author_line, repeated=delivery.attempt > 1)

    def _check(self, delivery: Delivery, body: str | None) -> None:
        """Refuses what cannot be carried, before anything leaves. Raises: Rejected."""
        content = delivery.content
        names = (name for file in content.attachments for name in (file.name, file.media_type))
        if any(_SURROGATE.search(text) for text in (body or "", *names)):
            raise Rejected("no_text", "a text holds half of a character and cannot be sent")
        size = len(content.text.encode())
        if size > MAX_BODY:
            raise Rejected("too_large", f"a text of {size} bytes; the most is {MAX_BODY}")
        if self._sealer is None and not wire.fits_xml(body or ""):
            raise Rejected("not_xml", "a text holds characters that XML cannot carry")
        most = self._settings.max_attachment_bytes if self._settings.files else 0
        for file in content.attachments:
            if file.size > most:
                raise Rejected("too_large", f"a file of {file.size} bytes; the most is {most}")

    async def _send_all(
        self, delivery: Delivery, parts: list[tuple[str, str]], edits: str | None
    ) -> Accepted:
        """The messages of a delivery, the one that completes it last."""
        last = len(parts) - 1
        for index, (name, body) in enumerate(parts):
            try:
                accepted = await self._send_one(delivery, name, body, edits)
            except ConnectorError as error:
                if index == 0:
                    raise
                code = error.code
            else:
                if index == last:
                    return accepted
                continue
            raise Uncertain(code, "some of its files went, the text did not")
        raise Uncertain("nothing_sent", "a delivery without a part")

    async def _send_one(
        self, delivery: Delivery, name: str, body: str, edits: str | None
    ) -> Accepted:
        """One message: sealed to the readers of this moment, written, reflected."""
        room = delivery.room
        targets = await self._readers(delivery)
        async with self._turns[room]:
            stanza, sealed_to = await self._stanza(delivery, name, body, targets)
            if edits is not None:
                stanza.append(wire.made(f"{{{wire.CORRECT}}}replace", id=edits))
            self._check_stanza(stanza, body, sealed_to)
            pending = self._note(delivery, name, sealed_to)
            try:
                self._line.write(stanza)
            except Unavailable:
                self._pending.pop(name, None)
                raise
        reflection = await self._reflected(name, pending)
        return Accepted(RemoteId(self._named(room, reflection)), self._now(), sealed_to)

    def _check_stanza(
        self, stanza: Message, body: str, sealed_to: frozenset[Reader] | None
    ) -> None:
        """Refuses what the server would break off over. Raises: Rejected."""
        most = self._settings.max_stanza_bytes
        if sealed_to is None and len(body) * _SWELLS < most:
            return
        written = len(serialised(stanza, None).encode())
        if written > most:
            raise Rejected("too_large", f"a message of {written} bytes with all of its marks")

    def _note(self, delivery: Delivery, name: str, sealed_to: frozenset[Reader] | None) -> _Pending:
        if name in self._pending:
            raise Unavailable("under_way", "this delivery is being sent already")
        self._store.attempted(DeliveryKey(name), delivery.room, Attempt(self._now(), sealed_to))
        pending = _Pending(delivery.room, asyncio.get_running_loop().create_future())
        self._pending[name] = pending
        return pending

    async def _reflected(self, name: str, pending: _Pending) -> Element:
        """Waits for the room's word. Raises: ConnectorError."""
        try:
            async with asyncio.timeout(self._settings.patience):
                return await pending.reflected
        except TimeoutError:
            self._line.client.counting.give_up(name)
        except asyncio.CancelledError:
            self._line.client.counting.give_up(name)
            raise
        finally:
            self._pending.pop(name, None)
        raise Uncertain("not_reflected", "the room did not show the message back in time")

    # --- readers --------------------------------------------------------------------------------

    async def _readers(self, delivery: Delivery) -> Targets | None:
        """The devices to seal to, as lists and devices are now; None where nothing is sealed.

        Raises:
            ReadersChanged, IdentityChanged, Rejected, Unavailable: nothing was said.
        """
        lists = await self._desk.lists(delivery.room)
        named = {reader.account: reader.devices for reader in delivery.readers}
        check_readers(lists, frozenset(named), self._own)
        if self._sealer is None:
            if any(devices is not None for devices in named.values()):
                raise Rejected("unsealed", "devices are named, and nothing is sealed to devices")
            return None
        people = lists.everybody - {self._own, self._standby}
        told = await self._sealer.devices(lists.everybody - {self._own})
        found = {
            account: usable(told.get(account), named[account], self._sealer.distrusted(account))
            for account in sorted(people)
        }
        standby = self._standby
        if standby is not None and standby in told:
            found[standby] = told[standby] & self._sealer.trusted(standby)
        return found

    @property
    def _standby(self) -> AccountId | None:
        return None if self._settings.standby is None else AccountId(self._settings.standby)

    # --- the stanza -----------------------------------------------------------------------------

    async def _stanza(
        self, delivery: Delivery, name: str, body: str, targets: Targets | None
    ) -> tuple[Message, frozenset[Reader] | None]:
        client = self._line.client
        stanza = client.message(delivery.room, "groupchat")
        stanza["id"] = name
        stanza.append(wire.made(f"{{{wire.SID}}}origin-id", id=name))
        if delivery.reply_to is not None:
            stanza.append(wire.made(f"{{{wire.REPLY}}}reply", id=delivery.reply_to))
        if targets is None or self._sealer is None:
            stanza.append(wire.made(f"{{{wire.CLIENT}}}body", text=body))
            stanza.append(wire.made(f"{{{_UNSTYLED}}}unstyled"))
            if "\r" in body:
                exact = base64.b64encode(body.encode()).decode()
                stanza.append(wire.made(f"{{{EXACT}}}body", text=exact))
            return stanza, None
        sealed = await self._sealer.seal(body, targets)
        for piece in sealed.payload:
            stanza.append(piece)
        stanza.append(wire.made(f"{{{wire.CLIENT}}}body", text=_SHUT))
        stanza.append(wire.made(f"{{{wire.HINTS}}}store"))
        return stanza, sealed.readers

    # --- what comes back ------------------------------------------------------------------------

    def _heard(self, message: Element) -> None:
        pending = self._pending.get(message.get("id", ""))
        if pending is None or pending.reflected.done():
            return
        room, sender = pending.room, message.get("from")
        if message.get("type") == "error" and sender == room:
            error = refusal(message, acts=True)
            if error.code == _OUT:  # the room does not know us any more: nothing was said
                self._seats.forget(room)
                error = Unavailable("not_inside", "the room had put us out; we come in again")
            pending.reflected.set_exception(error)
        elif (
            message.get("type") == "groupchat"
            and sender == f"{room}/{self._seats.own_nick(room)}"
            and message.find(f"{{{wire.DELAY}}}delay") is None
        ):
            pending.reflected.set_result(message)

    def _attempted(self, resumed: bool) -> None:  # noqa: FBT001 (a callback of one fact)
        if resumed:
            return
        for name, pending in self._pending.items():
            self._line.client.counting.give_up(name)
            if not pending.reflected.done():
                hint = "the line broke, and its session is lost: ask the room for the message"
                pending.reflected.set_exception(Uncertain("line_broken", hint))


def check_readers(lists: Lists, named: frozenset[AccountId], own: AccountId) -> None:
    """Refuses when somebody beyond the readers, or not us, may be in the room.

    Raises:
        Rejected: our own account may not. ReadersChanged: somebody else may.
    """
    if own not in lists.listed:
        raise Rejected(NOT_A_MEMBER, "our account is not in this room")
    beyond = lists.everybody - named - {own}
    if beyond:
        raise ReadersChanged("readers_changed", f"{len(beyond)} more than planned are in the room")
    if lists.hidden:
        raise ReadersChanged("readers_hidden", "somebody is in the room whom it does not show")


def usable(
    told: frozenset[Device] | None,
    allowed: frozenset[Device] | None,
    barred: frozenset[Device],
) -> frozenset[Device]:
    """The devices of one account that are sealed to.

    Args:
        told: published now.
        allowed: the only ones that may be; None where the tier leaves it open.
        barred: never to be sealed to.

    Raises:
        IdentityChanged: one is published that nobody agreed to.
        Unavailable: they, or a key of theirs, could not be read.
    """
    if told is None:
        raise Unavailable("devices_unread", "a member's server does not tell his devices")
    if allowed is not None and told - allowed:
        raise IdentityChanged("device_unknown", "a member has a device that nobody agreed to")
    if any(not device.key for device in told - barred):
        raise Unavailable("devices_unread", "a key of a member's device cannot be had")
    return told - barred
