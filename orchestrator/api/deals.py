"""Routes: deals, and what is in force for them."""

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.bodies import Body, Document, NewDeal
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.client.closing import ClosingView
from orchestrator.client.views import AdoptionView, DealView
from orchestrator.config.policy import default_text, read_policy

router = APIRouter(prefix="/deals")
Kind = Literal["policy", "roster"]


class Close(Body):
    """The deal's code name, typed again, and whether what waits is dropped."""

    code: str = Field(min_length=1, max_length=64)
    even_waiting: bool = False


@router.get("")
async def deal_list(home: OpenHome, asker: Asker) -> Sequence[DealView]:
    """Every deal."""
    return await home.deals_shown(asker)


@router.post("", status_code=201)
async def deal_new(body: NewDeal, home: OpenHome, actor: Actor) -> DealView:
    """Makes a deal with its policy in force."""
    policy = body.policy or read_policy(default_text())
    return await home.deal_new(body.code, made_up=body.made_up, policy=policy, actor=actor)


@router.get("/{deal}")
async def deal_show(deal: Deal, home: OpenHome) -> DealView:
    """One deal."""
    return await home.deal_show(deal)


@router.get("/{deal}/closing")
async def deal_closing(deal: Deal, home: OpenHome) -> ClosingView:
    """What the end of a deal comes to, or came to; nothing is changed."""
    return await home.deal_closing(deal)


@router.post("/{deal}/close")
async def deal_close(deal: Deal, body: Close, home: OpenHome, actor: Actor) -> ClosingView:
    """Closes a deal for good; in a founded deal once two people agreed."""
    return await home.deal_close(deal, body.code, even_waiting=body.even_waiting, actor=actor)


@router.get("/{deal}/adopted/{kind}")
async def in_force(deal: Deal, kind: Kind, home: OpenHome) -> AdoptionView:
    """What is in force."""
    return await home.in_force(deal, kind)


@router.put("/{deal}/adopted/{kind}")
async def adopt(
    deal: Deal, kind: Kind, body: Document, home: OpenHome, actor: Actor
) -> AdoptionView:
    """Puts a document in force."""
    of = body.in_place_of
    return await home.adopt(deal, kind, body.document, actor=actor, in_place_of=of)
