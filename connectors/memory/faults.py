"""What the memory network can be told to do wrong.

Rule kept here: a fault is armed for a number of calls of one verb (and one room, if named) and is
used up by them; nothing goes wrong that was not asked for.
"""

from dataclasses import dataclass
from enum import Enum


class FaultKind(Enum):
    """One way in which a network fails or lies."""

    REFUSE = "refuse"
    UNAVAILABLE = "unavailable"
    RATE_LIMIT = "rate_limit"
    CUT_BEFORE = "cut_before"
    """No connection can be made: nothing of the call leaves."""
    CUT_LOST = "cut_lost"
    """The call is read, nothing is done, and no answer comes."""
    CUT_AFTER = "cut_after"
    """The call is done, and no answer comes."""
    ANSWER_NOTHING = "answer_nothing"
    """A success that names no message, and nothing was done."""
    LIE = "lie"
    """A success that names a message that does not exist."""
    GARBAGE = "garbage"
    """The call is done, and the answer makes no sense."""
    SLOW = "slow"
    """The call is done ``amount`` microseconds late."""
    DUPLICATE_EVENT = "duplicate_event"
    OUT_OF_ORDER = "out_of_order"
    PARTIAL_MEMBERS = "partial_members"
    NO_MEMBERS = "no_members"
    """A list of members that names nobody, and says that it is whole."""
    UNREADABLE = "unreadable"
    """The answer leaves out what was asked for."""
    TIMER_IGNORED = "timer_ignored"
    """A room is made without the timer that was asked for, and nobody says so."""
    UNNOTICED = "unnoticed"
    """Somebody is put out, and whoever seals goes on with a key that he has."""


ANY = "*"
ACTS = "acts"
"""Every call of ``CHANGING``."""
CHANGING = ("invite", "remove", "role", "harden")
"""What changes a room's members or its settings."""
VERBS = (
    "send",
    "create",
    "redact",
    "upload",
    "ping",
    "posture",
    "members",
    "devices",
    "find",
    "peek",
    *CHANGING,
    "rotate",
)
"""What a connector asks, but for ``sync``, which has a line of its own."""

DEFAULT_VERB = {
    FaultKind.DUPLICATE_EVENT: "sync",
    FaultKind.OUT_OF_ORDER: "sync",
    FaultKind.PARTIAL_MEMBERS: "members",
    FaultKind.NO_MEMBERS: "members",
    FaultKind.UNREADABLE: "posture",
    FaultKind.TIMER_IGNORED: "create",
    FaultKind.UNNOTICED: "remove",
}


@dataclass(slots=True)
class Fault:
    """One armed fault.

    Attributes:
        kind: what goes wrong.
        verb: for which call; ``*`` for every one, ``acts`` for what changes a room.
        times: how often still; None for ever.
        room: only there; None everywhere.
        amount: microseconds for SLOW and RATE_LIMIT.
    """

    kind: FaultKind
    verb: str
    times: int | None = 1
    room: str | None = None
    amount: int = 0

    def fits(self, verb: str, room: str | None) -> bool:
        """Whether it is meant for this call."""
        meant = self.verb in (verb, ANY) or (self.verb == ACTS and verb in CHANGING)
        return meant and self.room in (None, room) and self.times != 0


class Faults:
    """The armed faults of one network."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        """From now on it happens."""
        self._armed.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._armed.clear()

    def armed(self) -> bool:
        """Whether anything is armed at all."""
        return bool(self._armed)

    def take(self, kind: FaultKind, verb: str, room: str | None = None) -> Fault | None:
        """Uses up one armed fault of this kind for this call, if there is one."""
        for fault in self._armed:
            if fault.kind is kind and fault.fits(verb, room):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._armed.remove(fault)
                return fault
        return None
