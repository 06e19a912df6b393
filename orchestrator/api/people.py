"""Routes: people of a deal, one screen each."""

from collections.abc import Sequence

from fastapi import APIRouter

from orchestrator.api.reach import Deal, OpenHome
from orchestrator.client.people import PersonView
from tiers.ids import PersonId

router = APIRouter(prefix="/deals/{deal}/people")


@router.get("")
async def person_list(deal: Deal, home: OpenHome) -> Sequence[PersonView]:
    """Everybody, in the roster's order."""
    return await home.person_list(deal)


@router.get("/{person}")
async def person_show(deal: Deal, person: str, home: OpenHome) -> PersonView:
    """One person."""
    return await home.person_show(deal, PersonId(person))
