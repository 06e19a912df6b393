"""Routes: tokens of bots. A secret leaves once, in the answer that makes it."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.sign_in import NO_STORE
from orchestrator.api.who import Actor
from orchestrator.client.bots import NewToken, Scope, TokenView, TokenWanted

router = APIRouter()


class Wanted(Body):
    """A token that is wanted."""

    label: str
    highest: str
    conversations: tuple[str, ...]
    persons: tuple[str, ...]
    days: int = 90
    each_minute: int = 30
    scope: Scope = "send"


@router.get("/deals/{deal}/tokens")
async def token_list(deal: Deal, home: OpenHome) -> Sequence[TokenView]:
    """A deal's tokens."""
    return await home.token_list(deal)


@router.post("/deals/{deal}/tokens")
async def token_new(
    deal: Deal, body: Wanted, home: OpenHome, actor: Actor, response: Response
) -> NewToken:
    """Makes a token; in a founded deal it counts once two people agreed."""
    response.headers["cache-control"] = NO_STORE
    return await home.token_new(deal, TokenWanted(**body.model_dump()), actor=actor)


@router.post("/deals/{deal}/tokens/{token}/revoke")
async def token_revoke(deal: Deal, token: str, home: OpenHome, actor: Actor) -> TokenView:
    """Takes a token away, at once."""
    return await home.token_revoke(deal, token, actor=actor)
