"""Approvals at the desk: what somebody is asked, his own signature, and the passkey he makes.

Rules kept here: as for ``orchestrator.client.approvals``. Nothing is signed but the exact bytes
that stand in the view; a private key is in none of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.client.approvals import Answered, CredentialView, ProofView, Refusal, RequestView
from orchestrator.client.wire import Wire, deal_path, part

Way = Literal["ssh", "passkey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCard:
    """A request as one person sees it.

    Attributes:
        asked_by: the name of whoever asked, as people know him.
        mine: it waits for this viewer's own signature.
        answered: he signed for it already.
        own: he asked for it, and may take it back.
        names: people who are named in it, by id; of whoever ended it, by ``refused_by``.
    """

    request: RequestView
    asked_by: str
    mine: bool
    answered: bool
    own: bool
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """Somebody is asked to make a key of his own, for these roles.

    Attributes:
        until: when the offer ends, microseconds UTC.
    """

    person: str
    name: str
    roles: tuple[str, ...]
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningView:
    """How the viewer signs in a deal.

    Attributes:
        person: who of its roster he is; None: nobody, and he signs nothing.
        rp_id, origin: of the page from which passkeys are asked; empty where none is named.
        handles: of his passkeys, in base64url, by which his browser finds them.
        user: his handle for a new passkey, in base64url; says nothing of him.
        credentials: his own keys.
        offer: what he may enrol now; None where nobody asked him to.
        founded: the deal is founded: one more key waits for two people.
        offers: every open offer, for whoever may make one.
        names: what those are called who have a key, for whoever may make an offer.
    """

    person: str | None
    name: str
    rp_id: str
    origin: str
    handles: tuple[str, ...]
    user: str
    credentials: tuple[CredentialView, ...]
    offer: OfferView | None
    founded: bool
    offers: tuple[OfferView, ...]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """A key or passkey that the viewer enrols for himself.

    Attributes:
        public: the line of a `.pub` file, or what a browser answered when it made a passkey.
        proof: what he signed with it; empty while he asks what to sign.
    """

    way: Way
    public: str = field(repr=False)
    proof: str = field(default="", repr=False)


class ApprovalsDeskApi(Wire):
    """Calls of ``orchestrator.api.approvals_desk``."""

    async def desk_approvals(self, deal: str, *, every: bool = False) -> list[ApprovalCard]:
        """What waits, as far as the viewer may see it; all that ever did with ``every``."""
        query = {"every": "true"} if every else {}
        return await self._get(list[ApprovalCard], f"{deal_path(deal)}/approvals", query)

    async def desk_approval(self, deal: str, request: str) -> ApprovalCard:
        """One request."""
        return await self._get(ApprovalCard, f"{deal_path(deal)}/approvals/{part(request)}")

    async def desk_approval_sign(
        self,
        deal: str,
        request: str,
        answer: Answered,
        signature: str,
        reason: Refusal | None = None,
    ) -> ApprovalCard:
        """Hands in the viewer's own signed answer; a no with its reason."""
        path = f"{deal_path(deal)}/approvals/{part(request)}/answer"
        body = {"answer": answer, "signature": signature, "reason": reason}
        return await self._post(ApprovalCard, path, body)

    async def desk_approval_back(self, deal: str, request: str) -> ApprovalCard:
        """Takes back what the viewer asked for."""
        return await self._post(
            ApprovalCard, f"{deal_path(deal)}/approvals/{part(request)}/back", {}
        )

    async def own_signing(self, deal: str) -> SigningView:
        """How the viewer signs."""
        return await self._get(SigningView, f"{deal_path(deal)}/signer")

    async def signing_offer(self, deal: str, person: str, roles: tuple[str, ...]) -> OfferView:
        """Asks somebody to make a key of his own."""
        body = {"person": person, "roles": list(roles)}
        return await self._post(OfferView, f"{deal_path(deal)}/signer/offers", body)

    async def own_key_proof(self, deal: str, key: OwnKey) -> ProofView:
        """What the viewer signs to prove that a key is his."""
        body = {"way": key.way, "public": key.public}
        return await self._post(ProofView, f"{deal_path(deal)}/signer/proof", body)

    async def own_key_enrol(self, deal: str, key: OwnKey) -> CredentialView:
        """Enrols the viewer's own key; in a founded deal it waits for two others."""
        body = {"way": key.way, "public": key.public, "proof": key.proof}
        return await self._post(CredentialView, f"{deal_path(deal)}/signer/key", body)
