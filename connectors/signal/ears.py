"""How what is written to us reaches us: posted by the API server, or read from a daemon's stream.

Rule kept here: ears say until when they heard all that there was, and nothing of what was said.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from connectors.port.connector import Check
from connectors.shared.probe import Probe
from connectors.shared.webhook import Webhook
from connectors.signal.backend import UNFIT, Backend
from connectors.signal.reachable import API_AWAY, UNREACHED


class Ears(Protocol):
    """One way in which an account hears."""

    @property
    def port(self) -> int:
        """Where something listens for posts; 0 where nothing does."""
        ...

    async def start(self) -> None:
        """Begins to hear. Raises: ConnectorError."""
        ...

    async def stop(self) -> None:
        """Hears nothing any more; prompt."""
        ...

    async def well(self, seconds: float) -> Mapping[str, int | None]:
        """Until when all was heard, microseconds UTC, by what could stand in the way; as ``beat``.

        Args:
            seconds: that a sign of life may take.
        """
        ...

    def check(self, heard_at: int | None) -> Check:
        """What an operator sees of it.

        Args:
            heard_at: when something last came, microseconds UTC; None if never since the start.
        """
        ...


class Posted:
    """What the API server posts: to our own listener, or through our API.

    Args:
        webhook: our listener; None where it comes through our API.
        backend: the API server.
        probe: makes what posts to us from outside, once the listener's port is known.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        webhook: Webhook | None,
        backend: Backend,
        probe: Callable[[int], Probe],
        now: Callable[[], int],
    ) -> None:
        self._webhook = webhook
        self._backend = backend
        self._make = probe
        self._probe: Probe | None = None
        self._now = now

    @property
    def port(self) -> int:
        """Where our listener is; 0 where there is none."""
        return 0 if self._webhook is None else self._webhook.port

    async def start(self) -> None:
        """Listens. Raises: Unavailable when the port is taken."""
        if self._webhook is not None:
            await self._webhook.start()
        self._probe = self._make(self.port)

    async def stop(self) -> None:
        """Hears nobody any more."""
        if self._probe is not None:
            await self._probe.close()
        if self._webhook is not None:
            await self._webhook.stop()

    async def well(self, seconds: float) -> Mapping[str, int | None]:
        """Whether the server answers and posts, and we at the place that the server was told."""
        if self._probe is None:
            return {API_AWAY: None, UNREACHED: None}
        began = self._now()  # what breaks behind an answer is seen next time
        alive, reached = await asyncio.gather(
            self._backend.alive(seconds), self._probe.answers(seconds)
        )
        if not alive:  # in which mode it will be is not known
            return {API_AWAY: None, UNREACHED: began if reached else None}
        posts = self._backend.deaf is None
        return {
            API_AWAY: began,
            UNFIT: began if posts else None,
            UNREACHED: began if reached else None,
        }

    def check(self, heard_at: int | None) -> Check:
        """Whether a post has come since the start."""
        if heard_at is not None:
            return Check("webhook", ok=True, hint="posts arrive")
        return Check(
            "webhook",
            ok=False,
            hint="no post since the start; we can send, and hear nobody until one comes",
            remedy="set RECEIVE_WEBHOOK_URL at the API server, then write to the account",
            later=True,
        )
