"""Routes: real conversations through the whole path."""

from fastapi import APIRouter

from orchestrator.api.bodies import Rows, Start
from orchestrator.api.reach import OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.views import ReplayReport, Taken

router = APIRouter(prefix="/replays")


@router.post("", status_code=201)
async def replay_start(body: Start, home: OpenHome, actor: Actor) -> str:
    """Makes ready a run; answers its id."""
    deal = None if body.deal is None else await home.find_deal(body.deal)
    return await home.replay_start(deal, sample=body.sample, actor=actor)


@router.post("/{run}/rows")
async def replay_accept(run: str, body: Rows, home: OpenHome) -> Taken:
    """Hands rows in."""
    return await home.replay_accept(run, body.rows)


@router.get("/{run}")
async def replay_report(run: str, home: OpenHome) -> ReplayReport:
    """Where they stand."""
    return await home.replay_report(run)
