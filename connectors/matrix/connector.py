"""One Matrix account as a connector: the parts put together, and nothing decided here.

Rules kept here:

1. There is one device, signed in once (``session``). Its keys are published before anything else
   happens; a device id whose keys at the homeserver are not ours is not used.
2. Rooms are read back over HTTP each time; nio's idea of a room is never asked.
3. Every method raises ``ConnectorError`` or nothing.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from connectors.matrix import rooms
from connectors.matrix.client import BASE, Client, Json, part, room_path
from connectors.matrix.devices import Members, Target, Told
from connectors.matrix.finder import Finder
from connectors.matrix.ledger import Ledger
from connectors.matrix.machine import Machine
from connectors.matrix.receiver import Receiver
from connectors.matrix.sender import IDEMPOTENT_FOR, MAX_BODY, Sender
from connectors.matrix.session import Session
from connectors.matrix.settings import MatrixSecrets, MatrixSettings, read_setup
from connectors.matrix.signin import set_password, sign_in, sign_in_anew, still_signed_in
from connectors.matrix.standing import SEAT_MISSING, Standing
from connectors.matrix.steward import Steward
from connectors.matrix.witness import Witness
from connectors.port import AccountId, DeliveryKey, DeviceId, Guarantee, RemoteId, RoomId
from connectors.port.capabilities import Capabilities, Health, Posture
from connectors.port.connector import Connector, Setup
from connectors.port.door import Door
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Rejected,
    Unavailable,
    Unreadable,
)
from connectors.port.events import Batch
from connectors.port.messages import (
    Accepted,
    Delivery,
    Device,
    Member,
    MemberSnapshot,
    Presence,
    RoomSpec,
)
from connectors.shared.both import both

_KEPT_FOR = 90 * 24 * 3600 * 1_000_000


def open_connector(setup: Setup) -> Connector:
    """The connector for a Matrix account; not signed in yet.

    Raises:
        Rejected: settings or secrets are refused, with all problems at once.
    """
    settings, secrets = read_setup(setup)
    return MatrixConnector(setup, settings, secrets)


class MatrixConnector:
    """One account on one Matrix homeserver.

    Args:
        setup: as given to ``open_connector``.
        settings: its settings.
        secrets: its secrets.
        door: the only way out; made from the settings unless a test gives another.
    """

    def __init__(
        self,
        setup: Setup,
        settings: MatrixSettings,
        secrets: MatrixSecrets,
        door: Door | None = None,
    ) -> None:
        self._setup = setup
        self._settings = settings
        self._secrets = secrets
        self._door = door or Door([settings.opening])
        self._client: Client | None = None
        self._parts: _Parts | None = None
        self._opening = asyncio.Lock()

    @property
    def account(self) -> AccountId:
        """Our Matrix user id."""
        return AccountId(self._settings.user)

    @property
    def capabilities(self) -> Capabilities:
        """At best; costs no input or output."""
        return Capabilities(
            can=frozenset(
                {
                    Guarantee.ENCRYPTED_IN_TRANSIT,
                    Guarantee.END_TO_END_ENCRYPTED,
                    Guarantee.INVITE_ONLY,
                    Guarantee.NO_PUBLIC_LINK,
                    Guarantee.MEMBERS_READABLE,
                    Guarantee.HISTORY_HIDDEN,
                    Guarantee.DEVICES_VERIFIED,  # concluded from ``members`` by who keeps the keys
                    Guarantee.TIMER,  # attested by who runs the homeserver
                }
            ),
            max_body_bytes=MAX_BODY,
            max_attachment_bytes=self._settings.max_attachment_bytes,
            idempotent_send=True,
            idempotent_for=IDEMPOTENT_FOR,
            re_offers=True,
            standby=self._standby,
        )

    @property
    def _standby(self) -> AccountId | None:
        standby = self._settings.standby
        return None if standby is None else AccountId(standby)

    # --- signing in and out ---------------------------------------------------------------------

    async def open(self) -> None:
        """Signs in, once, and publishes our device's keys. Raises: ConnectorError."""
        async with self._opening:
            if self._parts is not None:
                return
            client = Client(self._settings.homeserver, self._door, self._setup.now)
            try:
                session = await sign_in(client, self._settings, self._secrets, self._setup.state)
                parts = _Parts(self._setup, self._settings, self._secrets, client, session)
                await self._establish(parts.machine)
            except BaseException:
                await client.close()
                raise
            parts.ledger.forget_before(self._setup.now() - _KEPT_FOR)
            self._client, self._parts = client, parts

    async def _establish(self, machine: Machine) -> None:
        """Publishes our keys, unless somebody else's stand under our device id."""
        await self._refuse_taken(machine)
        await machine.publish()
        await self._refuse_taken(machine)

    async def _refuse_taken(self, machine: Machine) -> None:
        own = machine.own
        told = await machine.query({own.account})
        same = {d for d in told.of(own.account) or () if d.device == own.device.device}
        if same - {own.device}:
            raise Rejected(
                "device_taken",
                "the homeserver has other keys for our device: its state was lost; "
                "sign that device out, or set another device id",
            )

    async def close(self) -> None:
        """Ends cleanly; the device stays signed in."""
        client, parts = self._client, self._parts
        self._client = self._parts = None
        if parts is not None:
            parts.receiver.stop()
            parts.ledger.close()
            parts.machine.close()
        if client is not None:
            await client.close()

    @property
    def _open(self) -> "_Parts":
        if self._parts is None:
            raise Unavailable("not_open", "the channel is not open")
        return self._parts

    async def health(self) -> Health:
        """Whether the homeserver answers and still knows our device."""
        parts = self._parts
        if parts is None:
            return Health(up=False, code="not_open", hint="open the channel", seen_at=None)
        own = parts.machine.own
        try:
            known = await still_signed_in(parts.client, own.account, own.device.device)
        except ConnectorError as error:
            seen = parts.client.seen_at
            return Health(up=False, code=error.code, hint=error.hint or "wait", seen_at=seen)
        if not known:
            hint = "renew the account's password or token"
            return Health(up=False, code="signed_out", hint=hint, seen_at=parts.client.seen_at)
        if parts.machine.stuck:
            hint = "the homeserver refuses our one-time keys: sign in as a new device"
            return Health(up=True, code="keys_refused", hint=hint, seen_at=parts.client.seen_at)
        return Health(up=True, code="ok", hint="", seen_at=parts.client.seen_at)

    async def prove_secrets(self) -> None:
        """Signs in by password or token, as the device that we are. Raises: ConnectorError."""
        parts = self._open
        device, folder = parts.machine.own.device.device, self._setup.state
        client = Client(self._settings.homeserver, self._door, self._setup.now)
        try:
            known = (self._settings, self._secrets)
            session = await sign_in_anew(client, *known, folder, device)
        finally:
            await client.close()
        parts.client.token = session.token

    async def set_password(self, value: str) -> None:
        """Has the homeserver take another password. Raises: ConnectorError."""
        await set_password(self._open.client, self._settings, self._secrets, value)

    def network_time(self) -> tuple[int, int] | None:
        """The homeserver's time and our own when it was heard."""
        return self._client.heard if self._client is not None else None

    # --- rooms ----------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a room, hardened from its first instant. Raises: ConnectorError."""
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

    async def rotate(self, room: RoomId) -> None:
        """Throws the room's Megolm session away: the next message makes one. Raises: as ``join``.

        Rejected where we are not in the room.
        """
        parts = self._open
        await parts.client.call("GET", room_path(room, "state", "m.room.member", self.account))
        parts.machine.rotate(room)

    async def join(self, room: RoomId) -> None:
        """Accepts an invitation. Whether to is decided elsewhere. Raises: ConnectorError."""
        parts = self._open
        meant_direct = await parts.receiver.asked_directly(room)
        await parts.client.call("POST", room_path(room, "join"), {})
        others = (await self._state(room)).members().everybody - {self.account}
        if meant_direct and len(others) == 1:
            await parts.steward.list_direct(room, others)

    async def leave(self, room: RoomId) -> None:
        """Leaves a room and forgets it. Raises: ConnectorError."""
        client = self._open.client
        await client.call("POST", room_path(room, "leave"), {})
        await client.call("POST", room_path(room, "forget"), {})

    async def _state(self, room: RoomId) -> rooms.RoomState:
        """A room's whole current state. Raises: Unreadable, Unavailable."""
        client = self._open.client
        try:
            events = await client.call_list("GET", room_path(room, "state"))
        except Rejected as error:
            raise Unreadable(error.code, "the room's state is not told") from error
        return rooms.RoomState(e for e in events if isinstance(e, dict))

    async def posture(self, room: RoomId) -> Posture:
        """Reads a room's settings back. Raises: NoRoom, Unreadable, Unavailable."""
        at = self._setup.now()
        async with self._open.standing.reading(room):
            state = await self._state(room)
            listed = await self._told(f"{BASE}/directory/list/room/{part(room)}", room)
            aliases = await self._told(room_path(room, "aliases"), room)
        found = rooms.Reading(
            state=state,
            listed=listed.get("visibility") != "private",
            aliases=rooms.has_aliases(state, aliases.get("aliases")),
            secure=self._settings.opening.scheme == "https",
            own=self.account,
            at=at,
        )
        return Posture(
            room=room,
            holdings=rooms.holdings(found),
            gate=rooms.gated(state, self.account, self._standby),
            read=self.account in state.members().joined,
            undo=rooms.undo(state, self.account),
            undo_for=None,
            admins=state.admins(),
            read_at=at,
        )

    async def _told(self, path: str, what: str) -> Json:
        """A piece of what is read back; what is refused is not told. ``what`` is for the hint."""
        try:
            return await self._open.client.call("GET", path)
        except Rejected as error:
            raise Unreadable(error.code, f"a setting of {what} is not told") from error

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Reads a room's members and their devices back. Raises: NoRoom, Unreadable, Unavailable.

        Two lists are read that a homeserver makes apart. Where they differ, or something else
        shows somebody there whom neither names, all of them count and the list is not whole.
        """
        parts, at = self._open, self._setup.now()
        async with parts.standing.reading(room):
            state, joined = await both(self._state(room), self._joined(room))
            listed = state.members()
            if self.account not in listed.joined:
                raise Unreadable(SEAT_MISSING, "the room's state does not have our account in it")
        unlisted = await self._unlisted(room, listed.and_of(joined))
        found = listed.and_of(joined | unlisted)
        told = await parts.machine.query(found.everybody)
        whole = listed.joined == joined and not unlisted
        return MemberSnapshot(room, _members(found, state.admins(), told), whole, read_at=at)

    async def _unlisted(self, room: RoomId, listed: Members) -> frozenset[AccountId]:
        """Who is in, or is not said to have left, although no list names him."""
        witness, found = self._open.witness, set()
        for account in witness.doubts(room, listed.everybody):
            if await self._open.steward.says_gone(room, account):
                witness.cleared(room, account)
            else:
                found.add(account)
        return frozenset(found)

    async def _joined(self, room: RoomId) -> frozenset[AccountId]:
        """Who is in, by the homeserver's other list. Raises: Unreadable, Unavailable."""
        joined = (await self._told(room_path(room, "joined_members"), room)).get("joined")
        if not isinstance(joined, dict):
            raise Unreadable("answer_malformed", "the homeserver gave no list of members")
        return frozenset(AccountId(str(account)) for account in joined)

    # --- messages -------------------------------------------------------------------------------

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once, to exactly the delivery's readers. Raises: ConnectorError."""
        return await self._open.sender.send(delivery)

    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        """Replaces a message of ours (``m.replace``). Raises: ConnectorError."""
        return await self._open.sender.send(replace(delivery, room=room), message)

    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        """The delivery as the homeserver has it. Raises: Unavailable, Unreadable."""
        return await self._open.finder.find(room, key)

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks for a message's removal. Raises: ConnectorError."""
        await self._open.finder.undo(room, message)

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Whether the homeserver hands the content out no more. Raises: ConnectorError."""
        return await self._open.finder.is_gone(room, message)

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Yields batches after ``cursor`` until closed. Raises: ConnectorError when signed out."""
        async with aclosing(self._open.receiver.receive(cursor)) as batches:
            async for batch in batches:
                yield batch

    # --- devices of others ----------------------------------------------------------------------

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks a device as verified. Raises: IdentityChanged when its key is another."""
        parts = self._open
        told: Told = await parts.machine.query({account})
        if device not in (told.of(account) or ()):
            raise IdentityChanged("device_differs", "the account has no device with this key")
        target = Target(account, device)
        parts.machine.adopt(target)
        parts.machine.verify(target)
        parts.ledger.trust(target)

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Marks a device as never to be sealed to."""
        self._open.ledger.distrust(Target(account, device))

    def own_device(self) -> Device:
        """Our own device, for others to compare."""
        return self._open.machine.own.device

    async def own_devices(self) -> tuple[Device, ...]:
        """Every device of our account: those that have keys, and those that are signed in.

        A homeserver makes the two lists apart; what stands in one of them is there.

        Raises:
            Unreadable, Unavailable: one of them cannot be read, or lacks our own device.
        """
        parts, own = self._open, self.account
        with_keys = (await parts.machine.query({own})).of(own)
        signed_in = (await self._told(f"{BASE}/devices", "our account")).get("devices")
        if with_keys is None or not isinstance(signed_in, list):
            raise Unreadable("devices_malformed", "the homeserver gave no list of our devices")
        found = {device.device: device for device in with_keys}
        for each in signed_in:
            name = DeviceId(str(each.get("device_id"))) if isinstance(each, dict) else DeviceId("")
            found.setdefault(name, Device(name, ""))
        if self.own_device().device not in found:
            raise Unreadable("devices_incomplete", "our own device is not among ours")
        return tuple(found[name] for name in sorted(found))

    async def end_own_device(self, device: DeviceId) -> None:
        """Signs a device of our account out, by the account's password.

        Raises: Rejected: it is our own, or the homeserver wants what we have not.
        Source: matrix-spec, DELETE /devices/{deviceId}, user-interactive authentication.
        """
        if device == self.own_device().device:
            raise Rejected("own_device", "this is the device that speaks here")
        if self._secrets.password is None:
            raise Rejected("no_password", "the homeserver asks for the account's password")
        who = {"type": "m.id.user", "user": str(self.account)}
        word = self._secrets.password.get_secret_value()
        auth = {"type": "m.login.password", "identifier": who, "password": word}
        path = f"{BASE}/devices/{part(device)}"
        try:
            await self._open.client.call("DELETE", path, {"auth": auth}, acts=True)
        except Unavailable as error:
            if error.code != "signed_out":
                raise
            hint = "the homeserver does not take the account's password for it"
            raise Rejected("password_refused", hint) from None


