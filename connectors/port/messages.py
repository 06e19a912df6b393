"""Values that go out to a network and come back from it.

Rule kept here: text and file names never stand in a repr. Who may read goes with each delivery,
so that a connector refuses what would reach anybody else.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import Enum

from tiers.ids import AccountId, DeliveryKey, DeviceId, RemoteId, RoomId


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message.

    Attributes:
        name: file name as its author gave it; data from outside, never used as a path.
        media_type: as declared by its author.
        size: bytes.
        open: starts a new read of the bytes in pieces; may be called again for another attempt.
    """

    name: str = field(repr=False)
    media_type: str = field(repr=False)
    size: int
    open: Callable[[], AsyncIterator[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader gets to see.

    Attributes:
        text: plain text; a connector sends it so that no mark-up, mention or command in it acts.
        subject: where a network has one, else it is put above the text.
        attachments: files.
    """

    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """A device that can read what its owner's account is sent.

    Attributes:
        device: as the network names it.
        key: its identity key or fingerprint, as the network's own clients show it.
    """

    device: DeviceId
    key: str


@dataclass(frozen=True, slots=True)
class Reader:
    """One account that may read a delivery, with the devices that may.

    Attributes:
        account: the account.
        devices: the only devices that may be sealed to; None where the tier leaves it open.
    """

    account: AccountId
    devices: frozenset[Device] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one room.

    Attributes:
        key: the wire id; the same for every attempt.
        room: where to.
        content: what.
        readers: exactly who may read; a connector raises ``ReadersChanged`` (or
            ``IdentityChanged`` for a device) when the network would let in anybody else.
        author_line: who wrote it, put by the connector where a body cannot imitate it; None when
            our own account speaks.
        reply_to: message it answers, in the same room.
        attempt: 1 for the first; above 1 the reader is told that it may be a repetition where
            ``idempotent_send`` does not hold.
    """

    key: DeliveryKey
    room: RoomId
    content: Content
    readers: frozenset[Reader]
    author_line: str | None = None
    reply_to: RemoteId | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Prints:
    """What one sealed copy can be known again by, each a SHA-256 in hexadecimal.

    Attributes:
        sealed: of its armour from its first to its last line, each ended by one LF (RFC 4880, 6.2).
        opened: of what stands inside, byte for byte as a program that opens it has it.
    """

    sealed: str
    opened: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a network answered to a delivery.

    Attributes:
        remote_id: the network's name of the message.
        at: when, microseconds UTC.
        sealed_to: the accounts and devices that it was encrypted for, where the connector
            knows; None where encryption is not ours. It is the proof of who can read.
        prints: what the copy can be known again by, where each reader's is sealed by itself.
    """

    remote_id: RemoteId
    at: int
    sealed_to: frozenset[Reader] | None = None
    prints: Prints | None = None


class Presence(Enum):
    """Whether a member is in a room or only asked in."""

    JOINED = "joined"
    INVITED = "invited"


@dataclass(frozen=True, slots=True)
class Member:
    """An account that a room lets in.

    Attributes:
        account: the account.
        presence: in, or asked in; both count as readers.
        admin: can change the room.
        devices: every device that can read; None where the network does not tell.
    """

    account: AccountId
    presence: Presence
    admin: bool
    devices: frozenset[Device] | None = None


@dataclass(frozen=True, slots=True)
class MemberSnapshot:
    """The members of a room as read back, our own account included.

    Attributes:
        room: the room.
        members: all of them when ``complete``.
        complete: the network gave the whole list; else nothing may be concluded from an absence.
        read_at: microseconds UTC.
    """

    room: RoomId
    members: tuple[Member, ...]
    complete: bool
    read_at: int


@dataclass(frozen=True, slots=True)
class RoomSpec:
    """A room to be made.

    Attributes:
        name: neutral and random; deal, party and tier stand in no name that a server sees.
        members: accounts to let in, our own left out.
        owners: people's accounts that are admins beside ours.
        timer: time to live asked for, microseconds; None for none.
        gate: only our account may post (relay).
        direct: a private line between one person and us.
    """

    name: str
    members: frozenset[AccountId]
    owners: frozenset[AccountId]
    timer: int | None
    gate: bool
    direct: bool = False
