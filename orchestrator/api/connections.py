"""Routes: channels at the desk."""

from fastapi import APIRouter

from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.connections import ConnectionCard, ConnectionsView
from tiers.ids import ConnectorName

router = APIRouter(prefix="/deals/{deal}")


@router.get("/channels")
async def desk_channels(deal: Deal, home: OpenHome, asker: Asker) -> ConnectionsView:
    """The channels that the deal uses; to whoever runs the home, all of them."""
    return await home.desk_channels(deal, asker)


@router.post("/channels/{channel}/pause")
async def desk_channel_pause(
    deal: Deal, channel: str, home: OpenHome, asker: Asker
) -> ConnectionCard:
    """Stops what we send there, at once."""
    return await home.desk_channel_pause(deal, ConnectorName(channel), asker)


@router.post("/channels/{channel}/again")
async def desk_channel_again(
    deal: Deal, channel: str, home: OpenHome, asker: Asker
) -> ConnectionCard:
    """Tries again; a pause ends where the channel answers."""
    return await home.desk_channel_again(deal, ConnectorName(channel), asker)
