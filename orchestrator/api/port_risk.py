"""What the API needs of a running home about leak risk."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from orchestrator.client.paging import Stretch, Window
from orchestrator.client.risk import FindingAnsweredView, FindingView, RiskView, RuleView
from tiers.ids import DealId
from tiers.rights import Viewer


class RiskAccess(Protocol):
    """The score, findings, and what is done about them; each cut to the viewer."""

    async def risk_show(self, deal: DealId, viewer: Viewer) -> RiskView:
        """Score, parts, 30 days, and the open findings. Raises: Unready."""
        ...

    async def risk_rules(self) -> Sequence[RuleView]:
        """Every rule there is."""
        ...

    async def finding_list(
        self, deal: DealId, viewer: Viewer, window: Window, *, every: bool, conversation: str | None
    ) -> Stretch[FindingView]:
        """Findings that the viewer may see, newest first."""
        ...

    async def finding_show(self, deal: DealId, finding: str, viewer: Viewer) -> FindingView:
        """One finding. Raises: Missing, also of what he may not see."""
        ...

    async def finding_answer(
        self, deal: DealId, finding: str, answer: str, arguments: Mapping[str, str], viewer: Viewer
    ) -> FindingAnsweredView:
        """Does one of its answers. Raises: Missing, Refused, Wrong, and what the act raises."""
        ...

    async def finding_accept(
        self, deal: DealId, finding: str, until: int, because: str, viewer: Viewer
    ) -> FindingAnsweredView:
        """Says that it is known and accepted until then. Raises: Missing, Refused, Wrong."""
        ...
