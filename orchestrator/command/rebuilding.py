"""After the loss of an account: its rooms made anew from the roster, seat for seat.

Rules kept here:

1. A room is lost only where the network certainly does not have us in it: a channel that does not
   answer proves nothing, and then nothing is made.
2. Nobody comes in who had no seat; whoever may read no more is left out and named.
3. What waited for a lost room is not sent on by itself: it is held, and a person decides.
4. It can be broken off and called again: a room that was made anew stands.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from connectors.port.connector import Connector
from connectors.port.errors import ConnectorError, Unavailable
from orchestrator.client.problems import Problem, Unready
from orchestrator.client.rebuilding import RebuiltRoom
from orchestrator.command.channels import Channels
from orchestrator.command.conversations import Conversations
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from orchestrator.rooms.provision import Made
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.ids import ConnectorName, DealId

STANDS, LOST, ANEW, NOT_MADE = "stands", "lost", "made anew", "not made"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be done, by whose word."""

    name: ConnectorName
    connector: Connector
    only_look: bool
    actor: str


class Rebuilding:
    """Implements ``orchestrator.api.port_rebuilding.RebuildAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def channel_rebuild(
        self, name: ConnectorName, *, only_look: bool, actor: str
    ) -> Sequence[RebuiltRoom]:
        """Makes every lost room of a channel anew.

        Args:
            name: of the channel.
            only_look: says which are lost, and makes none.
            actor: who asked.

        Raises:
            Missing: there is no such channel.
            Unready: it does not answer, or is not open.
        """
        must_live(self._r)
        asked = _Asked(name, await self._answering(name), only_look, actor)
        found = [room async for room in self._rooms_anew(asked)]
        if any(room.state == ANEW for room in found):
            await Channels(self._r).wake_all(name)
        return found

    async def _answering(self, name: ConnectorName) -> Connector:
        view = await Channels(self._r).channel_named(name)
        connector = self._r.connectors.get(name)
        if connector is None or view.state == "down":
            raise Unready(
                f"{name} does not answer ({view.why or view.state})",
                still="Nothing was made: what cannot be asked is not known to be lost.",
                then=f"set the new account up, start serve anew, wallcross channel test {name}",
            )
        return connector

    async def _rooms_anew(self, asked: _Asked) -> AsyncIterator[RebuiltRoom]:
        """One room after another, each from the book as the one before it left it."""
        for deal_id, conversation, place in self._places(asked.name):
            deal = self._r.book.deals[deal_id]
            rooms = deal.rooms.get(conversation.conversation_id, ())
            for binding in (b for b in rooms if b.place == place):
                yield await self._room_anew(asked, deal, conversation, binding)

    def _places(self, name: ConnectorName) -> list[tuple[DealId, Conversation, Place]]:
        """The rooms on a channel, those first that others stand in for."""
        found = [
            (deal.deal_id, conversation, binding)
            for deal in self._r.book.deals.values()
            for conversation in deal.conversations.values()
            for binding in deal.rooms.get(conversation.conversation_id, ())
            if binding.connector == name
        ]
        first = sorted(found, key=lambda one: one[2].alternate_of is not None)
        return [(deal_id, conversation, binding.place) for deal_id, conversation, binding in first]

    async def _room_anew(
        self, asked: _Asked, deal: DealView, conversation: Conversation, binding: RoomBinding
    ) -> RebuiltRoom:
        why = await _why_it_stands(asked.connector, binding)
        if why is not None or asked.only_look:
            return _told(deal, conversation, binding, LOST if why is None else STANDS, why)
        try:
            made = await self._r.provisioner.anew(deal, conversation, binding, actor=asked.actor)
        except Problem as problem:
            return _told(deal, conversation, binding, NOT_MADE, str(problem))
        self._r.observer.forget(*binding.place)
        await Conversations(self._r).settle(deal.deal_id, made)
        return await self._made_anew(deal, made, binding)

    async def _made_anew(self, deal: DealView, made: Made, lost: RoomBinding) -> RebuiltRoom:
        (new,) = made.bindings
        sql = "SELECT count(*) FROM seat WHERE connector = ? AND room = ?"
        of = new.alternate_of or new.place
        row = await self._r.store.read(lambda tx: tx.one(sql, of))
        return RebuiltRoom(
            deal=deal.code,
            conversation=made.conversation.label,
            state=ANEW,
            room=new.room,
            was=lost.room,
            people=row[0] if row is not None else 0,
            left_out=tuple(made.without_account),
        )


async def _why_it_stands(connector: Connector, binding: RoomBinding) -> str | None:
    """Why a room is not lost; None where it certainly is."""
    try:
        found = await connector.members(binding.room)
    except Unavailable as error:
        return f"the network does not say now ({error.code})"
    except ConnectorError:
        return None
    if not found.complete:
        return "the network tells a part of its members alone"
    if connector.account in {m.account for m in found.members}:
        return "our account is in it"
    return None


def _told(
    deal: DealView, conversation: Conversation, binding: RoomBinding, state: str, why: str | None
) -> RebuiltRoom:
    label = conversation.label
    return RebuiltRoom(deal=deal.code, conversation=label, state=state, room=binding.room, why=why)
