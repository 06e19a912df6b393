"""One Signal account as a connector: the parts put together, and nothing decided here.

Rules kept here:

1. Two programs can run the account (setting ``backend``); which of them is known only where the
   parts are put together. It opens only where that program can tell what is written to us.
2. A room is read back from the server each time. What the server answers 2xx to and did not do is
   found by reading; what cannot be read is not claimed.
3. Every method raises ``ConnectorError`` or nothing.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path

from connectors.port import AccountId, DeviceId, Guarantee, Holding, RemoteId, RoomId
from connectors.port.capabilities import Capabilities, Health, Posture
from connectors.port.connector import Check, Connector, Setup
from connectors.port.door import Door
from connectors.port.errors import (
    ConnectorError,
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
from connectors.port.posts import Said
from connectors.shared.probe import Probe
from connectors.shared.webhook import Posts, Webhook
from connectors.signal import groups
from connectors.signal.account import Account
from connectors.signal.backend import UNFIT, Backend
from connectors.signal.client import Client
from connectors.signal.doctor import Doctor
from connectors.signal.ears import Ears, Posted
from connectors.signal.groups import Group
from connectors.signal.ids import is_line
from connectors.signal.ledger import ASKED, SEEN, Ledger, Seat
from connectors.signal.outgoing import MAX_BODY
from connectors.signal.reachable import Reachable
from connectors.signal.receiver import Receiver
from connectors.signal.rest import Rest
from connectors.signal.rpc.client import Client as RpcClient
from connectors.signal.rpc.daemon import Daemon
from connectors.signal.rpc.events import Stream
from connectors.signal.sender import Sender
from connectors.signal.settings import SignalSecrets, SignalSettings, read_setup
from connectors.signal.spool import Spool
from connectors.signal.steward import Steward
from connectors.signal.watch import Watch

_HEALTH = 10.0
"""Seconds that a sign of life may take; other calls have the patience of the settings."""
PRIMARY = 1
"""Number of the device that an account is registered on."""


def open_connector(setup: Setup) -> Connector:
    """The connector for a Signal account; nothing is listened to yet.

    Raises:
        Rejected: settings or secrets are refused, with all problems at once.
    """
    settings, secrets = read_setup(setup)
    return SignalConnector(setup, settings, secrets)


class SignalConnector:
    """One account on one server.

    Args:
        setup: as given to ``open_connector``.
        settings: its settings.
        secrets: its secrets.
        door: the only way out; made from the settings unless a test gives another.
    """

    def __init__(
        self,
        setup: Setup,
        settings: SignalSettings,
        secrets: SignalSecrets,
        door: Door | None = None,
    ) -> None:
        self._setup = setup
        self._settings = settings
        self._secrets = secrets
        self._door = door or Door([settings.opening])
        self._parts: _Parts | None = None
        self._opening = asyncio.Lock()
        self._seen_at: int | None = None

    @property
    def account(self) -> AccountId:
        """Our number."""
        return AccountId(self._settings.number)

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
                    Guarantee.TIMER,  # read back; over REST seen in traffic, or attested
                }
            ),
            max_body_bytes=MAX_BODY,
            max_attachment_bytes=self._settings.most_sent,
            idempotent_send=False,
            idempotent_for=0,
            re_offers=False,
            standby=self._standby,
        )

    @property
    def _standby(self) -> AccountId | None:
        standby = self._settings.standby
        return None if standby is None else AccountId(standby)

    @property
    def listens_on(self) -> int:
        """The port that the API server is to post to; 0 while closed, and where there is none."""
        return self._parts.ears.port if self._parts is not None else 0

    # --- opening and closing --------------------------------------------------------------------

    async def open(self) -> None:
        """Asks the server whether it can work with us, then listens. Raises: ConnectorError."""
        async with self._opening:
            if self._parts is not None:
                return
            with _own_disk():
                parts = _Parts(self._setup, self._settings, self._secrets, self._door)
            try:
                await self._establish(parts)
            except BaseException:
                await parts.close()
                raise
            self._parts = parts

    async def _establish(self, parts: "_Parts") -> None:
        await parts.backend.fit()
        if not await parts.account.is_registered():
            raise Rejected("not_registered", "register or link the number with the API server")
        await parts.ears.start()
        with suppress(Unreadable, Rejected):  # until it is learnt, replies to us name our number
            await parts.account.learn()
        with _own_disk():
            parts.reachable.opened()
        parts.watch.start()

    async def close(self) -> None:
        """Ends cleanly; prompt, and may be called twice."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.close()

    @property
    def _open(self) -> "_Parts":
        if self._parts is None:
            raise Unavailable("not_open", "the channel is not open")
        return self._parts

    async def health(self) -> Health:
        """Whether the server answers and still has our account."""
        parts = self._parts
        if parts is None:
            return self._down("not_open", "open the channel")
        try:
            async with asyncio.timeout(_HEALTH):
                registered = await parts.account.is_registered()
        except ConnectorError as error:
            return self._down(error.code, error.hint or "wait")
        except TimeoutError:
            return self._down("no_answer", "the API server takes calls; signal-cli is silent")
        wrong = _wrong(parts, registered=registered)
        if wrong is not None:
            return self._down(*wrong)
        self._seen_at, limit = self._setup.now(), parts.backend.limit
        if limit is not None:
            return Health(up=True, code="rate_limited", hint=limit.hint, seen_at=self._seen_at)
        return Health(up=True, code="ok", hint="", seen_at=self._seen_at)

    def _down(self, code: str, hint: str) -> Health:
        return Health(up=False, code=code, hint=hint, seen_at=self._seen_at)

    async def inspect(self) -> tuple[Check, ...]:
        """What an operator can see to at the API server."""
        parts = self._parts
        if parts is None:
            remedy = "see why it is closed: wallcross channel list"
            return (Check("api", ok=False, hint="the channel is not open", remedy=remedy),)
        doctor = Doctor(
            parts.backend,
            parts.account,
            parts.ears,
            guarded=self._secrets.api_token is not None,
            opening=self._settings.opening,
            least=self._settings.least,
            heard_at=parts.receiver.heard_at,
            coming=self._coming,
        )
        return await doctor.look()

    def _coming(self) -> set[RoomId]:
        with _own_disk():
            return set(self._open.ledger.owners())

    # --- rooms ----------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a group, or opens a private line. Raises: ConnectorError."""
        with _own_disk():
            return await self._open.steward.create(spec)

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Asks somebody in. Raises: ConnectorError."""
        await self._open.steward.invite(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out, or takes his invitation back. Raises: ConnectorError."""
        with _own_disk():
            await self._open.steward.remove(room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member an admin, or one no more. Raises: ConnectorError."""
        with _own_disk():
            await self._open.steward.set_admin(room, account, admin=admin)

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts the settings back to those of ``create``. Raises: ConnectorError."""
        with _own_disk():
            await self._open.steward.harden(room, spec)

    async def join(self, room: RoomId) -> None:
        """Accepts an invitation, and reads back that we are in. Raises: ConnectorError."""
        parts = self._open
        await parts.backend.join(room)
        if not (await parts.account.group(room)).ours:
            raise Unavailable("not_joined", "the API server said yes, and we are not in")

    async def leave(self, room: RoomId) -> None:
        """Goes out of a group, and reads back that we are out. Raises: ConnectorError."""
        parts = self._open
        await parts.backend.quit(room)
        if (await parts.account.group(room)).ours:
            raise Unavailable("not_left", "the API server said yes, and we are still in")

    async def posture(self, room: RoomId) -> Posture:
        """Reads a room's settings back. Raises: Unreadable, Unavailable."""
        parts, at = self._open, self._setup.now()
        with _own_disk():
            group = None if is_line(room) else await parts.sender.group(room)
            timer = await self._timer(room, group, at)
        return groups.posture(room, group, parts.account.own, self._standby, timer, at)

    async def _timer(self, room: RoomId, group: Group | None, at: int) -> Holding | None:
        """A room's time to live: read back where that is told, else what traffic showed."""
        parts = self._open
        listed = group.timer if group is not None else None
        if group is None:
            listed = await parts.backend.line_timer(AccountId(room.lower()))
        if listed is not None:
            return groups.timer_read(listed, at)
        asked, seen = parts.ledger.timer(room, ASKED), parts.ledger.timer(room, SEEN)
        return groups.timer_of(asked, seen, at)

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Reads a room's members and their keys back. Raises: Unreadable, Unavailable.

        A listing that leaves somebody out looks like a whole one. So one that lacks somebody who
        was there the last time is read again, and is whole only where both are the same.
        """
        parts, at = self._open, self._setup.now()
        with _own_disk():
            seats = await parts.sender.seats(room)
            whole = True
            if parts.ledger.seats(room).keys() - seats.keys():
                again = await parts.sender.seats(room)
                whole, seats = again == seats, seats | again
            peers = await parts.account.peers()
        listed = tuple(
            self._member(account, seat, {a: p.device for a, p in peers.items()})
            for account, seat in sorted(seats.items())
        )
        return MemberSnapshot(room, listed, complete=whole, read_at=at)

    async def own_devices(self) -> tuple[Device, ...]:
        """Our own account's devices, the primary one among them. Raises: ConnectorError."""
        with _own_disk():
            found = await self._open.account.devices()
        if not any(which == PRIMARY for which, _ in found):
            raise Unreadable("devices_incomplete", "the API server listed no primary device")
        return tuple(Device(DeviceId(str(which)), f"made {made}") for which, made in sorted(found))

    async def end_own_device(self, device: DeviceId) -> None:
        """Unlinks a device of our account; the primary one cannot be. Raises: ConnectorError."""
        if not device.isascii() or not device.isdigit() or device == str(PRIMARY):
            raise Rejected("not_linked", "this is no linked device of our account")
        with _own_disk():
            await self._open.account.end_device(int(device))

    def _member(self, account: AccountId, seat: Seat, devices: dict[AccountId, Device]) -> Member:
        """One member; of our own devices no keys are told."""
        known = devices.get(account)
        held = None if account == self.account else frozenset({known} if known else ())
        return Member(account, Presence(seat.presence), seat.admin, held)

    # --- messages -------------------------------------------------------------------------------

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once, to exactly the delivery's readers. Raises: ConnectorError."""
        with _own_disk():
            return await self._open.sender.send(delivery)

    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        """Puts another text in the place of a message of ours. Raises: ConnectorError."""
        with _own_disk():
            return await self._open.sender.edit(room, message, delivery)

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks for a message's removal. Raises: ConnectorError."""
        with _own_disk():
            await self._open.sender.undo(room, message)

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Whether everybody's client acknowledged the removal. Raises: ConnectorError."""
        with _own_disk():
            return await self._open.sender.is_gone(room, message)

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Yields batches after ``cursor`` until closed. Raises: ConnectorError."""
        with _own_disk():
            async with aclosing(self._open.receiver.receive(cursor)) as batches:
                async for batch in batches:
                    yield batch

    async def posted(self, secret: str, pieces: AsyncIterator[bytes]) -> Said:
        """Takes what comes through our API; nothing where a listener of our own is posted to."""
        posts = self._parts.posts if self._parts is not None else None
        return Said.WRONG_PATH if posts is None else await posts.posted(secret, pieces)

    # --- keys of others -------------------------------------------------------------------------

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks a safety number as verified. Raises: IdentityChanged when it is another."""
        with _own_disk():
            await self._open.account.trust(account, device)

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Marks a safety number as one that nothing is sent to: the room it is in stands still."""
        with _own_disk():
            self._open.ledger.distrust(account, device.key)


def _wrong(parts: "_Parts", *, registered: bool) -> tuple[str, str] | None:
    """Why a program that answers is of no use to us, and what to do; None where it is."""
    if not registered or not parts.account.known_to_signal:
        return "not_registered", "register or link the number with the API server anew"
    deaf = parts.backend.deaf
    return None if deaf is None else (UNFIT, deaf.hint)


@contextmanager
def _own_disk() -> Iterator[None]:
    """An error of our own files as an error of the port."""
    try:
        yield
    except sqlite3.Error:
        failed = True
    else:
        failed = False
    if failed:
        raise Unavailable("state_unusable", "the channel's state folder cannot be written")


class _Parts:
    """What an open connector is made of."""

    def __init__(
        self, setup: Setup, settings: SignalSettings, secrets: SignalSecrets, door: Door
    ) -> None:
        now = setup.now
        _private(setup.state)
        self.spool = Spool(setup.state, secrets.key)
        self.ledger = Ledger(setup.state)
        self.reachable = Reachable(self.ledger, self.spool, now, self._came)
        calls = _calls(settings, secrets, door)
        self.backend = _backend(calls, settings, now)
        tell = self.reachable.tell
        self.account = Account(self.backend, self.ledger, settings.number, tell)
        self.sender = Sender(self.backend, self.account, self.ledger, now, self._suspect, tell)
        standby = None if settings.standby is None else AccountId(settings.standby)
        self.steward = Steward(self.backend, self.account, self.ledger, now, standby)
        self.receiver = Receiver(
            self.backend,
            self.account,
            self.ledger,
            self.spool,
            now,
            settings.max_attachment_bytes,
            self._suspect,
        )
        self.posts: Posts | None = None
        self.ears = self._ears(calls, settings, secrets, now)
        self.watch = Watch(
            self.ears,
            self.account,
            self.ledger,
            self.reachable,
            self.receiver,
            now,
            settings.look_every,
        )

    def _ears(
        self,
        calls: Client | RpcClient,
        settings: SignalSettings,
        secrets: SignalSecrets,
        now: Callable[[], int],
    ) -> Ears:
        take, near = self.receiver.take, settings.opening.loopback
        if isinstance(calls, RpcClient):
            return Stream(calls, take, self.reachable, now, settings.patience, near=near)
        host, port = settings.listen, settings.listen_port

        async def posted(body: bytes) -> Said:
            return take(body)

        posts = Posts((secrets.path,), posted, self.reachable.answered, now)
        webhook = None if port is None else Webhook(host, port, posts)
        self.posts = posts if webhook is None else None

        def probe(at: int) -> Probe:
            base = f"http://[{host}]:{at}" if ":" in host else f"http://{host}:{at}"
            private = settings.private_address
            return Probe(settings.reached_at or base, secrets.path, private=private)

        return Posted(webhook, self.backend, probe, now)

    def _came(self) -> None:
        self.receiver.came()

    def _suspect(self) -> None:
        self.watch.soon()

    async def close(self) -> None:
        """Ends everything; what was stored stays."""
        self.receiver.stop()
        await self.watch.stop()
        await self.ears.stop()
        await self.backend.close()
        self.spool.close()
        self.ledger.close()


def _calls(settings: SignalSettings, secrets: SignalSecrets, door: Door) -> Client | RpcClient:
    """The wire to the program that runs the account."""
    base, patience, token = settings.api, settings.patience, secrets.token
    if settings.rest:
        return Client(base, door, patience, token)
    return RpcClient(base, door, patience, token, settings.number)


def _backend(
    calls: Client | RpcClient, settings: SignalSettings, now: Callable[[], int]
) -> Backend:
    """That program, in this package's terms."""
    number, most = settings.number, settings.most_sent
    if isinstance(calls, RpcClient):
        return Daemon(calls, number, most, settings.attachments, now)
    return Rest(calls, number, most)


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
