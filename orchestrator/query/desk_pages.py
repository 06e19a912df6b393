"""The Overview and what is held, as verbs of an open home."""

from collections.abc import Mapping

from orchestrator.client.held_desk import HeldDeskView, HeldDone, RevealedView
from orchestrator.client.overview import Overview
from orchestrator.command.held_desk import HeldActs
from orchestrator.command.runtime import Runtime
from orchestrator.query.held_desk import HeldLists
from orchestrator.query.overview import Overviews
from tiers.ids import DealId, MessageId
from tiers.rights import Viewer


class DeskPages:
    """Implements ``orchestrator.api.port_overview`` and ``orchestrator.api.port_held``."""

    def __init__(self, runtime: Runtime) -> None:
        self._overviews = Overviews(runtime)
        self._held_lists = HeldLists(runtime)
        self._held_acts = HeldActs(runtime)

    async def deal_overview(self, deal: DealId, viewer: Viewer) -> Overview:
        """A deal on one page, cut to the viewer."""
        return await self._overviews.overview(deal, viewer)

    async def deal_needs(self, deal: DealId, viewer: Viewer) -> Mapping[str, int]:
        """How many things need the viewer, by page."""
        return await self._overviews.needs(deal, viewer)

    async def held_desk(self, deal: DealId, viewer: Viewer) -> HeldDeskView:
        """What is held, cut to the viewer."""
        return await self._held_lists.listed(deal, viewer)

    async def held_desk_move(
        self, deal: DealId, message: MessageId, conversation: str, viewer: Viewer
    ) -> HeldDone:
        """Into the same or a stricter conversation, at once."""
        return await self._held_acts.move(deal, message, conversation, viewer)

    async def held_desk_drop(self, deal: DealId, message: MessageId, viewer: Viewer) -> HeldDone:
        """Never to be sent."""
        return await self._held_acts.drop(deal, message, viewer)

    async def held_desk_ask(self, deal: DealId, message: MessageId, viewer: Viewer) -> HeldDone:
        """Asks two people for its release."""
        return await self._held_acts.ask(deal, message, viewer)

    async def held_reveal_ask(
        self, deal: DealId, message: MessageId, matter: str | None, viewer: Viewer
    ) -> HeldDone:
        """Asks two people to let the viewer read it."""
        return await self._held_acts.reveal_ask(deal, message, matter, viewer)

    async def held_reveal_open(
        self, deal: DealId, message: MessageId, viewer: Viewer
    ) -> RevealedView:
        """Its text, once, for whom two people agreed to."""
        return await self._held_acts.reveal_open(deal, message, viewer)
