"""What the stand-in's Wickr consists of: people, rooms, posts, and what their apps show.

Rule kept here: text stands in fields that no repr shows, and nowhere but in memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

TEXT, VERIFICATION, FILE, DELETE = 1000, 3000, 6000, 4011
CREATE_ROOM, MEMBERS, LEAVE, PARAMETERS, DELETE_ROOM = 4001, 4002, 4003, 4004, 4005


@dataclass(frozen=True, slots=True)
class File:
    """A file in a message; make it with ``of``.

    Attributes:
        screenshot: the app says that it shows the screen.
        sha256: of its bytes.
    """

    name: str = field(repr=False)
    data: bytes = field(repr=False)
    sha256: str
    screenshot: bool = False

    @classmethod
    def of(cls, name: str, data: bytes, *, screenshot: bool = False) -> "File":
        """A file of these bytes."""
        return cls(name, data, sha256(data).hexdigest(), screenshot)


@dataclass(frozen=True, slots=True)
class Post:
    """One thing that somebody sent: a message, or what is done to a message or a room.

    Attributes:
        id: the message's name, the same for everybody.
        author: account.
        kind: ``msgtype``.
        at: when it was sent, microseconds UTC.
        room: vGroupID of a room or a group; None on a private line.
        to: the other's account on a private line.
        meta: ``messagemeta``, as the program passes it on.
        ttl: seconds.
        bor: seconds after it was read; 0 is none.
        control: of a control message.
        odd: further fields of its JSON.
        without: fields that its JSON lacks.
        garbled: the client hands it out as something that is no JSON.
    """

    id: str
    author: str
    kind: int
    at: int
    room: str | None = None
    to: str | None = None
    text: str | None = field(default=None, repr=False)
    file: File | None = field(default=None, repr=False)
    meta: Any = field(default=None, repr=False)
    ttl: int = 0
    bor: int = 0
    control: Mapping[str, Any] | None = field(default=None, repr=False)
    odd: Mapping[str, Any] = field(default_factory=dict, repr=False)
    without: tuple[str, ...] = ()
    garbled: bool = False


@dataclass(slots=True)
class Shown:
    """A message as one person's app shows it.

    Attributes:
        at: when it arrived, microseconds.
        expires_at: when it goes by its time to live.
        burns_at: when it goes because it was read.
        recalled: its author took it away from everybody; then there is no text.
    """

    post: Post = field(repr=False)
    at: int
    expires_at: int | None
    burns_at: int | None = None
    recalled: bool = False


@dataclass(slots=True)
class Person:
    """An account of Wickr.

    Attributes:
        account: as Wickr names it.
        guest: not of our network.
        key: what changes when the app is installed anew.
        active: the network's administrator has not suspended it.
        shows: what its app shows, by message.
    """

    name: str
    account: str
    key: str = field(repr=False)
    guest: bool = False
    active: bool = True
    shows: dict[str, Shown] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Room:
    """A secure room or a group conversation.

    Attributes:
        ttl: seconds; 0: none is shown.
        hidden: members whom no listing shows.
        former: who was in it once.
    """

    id: str
    title: str = field(repr=False)
    description: str = field(repr=False)
    ttl: int
    bor: int
    members: list[str] = field(default_factory=list)
    masters: list[str] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    former: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Queued:
    """Something for our account, and when Wickr got it (microseconds)."""

    post: Post
    at: int
    twice: bool = False
