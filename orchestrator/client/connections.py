"""Connections at the desk: one card for each channel.

Rules kept here: as for ``orchestrator.client.views``. A card names no room and no account.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.client.wire import Wire, deal_path, part


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCard:
    """One channel, as somebody of a deal sees it.

    Attributes:
        state: ``up``, ``down``, ``paused`` or ``closed``.
        check: ``ok``, ``soon`` or ``fix``; ``words`` and ``then`` as ``doctor`` has them.
        seen_at: the last good sign of life.
        queued: deliveries that wait for it: of this deal, or of all for whoever runs the home.
        modes: how many rooms of it are relay, witness or blind, and ``unread`` before a reading.
        again_at: when it is tried again by itself.
        may: the viewer may pause it and try it again.
    """

    name: str
    kind: str
    state: str
    check: str
    words: str
    then: str
    grade: str
    seen_at: int | None
    queued: int
    modes: Mapping[str, int]
    again_at: int | None
    may: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsView:
    """Every channel that the viewer is shown, and when they were looked at."""

    cards: tuple[ConnectionCard, ...]
    at: int


class ConnectionsApi(Wire):
    """Calls of ``orchestrator.api.connections``."""

    async def desk_channels(self, deal: str) -> ConnectionsView:
        """Every channel that the deal uses; to whoever runs the home, every channel."""
        return await self._get(ConnectionsView, f"{deal_path(deal)}/channels")

    async def desk_channel_pause(self, deal: str, channel: str) -> ConnectionCard:
        """Stops what we send there, at once."""
        path = f"{deal_path(deal)}/channels/{part(channel)}/pause"
        return await self._post(ConnectionCard, path, {})

    async def desk_channel_again(self, deal: str, channel: str) -> ConnectionCard:
        """Tries again: what waits goes on, and a pause ends where the channel answers."""
        path = f"{deal_path(deal)}/channels/{part(channel)}/again"
        return await self._post(ConnectionCard, path, {})
