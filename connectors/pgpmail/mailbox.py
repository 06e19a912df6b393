"""Where our mail is read; and the account that has no such place, as it only sends.

Rule kept here: an account without a mailbox says that nothing comes, and never that nothing came.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

from connectors.port.events import Batch


class Mailbox(Protocol):
    """Reads what comes in."""

    def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Batches after ``cursor`` until closed; see ``Connector.receive``."""
        ...

    async def close(self) -> None:
        """Ends every stream."""
        ...


class NoMailbox:
    """Of an account that only sends. Implements ``Mailbox``."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """One empty batch, and then nothing until closed."""
        if not self._closed.is_set():
            yield Batch((), cursor or "0")
            await self._closed.wait()

    async def close(self) -> None:
        """Ends every stream."""
        self._closed.set()
