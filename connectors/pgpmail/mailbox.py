"""Where our mail is read; and the account that has no such place, as it only sends.

Rule kept here: an account without a mailbox says that nothing comes, and never that nothing came.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

from connectors.port import DeliveryKey
from connectors.port.events import Batch


class Mailbox(Protocol):
    """Reads what comes in."""

    @property
    def trouble(self) -> str | None:
        """Why it cannot be read now, short and stable; None while it can."""
        ...

    def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Batches after ``cursor`` until closed; see ``Connector.receive``."""
        ...

    def came_back(self, key: DeliveryKey) -> bool:
        """Whether a mail of ours to ourselves came in since the start, and was verified."""
        ...

    async def close(self) -> None:
        """Ends every stream."""
        ...


class NoMailbox:
    """Of an account that only sends. Implements ``Mailbox``."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    @property
    def trouble(self) -> None:
        """Nothing to read is no trouble."""
        return None

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """One empty batch, and then nothing until closed."""
        if not self._closed.is_set():
            yield Batch((), cursor or "0")
            await self._closed.wait()

    @staticmethod
    def came_back(_: DeliveryKey) -> bool:
        """Nothing comes."""
        return False

    async def close(self) -> None:
        """Ends every stream."""
        self._closed.set()
