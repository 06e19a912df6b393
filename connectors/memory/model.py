"""What the memory network consists of: accounts, rooms, seats, messages, files, log entries.

Rule kept here: plain state, no behaviour towards the outside. What people wrote is kept out of
every repr, so that a failing test does not print it.
"""

import asyncio
from dataclasses import dataclass, field

from connectors.memory.wire import JsonObject

FLAGS = (
    "encrypted_in_transit",
    "end_to_end_encrypted",
    "invite_only",
    "no_public_link",
    "members_readable",
    "history_hidden",
)
"""Settings of a room that are on or off, named as the guarantees that they give."""


@dataclass(slots=True)
class StoredFile:
    """Bytes that were uploaded; kept in memory only."""

    id: str
    sha256: str
    size: int
    chunks: list[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file as a message names it; a person's app may say that it shows his screen."""

    file: StoredFile
    name: str = field(repr=False)
    media_type: str = field(repr=False)
    screenshot: bool = False


@dataclass(slots=True)
class Message:
    """One message in a room.

    Attributes:
        arrival: its number in the network's order.
        sealed_to: account -> device -> key it was encrypted for; None without encryption.
        broken: short code when nobody's keys open it.
        gone: taken back or expired: the content is no more.
    """

    id: str
    arrival: int
    room: str
    sender: str
    device: str | None
    at: int
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    author_line: str | None = field(default=None, repr=False)
    files: tuple[FilePart, ...] = ()
    key: str | None = None
    attempt: int = 1
    marked: bool = False
    reply_to: str | None = None
    quoted: str | None = field(default=None, repr=False)
    edits: str | None = None
    sealed_to: dict[str, dict[str, str]] | None = None
    broken: str | None = None
    gone: bool = False

    def wipe(self) -> None:
        """Destroys the content; the name and the facts stay."""
        self.text = ""
        self.subject = None
        self.author_line = None
        self.quoted = None
        self.files = ()
        self.gone = True


@dataclass(slots=True)
class Seat:
    """An account's place in a room.

    Attributes:
        since: arrival number from which it sees messages where history is hidden.
        hidden: the network does not show it to the other members.
    """

    presence: str
    admin: bool
    since: int
    hidden: bool = False


@dataclass(slots=True)
class Room:
    """One room.

    Attributes:
        flags: the settings of ``FLAGS``.
        timer: time to live, microseconds; None for none.
        posters: the only accounts that may post; None for every member.
        holders: sender -> who was given the key that he seals with now.
    """

    id: str
    name: str
    flags: dict[str, bool]
    timer: int | None = None
    posters: frozenset[str] | None = None
    direct: bool = False
    seats: dict[str, Seat] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict, repr=False)
    holders: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's event log; a message is rendered when it is read."""

    position: int
    kind: str
    message: Message | None = None
    data: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """One account.

    Attributes:
        devices: device -> identity key.
        holds_keys: its own device can decrypt.
        signed_in: the network still takes its word.
    """

    id: str
    devices: dict[str, str]
    log: list[Entry] = field(default_factory=list, repr=False)
    waiting: set[asyncio.Future[None]] = field(default_factory=set, repr=False)
    holds_keys: bool = True
    signed_in: bool = True
