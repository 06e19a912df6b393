"""Closes a channel and opens it with another secret, or with the old one where that fails.

Rules kept here:

1. What listens ends before its connector is closed; two of one account are never open at a time,
   since they would share a folder, a port and a name on the network.
2. Nothing goes out there meanwhile: a channel without a connector stands still.
3. Whatever comes of it, the channel is listened to again, or tried again by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress

from connectors.port.connector import Connector
from orchestrator.command.runtime import Check, Runtime
from orchestrator.wiring.opening import Closed, Listen, Opener
from tiers.ids import ConnectorName

Later = Callable[[Coroutine[None, None, None]], Awaitable[object]]
"""Has something go on beside, for as long as the home is open."""


class Reopening:
    """Opens channels anew while the home is open.

    Args:
        runtime: the home.
        opener: opens its channels.
        listen: begins to listen to what was opened.
        listening: what listens to each channel.
        later: has something go on beside.
    """

    def __init__(
        self,
        runtime: Runtime,
        opener: Opener,
        listen: Listen,
        listening: Mapping[ConnectorName, asyncio.Task[None]],
        later: Later,
    ) -> None:
        self._r = runtime
        self._opener = opener
        self._listen = listen
        self._listening = listening
        self._later = later

    async def __call__(
        self, name: ConnectorName, values: Mapping[str, str], check: Check
    ) -> str | None:
        """Opens a channel with other secrets.

        Args:
            name: of the channel.
            values: the secrets that differ from those kept.
            check: what has to be so before it is used.

        Returns:
            why it was not opened with them, as a code; None where it was.
        """
        await self._leave(name)
        channel, part = self._r.channels[name], self._r.settings.config.channels[name]
        await self._opener.once(channel, part, values, check)
        why = channel.why if channel.connector is None else None
        if channel.connector is None:
            wait = await self._opener.once(channel, part)
            if wait is not None:
                again = self._opener.try_again(Closed(channel, part, wait), self._listen)
                await self._later(again)
        if channel.connector is not None:
            await self._listen(name, channel.connector)
            await self._opener.go_on(channel)
        return why

    async def _leave(self, name: ConnectorName) -> None:
        task = self._listening.get(name)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        channel = self._r.channels[name]
        connector: Connector | None = channel.connector
        channel.connector = None
        self._r.connectors.pop(name, None)
        if connector is not None:
            with suppress(Exception):
                await connector.close()
