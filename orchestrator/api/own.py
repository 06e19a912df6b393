"""Routes: the page of whoever asks, and what he does about himself. They take nobody's name."""

from fastapi import APIRouter

from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.card import OwnView
from orchestrator.client.leaves import LeaveView
from orchestrator.client.trouble import TroubleView

router = APIRouter(prefix="/deals/{deal}/own")
LEFT = "left"


@router.get("")
async def own(deal: Deal, home: OpenHome, asker: Asker) -> OwnView:
    """My conversations, who can see them, and what I have to do."""
    return await home.own(deal, asker)


@router.post("/new-phone")
async def own_new_phone(deal: Deal, home: OpenHome, asker: Asker) -> TroubleView:
    """I have a new phone."""
    return await home.person_new_phone(deal, home.own_person(deal, asker), actor=asker.actor)


@router.post("/phished")
async def own_phished(deal: Deal, home: OpenHome, asker: Asker) -> TroubleView:
    """Somebody else may have my account."""
    return await home.person_phished(deal, home.own_person(deal, asker), actor=asker.actor)


@router.post("/not-me")
async def own_not_me(deal: Deal, home: OpenHome, asker: Asker) -> int:
    """A way that signs me in, or a session, is not mine: all of it ends, and I am paused."""
    home.own_person(deal, asker)
    return await home.own_not_me(asker)


@router.post("/leave")
async def own_leave(deal: Deal, home: OpenHome, asker: Asker) -> LeaveView:
    """I leave the deal."""
    person = home.own_person(deal, asker)
    return await home.leave(deal, person, LEFT, actor=asker.actor, wait=False)
