"""Routes: a roster's history and reviews, the deal's phase, and who might see what when."""

from collections.abc import Sequence

from fastapi import APIRouter

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.rosters import CouldSee, HistoryRow, ReviewView, WhoCouldSee
from tiers.ids import PersonId
from tiers.people import Phase

router = APIRouter(prefix="/deals/{deal}")


class InPhase(Body):
    """The phase that a deal is to be in."""

    phase: Phase


class Reviewed(Body):
    """Who looked through it."""

    by: str


@router.put("/phase")
async def deal_phase(deal: Deal, body: InPhase, home: OpenHome, actor: Actor) -> bool:
    """Puts a deal into a phase; whether it was in another."""
    return await home.deal_phase(deal, body.phase, actor=actor)


@router.get("/roster/history")
async def roster_history(deal: Deal, home: OpenHome) -> Sequence[HistoryRow]:
    """Every adoption, phase and review."""
    return await home.roster_history(deal)


@router.get("/roster/adopted/{name}")
async def roster_once(deal: Deal, name: str, home: OpenHome) -> str:
    """The document of a roster that was adopted once."""
    return await home.roster_once(deal, name)


@router.post("/roster/reviews", status_code=201)
async def roster_review(deal: Deal, body: Reviewed, home: OpenHome, actor: Actor) -> ReviewView:
    """Somebody looked through who may see what."""
    return await home.roster_review(deal, PersonId(body.by), actor=actor)


@router.get("/roster/could-see/{person}")
async def could_see(
    deal: Deal, person: str, at: int, home: OpenHome, known_at: int | None = None
) -> CouldSee:
    """What a person might see at an instant."""
    return await home.could_see(deal, PersonId(person), at, known_at)


@router.get("/roster/who-could-see/{conversation}")
async def who_could_see(
    deal: Deal, conversation: str, at: int, home: OpenHome, known_at: int | None = None
) -> WhoCouldSee:
    """Who might read a conversation at an instant."""
    return await home.who_could_see(deal, conversation, at, known_at)