def _members(found: Members, admins: frozenset[AccountId], told: Told) -> tuple[Member, ...]:
    return tuple(
        Member(
            account=account,
            presence=Presence.JOINED if account in found.joined else Presence.INVITED,
            admin=account in admins,
            devices=told.of(account),
        )
        for account in sorted(found.everybody)
    )


def rules_of(settings: MatrixSettings) -> rooms.RoomRules:
    """What the settings say about the rooms that we make."""
    standby = None if settings.standby is None else AccountId(settings.standby)
    own = AccountId(settings.user)
    return rooms.RoomRules(settings.room_version, settings.federate, settings.servers, own, standby)


class _Parts:
    """What an open connector is made of."""

    def __init__(
        self,
        setup: Setup,
        settings: MatrixSettings,
        secrets: MatrixSecrets,
        client: Client,
        session: Session,
    ) -> None:
        folder, limit = setup.state, settings.max_attachment_bytes
        self.client = client
        self.machine = Machine(client, folder, settings.user, session.device, secrets.key)
        self.ledger = Ledger(folder)
        rules = rules_of(settings)
        self.sender = Sender(client, self.machine, self.ledger, setup.now, limit, rules.standby)
        self.steward = Steward(client, rules)
        self.witness = Witness()
        self.standing = Standing(client)
        self.finder = Finder(client, self.machine, self.ledger, self.standing, setup.now)
        self.receiver = Receiver(
            client, self.machine, self.ledger, self.witness, settings.sync_wait, limit
        )
