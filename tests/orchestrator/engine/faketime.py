"""Time that moves only when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

START = 1_700_000_000_000_000


@dataclass(slots=True)
class FakeTime:
    """A clock and the alarms that are set on it."""

    instant: int = START
    set: dict[int, tuple[int, Callable[[], None]]] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)

    def now(self) -> int:
        return self.instant

    def alarm(self, at: int, ring: Callable[[], None]) -> "FakeAlarm":
        number = next(self.numbers)
        self.set[number] = (at, ring)
        return FakeAlarm(self, number)

    def ring_until(self, instant: int) -> bool:
        """Rings the earliest alarm up to ``instant``; False: there is none, time has arrived."""
        due = sorted((at, number) for number, (at, _) in self.set.items() if at <= instant)
        if not due:
            self.instant = max(self.instant, instant)
            return False
        at, number = due[0]
        self.instant = max(self.instant, at)
        _, ring = self.set.pop(number)
        ring()
        return True


@dataclass(slots=True)
class FakeAlarm:
    time: FakeTime
    number: int

    def cancel(self) -> None:
        self.time.set.pop(self.number, None)
