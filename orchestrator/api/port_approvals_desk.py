"""What the approvals of the desk need of a running home."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.approvals import Answered, CredentialView, ProofView
from orchestrator.client.approvals_desk import ApprovalCard, OfferView, OwnKey, SigningView
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer


class ApprovalDeskAccess(Protocol):
    """Requests as one viewer sees them, his own answer, and his own key."""

    async def desk_approvals(
        self, deal: DealId, viewer: Viewer, *, every: bool
    ) -> Sequence[ApprovalCard]:
        """Requests that he may see; only open ones, unless ``every``."""
        ...

    async def desk_approval(self, deal: DealId, request: str, viewer: Viewer) -> ApprovalCard:
        """One. Raises: Missing, also of what he may not see."""
        ...

    async def desk_approval_sign(
        self,
        deal: DealId,
        request: str,
        said: Answered,
        signature: str,
        viewer: Viewer,
        *,
        reason: str | None = None,
    ) -> ApprovalCard:
        """Records his own signed answer, and nobody else's. Raises: Refused, Missing, Wrong."""
        ...

    async def desk_approval_back(self, deal: DealId, request: str, viewer: Viewer) -> ApprovalCard:
        """Takes back what he asked for. Raises: NotAllowed, Missing."""
        ...

    async def own_signing(self, deal: DealId, viewer: Viewer) -> SigningView:
        """How he signs."""
        ...

    async def signing_offer(
        self, deal: DealId, person: PersonId, roles: Sequence[str], viewer: Viewer
    ) -> OfferView:
        """Asks somebody to make a key of his own. Raises: Missing, Wrong."""
        ...

    async def own_key_proof(self, deal: DealId, key: OwnKey, viewer: Viewer) -> ProofView:
        """What he signs to prove that a key is his. Raises: Refused without an offer."""
        ...

    async def own_key_enrol(self, deal: DealId, key: OwnKey, viewer: Viewer) -> CredentialView:
        """Enrols his own key. Raises: Refused without an offer, Waits in a founded deal."""
        ...
