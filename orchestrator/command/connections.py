"""Connections at the desk: state, last good sign of life, queue, and what to do, for each channel.

Rules kept here:

1. Its words are those of ``doctor``: one check says both.
2. Somebody of a deal is shown the channels that it uses, with the figures of his deal alone.
   Whoever runs the home is shown every channel, in figures.
3. To pause one and to try again are for whoever runs the home. A pause ends only where the channel
   answers and nothing that stands before it is red.
"""

from collections.abc import Iterable

from orchestrator.client.connections import ConnectionCard, ConnectionsView
from orchestrator.client.problems import Missing
from orchestrator.client.views import ChannelView
from orchestrator.command.channels import QUEUED, Channels
from orchestrator.command.overview import channel_check
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.store.unit import Tx
from tiers.ids import ConnectorName, DealId
from tiers.rights import Act, DeskRole, Right, Viewer

BY_HAND = "paused at the desk"


class Connections:
    """Implements ``orchestrator.api.port_connections.ConnectionAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def desk_channels(self, deal: DealId, viewer: Viewer) -> ConnectionsView:
        """Every channel that the viewer is shown."""
        listed = await Channels(self._r).channel_list()
        used = None if _runs_home(deal, viewer) else self._used(deal)
        cards = [
            await self._connection(deal, view, viewer)
            for view in listed
            if used is None or view.name in used
        ]
        return ConnectionsView(cards=tuple(cards), at=self._r.now())

    async def desk_channel_pause(
        self, deal: DealId, channel: ConnectorName, viewer: Viewer
    ) -> ConnectionCard:
        """Stops what we send there, at once."""
        view = await Channels(self._r).channel_pause(channel, BY_HAND, actor=viewer.actor)
        return await self._connection(deal, view, viewer)

    async def desk_channel_again(
        self, deal: DealId, channel: ConnectorName, viewer: Viewer
    ) -> ConnectionCard:
        """Tries again: what waits goes on now; a pause ends where the channel answers."""
        channels = Channels(self._r)
        found = self._r.channels.get(channel)
        if found is not None and found.paused is None:
            await channels.wake_all(channel)
        else:
            await channels.channel_resume(channel, actor=viewer.actor)
        view = next((v for v in await channels.channel_list() if v.name == channel), None)
        if view is None:
            raise Missing("there is no such channel", still="Nothing was changed.")
        return await self._connection(deal, view, viewer)

    async def _connection(self, deal: DealId, view: ChannelView, viewer: Viewer) -> ConnectionCard:
        check = channel_check(view, live=self._r.live)
        of = None if _runs_home(deal, viewer) else deal
        deals = [d for d in self._r.book.deals.values() if of is None or d.deal_id == of]
        return ConnectionCard(
            name=view.name,
            kind=view.kind,
            state=view.state,
            check=check.state,
            words=check.text,
            then=check.then,
            grade=view.grade,
            seen_at=view.seen_at,
            queued=await self._r.store.read(lambda tx: _queued(tx, view.name, of)),
            modes=self._modes_of(deals, view.name),
            again_at=view.again_at,
            may=viewer.power(deal, Right.CHANNELS).act is Act.ALONE,
        )

    def _used(self, deal: DealId) -> frozenset[str]:
        """Channels on which a deal has a room, or one of its people an account."""
        view = self._r.book.deals.get(deal)
        if view is None:
            return frozenset()
        rooms = {b.connector for found in view.rooms.values() for b in found}
        return frozenset({*rooms, *(name for p in view.roster.people for name in p.accounts)})

    def _modes_of(self, deals: Iterable[DealView], channel: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for deal in deals:
            for binding in (b for rooms in deal.rooms.values() for b in rooms):
                if binding.connector == channel:
                    mode = self._r.observer.mode(binding.place) or "unread"
                    found[mode] = found.get(mode, 0) + 1
        return found


def _runs_home(deal: DealId, viewer: Viewer) -> bool:
    seat = viewer.seats.get(deal)
    return viewer.whole or (seat is not None and DeskRole.OPERATOR in seat.roles)


def _queued(tx: Tx, channel: str, deal: DealId | None) -> int:
    more, params = (" AND d.deal_id = ?", (channel, deal)) if deal is not None else ("", (channel,))
    row = tx.one(QUEUED + more, params)
    return 0 if row is None else int(row[0])
