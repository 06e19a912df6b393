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

from connectors.matrix import receiver, rooms
from connectors.matrix.client import BASE, Client, Json, malformed, part, room_path
from connectors.matrix.devices import Target, Told
from connectors.matrix.finder import Finder
from connectors.matrix.ledger import Ledger
from connectors.matrix.machine import Machine
from connectors.matrix.receiver import Receiver
from connectors.matrix.sender import IDEMPOTENT_FOR, MAX_BODY, Sender
from connectors.matrix.session import Session
from connectors.matrix.settings import MatrixSecrets, MatrixSettings, read_setup
from connectors.matrix.signin import sign_in, still_signed_in
from connectors.port import AccountId, DeliveryKey, Guarantee, RemoteId, RoomId
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

_KEPT_FOR = 90 * 24 * 3600 * 1_000_000
_MOST_WAITS = 40
_LONGEST_WAIT = 60.0
_SECOND = 1_000_000


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
        )

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

    def network_time(self) -> tuple[int, int] | None:
        """The homeserver's time and our own when it was heard."""
        return self._client.heard if self._client is not None else None

    # --- rooms ----------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a room, hardened from its first instant. Raises: ConnectorError."""
        client, own = self._open.client, self.account
        rules = rooms.RoomRules(
            self._settings.room_version, self._settings.federate, self._settings.servers, own
        )
        body = rooms.create_request(spec, rules)
        invited: list[AccountId] = []
        if len(body["invite"]) > rooms.MOST_INVITED_AT_ONCE:
            invited, body["invite"] = body["invite"], []
        answer = await client.call("POST", f"{BASE}/createRoom", body, acts=True)
        if not isinstance(answer.get("room_id"), str):
            raise malformed(acts=True)
        room = RoomId(answer["room_id"])
        for account in invited:
            await self._invite(room, account, direct=spec.direct)
        if spec.direct:
            await self._list_direct(room, spec.members | spec.owners)
        return room

    async def _invite(self, room: RoomId, account: AccountId, *, direct: bool) -> None:
        """Asks one account in, waiting as long as the homeserver asks to.

        Who could not be asked in is missing from ``members``: the room exists all the same.
        """
        body = {"user_id": account, "is_direct": direct}
        for _ in range(_MOST_WAITS):
            try:
                await self._open.client.call("POST", room_path(room, "invite"), body)
            except Unavailable as error:
                wait = (error.retry_after or _SECOND) / _SECOND
                await asyncio.sleep(min(wait, _LONGEST_WAIT))
            except ConnectorError:
                return
            else:
                return

    async def _list_direct(self, room: RoomId, accounts: frozenset[AccountId]) -> None:
        async with self._open.listing:
            client = self._open.client
            listed = await receiver.direct_list(client, self.account)
            fresh = receiver.with_direct(listed, room, sorted(accounts - {self.account}))
            await client.call("PUT", receiver.direct_path(self.account), fresh)

    async def join(self, room: RoomId) -> None:
        """Accepts an invitation. Whether to is decided elsewhere. Raises: ConnectorError."""
        parts = self._open
        meant_direct = await parts.receiver.asked_directly(room)
        await parts.client.call("POST", room_path(room, "join"), {})
        others = (await self._state(room)).members().everybody - {self.account}
        if meant_direct and len(others) == 1:
            await self._list_direct(room, others)

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
        """Reads a room's settings back. Raises: Unreadable, Unavailable."""
        at = self._setup.now()
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
            gate=rooms.gated(state, self.account),
            read=self.account in state.members().joined,
            undo=rooms.undo(state, self.account),
            undo_for=None,
            admins=state.admins(),
            read_at=at,
        )

    async def _told(self, path: str, room: RoomId) -> Json:
        """A piece of a posture; what is refused is not told. ``room`` is for the hint only."""
        try:
            return await self._open.client.call("GET", path)
        except Rejected as error:
            raise Unreadable(error.code, f"a setting of {room} is not told") from error

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Reads a room's members and their devices back. Raises: Unreadable, Unavailable."""
        at = self._setup.now()
        state = await self._state(room)
        found = state.members()
        if self.account not in found.joined:
            raise Unreadable("not_a_member", "our account is not in this room")
        told = await self._open.machine.query(found.everybody)
        admins = state.admins()
        listed = tuple(
            Member(
                account=account,
                presence=Presence.JOINED if account in found.joined else Presence.INVITED,
                admin=account in admins,
                devices=told.of(account),
            )
            for account in sorted(found.everybody)
        )
        return MemberSnapshot(room, listed, complete=True, read_at=at)

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
        self.listing = asyncio.Lock()
        self.machine = Machine(client, folder, settings.user, session.device, secrets.key)
        self.ledger = Ledger(folder)
        self.sender = Sender(client, self.machine, self.ledger, setup.now, limit)
        self.finder = Finder(client, self.machine, self.ledger, setup.now)
        self.receiver = Receiver(client, self.machine, self.ledger, settings.sync_wait, limit)
