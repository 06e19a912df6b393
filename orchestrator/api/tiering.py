"""Routes: the tiers in force, why a text would land where it does, what changed rules would do.

Rule kept here: a text comes in a request's body, is in no answer, no error and no repr, and is not
kept.
"""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.bodies import Body, Entries, Listed, Question
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.tiers import TEXTS, Rules, Sample, SimulationView, TiersView

router = APIRouter()
_DEAL = "/deals/{deal}"


class SampleText(Body):
    """A text to be judged, in a conversation of ``floor``; none: it goes by its own tier."""

    text: str = Field(repr=False)
    subject: str = Field(default="", repr=False)
    floor: Literal["coordination", "operations", "valuation"] | None = None


class Changed(Body):
    """Rules as they would be, and what is asked of them; no policy: the one in force."""

    policy: str | None = Field(default=None, repr=False)
    names: Entries = Field(default=[], repr=False)
    amounts: Entries = Field(default=[], repr=False)
    texts: list[SampleText] = Field(default=[], max_length=TEXTS, repr=False)
    effects: bool = False


@router.get(f"{_DEAL}/tiers")
async def tier_list(deal: Deal, home: OpenHome) -> TiersView:
    """The tiers in force, the strictest first, with channels of the home and what raises a text."""
    return await home.tier_list(deal)


@router.post("/rules/simulate")
async def rules_simulate(deal: Deal, body: Changed, home: OpenHome) -> SimulationView:
    """What changed rules would do to texts and to the deal; nothing is changed or kept."""
    rules = Rules(policy=body.policy, names=body.names, amounts=body.amounts)
    texts = [Sample(text=t.text, subject=t.subject, floor=t.floor) for t in body.texts]
    return await home.rules_simulate(deal, rules, texts, effects=body.effects)


@router.post(f"{_DEAL}/tiers/explain")
async def tier_explain(deal: Deal, body: Question, home: OpenHome) -> dict[str, Any]:
    """Tier, strength and places; nothing is kept and the text is in no answer."""
    return await home.tier_explain(deal, body.text, body.floor)


@router.get(f"{_DEAL}/watch-list")
async def watch_size(deal: Deal, home: OpenHome) -> int:
    """How many entries; never which."""
    return await home.watch_size(deal)


@router.post(f"{_DEAL}/watch-list", status_code=201)
async def watch_add(deal: Deal, body: Listed, home: OpenHome, actor: Actor) -> int:
    """Adds code names and amounts; answers how many entries there are now."""
    return await home.watch_add(deal, body.names, body.amounts, actor=actor)
