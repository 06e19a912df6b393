"""What the stand-in can be told to do wrong.

Rule kept here: nothing goes wrong that was not asked for, but for what the real program does wrong
by itself.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from connectors.shared.standin import faults
from connectors.shared.standin.faults import ANY

CHANGES = "changes"
"""Every call that changes a room: ``CHANGING``."""
CHANGING = frozenset({"room_create", "room_modify", "room_delete"})
SENDS = "sends"
"""Every call that sends something: ``SENDING``."""
SENDING = frozenset({"send", "file"})


class FaultKind(StrEnum):
    """One way in which the program, the network or a proxy before it fails or lies."""

    REFUSE = "refuse"
    """The client refuses: 400 and the call's ``Failed to …``, whose reason nobody tells."""
    UNAVAILABLE = "unavailable"
    """A proxy before it answers ``amount`` (503 if 0); ``text``: a ``Retry-After`` in seconds."""
    CUT_LOST = "cut_lost"
    """The call is read, nothing is done, the connection is reset."""
    CUT_AFTER = "cut_after"
    """The call is done, the connection is reset before an answer."""
    CUT_MIDWAY = "cut_midway"
    """The call is done, the connection is reset in the middle of the answer."""
    NOTHING = "nothing"
    """The call's ``Need …`` (empty where there is none), or 200 and ``text``; nothing is done."""
    LIE = "lie"
    """The call's own text of success, and nothing was done."""
    GARBAGE = "garbage"
    """The call is done, and the answer is a page of HTML with status 200 (``amount``: other)."""
    SLOW = "slow"
    """The call is done ``amount`` microseconds late."""
    LATE = "late"
    """The call is done at once and answered ``amount`` microseconds late."""
    HANG = "hang"
    """The call is done, and is never answered."""
    HANG_LOST = "hang_lost"
    """Nothing is done, and the call is never answered."""
    PARTIAL_MEMBERS = "partial_members"
    """A listing leaves out the last member and the last moderator."""
    GARBAGE_MEMBERS = "garbage_members"
    """A listing has something else than lists of members."""
    IGNORE_TIMER = "ignore_timer"
    """The time to live is not set, and nobody says so."""
    SLOW_UPLOAD = "slow_upload"
    """The client begins ``amount`` microseconds late to send a file that was uploaded."""
    NOT_POSTED = "not_posted"
    """The client itself fails to post a received message, though all is there."""
    TWICE = "twice"
    """A received message is handed out twice."""
    SWAP = "swap"
    """A received message is handed out after the next one."""


DEFAULT_VERB = {
    FaultKind.PARTIAL_MEMBERS: ANY,
    FaultKind.GARBAGE_MEMBERS: ANY,
    FaultKind.IGNORE_TIMER: ANY,
    FaultKind.SLOW_UPLOAD: "file",
    FaultKind.NOT_POSTED: "post",
    FaultKind.TWICE: "arrive",
    FaultKind.SWAP: "arrive",
}

Fault = faults.Fault[FaultKind]


class Faults(faults.Faults[FaultKind]):
    """The armed faults of one stand-in."""

    sets: ClassVar[Mapping[str, frozenset[str]]] = {CHANGES: CHANGING, SENDS: SENDING}
