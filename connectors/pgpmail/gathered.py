"""One run of a program for all who wait for it, each told what it found of his.

Rules kept here:

1. What is told was found by a run that began after it was asked for (``Joined``).
2. A run is for those who wait when it begins: who has given up is not asked for.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from connectors.shared.joined import Joined

K = TypeVar("K")
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Questions about single things, which one run can answer for many.

    Args:
        run: answers all it can of what it is given; what it leaves out is not there.
    """

    def __init__(self, run: Callable[[frozenset[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._run = run
        self._wanted: Counter[K] = Counter()
        self._joined = Joined(self._next)

    async def ask(self, things: frozenset[K]) -> dict[K, V]:
        """What a run that began after this was called found of them. Raises: as the run does."""
        self._wanted.update(things)
        try:
            found = await self._joined.ask()
        finally:
            self._wanted.subtract(things)
            self._wanted = +self._wanted
        return {each: found[each] for each in things if each in found}

    async def _next(self) -> Mapping[K, V]:
        return await self._run(frozenset(self._wanted))
