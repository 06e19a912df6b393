"""What a network can do at best, and what a room is found to be.

Rule kept here: ``Capabilities`` costs no input or output and promises nothing about a room.
``Posture`` is read back from the network, says when, and is all that a policy trusts.
"""

from dataclasses import dataclass
from enum import Enum

from tiers.guarantees import Guarantee, Holding
from tiers.ids import AccountId, RoomId


class Undo(Enum):
    """Whose messages our account can take back in a room."""

    NONE = "none"
    OWN = "own"
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Of a network through one connector.

    Attributes:
        can: guarantees that a room may hold at best.
        max_body_bytes: longest text in UTF-8 bytes.
        max_attachment_bytes: largest file, 0 for none.
        idempotent_send: a repetition under the same delivery key is recognised by the network.
        idempotent_for: for how long it is, in microseconds (0 when it is not).
        re_offers: what arrived while we were away is offered again.
        most_members: people that one room holds beside our account; None without limit.
        standby: a second account of ours that ``create`` makes an admin of each room, so that a
            room outlives the loss of the first; it counts as ours and not as a person.
    """

    can: frozenset[Guarantee]
    max_body_bytes: int
    max_attachment_bytes: int
    idempotent_send: bool
    idempotent_for: int
    re_offers: bool
    most_members: int | None = None
    standby: AccountId | None = None


@dataclass(frozen=True, slots=True)
class Posture:
    """A room's guarantees and the three facts of it, as read back.

    Attributes:
        room: the room.
        holdings: guarantees with value, evidence and source; one not named is not held.
        gate: a message can be stopped before anybody reads it: only our account may post.
        read: we hold decryption keys.
        undo: whose messages we can take back.
        undo_for: for how long, in microseconds; None without limit.
        admins: accounts that can change the room's settings, ours included.
        read_at: when it was read, microseconds UTC.
    """

    room: RoomId
    holdings: tuple[Holding, ...]
    gate: bool
    read: bool
    undo: Undo
    undo_for: int | None
    admins: frozenset[AccountId]
    read_at: int


@dataclass(frozen=True, slots=True)
class Health:
    """Last sign of life of a channel account.

    Attributes:
        up: it answered and our account is signed in.
        code: short and stable when it is not up.
        hint: what to do.
        seen_at: last good answer, microseconds UTC, None when there was none.
    """

    up: bool
    code: str
    hint: str
    seen_at: int | None
