"""Testable promises of a room, and how surely we know that one holds.

Rule kept here: a guarantee is never true or false by itself. It is held with a value, a grade of
evidence, the one who says so, and the instant of the reading. What was only asked for
(``REQUESTED``) is below everything that a policy may accept.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum


class Guarantee(Enum):
    """One promise of a room, testable from outside."""

    ENCRYPTED_IN_TRANSIT = "encrypted_in_transit"
    END_TO_END_ENCRYPTED = "end_to_end_encrypted"
    INVITE_ONLY = "invite_only"
    NO_PUBLIC_LINK = "no_public_link"
    MEMBERS_READABLE = "members_readable"
    HISTORY_HIDDEN = "history_hidden"
    """Newcomers cannot read what was said before they came."""
    DEVICES_VERIFIED = "devices_verified"
    """Every device of every member was verified by two named people, out of band."""
    TIMER = "timer"
    """Messages disappear; the value is the longest time to live in microseconds."""


class Evidence(IntEnum):
    """How we know: asked for < seen by a named person < read back by us."""

    REQUESTED = 0
    ATTESTED = 1
    VERIFIED = 2


class Source(Enum):
    """Who says so."""

    CRYPTOGRAPHY = "shown by cryptography"
    SERVER = "said by the server"
    PERSON = "said by a person"


@dataclass(frozen=True, slots=True)
class Holding:
    """A guarantee as found in one room.

    Attributes:
        guarantee: the promise.
        evidence: how surely it is known.
        source: who says so.
        value: for TIMER the longest time to live in microseconds, else None.
        by: the person who attested it, for ATTESTED only.
        at: when it was read or attested, microseconds UTC.
    """

    guarantee: Guarantee
    evidence: Evidence
    source: Source
    at: int
    value: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What a tier demands of a room: the promise, the least evidence, and a bound where it has one.

    Attributes:
        guarantee: the promise.
        least: the least evidence that counts; REQUESTED never counts, whatever stands here.
        at_most: for TIMER the longest time to live accepted, in microseconds.
    """

    guarantee: Guarantee
    least: Evidence
    at_most: int | None = None

    def met_by(self, holding: Holding) -> bool:
        """Whether ``holding`` fulfils this demand."""
        if holding.guarantee is not self.guarantee or holding.evidence is Evidence.REQUESTED:
            return False
        if holding.evidence < self.least:
            return False
        if self.at_most is None:
            return True
        return holding.value is not None and 0 < holding.value <= self.at_most
