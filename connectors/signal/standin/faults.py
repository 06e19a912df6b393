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
"""Every call that changes a group: ``CHANGING``."""
CHANGING = frozenset(
    {"admins_add", "admins_remove", "group_update", "members_add", "members_remove"}
)


class FaultKind(StrEnum):
    """One way in which the program, the network or a proxy before it fails or lies."""

    REFUSE = "refuse"
    """signal-cli refuses: 400 and ``text`` (a group update in json-rpc mode still says 204)."""
    UNAVAILABLE = "unavailable"
    """A proxy before it answers 503 (``amount``: another status)."""
    RATE_LIMIT = "rate_limit"
    """Too many: ``text`` is the challenge token, ``amount`` the seconds to wait (a day if 0)."""
    CUT_LOST = "cut_lost"
    """The call is read, nothing is done, the connection is reset."""
    CUT_AFTER = "cut_after"
    """The call is done, the connection is reset before an answer."""
    CUT_MIDWAY = "cut_midway"
    """The call is done, the connection is reset in the middle of the answer."""
    NOTHING = "nothing"
    """A success that names nothing (``text``, JSON, if given), and nothing was done."""
    LIE = "lie"
    """A success that looks whole, and nothing was done."""
    GARBAGE = "garbage"
    """The call is done, and the answer is a page of HTML with status 200 (``amount``: other)."""
    GLUED = "glued"
    """A polled array has a line of signal-cli's standard error glued to it."""
    SLOW = "slow"
    """The call is done ``amount`` microseconds late."""
    HANG = "hang"
    """The call is done, and is never answered."""
    HANG_LOST = "hang_lost"
    """Nothing is done, and the call is never answered."""
    FAIL_RECIPIENTS = "fail_recipients"
    """``who`` (people's names; all but the first if empty) are not reached; ``text``: reason."""
    PARTIAL_MEMBERS = "partial_members"
    """A listing leaves out the last member and the last admin."""
    GARBAGE_MEMBERS = "garbage_members"
    """A listing has something else than a list of members."""
    IGNORE_TIMER = "ignore_timer"
    """The time to live is not set, and nobody says so."""
    TWICE_WEBHOOK = "twice_webhook"
    """A received line is posted, or told on the stream, twice."""
    LATE_WEBHOOK = "late_webhook"
    """A received line is posted, or told on the stream, after the one that follows it."""
    NO_RESULTS = "no_results"
    """A send to signal-cli's own daemon is done; of its recipients the answer says nothing."""


DEFAULT_VERB = {
    FaultKind.PARTIAL_MEMBERS: ANY,
    FaultKind.GARBAGE_MEMBERS: ANY,
    FaultKind.IGNORE_TIMER: ANY,
    FaultKind.GLUED: "receive",
    FaultKind.TWICE_WEBHOOK: "webhook",
    FaultKind.LATE_WEBHOOK: "webhook",
}

Fault = faults.Fault[FaultKind]


class Faults(faults.Faults[FaultKind]):
    """The armed faults of one stand-in."""

    sets: ClassVar[Mapping[str, frozenset[str]]] = {CHANGES: CHANGING}

    def lift(self, token: str) -> None:
        """The rate limit of a challenge token ends."""
        self._armed = [f for f in self._armed if (f.kind, f.text) != (FaultKind.RATE_LIMIT, token)]
