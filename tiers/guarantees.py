"""Testable promises of a room, and how surely we know that one holds.

Rules kept here:

1. A guarantee is never true or false by itself. It is held with a value, a grade of evidence, the
   one who says so, and the instant of the reading.
2. What was only asked for (``REQUESTED``) is below everything that a policy may accept.
3. Evidence lapses: what a person saw after 30 days, what we read after 24 hours. What is dated
   later than now is no evidence.
4. A bound is met only when no holding of the same promise tells of a longer one.
5. Several rooms together promise what each of them promises, as weakly as the weakest does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from types import MappingProxyType


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


_HOUR = 3_600_000_000
LAPSES: Mapping[Evidence, int] = MappingProxyType(
    {Evidence.ATTESTED: 30 * 24 * _HOUR, Evidence.VERIFIED: 24 * _HOUR}
)
"""For how long evidence of a grade counts, microseconds."""


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

    def stands(self, at: int) -> bool:
        """Whether this counts at ``at``: seen, by a named person if by any, and not lapsed."""
        nameless = self.evidence is Evidence.ATTESTED and self.by is None
        lapses = LAPSES.get(self.evidence)
        return lapses is not None and not nameless and 0 <= at - self.at <= lapses


def common(rooms: Iterable[Iterable[Holding]], at: int) -> tuple[Holding, ...]:
    """What several rooms together promise at ``at`` (microseconds UTC): their intersection.

    A promise that one of them does not hold with evidence that stands is left out; a bound is the
    longest that any room tells of.
    """
    each = [tuple(room) for room in rooms]
    found = (_weakest(guarantee, each, at) for guarantee in Guarantee)
    return tuple(holding for holding in found if holding is not None)


def _weakest(guarantee: Guarantee, rooms: list[tuple[Holding, ...]], at: int) -> Holding | None:
    told = [[h for h in room if h.guarantee is guarantee] for room in rooms]
    best = [max((h for h in of if h.stands(at)), key=_sureness, default=None) for of in told]
    held = [h for h in best if h is not None]
    if not held or len(held) < len(best):
        return None
    weakest = min(held, key=_sureness)
    if any(h.value is None for h in held):
        return replace(weakest, value=None)
    values = [h.value for of in told for h in of if h.value is not None]
    senseless = min(values) <= 0  # no time to live at all: it must meet no bound
    return replace(weakest, value=min(values) if senseless else max(values))


def _sureness(holding: Holding) -> tuple[int, int]:
    return holding.evidence, holding.at


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

    def met_by(self, holdings: Iterable[Holding], at: int) -> bool:
        """Whether what is held of a room fulfils this demand at ``at`` (microseconds UTC)."""
        of_this = tuple(h for h in holdings if h.guarantee is self.guarantee)
        proven = any(h.evidence >= self.least and self._within(h) for h in of_this if h.stands(at))
        return proven and not any(h.value is not None and not self._within(h) for h in of_this)

    def _within(self, holding: Holding) -> bool:
        if self.at_most is None:
            return True
        return holding.value is not None and 0 < holding.value <= self.at_most


_IN_WORDS: Mapping[Guarantee, str] = MappingProxyType(
    {
        Guarantee.ENCRYPTED_IN_TRANSIT: "messages travel encrypted to this room",
        Guarantee.END_TO_END_ENCRYPTED: "this room is encrypted end to end",
        Guarantee.INVITE_ONLY: "people enter this room by invitation only",
        Guarantee.NO_PUBLIC_LINK: "no public link leads into this room",
        Guarantee.MEMBERS_READABLE: "the list of this room's members is complete",
        Guarantee.HISTORY_HIDDEN: "newcomers to this room cannot read what was said before",
        Guarantee.DEVICES_VERIFIED: "the devices of everybody in this room are verified",
        Guarantee.TIMER: "messages disappear from this room",
    }
)
_UNITS = (("day", 24 * _HOUR), ("hour", _HOUR), ("minute", _HOUR // 60), ("second", 1_000_000))


def in_words(demand: Demand) -> str:
    """What a tier demands of a room, as a clause that a banker reads."""
    clause = _IN_WORDS[demand.guarantee]
    if demand.at_most is None:
        return clause
    unit, length = next(((u, n) for u, n in _UNITS if demand.at_most % n == 0), _UNITS[-1])
    count = demand.at_most // length
    return f"{clause} after at most {count} {unit}{'' if count == 1 else 's'}"
