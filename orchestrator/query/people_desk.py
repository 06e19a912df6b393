"""People at the desk, as the open home answers: the matrix, a card, one's own page."""

from collections.abc import Sequence

from orchestrator.client.card import CardView, OwnView
from orchestrator.client.leaves import HoldsView
from orchestrator.client.memberships import MembershipQuestion, MembershipsView
from orchestrator.client.paging import Position, Window
from orchestrator.command.runtime import Runtime
from orchestrator.query.own import Own
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer


class PeopleDesk:
    """Implements ``orchestrator.api.port_memberships``, but for what changes the list."""

    def __init__(self, runtime: Runtime) -> None:
        self._people_desk = Own(runtime)

    async def memberships(
        self, deal: DealId, question: MembershipQuestion, window: Window, viewer: Viewer
    ) -> tuple[MembershipsView, Position | None]:
        """One page of the matrix, and behind which position the next begins."""
        return await self._people_desk.memberships(deal, question, window, viewer)

    async def person_card(self, deal: DealId, person: PersonId, viewer: Viewer) -> CardView:
        """Somebody's card."""
        return await self._people_desk.person_card(deal, person, viewer)

    async def person_keeps(
        self, deal: DealId, person: PersonId, viewer: Viewer
    ) -> Sequence[HoldsView]:
        """What reached somebody and cannot be taken back."""
        return await self._people_desk.person_keeps(deal, person, viewer)

    async def own(self, deal: DealId, viewer: Viewer) -> OwnView:
        """The page of whoever asks."""
        return await self._people_desk.own(deal, viewer)

    def own_person(self, deal: DealId, viewer: Viewer) -> PersonId:
        """Who of a deal asks."""
        return self._people_desk.own_person(deal, viewer)
