"""What is handed in, from whichever door: one value for all of them.

Rule kept here: a door says who wrote as the network or the session authenticated it, and what
that network calls the message. Nothing else about it is believed.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from connectors.port.events import InboundMessage
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, PersonId, RemoteId, RoomId


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that came along; ``open`` starts a read of its bytes in pieces."""

    name: str = field(repr=False)
    media_type: str = field(repr=False)
    size: int
    open: Callable[[], AsyncIterator[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message before it is accepted.

    Attributes:
        connector: the door: a channel's name, or ``api``.
        remote_id: its name there; the same name again is the same message.
        sender: the account that wrote, as authenticated at the door.
        deal_id: the deal that the door belongs to, where it belongs to one.
        named: the conversation that the sender chose by its id.
        readers: whom the sender of a formal document names, in his order; none: no document.
        seals: its copies are sealed into files for its sender, and nothing is sent.
        claimed_name: how the sender shows himself on his network; believed by nobody.
        actor: who held the keyboard at our own door, as the audit writes it; None: the channel.
        screenshot: the sender's app says that its file is a picture of his screen.
    """

    connector: ConnectorName
    remote_id: RemoteId
    sender: AccountId
    text: str = field(repr=False)
    sent_at: int
    room: RoomId | None = None
    subject: str | None = field(default=None, repr=False)
    quoted: str | None = field(default=None, repr=False)
    files: tuple[IncomingFile, ...] = ()
    reply_to: RemoteId | None = None
    edits: RemoteId | None = None
    unreadable: str | None = None
    deal_id: DealId | None = None
    named: ConversationId | None = None
    readers: tuple[PersonId, ...] = ()
    seals: bool = False
    actor: str | None = None
    claimed_name: str = field(default="", repr=False)
    screenshot: bool = False


def from_event(connector: ConnectorName, event: InboundMessage) -> Incoming:
    """An inbound event of a network as what is handed in."""
    content = event.content
    return Incoming(
        connector,
        event.remote_id,
        event.sender,
        content.text,
        event.sent_at,
        room=event.room,
        subject=content.subject,
        quoted=event.quoted,
        files=tuple(
            IncomingFile(a.name, a.media_type, a.size, a.open) for a in content.attachments
        ),
        reply_to=event.reply_to,
        edits=event.edits,
        unreadable=event.unreadable,
        claimed_name=event.claimed_name,
        screenshot=event.screenshot,
    )
