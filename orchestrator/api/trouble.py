"""Routes: people in trouble, and how to ask them back."""

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.trouble import CallBackView, TroubleView
from tiers.ids import PersonId


class Why(Body):
    """Why somebody is paused, as a short code."""

    reason: str = Field(pattern=r"^[a-z_]{1,32}$")


router = APIRouter(prefix="/deals/{deal}/people/{person}")


@router.post("/pause")
async def person_pause(
    deal: Deal, person: str, body: Why, home: OpenHome, actor: Actor
) -> TroubleView:
    """Clears him for nothing, at once."""
    return await home.person_pause(deal, PersonId(person), body.reason, actor=actor)


@router.post("/resume")
async def person_resume(deal: Deal, person: str, home: OpenHome, actor: Actor) -> TroubleView:
    """Gives him back what the roster grants."""
    return await home.person_resume(deal, PersonId(person), actor=actor)


@router.post("/phished")
async def person_phished(deal: Deal, person: str, home: OpenHome, actor: Actor) -> TroubleView:
    """Takes him for taken over."""
    return await home.person_phished(deal, PersonId(person), actor=actor)


@router.post("/new-phone")
async def person_new_phone(deal: Deal, person: str, home: OpenHome, actor: Actor) -> TroubleView:
    """Expects another key of his."""
    return await home.person_new_phone(deal, PersonId(person), actor=actor)


@router.get("/callback")
async def person_call_back(deal: Deal, person: str, home: OpenHome) -> CallBackView:
    """How to ask him back."""
    return await home.person_call_back(deal, PersonId(person))
