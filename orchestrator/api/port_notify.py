"""What the API needs of a home about notifications."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.notify import AlertView, NewOnCall, OnCallView, PushKeyView
from tiers.ids import DealId
from tiers.rights import Viewer


class NotifyAccess(Protocol):
    """Who is told what, and what was told."""

    async def on_call_show(self, deal: DealId, viewer: Viewer) -> Sequence[OnCallView]:
        """The list, cut to whoever asks."""
        ...

    async def on_call_set(
        self, deal: DealId, people: Sequence[NewOnCall], *, actor: str
    ) -> Sequence[OnCallView]:
        """Puts a whole list in the place of the one before. Raises: Wrong, Missing."""
        ...

    async def alert_list(self, deal: DealId, viewer: Viewer, *, every: bool) -> Sequence[AlertView]:
        """What needs somebody, newest first, cut to whoever asks."""
        ...

    async def alert_answer(self, deal: DealId, alert: str, viewer: Viewer) -> None:
        """Somebody sees to it. Raises: Missing, Refused."""
        ...

    async def push_key(self) -> PushKeyView:
        """How a browser may be told."""
        ...

    async def push_add(
        self, deal: DealId, viewer: Viewer, endpoint: str, key: str, auth: str
    ) -> None:
        """Lets one's own browser hear. Raises: Refused, Unready, Wrong."""
        ...

    async def push_drop(self, deal: DealId, viewer: Viewer, endpoint: str) -> None:
        """Has one's own browser hear no more. Raises: Missing."""
        ...
