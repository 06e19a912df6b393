"""Which lane may be drained next: pure bookkeeping, handed every instant.

Rules kept here:

1. A lane is given out once, and not again before it is handed back.
2. A wake of a lane that is out is remembered, and the lane is ready again when it comes back.
3. A lane that failed pauses, longer each time; a wake shortens no pause.
4. Ready lanes go first come, first served.
"""

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush

from orchestrator.clock import SECOND

FIRST_PAUSE = SECOND
LONGEST_PAUSE = 60 * SECOND


def pause_after(failures: int) -> int:
    """Returns the pause after so many failures in a row, in microseconds."""
    return min(FIRST_PAUSE << min(failures - 1, 16), LONGEST_PAUSE)


class Lanes:
    """The lanes that have something to do."""

    def __init__(self) -> None:
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._out: set[str] = set()
        self._again: set[str] = set()
        self._later: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []  # may hold outdated pairs; ``_later`` is right
        self._pauses: dict[str, tuple[int, int]] = {}  # failures in a row, instant of the end

    def wake(self, lane: str, at: int, now: int) -> None:
        """Makes ``lane`` ready at ``at``, or as soon as its pause is over."""
        if lane in self._pauses:
            at = max(at, self._pauses[lane][1])
        if at > now:
            self._wait(lane, at)
        elif lane in self._out:
            self._again.add(lane)
        elif lane not in self._queued:
            self._queued.add(lane)
            self._ready.append(lane)

    def promote(self, now: int) -> None:
        """Makes ready what has waited until ``now``."""
        while self._heap and self._heap[0][0] <= now:
            at, lane = heappop(self._heap)
            if self._later.get(lane) == at:
                del self._later[lane]
                self.wake(lane, at, now)

    def take(self) -> str | None:
        """Gives out the next ready lane, None when there is none."""
        if not self._ready:
            return None
        lane = self._ready.popleft()
        self._queued.discard(lane)
        self._out.add(lane)
        return lane

    def done(self, lane: str, due: int | None, now: int) -> None:
        """Takes back a lane whose drain went well; it is due again at ``due``."""
        self._out.discard(lane)
        self._pauses.pop(lane, None)
        if lane in self._again:
            self._again.discard(lane)
            self.wake(lane, now, now)
        if due is not None:
            self.wake(lane, due, now)

    def failed(self, lane: str, now: int) -> None:
        """Takes back a lane whose drain raised, and has it pause."""
        self._out.discard(lane)
        self._again.discard(lane)
        failures = self._pauses.get(lane, (0, 0))[0] + 1
        self._pauses[lane] = (failures, now + pause_after(failures))
        self._wait(lane, self._pauses[lane][1])

    def next_at(self) -> int | None:
        """Returns the instant at which ``promote`` has something to do next."""
        while self._heap and self._later.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many lanes are out, ready, and waiting for an instant."""
        return len(self._out), len(self._ready), len(self._later)

    @property
    def failing(self) -> Mapping[str, int]:
        """The lanes that pause after a failure, with the failures in a row."""
        return {lane: failures for lane, (failures, _) in self._pauses.items()}

    def _wait(self, lane: str, at: int) -> None:
        known = self._later.get(lane)
        if known is None or at < known:
            self._later[lane] = at
            heappush(self._heap, (at, lane))
