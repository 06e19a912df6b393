"""Routes: people who leave a deal, the proof of it, and lost devices."""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from orchestrator.api.bodies import LeaveReason, LostDevice
from orchestrator.api.reach import Deal, OpenHome, stream
from orchestrator.api.record import ARCHIVE
from orchestrator.api.who import Actor
from orchestrator.client.leaves import LeaveView, LostView
from tiers.ids import PersonId

router = APIRouter(prefix="/deals/{deal}")


@router.get("/leaves")
async def leave_list(deal: Deal, home: OpenHome) -> Sequence[LeaveView]:
    """Every leave, newest first."""
    return await home.leave_list(deal)


@router.get("/leaves/{person}")
async def leave_show(deal: Deal, person: str, home: OpenHome) -> LeaveView:
    """Somebody's last leave."""
    return await home.leave_show(deal, PersonId(person))


@router.post("/leaves/{person}")
async def leave(
    deal: Deal, person: str, body: LeaveReason, home: OpenHome, actor: Actor
) -> LeaveView:
    """Takes somebody out, at once."""
    return await home.leave(deal, PersonId(person), body.reason, actor=actor, wait=body.wait)


@router.post("/leaves/{person}/undo")
async def leave_undo(deal: Deal, person: str, home: OpenHome, actor: Actor) -> LeaveView:
    """Brings somebody back, in time and by two."""
    return await home.leave_undo(deal, PersonId(person), actor=actor)


@router.post("/leaves/{person}/proof")
async def leave_proof(deal: Deal, person: str, home: OpenHome, actor: Actor) -> StreamingResponse:
    """The signed proof, a tar archive; its export is an entry."""
    return await stream(home.leave_proof(deal, PersonId(person), actor=actor), ARCHIVE)


@router.post("/people/{person}/lost")
async def person_lost(
    deal: Deal, person: str, body: LostDevice, home: OpenHome, actor: Actor
) -> LostView:
    """Takes a lost device out for good."""
    return await home.person_lost(deal, PersonId(person), body.device, actor=actor)
