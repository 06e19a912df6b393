"""Routes: one key in full, what lapses soon, and a certificate in the place of another."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from orchestrator.api.bodies import Certificate
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.client.keys_desk import KeyCard, Lapse
from orchestrator.client.views import KeyView
from tiers.ids import PersonId

router = APIRouter(prefix="/deals/{deal}")
LONGEST = 366
"""Days ahead: no ceremony speaks for longer."""


class Replacement(Certificate):
    """A certificate, and the device whose key it is to replace."""

    old: str = Field(min_length=1, max_length=255)


@router.get("/keys/{key}")
async def key_show(deal: Deal, key: str, home: OpenHome, asker: Asker) -> Sequence[KeyCard]:
    """Every key of a person, or the one of that fingerprint or device name."""
    return await home.key_show(deal, key, asker)


@router.get("/lapsing")
async def key_lapsing(
    deal: Deal,
    home: OpenHome,
    asker: Asker,
    days: Annotated[int, Query(ge=1, le=LONGEST)] = 30,
) -> Sequence[Lapse]:
    """What lapses within so many days, first what ends first."""
    return await home.key_lapsing(deal, days, asker)


@router.post("/keys/{person}/replace", status_code=201)
async def key_replace(
    deal: Deal, person: str, body: Replacement, home: OpenHome, actor: Actor
) -> KeyView:
    """Takes in what is to stand in the place of another; until two compared it, neither counts."""
    return await home.key_replace(
        deal, PersonId(person), body.old, body.channel, body.armour.encode(), actor=actor
    )
