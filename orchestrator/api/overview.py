"""Routes: a deal on one page, and how many things need whoever asks."""

from collections.abc import Mapping

from fastapi import APIRouter

from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.overview import Overview

router = APIRouter(prefix="/deals/{deal}")


@router.get("/overview")
async def deal_overview(deal: Deal, home: OpenHome, asker: Asker) -> Overview:
    """The deal on one page, as far as the viewer may see it."""
    return await home.deal_overview(deal, asker)


@router.get("/needs")
async def deal_needs(deal: Deal, home: OpenHome, asker: Asker) -> Mapping[str, int]:
    """How many things need the viewer, by page."""
    return await home.deal_needs(deal, asker)
