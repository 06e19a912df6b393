"""What a connector does: one small required protocol, and one protocol for each further ability.

Rule kept here: a connector is one account on one network. It knows rooms, bytes and errors;
never tiers, deals or people. It raises ``ConnectorError`` and nothing else, and cancels cleanly.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from connectors.port.capabilities import Capabilities, Health, Posture
from connectors.port.events import Batch
from connectors.port.messages import (
    Accepted,
    Delivery,
    Device,
    MemberSnapshot,
    RoomSpec,
)
from tiers.ids import AccountId, ConnectorName, DeliveryKey, DeviceId, RemoteId, RoomId


@dataclass(frozen=True, slots=True)
class Setup:
    """What a connector is given to open with.

    Attributes:
        name: the configured name of this channel account.
        settings: its table of the configuration file, values resolved.
        secrets: secret values by the setting's name; never logged.
        state: a folder of its own, owner-only, for what its protocol must keep (sessions, keys).
        now: the clock, microseconds UTC.
    """

    name: ConnectorName
    settings: Mapping[str, object]
    secrets: Mapping[str, str] = field(repr=False)
    state: Path
    now: Callable[[], int]


class Connector(Protocol):
    """One account on one network."""

    @property
    def account(self) -> AccountId:
        """Our own account. Valid once open."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """At best; costs no input or output."""
        ...

    async def open(self) -> None:
        """Signs in. Raises: ConnectorError."""
        ...

    async def close(self) -> None:
        """Ends cleanly; prompt, and may be called twice."""
        ...

    async def health(self) -> Health:
        """Asks the network for a sign of life; never raises ConnectorError."""
        ...

    async def posture(self, room: RoomId) -> Posture:
        """Reads a room's settings back.

        Raises:
            NoRoom: the network certainly has us in no such room. Unreadable, Unavailable.
        """
        ...

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Reads a room's members and their devices back.

        Raises:
            NoRoom: the network certainly has us in no such room. Unreadable, Unavailable.
        """
        ...

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once, to exactly the delivery's readers. Raises: ConnectorError."""
        ...

    def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yields batches after ``cursor`` for ever, reconnecting by itself; None is from now on.

        For None the first batch comes at once, empty where nothing happened: its cursor is what
        "now" was, so that a crash before the first event skips nothing.
        What a batch holds is offered again until a ``receive`` starts from its cursor.
        """
        ...


@runtime_checkable
class FindsDelivery(Protocol):
    """Can say whether a delivery arrived, after an unknown outcome."""

    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        """The delivery as the network has it, or None when it certainly has not.

        Raises: Unavailable, Unreadable when neither can be said.
        """
        ...


@runtime_checkable
class CreatesRooms(Protocol):
    """Can make a room, hardened from its first instant."""

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes the room; what it became is told by ``posture`` and ``members``."""
        ...


@runtime_checkable
class ChangesMembers(Protocol):
    """Can let people into a room of ours and put them out.

    Each verb asks; what became of it is told by ``members``. An answer of success proves nothing.
    Asking for what is so already does nothing and is no error.
    """

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Asks somebody in. Raises: ConnectorError."""
        ...

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out, or takes his invitation back. Raises: ConnectorError."""
        ...

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member an admin beside us, or one no more. Raises: ConnectorError."""
        ...


@runtime_checkable
class HardensRooms(Protocol):
    """Can put a room's settings back to what a room that is made so would have."""

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Asks for the timer, the gate and every other setting of ``create``, members aside.

        What it became is told by ``posture``. Raises: ConnectorError.
        """
        ...


@runtime_checkable
class RotatesRoomKeys(Protocol):
    """Can have the next message of a room sealed under a key that no former member has."""

    async def rotate(self, room: RoomId) -> None:
        """Throws the room's sending key away. Raises: ConnectorError."""
        ...


@runtime_checkable
class AcceptsInvites(Protocol):
    """Is asked into rooms that others make; ``MembershipChanged`` tells of it."""

    async def join(self, room: RoomId) -> None:
        """Goes in. Whether to is decided by whoever calls. Raises: ConnectorError."""
        ...

    async def leave(self, room: RoomId) -> None:
        """Goes out, or declines, for good. Raises: ConnectorError."""
        ...


