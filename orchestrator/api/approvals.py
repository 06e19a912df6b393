"""Routes: requests that wait for people, who may agree, and the founding of a deal."""

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.client.approvals import (
    CredentialView,
    NewCredential,
    ProofView,
    Refusal,
    RequestView,
)
from tiers.ids import PersonId

router = APIRouter()
LONGEST = 32_768
"""Characters of a key or signature that are read at all."""


class Key(Body):
    """A key or passkey to enrol, with its owner's proof once he made it."""

    person: str
    way: Literal["ssh", "passkey"]
    public: str = Field(repr=False, max_length=LONGEST)
    roles: tuple[str, ...]
    ties: tuple[str, ...] = ()
    proof: str = Field(default="", repr=False, max_length=LONGEST)

    def new(self) -> NewCredential:
        """What is to be enrolled."""
        return NewCredential(
            person=self.person,
            way=self.way,
            public=self.public,
            roles=self.roles,
            ties=self.ties,
        )


class Signature(Body):
    """A person's signed answer; a no with its reason."""

    answer: Literal["yes", "no"]
    reason: Refusal | None = None
    person: str
    signature: str = Field(repr=False, max_length=LONGEST)


@router.get("/approvals")
async def approval_list(
    home: OpenHome, asker: Asker, deal: str | None = None, *, every: bool = False
) -> Sequence[RequestView]:
    """What waits for people."""
    of = None if deal is None else await home.find_deal(deal)
    return await home.approvals_shown(of, asker, every=every)


@router.get("/approvals/{request}")
async def approval_show(request: str, home: OpenHome, asker: Asker) -> RequestView:
    """One, with the exact bytes that are signed."""
    return await home.approval_shown(request, asker)


@router.post("/approvals/{request}/answer")
async def approval_answer(
    request: str, body: Signature, home: OpenHome, actor: Actor
) -> RequestView:
    """Records a signed answer; the last yes carries the plan out."""
    given = (request, body.answer, PersonId(body.person), body.signature)
    return await home.approval_answer(*given, actor=actor, reason=body.reason)


@router.post("/approvals/{request}/back")
async def approval_take_back(request: str, home: OpenHome, actor: Actor) -> RequestView:
    """Takes it back, by whoever asked."""
    return await home.approval_take_back(request, actor=actor)


@router.post("/deals/{deal}/founding")
async def deal_found(deal: Deal, home: OpenHome, actor: Actor) -> RequestView:
    """Asks all who are enrolled to found the deal."""
    return await home.approval_show(await home.deal_found(deal, actor=actor))


@router.get("/deals/{deal}/approvers")
async def approver_list(deal: Deal, home: OpenHome) -> Sequence[CredentialView]:
    """Whose keys may sign."""
    return await home.approver_list(deal)


@router.post("/deals/{deal}/approvers/proof")
async def approver_proof(deal: Deal, body: Key, home: OpenHome) -> ProofView:
    """What its owner signs to prove that a key is his."""
    return await home.approver_proof(deal, body.new())


@router.post("/deals/{deal}/approvers")
async def approver_enrol(deal: Deal, body: Key, home: OpenHome, actor: Actor) -> CredentialView:
    """Enrols a key; in a founded deal it waits for two."""
    return await home.approver_enrol(deal, body.new(), body.proof, actor=actor)


@router.post("/deals/{deal}/approvers/{person}/withdraw")
async def approver_withdraw(deal: Deal, person: str, home: OpenHome, actor: Actor) -> int:
    """Takes all keys of a person away, at once; answers how many."""
    return await home.approver_withdraw(deal, PersonId(person), actor=actor)
