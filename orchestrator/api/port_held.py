"""What the desk's held messages need of a running home."""

from typing import Protocol

from orchestrator.client.held_desk import HeldDeskView, HeldDone, RevealedView
from tiers.ids import DealId, MessageId
from tiers.rights import Viewer


class HeldDeskAccess(Protocol):
    """What is held, and what the viewer does with it himself."""

    async def held_desk(self, deal: DealId, viewer: Viewer) -> HeldDeskView:
        """What is held, cut to the viewer. Raises: Unready."""
        ...

    async def held_desk_move(
        self, deal: DealId, message: MessageId, conversation: str, viewer: Viewer
    ) -> HeldDone:
        """Into the same or a stricter conversation, at once. *live*. Raises: Missing, Refused."""
        ...

    async def held_desk_drop(self, deal: DealId, message: MessageId, viewer: Viewer) -> HeldDone:
        """Never to be sent. Raises: Missing, Refused."""
        ...

    async def held_desk_ask(self, deal: DealId, message: MessageId, viewer: Viewer) -> HeldDone:
        """Asks for its release; it stays held. Raises: Missing, Refused."""
        ...

    async def held_reveal_ask(
        self, deal: DealId, message: MessageId, matter: str | None, viewer: Viewer
    ) -> HeldDone:
        """Asks two people to let the viewer read it. Raises: Missing, Refused, Waits, Wrong."""
        ...

    async def held_reveal_open(
        self, deal: DealId, message: MessageId, viewer: Viewer
    ) -> RevealedView:
        """Its text, once, for whom people agreed to. Raises: Missing, Refused, Unready."""
        ...
