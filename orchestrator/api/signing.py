"""Routes: when a deal is to be signed, and its signing windows."""

from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.audit.body import LARGEST_INT
from orchestrator.client.signing import NewWindow, SigningView, WindowView

router = APIRouter(prefix="/deals/{deal}", tags=["signing"])
Instant = Field(default=None, ge=0, le=LARGEST_INT)


class SigningBody(Body):
    """When a deal is to be signed, microseconds UTC; null: nobody knows any more."""

    signing: int | None = Instant


class WindowBody(Body):
    """A signing window that somebody asks for."""

    people: list[str] = Field(min_length=1, max_length=200)
    conversations: list[str] = Field(min_length=1, max_length=200, repr=False)
    opens: int | None = Instant
    closes: int | None = Instant


@router.get("/signing")
async def signing_show(deal: Deal, home: OpenHome) -> SigningView:
    """When a deal is to be signed."""
    return await home.signing_show(deal)


@router.post("/signing")
async def signing_set(deal: Deal, body: SigningBody, home: OpenHome, actor: Actor) -> SigningView:
    """Says when a deal is to be signed; windows for another date are over."""
    return await home.signing_set(deal, body.signing, actor=actor)


@router.get("/windows")
async def window_list(deal: Deal, home: OpenHome) -> Sequence[WindowView]:
    """Signing windows that two people agreed to and nobody withdrew."""
    return await home.window_list(deal)


@router.post("/windows")
async def window_new(deal: Deal, body: WindowBody, home: OpenHome, actor: Actor) -> None:
    """Asks two people for a signing window."""
    new = NewWindow(
        people=tuple(body.people),
        conversations=tuple(body.conversations),
        opens=body.opens,
        closes=body.closes,
    )
    await home.window_new(deal, new, actor=actor)


@router.post("/windows/{window}/close")
async def window_close(deal: Deal, window: str, home: OpenHome, actor: Actor) -> None:
    """Ends a signing window, at once."""
    await home.window_close(deal, window, actor=actor)
