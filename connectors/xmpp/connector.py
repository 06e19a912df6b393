"""One XMPP account as a connector: the parts put together, and nothing decided here.

Rules kept here:

1. One stream, signed in once and mended by itself (``line``); who sits where is known from it, and
   who may is read afresh (``desk``).
2. What a server or an installation may lack is an ability of another class: without OMEMO no room
   holds the end-to-end guarantee, devices are not told and trust is not offered; without
   moderation nothing is taken back, as the archive would hand it out all the same.
3. Every method raises ``ConnectorError`` or nothing.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from connectors.port import AccountId, DeliveryKey, Guarantee, RemoteId, RoomId
from connectors.port.capabilities import Capabilities, Health, Posture, Undo
from connectors.port.connector import Check, Connector, Setup
from connectors.port.door import Door
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Unreadable
from connectors.port.events import Batch
from connectors.port.messages import Accepted, Delivery, Device, MemberSnapshot, RoomSpec
from connectors.xmpp import rooms, translate, wire
from connectors.xmpp.archive import Archive
from connectors.xmpp.desk import Desk
from connectors.xmpp.doctor import Doctor
from connectors.xmpp.files import Files
from connectors.xmpp.finder import Finder
from connectors.xmpp.line import Line
from connectors.xmpp.receiver import Receiver
from connectors.xmpp.rooms import Lists
from connectors.xmpp.sealing import Sealer
from connectors.xmpp.seats import Seats
from connectors.xmpp.sender import MAX_BODY, Sender
from connectors.xmpp.settings import XmppSecrets, XmppSettings, read_setup
from connectors.xmpp.steward import Steward
from connectors.xmpp.store import Store
from connectors.xmpp.stream import trusting

_KEPT_FOR = 90 * 24 * 3600 * 1_000_000
_REGISTER = "jabber:iq:register"
_SEALER = "connectors.xmpp.omemo.sealer"
OpenSealer = Callable[[AccountId, Path, bytes, frozenset[str]], Sealer]


def open_connector(setup: Setup) -> Connector:
    """The connector for an XMPP account; not signed in yet.

    Raises:
        Rejected: settings or secrets are refused, with all problems at once, or OMEMO is asked for
            and not installed.
    """
    settings, secrets = read_setup(setup)
    if not settings.omemo:
        plain = ModeratingXmppConnector if settings.moderation else XmppConnector
        return plain(setup, settings, secrets)
    sealing = ModeratingSealingXmppConnector if settings.moderation else SealingXmppConnector
    return sealing(setup, settings, secrets, _omemo())


def _omemo() -> OpenSealer:
    """What opens the sealer. Raises: Rejected where the extra is not installed."""
    try:
        found: OpenSealer = importlib.import_module(_SEALER).open_sealer
    except ImportError:
        pass
    else:
        return found
    hint = "install the extra `omemo` (AGPL-3.0), or leave `omemo` off: then nothing is sealed"
    raise Rejected("omemo_missing", hint)


class XmppConnector:
    """One account on one XMPP server, its rooms in one service.

    Args:
        setup: as given to ``open_connector``.
        settings: its settings.
        secrets: its secrets.
        open_sealer: what opens the sealer; None where nothing is sealed.
        door: the only way out; made from the settings unless a test gives another.
    """

    def __init__(
        self,
        setup: Setup,
        settings: XmppSettings,
        secrets: XmppSecrets,
        open_sealer: OpenSealer | None = None,
        door: Door | None = None,
    ) -> None:
        self._setup = setup
        self._settings = settings
        self._secrets = secrets
        self._open_sealer = open_sealer
        self._door = door or Door(settings.openings)
        self._parts: _Parts | None = None
        self._opening = asyncio.Lock()
        self._seen_at: int | None = None

    @property
    def account(self) -> AccountId:
        """Our bare address."""
        return AccountId(self._settings.account)

    @property
    def capabilities(self) -> Capabilities:
        """At best; costs no input or output."""
        standby, files = self._settings.standby, self._settings.files
        return Capabilities(
            can=self._can,
            max_body_bytes=MAX_BODY,
            max_attachment_bytes=self._settings.max_attachment_bytes if files else 0,
            idempotent_send=False,
            idempotent_for=0,
            re_offers=self._settings.archive,
            standby=None if standby is None else AccountId(standby),
        )

    @property
    def _can(self) -> frozenset[Guarantee]:
        can = {
            Guarantee.ENCRYPTED_IN_TRANSIT,
            Guarantee.INVITE_ONLY,
            Guarantee.NO_PUBLIC_LINK,
            Guarantee.MEMBERS_READABLE,
        }
        if not self._settings.archive:
            can.add(Guarantee.HISTORY_HIDDEN)
        if self._settings.forgets_after is not None:
            can.add(Guarantee.TIMER)  # attested by who runs the server
        return frozenset(can)

    # --- signing in and out ---------------------------------------------------------------------

    async def open(self) -> None:
        """Signs in. Raises: ConnectorError."""
        async with self._opening:
            if self._parts is not None:
                return
            parts = _Parts(
                self._setup, self._settings, self._secrets, self._door, self._open_sealer
            )
            try:
                await parts.open()
            except BaseException:
                await parts.close()
                raise
            parts.store.forget_before(self._setup.now() - _KEPT_FOR)
            self._parts = parts

    async def close(self) -> None:
        """Ends cleanly."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.close()

    async def set_password(self, value: str) -> None:
        """Has our server take another password (XEP-0077 section 3.3). Raises: ConnectorError."""
        query = Element(f"{{{_REGISTER}}}query")
        SubElement(query, f"{{{_REGISTER}}}username").text = self.account.partition("@")[0]
        SubElement(query, f"{{{_REGISTER}}}password").text = value
        await self._open.line.ask(self._settings.domain, "set", query, acts=True)

    @property
    def _open(self) -> "_Parts":
        if self._parts is None:
            raise Unavailable("not_open", "the channel is not open")
        return self._parts

    async def health(self) -> Health:
        """Whether the server answers on our stream."""
        parts = self._parts
        if parts is None:
            return Health(up=False, code="not_open", hint="open the channel", seen_at=None)
        try:
            await parts.line.ping()
        except ConnectorError as error:
            hint = error.hint or "wait"
            return Health(up=False, code=error.code, hint=hint, seen_at=self._seen_at)
        self._seen_at = self._setup.now()
        return Health(up=True, code="ok", hint="", seen_at=self._seen_at)

    async def inspect(self) -> tuple[Check, ...]:
        """What an operator can see to."""
        parts = self._parts
        if parts is None:
            hint = "the channel is not open"
            return (Check("line", ok=False, hint=hint, remedy="see `health`"),)
        found = await Doctor(parts.line, parts.desk, parts.store, self._settings).look()
        return found if parts.sealer is None else (*found, *await parts.sealer.inspect())

    # --- rooms ----------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a room, hardened before anybody is let in. Raises: ConnectorError."""
        return await self._open.steward.create(spec)

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Asks somebody in. Raises: ConnectorError."""
        await self._open.steward.invite(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out, or takes his invitation back. Raises: ConnectorError."""
        await self._open.steward.remove(room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member an admin, or one no more. Raises: ConnectorError."""
        await self._open.steward.set_admin(room, account, admin=admin)

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts the settings back to those of ``create``. Raises: ConnectorError."""
        await self._open.steward.harden(room, spec)

    async def join(self, room: RoomId) -> None:
        """Goes into a room that we are asked into. Raises: ConnectorError."""
        await self._open.steward.join(room)

    async def leave(self, room: RoomId) -> None:
        """Goes out for good; a room that we alone are in is no more then. Raises: ConnectorError.

        Rejected where its members would be left without an owner.
        """
        await self._open.steward.leave(room)

    async def posture(self, room: RoomId) -> Posture:
        """Reads a room's settings back. Raises: Unreadable, Unavailable."""
        parts, at = self._open, self._setup.now()
        lists = await self._lists(room)
        form = await parts.desk.form(room)
        offered = await parts.desk.features(room)
        sealed, forgets = parts.sealer is not None, self._settings.forgets_after
        found = rooms.Reading(form, offered, lists, sealed, at, forgets)
        return Posture(
            room=room,
            holdings=rooms.holdings(found, secure=parts.line.client.secure),
            gate=False,
            read=self.account in lists.listed,
            undo=self._undo(offered),
            undo_for=None,
            admins=lists.ruling,
            read_at=at,
        )

    def _undo(self, offered: frozenset[str]) -> Undo:
        """Whose messages can be taken back, by what a room offers."""
        if not self._settings.moderation:
            return Undo.NONE
        return Undo.ANYBODY if wire.MODERATE in offered else Undo.OWN

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Reads a room's members and their devices back. Raises: Unreadable, Unavailable."""
        parts, at = self._open, self._setup.now()
        lists = await self._lists(room)
        if self.account not in lists.listed:
            raise Unreadable("own_seat_missing", "the lists that we may read do not name us")
        parts.store.came(room, lists.occupants)
        found = rooms.members(lists, parts.store.been(room))
        if parts.sealer is not None:
            devices = await parts.sealer.devices(lists.everybody)
            found = tuple(replace(m, devices=devices.get(m.account)) for m in found)
        return MemberSnapshot(room, found, lists.complete, read_at=at)

    async def _lists(self, room: RoomId) -> Lists:
        parts = self._open
        lists = await parts.desk.lists(room)
        if not parts.receiver.is_lived_in(room):
            parts.receiver.live_in(room)
        return lists

    # --- messages -------------------------------------------------------------------------------

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once, to exactly the delivery's readers. Raises: ConnectorError."""
        return await self._open.sender.send(delivery)

    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        """Replaces a message of ours (XEP-0308). Raises: ConnectorError."""
        parts = self._open
        replaced = parts.store.own_id(room, self.account, message)
        if replaced is None:
            raise Rejected("message_unknown", "this is no message of ours that we know")
        return await parts.sender.send(replace(delivery, room=room), replaced)

    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        """The delivery as the room's archive has it. Raises: Unavailable, Unreadable."""
        return await self._open.finder.find(room, key)

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Yields batches after ``cursor`` until closed."""
        async with aclosing(self._open.receiver.receive(cursor)) as batches:
            async for batch in batches:
                yield batch


class _Undoing(XmppConnector):
    """An account in rooms out of whose archive a moderator can take what was said (XEP-0425)."""

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks for a message's removal. Raises: ConnectorError."""
        await self._open.finder.undo(room, message)

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Whether the archive hands the content out no more. Raises: ConnectorError."""
        return await self._open.finder.is_gone(room, message)


class SealingXmppConnector(XmppConnector):
    """An account whose messages are sealed to devices (OMEMO)."""

    @property
    def _can(self) -> frozenset[Guarantee]:
        sealed = {
            Guarantee.END_TO_END_ENCRYPTED,
            Guarantee.HISTORY_HIDDEN,
            Guarantee.DEVICES_VERIFIED,  # concluded from ``members`` by who keeps the keys
        }
        return super()._can | sealed

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks a device as verified. Raises: IdentityChanged when its key is another."""
        await self._sealer.trust(account, device)

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Marks a device as never to be sealed to."""
        await self._sealer.distrust(account, device)

    def own_device(self) -> Device | None:
        """Our own device, for others to compare."""
        return self._sealer.own

    @property
    def _sealer(self) -> Sealer:
        sealer = self._open.sealer
        if sealer is None:
            raise Unavailable("unsealed", "nothing is sealed here")
        return sealer


class ModeratingXmppConnector(_Undoing):
    """An account that takes back, and seals nothing."""


class ModeratingSealingXmppConnector(_Undoing, SealingXmppConnector):
    """An account that takes back, and seals."""


class _Parts:
    """What an open connector is made of."""

    def __init__(
        self,
        setup: Setup,
        settings: XmppSettings,
        secrets: XmppSecrets,
        door: Door,
        open_sealer: OpenSealer | None,
    ) -> None:
        own, now = AccountId(settings.account), setup.now
        self.store = Store(setup.state, secrets.key)
        self.sealer: Sealer | None = None
        if open_sealer is not None:
            withdrawn = frozenset(settings.withdraw)
            self.sealer = open_sealer(own, setup.state, secrets.key, withdrawn)
        self.line = Line(settings, secrets, door, now)
        self.files = Files(self.line, door, settings, trusting(settings.ca_file))
        self.archive = Archive(self.line, own)
        self.seats = Seats(self.line, settings.nick, settings.patience)
        self.desk = Desk(self.line, self.seats, settings.rooms)
        self.sender = Sender(
            self.line,
            self.seats,
            self.desk,
            self.store,
            self.files,
            self.sealer,
            settings,
            self._named,
            now,
        )
        self.receiver = Receiver(
            self.line,
            self.seats,
            self.desk,
            self.archive,
            self.store,
            self.files,
            self.sealer,
            settings,
            now,
        )
        self.steward = Steward(self.line, self.seats, self.desk, self.receiver, settings)
        self.finder = Finder(self.line, self.desk, self.archive, self.store, settings, now)
        self._own = own
        self.line.begun.append(self._begin)
        if self.sealer is not None:
            self.sealer.attach(self.line.client, self.receiver.device)

    def _named(self, room: RoomId, message: Element) -> str:
        believed = self.receiver.believes(room)
        return translate.mark_of(message, room, self._own, believed=believed)

    async def open(self) -> None:
        """Signs in and begins to listen. Raises: ConnectorError."""
        self.receiver.start()
        await self.line.open()

    async def _begin(self) -> None:
        self.seats.reset()
        if self.sealer is not None:
            await self.sealer.start()
        self.seats.show_available()
        self.receiver.begin()

    async def close(self) -> None:
        """Ends all of it."""
        await self.receiver.stop()
        await self.line.close()
        await self.files.close()
        if self.sealer is not None:
            self.sealer.close()
        self.store.close()
