"""Routes: legal holds."""

from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.legal_holds import LegalHoldView, NewLegalHold
from tiers.ids import HoldId

router = APIRouter(prefix="/deals/{deal}/legal-holds", tags=["legal holds"])


class LegalHoldBody(Body):
    """A legal hold: its matter, and what it covers; nothing named: the whole deal."""

    matter: str = Field(min_length=1, max_length=60)
    by: str = Field(min_length=1, max_length=64)
    conversations: list[str] = Field(default=[], max_length=200, repr=False)
    persons: list[str] = Field(default=[], max_length=200)


@router.get("")
async def legal_hold_list(
    deal: Deal, home: OpenHome, *, every: bool = False
) -> Sequence[LegalHoldView]:
    """Legal holds that stand, and what each keeps; with ``every`` those that were released too."""
    return await home.legal_hold_list(deal, every=every)


@router.post("", status_code=201)
async def legal_hold_new(
    deal: Deal, body: LegalHoldBody, home: OpenHome, actor: Actor
) -> LegalHoldView:
    """Places a legal hold, at once: it takes nothing from anybody."""
    new = NewLegalHold(
        matter=body.matter,
        by=body.by,
        conversations=tuple(body.conversations),
        persons=tuple(body.persons),
    )
    return await home.legal_hold_new(deal, new, actor=actor)


@router.post("/{legal_hold}/release")
async def legal_hold_release(
    deal: Deal, legal_hold: str, home: OpenHome, actor: Actor
) -> LegalHoldView:
    """Ends a legal hold; in a founded deal once two people agreed."""
    return await home.legal_hold_release(deal, HoldId(legal_hold), actor=actor)
