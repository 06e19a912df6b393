"""What approvals, the audit and the journal need of a running home.

Rules kept here: as for ``orchestrator.api.port``.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from orchestrator.client.approvals import (
    Answered,
    CredentialView,
    NewCredential,
    ProofView,
    RequestView,
)
from orchestrator.client.views import AuditLine, AuditReport, JournalReport
from tiers.ids import DealId, PersonId

Actor = str
"""Who acts, as the audit writes it."""


class ApproverAccess(Protocol):
    """Whose keys and passkeys sign approvals, and the founding of a deal by them."""

    async def approver_list(self, deal: DealId) -> Sequence[CredentialView]:
        """Every credential that counts, or is a draft before the founding."""
        ...

    async def approver_proof(self, deal: DealId, new: NewCredential) -> ProofView:
        """What its owner signs to prove that a key is his. Raises: Missing, Wrong, Unready."""
        ...

    async def approver_enrol(
        self, deal: DealId, new: NewCredential, proof: str, *, actor: Actor
    ) -> CredentialView:
        """Enrols a key. Raises: Waits in a founded deal, Refused, Wrong, Missing."""
        ...

    async def approver_withdraw(self, deal: DealId, person: PersonId, *, actor: Actor) -> int:
        """Takes all keys of a person away, at once. Raises: Missing, Refused for the last."""
        ...

    async def deal_found(self, deal: DealId, *, actor: Actor) -> str:
        """Asks all who are enrolled to found the deal; the request's id. Raises: Unready."""
        ...


class ApprovalAccess(Protocol):
    """Requests that wait for people's own signatures."""

    async def approval_list(self, deal: DealId | None, *, every: bool) -> Sequence[RequestView]:
        """Requests of a deal, or of all; only open ones, unless ``every``."""
        ...

    async def approval_show(self, request: str) -> RequestView:
        """One, with the exact bytes that are signed. Raises: Missing."""
        ...

    async def approval_answer(
        self,
        request: str,
        said: Answered,
        person: PersonId,
        signature: str,
        *,
        actor: Actor,
        reason: str | None = None,
    ) -> RequestView:
        """Records a signed answer; the last yes carries the plan out.

        Raises:
            Wrong: a no without a reason.
            Missing, Refused: nothing was recorded.
            Problem: it is agreed to and could not be carried out; it says why.
        """
        ...

    async def approval_take_back(self, request: str, *, actor: Actor) -> RequestView:
        """Takes a request back. Raises: Missing, Refused for anybody but its asker."""
        ...


class RecordAccess(Protocol):
    """Audit and journal."""

    async def audit_tail(self, deal: DealId, count: int) -> Sequence[AuditLine]:
        """The newest ``count`` entries, oldest first."""
        ...

    async def audit_verify(self, deal: DealId) -> AuditReport:
        """Checks the chain, its signed heads and anchors."""
        ...

    def audit_lines(self, deal: DealId) -> AsyncIterator[bytes]:
        """The chain as it stands, to be held against what was kept outside."""
        ...

    def audit_export(self, deal: DealId, *, actor: Actor) -> AsyncIterator[bytes]:
        """The export as a tar archive, signed now; itself an entry."""
        ...

    async def journal_verify(self, deal: DealId) -> JournalReport:
        """Whether every accepted message is journaled, exempt or waiting."""
        ...

    async def journal_key_add(self, deal: DealId, scope: str, public: str, *, actor: Actor) -> str:
        """Adopts the public file that `journal keygen` wrote, for ``joint`` or a side's id.

        Returns: its key id. Raises: Wrong.
        """
        ...

    async def journal_exempt(self, deal: DealId, decision: str, *, actor: Actor) -> int:
        """Records counsel's signed decision (JSON: statement, signature in hexadecimal, signer).

        Returns: its number. Raises: Refused.
        """
        ...

    def journal_export(self, deal: DealId, *, actor: Actor) -> AsyncIterator[bytes]:
        """The sealed journal as a tar archive, for `journal open` on another machine."""
        ...
