"""Routes: held messages at the desk. One of them answers a text: once, to one person, uncached.

Rule kept here: the reveal is a POST without a parameter in its address, its answer is marked as
never to be stored, and what fails in it says nothing of the text.
"""

from fastapi import APIRouter, Response
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.held_desk import HeldDeskView, HeldDone, RevealedView
from tiers.ids import MessageId

router = APIRouter(prefix="/deals/{deal}/held")
NEVER_STORED = {
    "cache-control": "no-store, private",
    "pragma": "no-cache",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
}


class WayOut(Body):
    """The conversation that it goes to."""

    conversation: str = Field(max_length=64)


class Matter(Body):
    """Why it is to be read: counsel's matter number."""

    matter: str | None = Field(default=None, max_length=40)


@router.get("")
async def held_desk(deal: Deal, home: OpenHome, asker: Asker) -> HeldDeskView:
    """What is held, as far as the viewer may see it."""
    return await home.held_desk(deal, asker)


@router.post("/{message}/move")
async def held_desk_move(
    deal: Deal, message: str, body: WayOut, home: OpenHome, asker: Asker
) -> HeldDone:
    """Into the same or a stricter conversation, at once."""
    return await home.held_desk_move(deal, MessageId(message), body.conversation, asker)


@router.post("/{message}/drop")
async def held_desk_drop(deal: Deal, message: str, home: OpenHome, asker: Asker) -> HeldDone:
    """Never to be sent."""
    return await home.held_desk_drop(deal, MessageId(message), asker)


@router.post("/{message}/ask")
async def held_desk_ask(deal: Deal, message: str, home: OpenHome, asker: Asker) -> HeldDone:
    """Asks two people for its release."""
    return await home.held_desk_ask(deal, MessageId(message), asker)


@router.post("/{message}/reveal/ask")
async def held_reveal_ask(
    deal: Deal, message: str, body: Matter, home: OpenHome, asker: Asker
) -> HeldDone:
    """Asks two people to let the viewer read it, once."""
    return await home.held_reveal_ask(deal, MessageId(message), body.matter, asker)


@router.post("/{message}/reveal/open")
async def held_reveal_open(
    deal: Deal, message: str, home: OpenHome, asker: Asker, response: Response
) -> RevealedView:
    """Its text, once, to whom two people agreed to; it is shown for a minute and kept nowhere."""
    response.headers.update(NEVER_STORED)
    return await home.held_reveal_open(deal, MessageId(message), asker)
