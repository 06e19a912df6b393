"""Routes: channel accounts."""

from collections.abc import Sequence

from fastapi import APIRouter

from orchestrator.api.bodies import Reason, Rebuild, Rotation, Trial
from orchestrator.api.reach import OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.rebuilding import RebuiltRoom
from orchestrator.client.rotating import Rotated
from orchestrator.client.views import ChannelTest, ChannelView
from tiers.ids import ConnectorName

router = APIRouter(prefix="/channels")


@router.get("")
async def channel_list(home: OpenHome) -> Sequence[ChannelView]:
    """Every configured channel."""
    return await home.channel_list()


@router.get("/certificate")
async def key_export(home: OpenHome, channel: str | None = None) -> str:
    """Our own certificate in armour, for people to take in."""
    return await home.key_export(channel)


@router.post("/{name}/test")
async def channel_test(name: str, body: Trial, home: OpenHome, actor: Actor) -> ChannelTest:
    """The safe live check, recorded."""
    told = body.real_server
    return await home.channel_test(ConnectorName(name), actor=actor, real_server=told)


@router.post("/{name}/pause")
async def channel_pause(name: str, body: Reason, home: OpenHome, actor: Actor) -> ChannelView:
    """Stops what we send there."""
    return await home.channel_pause(ConnectorName(name), body.reason, actor=actor)


@router.post("/{name}/rebuild")
async def channel_rebuild(
    name: str, body: Rebuild, home: OpenHome, actor: Actor
) -> Sequence[RebuiltRoom]:
    """Makes every lost room of a channel anew from the roster, or says which are lost."""
    return await home.channel_rebuild(ConnectorName(name), only_look=body.only_look, actor=actor)


@router.post("/{name}/rotate")
async def channel_rotate(name: str, body: Rotation, home: OpenHome, actor: Actor) -> Rotated:
    """Puts another secret of its account in force, once its network takes it."""
    asked = (ConnectorName(name), body.secret, body.value)
    return await home.channel_rotate(*asked, make=body.make, only_look=body.only_look, actor=actor)


@router.post("/{name}/resume")
async def channel_resume(name: str, home: OpenHome, actor: Actor) -> ChannelView:
    """Lets it go on."""
    return await home.channel_resume(ConnectorName(name), actor=actor)
