"""What a network tells us, in batches that end in a cursor.

Rule kept here: a batch and its cursor are stored together and never the cursor first, so that
nothing is skipped after a crash. The same event may come again: ``remote_id`` is its name.
"""

from dataclasses import dataclass, field
from enum import Enum

from connectors.port.messages import Attachment, Content, Device
from tiers.ids import AccountId, DeliveryKey, RemoteId, RoomId


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """Somebody wrote.

    Attributes:
        room: where; None for a network without rooms (mail to an address).
        remote_id: the network's name of it, unique within the connector.
        sender: the account that wrote, as authenticated by the network.
        content: what; empty when ``unreadable``.
        sent_at: as the network says, microseconds UTC; not trusted for order.
        sender_device: the device that sealed it, where end-to-end encryption shows that.
        reply_to: message it answers.
        quoted: text of the quoted message when the network carries it inside.
        edits: message that it replaces.
        unreadable: short code why it cannot be read; it is counted, never skipped.
        direct: the room is a private line between the sender and us.
        delivery_key: set when the message is our own delivery come back.
        claimed_name: how the sender shows himself, where the network says; believed by nobody.
        written_on: which of the sender's devices it was written on, where the network numbers them
            and tells no key of each; else empty.
        also_to: whom else its author addressed it to, where that stands on it; nothing is decided
            by it.
        screenshot: the sender's client says that its file is a picture taken of his screen.
    """

    room: RoomId | None
    remote_id: RemoteId
    sender: AccountId
    content: Content
    sent_at: int
    sender_device: Device | None = None
    reply_to: RemoteId | None = None
    quoted: str | None = field(default=None, repr=False)
    edits: RemoteId | None = None
    unreadable: str | None = None
    direct: bool = False
    delivery_key: DeliveryKey | None = None
    claimed_name: str = field(default="", repr=False)
    written_on: str = ""
    also_to: tuple[AccountId, ...] = ()
    screenshot: bool = False


class ReceiptKind(Enum):
    """What happened to a message of ours."""

    DELIVERED = "delivered"
    READ = "read"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A network's word about a message of ours; it is the server's or a client's claim."""

    room: RoomId
    remote_id: RemoteId
    account: AccountId
    kind: ReceiptKind
    at: int


class MembershipChange(Enum):
    """What happened to a member."""

    INVITED = "invited"
    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """A room's list changed; a hint to read it back, not the new list."""

    room: RoomId
    account: AccountId
    change: MembershipChange
    by: AccountId | None
    remote_id: RemoteId


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """An account has a new device or another key; a hint to read devices back."""

    account: AccountId
    device: Device


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """A room's settings changed; a hint to read the posture back."""

    room: RoomId
    setting: str
    by: AccountId | None
    remote_id: RemoteId


@dataclass(frozen=True, slots=True)
class Redacted:
    """A message was taken back."""

    room: RoomId
    target: RemoteId
    by: AccountId | None
    remote_id: RemoteId


@dataclass(frozen=True, slots=True)
class Missed:
    """A window in which something may have come that we were never told, and never will be.

    Attributes:
        since: when we were last surely told everything, microseconds UTC.
        until: when we were told again, microseconds UTC.
        code: short and stable: why.
    """

    since: int
    until: int
    code: str


@dataclass(frozen=True, slots=True)
class Forged:
    """Somebody claimed to be the network and was not believed; nothing of it was taken in.

    Attributes:
        code: short and stable: what was wrong with it.
        at: the first time since it was last told of, microseconds UTC.
        count: how often since then.
    """

    code: str
    at: int
    count: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something came that is not believed: it is kept sealed, and nothing of it enters a room.

    Attributes:
        remote_id: its name, the same when it is offered again.
        verdict: short and stable: what it was found to be.
        mail_class: short and stable: message, bounce, auto_reply or key_only.
        reasons: short and stable codes, the decisive one first.
        claimed_sender: whom it claims to be from, where it names one address; believed by nobody.
        received_at: microseconds UTC.
        raw: as it came, undecrypted.
        claimed_name: how the sender shows himself; believed by nobody.
    """

    remote_id: RemoteId
    verdict: str
    mail_class: str
    reasons: tuple[str, ...]
    claimed_sender: AccountId | None
    received_at: int
    raw: Attachment = field(repr=False)
    claimed_name: str = field(default="", repr=False)


Event = (
    InboundMessage
    | Receipt
    | MembershipChanged
    | KeyChanged
    | SettingsChanged
    | Redacted
    | Missed
    | Forged
    | Quarantined
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in the network's order, and where to go on from once they are stored.

    Attributes:
        events: the events.
        cursor: opaque to all but the connector; stored in the same transaction as the events.
    """

    events: tuple[Event, ...]
    cursor: str
