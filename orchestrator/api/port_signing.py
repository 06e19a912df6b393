"""What the API needs of a home about signings."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.signing import NewWindow, SigningView, WindowView
from tiers.ids import DealId


class SigningAccess(Protocol):
    """Dates of signing, and signing windows."""

    async def signing_show(self, deal: DealId) -> SigningView:
        """When a deal is to be signed."""
        ...

    async def signing_set(self, deal: DealId, signing: int | None, *, actor: str) -> SigningView:
        """Says when; None: nobody knows any more. Raises: Wrong."""
        ...

    async def window_list(self, deal: DealId) -> Sequence[WindowView]:
        """Signing windows that were agreed to and not withdrawn."""
        ...

    async def window_new(self, deal: DealId, new: NewWindow, *, actor: str) -> None:
        """Asks for a window. Raises: Waits, or Wrong, Refused, NotAllowed."""
        ...

    async def window_close(self, deal: DealId, window: str, *, actor: str) -> None:
        """Ends a window, at once. Raises: Missing."""
        ...
