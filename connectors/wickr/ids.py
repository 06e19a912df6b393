"""How Wickr names accounts, rooms and messages, and how we write that. Pure.

Rules kept here:

1. A person is named as rooms list him; nothing is folded or trimmed.
2. A secure room or a group conversation is its vGroupID (``S…``, ``G…``). A private line is
   ``1:`` and the name of the person at its other end: a name may begin with S or G as well.
3. A message that we hear is named by its ``message_id``. The answer to a send names none, so a
   message of ours has a name that only we know.
"""

import re
from enum import Enum

from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId

_LINE = "1:"
_GROUP = re.compile(r"[SG][^\s\x00-\x1f\x7f]{1,255}")
_LONGEST = 256


class Kind(Enum):
    """What a room is on Wickr."""

    SECURE_ROOM = "S"
    GROUP = "G"
    LINE = "1"


def kind_of(room: RoomId) -> Kind | None:
    """What a room is; None where it is no room of Wickr.

    Source: wickrio-bot-api: the kind of a conversation is its id's first letter.
    """
    if room.startswith(_LINE):
        return Kind.LINE if is_name(room.removeprefix(_LINE)) else None
    return Kind(room[0]) if _GROUP.fullmatch(room) else None


def is_name(text: object) -> bool:
    """Whether a value can be somebody's Wickr name."""
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
        return False
    return text.isprintable() and text == text.strip()


def is_id(text: object) -> bool:
    """Whether a value can be the id of a message or of a conversation."""
    return is_name(text) and " " not in str(text)


def line_with(account: AccountId) -> RoomId:
    """The private line with somebody."""
    return RoomId(f"{_LINE}{account}")


def other_end(room: RoomId) -> AccountId:
    """The person at the other end of a private line."""
    return AccountId(room.removeprefix(_LINE))


def our_message(key: DeliveryKey, attempt: int) -> RemoteId:
    """What we call a message of ours, of which Wickr tells no id."""
    return RemoteId(f"ours/{key}" if attempt <= 1 else f"ours/{key}/{attempt}")
