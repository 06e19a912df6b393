"""Routes: messages handed in, held, dead or in doubt. No body ever goes out here."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import unquote

from fastapi import APIRouter, Request

from orchestrator.api.bodies import Target, Text
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.client.problems import Wrong
from orchestrator.client.views import DeliveryView, FileHead, HeldView, MessageView, Post, Sent
from tiers.ids import DeliveryId, MessageId

router = APIRouter()


@router.post("/deals/{deal}/messages", status_code=202)
async def send_text(deal: Deal, body: Text, home: OpenHome, actor: Actor) -> Sent:
    """Accepts a text."""
    post = Post(person=body.person, conversation=body.conversation, key=body.key)
    return await home.send_text(deal, post, body.text, actor=actor)


@router.post("/deals/{deal}/files", status_code=202)
async def send_file(deal: Deal, request: Request, home: OpenHome, actor: Actor) -> Sent:
    """Accepts a file: the request's body, as it arrives.

    Who and what come as percent-encoded headers (``wallcross-person``, ``wallcross-conversation``,
    ``wallcross-key``, ``wallcross-name``), so that no form is staged on disk.
    """
    head = request.headers
    size = head.get("content-length", "")
    person, name = header(request, "person"), header(request, "name")
    if not (person and name and size.isdigit()):
        raise Wrong("A file needs a person, a name and a length")
    file = FileHead(name=name, size=int(size), media_type=head.get("content-type", _UNKNOWN))
    key, conversation = header(request, "key"), header(request, "conversation")
    post = Post(person=person, conversation=conversation, file=file, key=key)
    return await home.send_file(deal, post, request.stream(), actor=actor)


_UNKNOWN = "application/octet-stream"


def header(request: Request, name: str) -> str | None:
    """A percent-encoded header of ours, ``wallcross-<name>``."""
    value = request.headers.get(f"wallcross-{name}")
    return None if value is None else unquote(value)


@router.get("/messages/{message}")
async def message_show(message: str, home: OpenHome, asker: Asker) -> MessageView:
    """Where a message stands."""
    return await home.message_shown(MessageId(message), asker)


@router.get("/held")
async def held_list(home: OpenHome, asker: Asker, deal: str | None = None) -> Sequence[HeldView]:
    """What waits."""
    return await home.held_shown(None if deal is None else await home.find_deal(deal), asker)


@router.post("/held/{message}/move")
async def held_move(
    message: str, body: Target, home: OpenHome, actor: Actor, asker: Asker
) -> HeldView:
    """Into the same or a stricter conversation."""
    moved, where = MessageId(message), body.conversation
    return await home.held_move(moved, where, actor=actor, viewer=asker)


@router.post("/held/{message}/drop")
async def held_drop(message: str, home: OpenHome, actor: Actor) -> HeldView:
    """Never to be sent."""
    return await home.held_drop(MessageId(message), actor=actor)


@router.post("/held/{message}/release")
async def held_release(message: str, home: OpenHome, actor: Actor, asker: Asker) -> HeldView:
    """As it was addressed."""
    return await home.held_release(MessageId(message), actor=actor, viewer=asker)


@router.get("/deliveries")
async def delivery_list(
    home: OpenHome, state: Literal["dead", "possibly"], deal: str | None = None
) -> Sequence[DeliveryView]:
    """Deliveries that a person must look at."""
    return await home.delivery_list(None if deal is None else await home.find_deal(deal), state)


@router.post("/deliveries/{delivery}/retry")
async def delivery_retry(delivery: str, home: OpenHome, actor: Actor) -> DeliveryView:
    """Queues one again, marked."""
    return await home.delivery_retry(DeliveryId(delivery), actor=actor)
