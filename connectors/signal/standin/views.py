"""What the far side's hand answers: people, groups, messages, losses, requests.

Rule kept here: what holds text is shown by no repr.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """An account of Signal.

    Attributes:
        safety_number: sixty digits, as this person's phone shows them for our account.
        devices: numbers of the devices.
    """

    name: str
    uuid: str
    number: str
    hides_number: bool
    username: str | None
    registered: bool
    safety_number: str
    devices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group as the service has it, people by name; ``timer`` in seconds, 0 is off."""

    id: str
    internal_id: str
    name: str = field(repr=False)
    description: str = field(repr=False)
    members: tuple[str, ...]
    admins: tuple[str, ...]
    pending: tuple[str, ...]
    asking: tuple[str, ...]
    banned: tuple[str, ...]
    add_members: str
    edit_group: str
    send_messages: str
    link: str
    timer: int
    revision: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person sends."""

    name: str | None = field(repr=False)
    data: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as a phone shows it."""

    name: str | None = field(repr=False)
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a phone shows it now; what has expired is not there any more.

    Attributes:
        group: REST id; None on a private line.
        quote: author, timestamp and text of what it answers.
        styles: what marks in the text came to (``text_mode: styled``).
        edits: times of the edits; ``text`` is the latest.
        deleted: taken back; then there is no text.
        timer: seconds; 0 does not disappear.
        at: when it arrived, microseconds.
        expires_at: when it goes from this phone, microseconds.
    """

    author: str
    timestamp: int
    group: str | None
    text: str | None = field(repr=False)
    files: tuple[SeenFile, ...]
    quote: Mapping[str, Any] | None = field(repr=False)
    styles: tuple[Mapping[str, Any], ...]
    mentions: tuple[Mapping[str, Any], ...]
    edits: tuple[int, ...]
    deleted: bool
    reactions: Mapping[str, str]
    timer: int
    at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A received thing that reached nobody, for good; see ``daemon.Loss``.

    Attributes:
        at: when it was lost (nobody was there: when it was tried), microseconds.
        received: when the service got it, microseconds.
        timestamp: of the message, milliseconds; 0 for receipts and typing.
        room: the group's REST id; None on a private line.
        kind: message, receipt or typing.
    """

    at: int
    received: int
    author: str
    timestamp: int
    room: str | None
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the REST server got, and what it answered.

    Attributes:
        route: the path as in the description.
        verb: the call's name in ``rest.ROUTES``.
        body: parsed JSON; ``{"bytes": n}`` when very long.
    """

    at: int
    method: str
    path: str
    route: str
    verb: str
    query: Mapping[str, str]
    body: Any = field(repr=False)
    status: int
