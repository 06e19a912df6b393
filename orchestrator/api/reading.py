"""Route: who can read what."""

from fastapi import APIRouter

from orchestrator.api.reach import Deal, OpenHome
from orchestrator.client.reading import ReadingView

router = APIRouter(prefix="/deals/{deal}", tags=["reading"])


@router.get("/who-reads")
async def who_reads(deal: Deal, home: OpenHome) -> ReadingView:
    """Each component and role against each kind of thing, with why."""
    return await home.who_reads(deal)
