"""What the audit trail of the desk needs of a running home."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from orchestrator.client.audit_desk import (
    AuditQuery,
    AuditRow,
    ChainView,
    ExportLink,
    ExportView,
)
from orchestrator.client.paging import Stretch, Window
from orchestrator.client.views import AuditLine
from orchestrator.command.exports import Wanted
from tiers.ids import DealId
from tiers.rights import Viewer


class AuditDeskAccess(Protocol):
    """The audit trail as one viewer sees it, and exports of it."""

    async def audit_rows(
        self, deal: DealId, window: Window, viewer: Viewer, *, person: str | None, kind: str | None
    ) -> Stretch[AuditRow]:
        """Rows, newest first, as far as the viewer may see them."""
        ...

    async def audit_search(
        self, deal: DealId, asked: AuditQuery, window: Window, viewer: Viewer
    ) -> Stretch[AuditLine]:
        """Entries that are looked for, as far as he may see them. Raises: Wrong, Missing."""
        ...

    async def audit_chain(self, deal: DealId) -> ChainView:
        """Whether the record is whole, from what was checked last."""
        ...

    async def export_ask(self, wanted: Wanted, viewer: Viewer) -> ExportView:
        """Asks for an export. Raises: Wrong, NotAllowed."""
        ...

    async def export_list(self, deal: DealId, viewer: Viewer) -> Sequence[ExportView]:
        """Exports that were asked for, newest first."""
        ...

    async def export_link(self, deal: DealId, export: str, viewer: Viewer) -> ExportLink:
        """Where one's own export is fetched, once. Raises: Missing, Refused."""
        ...

    async def export_fetch(
        self, deal: DealId, secret: str, viewer: Viewer
    ) -> tuple[str, AsyncIterator[bytes]]:
        """A file's name and its pieces. Raises: Missing."""
        ...
