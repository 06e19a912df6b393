"""How often something may fail, or be done, before whoever does it has to wait.

Rule kept here: what is allowed comes back evenly (a token bucket), by a clock that nobody can set;
whoever succeeds is never slowed down by those who fail.
"""

from orchestrator.clock import MINUTE, Clock


class Attempts:
    """A bucket.

    Args:
        each_minute: how many are allowed each minute, and at once.
        ticks: a clock that nobody can set.
    """

    def __init__(self, each_minute: int, ticks: Clock) -> None:
        self._most = each_minute
        self._ticks = ticks
        self._left = float(each_minute)
        self._at = ticks()

    def take(self) -> bool:
        """Takes one; whether there was one."""
        at = self._ticks()
        back = (at - self._at) * self._most / MINUTE
        self._left, self._at = min(self._most, self._left + back), at
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def any(self) -> bool:
        """Whether there is one, without taking it."""
        if not self.take():
            return False
        self._left += 1
        return True
