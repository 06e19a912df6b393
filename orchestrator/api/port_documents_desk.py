"""What adviser documents at the desk, and the adviser's key page, need of a running home."""

from typing import Protocol

from orchestrator.client.documents_desk import DocumentsView, KeyAsked, KeyLink, KeyTaken
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer


class DocumentDeskAccess(Protocol):
    """Documents and keys as somebody of a deal sees them, and links for certificates."""

    async def desk_documents(self, deal: DealId, viewer: Viewer, *, key: str = "") -> DocumentsView:
        """Documents and keys, as far as the viewer may see them."""
        ...

    async def key_link(self, deal: DealId, person: PersonId, viewer: Viewer) -> KeyLink:
        """Makes a one-time link for somebody's certificate. Raises: Missing."""
        ...

    async def key_upload_look(self, secret: str) -> KeyAsked:
        """What a link asks for. Raises: Missing, Refused."""
        ...

    async def key_upload(self, secret: str, armour: str) -> KeyTaken:
        """Takes a certificate in as a proposal. *live*. Raises: Missing, Refused."""
        ...
