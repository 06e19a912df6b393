"""Whether the clock may be trusted to permit (docs/product.md 2.14: time never turns back).

Rules kept here:

1. A clock that is earlier than the latest instant in the audit permits nothing.
2. A clock that is off a configured source (the system's time service, a homeserver's ``Date``) by
   more than the settings allow (a minute at most) permits nothing, whichever of the two is
   wrong: that is for people to find.
3. A source that was heard long ago says nothing any more; the audit always does. A configured
   source that must be heard (``required``) and is not, permits nothing either.

Pure bookkeeping: every instant is handed in, microseconds UTC. How much time went by since a
source was heard is told by ``ticks``, a clock that nobody can set: so a jump of the system's clock
shows at once, and not only when the source is heard again.
"""

from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.clock import HOUR, MINUTE

FURTHEST = MINUTE
"""How far the clock may be off a source, whatever the settings say."""
GRAIN = 1_000_000
"""A ``Date`` header cuts fractions off (RFC 9110 section 5.6.7): it may lag by a second."""
FRESH = HOUR
"""For how long a source that was heard speaks about the clock."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """The answer, with its reasons.

    Attributes:
        reasons: why the clock may not permit; none: it may.
        audit_ahead: by how much the audit is ahead of the clock, 0 when it is not.
        offsets: by how much each fresh source is ahead of the clock (negative: behind).
    """

    reasons: tuple[str, ...]
    audit_ahead: int
    offsets: dict[str, int]

    @property
    def trusted(self) -> bool:
        """Whether what would be allowed may go."""
        return not self.reasons

    def __bool__(self) -> bool:
        return self.trusted


@dataclass(frozen=True, slots=True)
class _Heard:
    low: int  # the source's time minus our ticks: at least this
    high: int  # and at most this
    ticks: int


class ClockGuard:
    """Remembers the latest audit instant and what sources said; judges an instant.

    Args:
        latest: the latest instant in the audit at the start (``audit.instants.latest_instant``).
        required: sources that must have been heard within ``FRESH``.
        furthest: how far the clock may be off a source, microseconds; at most ``FURTHEST``.
    """

    def __init__(
        self, latest: int, required: Collection[str] = (), *, furthest: int = FURTHEST
    ) -> None:
        self._latest = latest
        self._furthest = min(furthest, FURTHEST)
        self._required = frozenset(required)
        self._heard: dict[str, _Heard] = {}

    def recorded(self, at: int) -> None:
        """Notes that an audit entry with this instant is on disk."""
        self._latest = max(self._latest, at)

    def reset(self, at: int) -> None:
        """Takes the latest instant back, once the audited act that says so is on disk."""
        self._latest = at
        self._heard.clear()

    def heard(self, source: str, said: int, *, before: int, after: int) -> None:
        """Notes what a source said, in whole seconds or finer.

        Args:
            source: its name in the configuration.
            said: the instant that it named.
            before: ticks when the question left.
            after: ticks when the answer came.
        """
        self._heard[source] = _Heard(said - after, said + GRAIN - before, after)

    def state(self, now: int, ticks: int) -> ClockState:
        """Judges the clock that shows ``now`` when our ticks are ``ticks``."""
        fresh = {s: h for s, h in self._heard.items() if 0 <= ticks - h.ticks <= FRESH}
        offsets = {source: _offset(heard, ticks - now) for source, heard in fresh.items()}
        ahead = max(0, self._latest - now)
        reasons = ["clock.before_audit"] if ahead else []
        off = (s for s, by in sorted(offsets.items()) if abs(by) > self._furthest)
        reasons += [f"clock.off.{source}" for source in off]
        reasons += [f"clock.unheard.{s}" for s in sorted(self._required - fresh.keys())]
        return ClockState(tuple(reasons), ahead, offsets)


def _offset(heard: _Heard, ticks_minus_now: int) -> int:
    """Returns the smallest offset of the source that what was heard leaves possible."""
    low, high = heard.low + ticks_minus_now, heard.high + ticks_minus_now
    if low <= 0 <= high:
        return 0
    return low if low > 0 else high
