"""Routes: people against conversations, one person's card, and the list changed at the desk."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.paging import Paged
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.client.card import AccessChange, AccessView, CardView, ListParts, NewPerson
from orchestrator.client.leaves import HoldsView
from orchestrator.client.memberships import Differs, MembershipQuestion, MembershipsView, Shown
from orchestrator.client.paging import Stretch
from tiers.ids import PersonId

Highest = Literal["coordination", "operations", "valuation"]
Instant = Annotated[int, Field(ge=0, lt=2**62)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Compartment = Annotated[str, Field(min_length=1, max_length=64)]


class Access(Body):
    """What somebody is to read; without ``shown`` it is only shown."""

    compartment: Compartment | None = None
    highest: Highest | None = None
    until: Instant | None = None
    at: Instant | None = None
    shown: Digest | None = None


class Newcomer(Body):
    """Somebody to be listed; without ``shown`` it is only shown."""

    person: str = Field(default="", max_length=64)
    name: str = Field(min_length=1, max_length=200)
    side: str = Field(min_length=1, max_length=64)
    role: str = Field(default="", max_length=200)
    accounts: dict[str, str] = Field(default_factory=dict, max_length=20)
    compartment: Compartment = "deal"
    highest: Highest | None = None
    until: Instant | None = None
    at: Instant | None = None
    shown: Digest | None = None


router = APIRouter(prefix="/deals/{deal}")


@router.get("/memberships")
async def memberships(
    deal: Deal,
    home: OpenHome,
    asker: Asker,
    paging: Paged,
    shown: Shown = "first",
    state: Differs | None = None,
    search: Annotated[str, Query(max_length=100)] = "",
    person: Annotated[str | None, Query(max_length=64)] = None,
) -> MembershipsView:
    """Who should be where, and who is: one page of people against conversations."""
    question = MembershipQuestion(shown=shown, state=state, search=search, person=person)
    view, after = await home.memberships(deal, question, paging.window, asker)
    return replace(view, next=paging.page(Stretch(items=view.items, after=after)).next)


@router.get("/people/{person}/card")
async def person_card(deal: Deal, person: str, home: OpenHome, asker: Asker) -> CardView:
    """One person: access, standing, devices, and what may be done."""
    return await home.person_card(deal, PersonId(person), asker)


@router.get("/people/{person}/keeps")
async def person_keeps(
    deal: Deal, person: str, home: OpenHome, asker: Asker
) -> Sequence[HoldsView]:
    """What reached him and cannot be taken back, in numbers."""
    return await home.person_keeps(deal, PersonId(person), asker)


@router.get("/roster/parts")
async def list_parts(deal: Deal, home: OpenHome, asker: Asker) -> ListParts:
    """What somebody new may be listed with."""
    return await home.list_parts(deal, asker)


@router.post("/people/{person}/access")
async def person_access(
    deal: Deal, person: str, body: Access, home: OpenHome, actor: Actor
) -> AccessView:
    """Shows a change of what somebody may see, or asks for exactly what was shown."""
    change = AccessChange(**body.model_dump())
    return await home.person_access(deal, PersonId(person), change, actor=actor)


@router.post("/people")
async def person_add(deal: Deal, body: Newcomer, home: OpenHome, asker: Asker) -> AccessView:
    """Shows somebody new on the list, or asks for exactly what was shown."""
    return await home.person_add(deal, NewPerson(**body.model_dump()), asker)
