"""What the API needs of a home about people: the matrix, a card, one's own page, the list."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.card import (
    AccessChange,
    AccessView,
    CardView,
    ListParts,
    NewPerson,
    OwnView,
)
from orchestrator.client.leaves import HoldsView
from orchestrator.client.memberships import MembershipQuestion, MembershipsView
from orchestrator.client.paging import Position, Window
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer


class MembershipAccess(Protocol):
    """People against conversations."""

    async def memberships(
        self, deal: DealId, question: MembershipQuestion, window: Window, viewer: Viewer
    ) -> tuple[MembershipsView, Position | None]:
        """One page, cut to the viewer, and behind which position the next begins."""
        ...


class CardAccess(Protocol):
    """One person."""

    async def person_card(self, deal: DealId, person: PersonId, viewer: Viewer) -> CardView:
        """His card, cut to the viewer. Raises: Missing."""
        ...

    async def person_keeps(
        self, deal: DealId, person: PersonId, viewer: Viewer
    ) -> Sequence[HoldsView]:
        """What reached him and cannot be taken back. Raises: Missing."""
        ...


class OwnAccess(Protocol):
    """The page of whoever asks."""

    async def own(self, deal: DealId, viewer: Viewer) -> OwnView:
        """His own page. Raises: Missing."""
        ...

    def own_person(self, deal: DealId, viewer: Viewer) -> PersonId:
        """Who of a deal asks. Raises: Missing."""
        ...


class ListAccess(Protocol):
    """The list, changed at the desk."""

    async def list_parts(self, deal: DealId, viewer: Viewer) -> ListParts:
        """What the viewer may have somebody new listed with."""
        ...

    async def person_access(
        self, deal: DealId, person: PersonId, change: AccessChange, *, actor: str
    ) -> AccessView:
        """Shows, or makes, a change of what somebody may see. Raises: Missing, Refused, Wrong."""
        ...

    async def person_add(self, deal: DealId, new: NewPerson, viewer: Viewer) -> AccessView:
        """Shows, or asks for, somebody new. Raises: Missing, Refused, Wrong."""
        ...
