"""Routes: conversations and their rooms, keys and devices of people."""

from collections.abc import Sequence

from fastapi import APIRouter

from orchestrator.api.bodies import (
    Attestation,
    Ceremony,
    Certificate,
    Ending,
    Mark,
    Reason,
    StricterTier,
)
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.client.conversing import Closed, TierChange
from orchestrator.client.views import ConversationView, KeyView, NewConversation, NewRoom
from tiers.ids import PersonId

router = APIRouter(prefix="/deals/{deal}")


@router.get("/conversations")
async def conv_list(deal: Deal, home: OpenHome, asker: Asker) -> Sequence[ConversationView]:
    """Conversations of a deal."""
    return await home.conversations_shown(deal, asker)


@router.post("/conversations", status_code=201)
async def conv_new(
    deal: Deal, body: NewConversation, home: OpenHome, actor: Actor
) -> ConversationView:
    """Makes a room, hardens it, invites and reads back."""
    return await home.conv_new(deal, body, actor=actor)


@router.post("/conversations/{name}/rooms", status_code=201)
async def conv_room_add(
    deal: Deal, name: str, body: NewRoom, home: OpenHome, actor: Actor
) -> ConversationView:
    """Makes the rooms of one more channel, or an alternate to a room."""
    return await home.conv_room_add(deal, name, body, actor=actor)


@router.get("/conversations/{name}")
async def conv_show(deal: Deal, name: str, home: OpenHome, asker: Asker) -> ConversationView:
    """One conversation, by label or id."""
    return await home.conversation_shown(deal, name, asker)


@router.post("/conversations/{name}/pause")
async def conv_pause(
    deal: Deal, name: str, body: Reason, home: OpenHome, actor: Actor
) -> ConversationView:
    """Stops what we send there."""
    return await home.conv_pause(deal, name, body.reason, actor=actor)


@router.post("/conversations/{name}/resume")
async def conv_resume(deal: Deal, name: str, home: OpenHome, actor: Actor) -> ConversationView:
    """Lets it go on where a fresh reading allows it."""
    return await home.conv_resume(deal, name, actor=actor)


@router.post("/conversations/{name}/tier")
async def conv_tier(
    deal: Deal, name: str, body: StricterTier, home: OpenHome, actor: Actor
) -> TierChange:
    """Has it count as a stricter tier from now on; never as a less strict one."""
    by, look = PersonId(body.by), body.only_look
    return await home.conv_tier(deal, name, body.tier, by=by, only_look=look, actor=actor)


@router.post("/conversations/{name}/close")
async def conv_close(deal: Deal, name: str, body: Ending, home: OpenHome, actor: Actor) -> Closed:
    """Ends it, for good: nothing is taken any more, and its rooms are given up."""
    waiting, look = body.even_waiting, body.only_look
    return await home.conv_close(deal, name, even_waiting=waiting, only_look=look, actor=actor)


@router.post("/attestations", status_code=201)
async def conv_attest(
    deal: Deal, body: Attestation, home: OpenHome, actor: Actor
) -> ConversationView:
    """Records what a named person saw."""
    by = PersonId(body.by)
    return await home.conv_attest(deal, body.room, body.guarantee, body.value, by=by, actor=actor)


@router.get("/keys")
async def key_list(
    deal: Deal, home: OpenHome, asker: Asker, person: str | None = None
) -> Sequence[KeyView]:
    """The newest state of each device."""
    return await home.keys_shown(deal, None if person is None else PersonId(person), asker)


@router.post("/keys/{person}/verify")
async def key_verify(
    deal: Deal, person: str, body: Ceremony, home: OpenHome, actor: Actor
) -> Sequence[KeyView]:
    """Records a ceremony of two people."""
    one, other = PersonId(body.by_a), PersonId(body.by_b)
    return await home.key_verify(
        deal,
        PersonId(person),
        one,
        other,
        compared=body.compared,
        words=body.words,
        replaces=body.replaces,
        actor=actor,
    )


@router.post("/keys/{person}/add", status_code=201)
async def key_add(
    deal: Deal, person: str, body: Certificate, home: OpenHome, actor: Actor
) -> KeyView:
    """Takes a person's certificate in as a proposal."""
    return await home.key_add(
        deal, PersonId(person), body.channel, body.armour.encode(), actor=actor
    )


@router.post("/keys/{person}/mark")
async def key_mark(deal: Deal, person: str, body: Mark, home: OpenHome, actor: Actor) -> KeyView:
    """Takes a device out for ever."""
    return await home.key_mark(deal, PersonId(person), body.device, body.event, actor=actor)
