"""What copies of documents need of a running home."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from orchestrator.client.copies import KnownDocument
from orchestrator.client.views import DocumentView
from tiers.ids import DealId, MessageId, PersonId
from tiers.rights import Viewer


class CopyAccess(Protocol):
    """Copies called back, taken away sealed, and known again."""

    async def document_recall(
        self, message: MessageId, readers: Sequence[PersonId], reason: str, *, actor: str
    ) -> DocumentView:
        """Calls copies back; without readers, all of them. Raises: Missing, Wrong."""
        ...

    def copy_take(self, message: MessageId, number: int, *, actor: str) -> AsyncIterator[bytes]:
        """A sealed copy, for its sender. *live*. Raises: Missing."""
        ...

    async def document_known(
        self, deal: DealId, whole: str, sealed: str | None, viewer: Viewer
    ) -> Sequence[KnownDocument]:
        """Which of a deal's documents a file is, as far as the viewer may see. Raises: Refused."""
        ...