@runtime_checkable
class OwnDevices(Protocol):
    """Can tell which devices are signed in to our own account."""

    async def own_devices(self) -> tuple[Device, ...]:
        """All of them as listed now, the one that speaks here among them.

        A list that lacks what speaks here is no list.
        Raises: Unreadable, Unavailable.
        """
        ...


@runtime_checkable
class EndsOwnDevices(Protocol):
    """Can sign a device of our own account out, so that it reads nothing more."""

    async def end_own_device(self, device: DeviceId) -> None:
        """Asks for it; ``OwnDevices`` tells whether it is gone.

        Raises:
            Rejected: it is the one that speaks here, or the network does not let us.
            Unavailable, Uncertain: as of whatever acts.
        """
        ...


@runtime_checkable
class UndoesMessages(Protocol):
    """Can take a message back for those who have not fetched it yet."""

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks for removal; whether it is gone is told by ``is_gone``."""
        ...

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Reads back whether the network still hands the message's content out."""
        ...


@runtime_checkable
class EditsMessages(Protocol):
    """Can put another text in the place of a message of ours."""

    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        """Replaces ``message``, our own, by ``delivery``; readers and errors are as for ``send``.

        Args:
            room: of both.
            message: as ``send`` named it first, also where it was replaced before.
            delivery: what stands there from now on; its key is that of this act.

        Returns:
            the act's own name, as the network has it.
        """
        ...


@runtime_checkable
class VerifiesPeers(Protocol):
    """Keeps, in its own store, which devices are to be trusted."""

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks a device as verified. Raises: IdentityChanged when its key is another."""
        ...

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Marks a device as never to be sealed to."""
        ...


@dataclass(frozen=True, slots=True)
class Check:
    """One fact about a channel's installation that an operator can do something about.

    Attributes:
        code: short and stable: what was looked at.
        ok: it is as it should be.
        hint: what was found; where it is not ok, also what holds in spite of it.
        remedy: what to do; empty when ok.
        later: it cannot be told yet; not ok, and no reason to stop the channel.
    """

    code: str
    ok: bool
    hint: str
    remedy: str = ""
    later: bool = False


@runtime_checkable
class Inspects(Protocol):
    """Can say whether what stands between us and the network is set up safely."""

    async def inspect(self) -> tuple[Check, ...]:
        """Looks now; what cannot be seen is not ok. Never raises ConnectorError."""
        ...


@runtime_checkable
class HearsItself(Protocol):
    """Gets what it sends to its own account back, and judges it as anybody's."""

    async def came_back(self, key: DeliveryKey) -> bool:
        """Whether a delivery to our own account has come in since the start, and was believed."""
        ...


@runtime_checkable
class NetworkClock(Protocol):
    """Hears the network's clock (an HTTP Date header)."""

    def network_time(self) -> tuple[int, int] | None:
        """The network's time and our own when it was heard, microseconds UTC; None before any."""
        ...


@runtime_checkable
class ExchangesKeys(Protocol):
    """Seals to certificates that people hand over beside the network (OpenPGP)."""

    async def take_key(self, account: AccountId, certificate: bytes) -> Device:
        """Takes a person's certificate in as a proposal; ``trust`` makes it his.

        Raises: Rejected when it is not one public certificate of that account.
        """
        ...

    async def own_certificate(self) -> bytes:
        """Ours, for people to take in. Raises: Unavailable."""
        ...

    def words(self, device: Device) -> tuple[str, ...]:
        """A key's fingerprint as words to be read out and compared."""
        ...


@runtime_checkable
class SealsCopies(Protocol):
    """Makes the very message that ``send`` would hand over, and hands it to us instead."""

    async def seal(
        self, delivery: Delivery, take: Callable[[AsyncIterator[bytes]], Awaitable[None]]
    ) -> Accepted:
        """Seals to exactly the reader and gives the bytes to ``take``; nothing goes out.

        Raises:
            ConnectorError: as of ``send``; ``take`` was then not called, or not to its end.
        """
        ...


@runtime_checkable
class ForeseesKeys(Protocol):
    """Knows when keys of people end (OpenPGP)."""

    async def key_ends(self, account: AccountId) -> int | None:
        """When nothing can be sealed to an account any more, as its keys stand now.

        Returns:
            Microseconds UTC; 0 where nothing can be sealed to it already, None: never.

        Raises: ConnectorError where its keys cannot be read.
        """
        ...
