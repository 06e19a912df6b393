"""How Signal names accounts, rooms and messages, and how we write that. Pure.

Rules kept here:

1. A person is named by the UUID (ACI): numbers are hidden by some and change with the SIM card.
   Our own account is named by its number, which is what the API server calls it.
2. A room is a group under its REST id, or the UUID of the one person on a private line. An internal
   group id is never passed on: as a recipient the server would take it for a username.
3. A message is named by its author and its timestamp in milliseconds, as everybody on Signal does.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from connectors.port import AccountId, RemoteId, RoomId

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GROUP = re.compile(r"group\.[A-Za-z0-9+/]+={0,2}")
_NUMBER = re.compile(r"\+[0-9]{3,20}")
_PREFIX = "group."
_INTERNAL_BYTES = 32
_LONGEST_STAMP = 16


def is_uuid(text: object) -> bool:
    """Whether a value is a person's UUID."""
    return isinstance(text, str) and UUID.fullmatch(text.lower()) is not None


def rest_id(internal: str) -> RoomId | None:
    """The REST id of a group whose internal id came in a message; None where it is none.

    Source: signal-cli-rest-api: ``group.`` and the base64 of the internal id's characters.
    """
    if not _is_internal(internal):
        return None
    return RoomId(_PREFIX + base64.b64encode(internal.encode("ascii")).decode("ascii"))


def internal_id(room: RoomId) -> str | None:
    """The internal id of a group, as messages carry it; None where the room is no group."""
    if not _GROUP.fullmatch(room):
        return None
    try:
        internal = base64.b64decode(room.removeprefix(_PREFIX), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return internal if _is_internal(internal) else None


def _is_internal(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _INTERNAL_BYTES
    except (binascii.Error, ValueError):
        return False


def is_group(room: RoomId) -> bool:
    """Whether a room is a group."""
    return internal_id(room) is not None


def is_line(room: RoomId) -> bool:
    """Whether a room is a private line: the UUID of the person at its other end."""
    return is_uuid(room)


@dataclass(frozen=True, slots=True)
class Own:
    """Our own account under both its names.

    Attributes:
        number: E.164.
        uuid: None until the server has told it.
    """

    number: str
    uuid: str | None = None

    @property
    def account(self) -> AccountId:
        """What we call it."""
        return AccountId(self.number)

    def name(self, uuid: object, number: object = None) -> AccountId | None:
        """What we call an account that the server names so; None where it names none."""
        known = uuid.lower() if isinstance(uuid, str) and is_uuid(uuid) else None
        if number == self.number or (known is not None and known == self.uuid):
            return self.account
        if known is not None:
            return AccountId(known)
        plain = isinstance(number, str) and _NUMBER.fullmatch(number)
        return AccountId(str(number)) if plain else None


def remote_id(author: AccountId, stamp: int) -> RemoteId:
    """The name of a message.

    Args:
        author: who wrote it.
        stamp: its timestamp, milliseconds UTC.
    """
    return RemoteId(f"{author}/{stamp}")


def split_remote(message: RemoteId) -> tuple[AccountId, int] | None:
    """Author and timestamp (milliseconds) of a message; None where it is no name of ours."""
    author, _, stamp = message.rpartition("/")
    plain = stamp.isascii() and stamp.isdecimal() and len(stamp) <= _LONGEST_STAMP
    return (AccountId(author), int(stamp)) if author and plain else None
