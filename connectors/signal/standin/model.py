"""What the stand-in's Signal consists of: people, groups, posts, and what phones show.

Rule kept here: text stands in fields that no repr shows, and nowhere but in memory.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

EVERY, ADMINS = "every-member", "only-admins"


@dataclass(frozen=True, slots=True)
class File:
    """A file in a message; make it with ``of``.

    Attributes:
        name: None when the sender gave none.
        id: its name on the server once our account received it.
        sha256: of its bytes.
    """

    name: str | None = field(repr=False)
    content_type: str
    data: bytes = field(repr=False)
    id: str
    sha256: str

    @classmethod
    def of(cls, name: str | None, content_type: str, data: bytes) -> "File":
        """A file under a new id, which ends as the server lets it end: by its type."""
        suffix = content_type.rpartition("/")[2] or "bin"
        made = f"{secrets.token_urlsafe(15)}.{suffix}"
        return cls(name, content_type, data, made, sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Quote:
    """What a message answers."""

    timestamp: int
    author: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """A person named in a text, in UTF-16 code units."""

    start: int
    length: int
    author: str


@dataclass(frozen=True, slots=True)
class Style:
    """How a piece of a text is set, in UTF-16 code units."""

    start: int
    length: int
    style: str


@dataclass(frozen=True, slots=True)
class Post:
    """One thing that somebody sent: a message or what is done to one.

    Attributes:
        author: ACI.
        device: number of the author's device.
        room: a group's internal id; None on a private line.
        to: the other's ACI on a private line.
        timestamp: milliseconds; with the author its identity.
        expires: seconds; 0 does not disappear.
        edits: the message that it replaces.
        deletes: the message that it takes back.
        admin_deletes: author and time of the message that an admin takes away from everybody.
        reacts: emoji, author and time of the message, and whether it is taken off.
        timer_update: it sets the time to live and says nothing.
        group_update: it says that the group changed.
        key: the author's identity key that it was sealed with.
        broken: name of the exception with which our account's client fails on it.
        odd: further fields of its ``dataMessage``, as signal-cli would print them.
        instead: what stands in its envelope in the place of a ``dataMessage``.
    """

    author: str
    timestamp: int
    room: str | None = None
    to: str | None = None
    device: int = 1
    text: str | None = field(default=None, repr=False)
    styles: tuple[Style, ...] = ()
    mentions: tuple[Mention, ...] = ()
    files: tuple[File, ...] = field(default=(), repr=False)
    quote: Quote | None = field(default=None, repr=False)
    expires: int = 0
    edits: int | None = None
    deletes: int | None = None
    admin_deletes: tuple[str, int] | None = None
    reacts: tuple[str, str, int, bool] | None = None
    timer_update: bool = False
    group_update: bool = False
    view_once: bool = False
    key: bytes = field(default=b"", repr=False)
    broken: str | None = None
    odd: Mapping[str, Any] = field(default_factory=dict, repr=False)
    instead: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A person's client acknowledges messages of our account: delivery, read or viewed."""

    author: str
    kind: str
    stamps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Typing:
    """A person types to our account, or stops."""

    author: str
    room: str | None
    began: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """Something for our account, and when the service got it (microseconds)."""

    what: Post | Receipt | Typing
    at: int


@dataclass(slots=True)
class Shown:
    """A message as one phone shows it."""

    post: Post = field(repr=False)
    at: int
    expires_at: int | None
    text: str | None = field(repr=False)
    edits: list[int] = field(default_factory=list)
    deleted: bool = False
    reactions: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Device:
    """A device of an account; the first is the primary one."""

    id: int
    name: str
    created: int
    last_seen: int


@dataclass(slots=True)
class Person:
    """An account of Signal.

    Attributes:
        uuid: ACI.
        hides_number: nobody sees the number.
        key: identity key.
        auto_join: who is asked into a group is in at once.
        registered: the service knows the account.
        receipts: it acknowledges what arrives.
        timers: seconds of each private line, as this client believes.
        shows: what its phone shows, by author and time.
        noticed: group updates, reactions and receipts that it got: kind, room, time.
    """

    name: str
    uuid: str
    number: str
    key: bytes = field(repr=False)
    username: str | None = None
    hides_number: bool = False
    auto_join: bool = True
    registered: bool = True
    receipts: bool = True
    devices: list[Device] = field(default_factory=list)
    timers: dict[str, int] = field(default_factory=dict)
    shows: dict[tuple[str, int], Shown] = field(default_factory=dict, repr=False)
    noticed: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def shown_number(self) -> str | None:
        """The number as others see it."""
        return None if self.hides_number else self.number

    @property
    def address(self) -> str:
        """How listings name the person: the number, or the ACI of who hides it."""
        return self.shown_number or self.uuid


@dataclass(slots=True)
class Group:
    """A group as the service has it.

    Attributes:
        internal: its id in received messages.
        timer: seconds; 0 is off.
        link: disabled, enabled or enabled-with-approval.
        former: who was in it once.
        banned: who cannot come by the link.
    """

    internal: str
    name: str
    description: str = ""
    members: list[str] = field(default_factory=list)
    admins: set[str] = field(default_factory=set)
    pending: list[str] = field(default_factory=list)
    asking: list[str] = field(default_factory=list)
    former: set[str] = field(default_factory=set)
    add_members: str = EVERY
    edit_group: str = EVERY
    send_messages: str = EVERY
    link: str = "disabled"
    link_password: str = field(default="", repr=False)
    timer: int = 0
    revision: int = 0
    blocked: bool = False
    pinned: list[int] = field(default_factory=list)
    banned: set[str] = field(default_factory=set)

    def may(self, who: str, permission: str) -> bool:
        """Whether a member may do what the permission is about."""
        return who in self.members and (permission == EVERY or who in self.admins)
