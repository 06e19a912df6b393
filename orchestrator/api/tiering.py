"""Routes: why a text would land where it does, and the deal's watch list."""

from typing import Any

from fastapi import APIRouter

from orchestrator.api.bodies import Listed, Question
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor

router = APIRouter(prefix="/deals/{deal}")


@router.post("/tiers/explain")
async def tier_explain(deal: Deal, body: Question, home: OpenHome) -> dict[str, Any]:
    """Tier, strength and places; nothing is kept and the text is in no answer."""
    return await home.tier_explain(deal, body.text, body.floor)


@router.get("/watch-list")
async def watch_size(deal: Deal, home: OpenHome) -> int:
    """How many entries; never which."""
    return await home.watch_size(deal)


@router.post("/watch-list", status_code=201)
async def watch_add(deal: Deal, body: Listed, home: OpenHome, actor: Actor) -> int:
    """Adds code names and amounts; answers how many entries there are now."""
    return await home.watch_add(deal, body.names, body.amounts, actor=actor)
