"""What the API needs of a home about what was prevented."""

from typing import Protocol

from orchestrator.client.audit_desk import ExportLink
from orchestrator.client.prevented import ClosingView, PreventedView
from tiers.ids import DealId
from tiers.rights import Viewer


class PreventedAccess(Protocol):
    """What was held, withdrawn, stopped and paused, with its evidence."""

    async def prevented_show(
        self, deal: DealId, since: int | None, until: int | None
    ) -> PreventedView:
        """What was prevented."""
        ...

    async def prevented_report(
        self, deal: DealId, since: int | None, until: int | None, *, actor: str
    ) -> bytes:
        """The printable report; its making is an entry of the deal's record."""
        ...

    async def prevented_link(self, deal: DealId, viewer: Viewer) -> ExportLink:
        """Where the report is fetched, once."""
        ...

    async def prevented_fetch(self, deal: DealId, secret: str, viewer: Viewer) -> bytes:
        """The report, once. Raises: Missing."""
        ...

    async def prevented_closing(self, deal: DealId) -> ClosingView:
        """The report that was made when the deal closed. Raises: Missing."""
        ...
