"""Routes: rows against the record, the controls of rooms, and the signed pack of both."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from orchestrator.api.reach import Chain, Deal, OpenHome, stream
from orchestrator.api.record import ARCHIVE
from orchestrator.api.who import Actor
from orchestrator.client.evidence import EvidenceView, StateReport

router = APIRouter(prefix="/deals/{deal}")


@router.get("/audit/state")
async def audit_state(deal: Chain, home: OpenHome) -> StateReport:
    """Whether every row that permits is as the chain states it."""
    return await home.audit_state(deal)


@router.get("/evidence")
async def evidence_show(
    deal: Deal, home: OpenHome, conversation: str | None = None
) -> EvidenceView:
    """Each control of each room, with its grade, by whom, and since when."""
    return await home.evidence_show(deal, conversation)


@router.post("/evidence/export")
async def evidence_export(deal: Deal, home: OpenHome, actor: Actor) -> StreamingResponse:
    """A signed pack, a tar archive; itself an entry."""
    return await stream(home.evidence_export(deal, actor=actor), ARCHIVE)
