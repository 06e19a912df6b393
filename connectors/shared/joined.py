"""One read for everybody who asked before it began.

Rule kept here: what is told was read after it was asked for. Who asks while a read is under way
waits for the next one, since that one may have been answered already; its error is everybody's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from connectors.port.errors import ConnectorError

T = TypeVar("T")


class Joined(Generic[T]):
    """A question about a whole account that many ask at once.

    Args:
        read: asks it.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._turn = asyncio.Lock()
        self._begun = 0
        self._asking = 0
        self._ended: tuple[int, T | ConnectorError] | None = None

    async def ask(self) -> T:
        """The answer of a read that began after this was called. Raises: as the read does."""
        before = self._begun
        self._asking += 1
        try:
            async with self._turn:
                if self._ended is None or self._ended[0] <= before:
                    self._ended = await self._next()
                found = self._ended[1]
        finally:
            self._asking -= 1
            if not self._asking:
                self._ended = None  # nothing is kept between two questions
        if isinstance(found, ConnectorError):
            raise found
        return found

    async def _next(self) -> tuple[int, T | ConnectorError]:
        self._begun += 1
        number = self._begun
        try:
            return number, await self._read()
        except ConnectorError as error:
            return number, error
