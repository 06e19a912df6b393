"""What deciding who may see what needs of a home, and what it shows to whom."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from orchestrator.client.approvals import RequestView
from orchestrator.client.views import ConversationView, DealView, HeldView, KeyView, MessageView
from orchestrator.query.happenings import Told
from tiers.ids import DealId, MessageId, PersonId
from tiers.rights import Viewer


class WhereAccess(Protocol):
    """What belongs to which deal."""

    async def where(self, kind: str, name: str) -> tuple[DealId, PersonId | None] | None:
        """The deal of a message, delivery, finding or request, and whose it is; None: of none."""
        ...


class EventAccess(Protocol):
    """What happens."""

    def happenings(self, viewer: Viewer, after: int | None) -> AsyncIterator[Told]:
        """What happens behind a step of the audit (None: from now on), as a viewer may know it."""
        ...


class ShownAccess(Protocol):
    """What is shown to a viewer, and no more; to the home's own user all of it."""

    async def deals_shown(self, viewer: Viewer) -> Sequence[DealView]:
        """His deals."""
        ...

    async def conversations_shown(self, deal: DealId, viewer: Viewer) -> Sequence[ConversationView]:
        """Conversations that he may see."""
        ...

    async def conversation_shown(self, deal: DealId, name: str, viewer: Viewer) -> ConversationView:
        """One, by what it is called to him. Raises: Missing."""
        ...

    async def keys_shown(
        self, deal: DealId, person: PersonId | None, viewer: Viewer
    ) -> Sequence[KeyView]:
        """Devices that he may see. Raises: Missing."""
        ...

    async def message_shown(self, message: MessageId, viewer: Viewer) -> MessageView:
        """Where a message stands. Raises: Missing."""
        ...

    async def held_shown(self, deal: DealId | None, viewer: Viewer) -> Sequence[HeldView]:
        """What waits and he may see."""
        ...

    async def approvals_shown(
        self, deal: DealId | None, viewer: Viewer, *, every: bool
    ) -> Sequence[RequestView]:
        """Requests that he may see; only open ones, unless ``every``."""
        ...

    async def approval_shown(self, request: str, viewer: Viewer) -> RequestView:
        """One. Raises: Missing."""
        ...
