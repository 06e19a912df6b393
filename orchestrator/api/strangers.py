"""Routes: what is kept and nobody believes."""

from collections.abc import Sequence

from fastapi import APIRouter

from orchestrator.api.bodies import Body
from orchestrator.api.reach import OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.people import EnrolmentView
from orchestrator.client.strangers import KeptView
from tiers.ids import PersonId


class Admission(Body):
    """As whom a stranger is asked to enrol, and who answers for it."""

    deal: str
    person: str
    by: str


router = APIRouter(prefix="/quarantine")


@router.get("")
async def quarantine_list(home: OpenHome, *, every: bool = False) -> Sequence[KeptView]:
    """What is kept."""
    return await home.quarantine_list(every=every)


@router.get("/{kept}")
async def quarantine_show(kept: str, home: OpenHome) -> KeptView:
    """One."""
    return await home.quarantine_show(kept)


@router.post("/{kept}/drop")
async def quarantine_drop(kept: str, home: OpenHome, actor: Actor) -> KeptView:
    """Destroys its bytes."""
    return await home.quarantine_drop(kept, actor=actor)


@router.post("/{kept}/admit")
async def quarantine_admit(
    kept: str, body: Admission, home: OpenHome, actor: Actor
) -> EnrolmentView:
    """Begins the enrolment of a person on that channel."""
    deal = await home.find_deal(body.deal)
    person, by = PersonId(body.person), PersonId(body.by)
    return await home.quarantine_admit(kept, deal, person, by, actor=actor)
