"""Routes: approvals at the desk. Who answers is the viewer himself, never a name in the body."""

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.approvals import LONGEST
from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.approvals import CredentialView, ProofView, Refusal
from orchestrator.client.approvals_desk import ApprovalCard, OfferView, OwnKey, SigningView
from tiers.ids import PersonId

router = APIRouter(prefix="/deals/{deal}")


class OwnAnswer(Body):
    """The viewer's own signed answer; a no with its reason."""

    answer: Literal["yes", "no"]
    reason: Refusal | None = None
    signature: str = Field(repr=False, max_length=LONGEST)


class Offer(Body):
    """Who is asked to make a key, and for which roles."""

    person: str = Field(max_length=64)
    roles: tuple[str, ...] = Field(max_length=4)


class NewOwnKey(Body):
    """The viewer's own key or passkey, with his proof once he made it."""

    way: Literal["ssh", "passkey"]
    public: str = Field(repr=False, max_length=LONGEST)
    proof: str = Field(default="", repr=False, max_length=LONGEST)

    def own(self) -> OwnKey:
        """What is to be enrolled."""
        return OwnKey(way=self.way, public=self.public, proof=self.proof)


@router.get("/approvals")
async def desk_approvals(
    deal: Deal, home: OpenHome, asker: Asker, *, every: bool = False
) -> Sequence[ApprovalCard]:
    """What waits for people, as far as the viewer may see it."""
    return await home.desk_approvals(deal, asker, every=every)


@router.get("/approvals/{request}")
async def desk_approval(deal: Deal, request: str, home: OpenHome, asker: Asker) -> ApprovalCard:
    """One request, with the exact bytes that are signed."""
    return await home.desk_approval(deal, request, asker)


@router.post("/approvals/{request}/answer")
async def desk_approval_sign(
    deal: Deal, request: str, body: OwnAnswer, home: OpenHome, asker: Asker
) -> ApprovalCard:
    """Records the viewer's own signed answer; the last yes carries the plan out."""
    given = (deal, request, body.answer, body.signature, asker)
    return await home.desk_approval_sign(*given, reason=body.reason)


@router.post("/approvals/{request}/back")
async def desk_approval_back(
    deal: Deal, request: str, home: OpenHome, asker: Asker
) -> ApprovalCard:
    """Takes back what the viewer asked for."""
    return await home.desk_approval_back(deal, request, asker)


@router.get("/signer")
async def own_signing(deal: Deal, home: OpenHome, asker: Asker) -> SigningView:
    """How the viewer signs, and what he was asked to enrol."""
    return await home.own_signing(deal, asker)


@router.post("/signer/offers", status_code=201)
async def signing_offer(deal: Deal, body: Offer, home: OpenHome, asker: Asker) -> OfferView:
    """Asks somebody to make a key of his own, for a day."""
    return await home.signing_offer(deal, PersonId(body.person), body.roles, asker)


@router.post("/signer/proof")
async def own_key_proof(deal: Deal, body: NewOwnKey, home: OpenHome, asker: Asker) -> ProofView:
    """What the viewer signs to prove that a key is his."""
    return await home.own_key_proof(deal, body.own(), asker)


@router.post("/signer/key", status_code=201)
async def own_key_enrol(
    deal: Deal, body: NewOwnKey, home: OpenHome, asker: Asker
) -> CredentialView:
    """Enrols the viewer's own key; in a founded deal it waits for two others."""
    return await home.own_key_enrol(deal, body.own(), asker)
