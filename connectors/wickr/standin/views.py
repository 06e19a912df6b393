"""What the far side's hand answers: people, rooms, messages, losses, requests.

Rule kept here: what holds text is shown by no repr.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """An account of Wickr; ``key`` is another once the app was installed anew."""

    name: str
    account: str
    key: str = field(repr=False)
    guest: bool
    active: bool


@dataclass(frozen=True, slots=True)
class Room:
    """A room as Wickr has it, people by name; ``ttl`` and ``bor`` in seconds."""

    id: str
    title: str = field(repr=False)
    description: str = field(repr=False)
    members: tuple[str, ...]
    masters: tuple[str, ...]
    hidden: tuple[str, ...]
    ttl: int
    bor: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person sends."""

    name: str = field(repr=False)
    data: bytes = field(repr=False)
    screenshot: bool = False


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as an app shows it."""

    name: str = field(repr=False)
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as an app shows it now; what has expired or burnt is not there any more.

    Attributes:
        kind: ``msgtype``.
        room: vGroupID; None on a private line.
        meta: ``messagemeta`` as it was sent.
        recalled: taken away from everybody; then there is no text.
        at: when it arrived, microseconds.
        expires_at: when it goes by its time to live.
        burns_at: when it goes because it was read.
    """

    id: str
    author: str
    kind: int
    room: str | None
    text: str | None = field(repr=False)
    file: SeenFile | None = field(repr=False)
    meta: Any = field(repr=False)
    recalled: bool
    ttl: int
    bor: int
    at: int
    expires_at: int | None
    burns_at: int | None


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of something for our account; see ``client.Passed``, people by name."""

    at: int
    received: int
    message: str
    author: str
    room: str | None
    kind: int
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the interface got, and what it answered; see ``seen.SeenCall``."""

    at: int
    method: str
    path: str
    addressing: str
    verb: str
    query: Mapping[str, str]
    body: Any = field(repr=False)
    file: tuple[str, int] | None = field(repr=False)
    status: int
