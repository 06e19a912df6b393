"""After the loss of an account: its rooms made anew from the roster, seat for seat.

Rules kept here:

1. A room is lost only where the network certainly does not have us in it, which is one error of the
   port and no other (``NoRoom``). Whatever else a reading ends in, a list that lacks us too, proves
   nothing: the room stands, it is said why that is not sure, and nothing is made.
2. Nobody comes in who had no seat; whoever may read no more is left out and named.
3. What waited for a lost room is not sent on by itself: it is held, and a person decides.
4. It can be broken off and called again: a room that was made anew stands.
5. Who had a seat in a lost room may have it still, and we can put nobody out: he is named.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog

from connectors.port.connector import Connector
from connectors.port.errors import NOT_A_MEMBER, ConnectorError, NoRoom
from orchestrator.client.problems import Problem, Unready
from orchestrator.client.rebuilding import RebuiltRoom
from orchestrator.command.channels import Channels
from orchestrator.command.conversations import Conversations
from orchestrator.command.old_rooms import how_to_leave
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.ids import ConnectorName, DealId, PersonId, RoomId

log = structlog.get_logger()
STANDS, LOST, ANEW, NOT_MADE = "stands", "lost", "made anew", "not made"
_UNKNOWN = "the network knows no such room of ours"
_PUT_OUT = "the network says that our account is not in it"
_LOOK = (
    "see wallcross doctor for the channel, then look again; if the room is gone for certain, its"
    " people's apps show it"
)
_WAIT = "wait until the channel answers, then call it again"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be done, by whose word."""

    name: ConnectorName
    connector: Connector
    kind: str
    only_look: bool
    actor: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the network says of a room.

    Attributes:
        lost: it certainly has us in no such room.
        why: in words.
        unsure: it may be lost, and that is not certain.
        then: what to do next.
    """

    lost: bool
    why: str
    unsure: bool = False
    then: str | None = None


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
        connector, kind = await self._answering(name)
        asked = _Asked(name, connector, kind, only_look, actor)
        found = [room async for room in self._rooms_anew(asked)]
        if any(room.state == ANEW for room in found):
            await Channels(self._r).wake_all(name)
        return found

    async def _answering(self, name: ConnectorName) -> tuple[Connector, str]:
        view = await Channels(self._r).channel_named(name)
        connector = self._r.connectors.get(name)
        if connector is None or view.state == "down":
            raise Unready(
                f"{name} does not answer ({view.why or view.state})",
                still="Nothing was made: what cannot be asked is not known to be lost.",
                then=f"set the new account up, start serve anew, wallcross channel test {name}",
            )
        return connector, view.kind

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
        found = await looked(asked.connector, binding.room)
        told = RebuiltRoom(
            deal=deal.code,
            conversation=conversation.label,
            state=LOST if found.lost else STANDS,
            room=binding.room,
            why=found.why,
            unsure=found.unsure,
            then=found.then,
        )
        if not found.lost:
            return told
        behind = await self._seated(binding)
        told = replace(told, behind=behind, leaving=how_to_leave(asked.kind))
        return told if asked.only_look else await self._anew(asked, deal, conversation, told)

    async def _anew(
        self, asked: _Asked, deal: DealView, conversation: Conversation, told: RebuiltRoom
    ) -> RebuiltRoom:
        """Makes a lost room anew, of which this was told so far."""
        place = (asked.name, RoomId(told.room))
        rooms = deal.rooms.get(conversation.conversation_id, ())
        binding = next(b for b in rooms if b.place == place)
        try:
            made = await self._r.provisioner.anew(deal, conversation, binding, actor=asked.actor)
        except Problem as problem:
            return replace(told, state=NOT_MADE, why=str(problem), then="call it again")
        self._r.observer.forget(*binding.place)
        await Conversations(self._r).settle(deal.deal_id, made)
        (new,) = made.bindings
        return replace(
            told,
            state=ANEW,
            room=new.room,
            was=binding.room,
            people=len(await self._seated(new)),
            left_out=tuple(made.without_account),
        )

    async def _seated(self, binding: RoomBinding) -> tuple[PersonId, ...]:
        """Who has his seat in a room, or in the one that it stands in for."""
        sql = "SELECT person_id FROM seat WHERE connector = ? AND room = ? ORDER BY person_id"
        of = binding.alternate_of or binding.place
        rows = await self._r.store.read(lambda tx: tx.all(sql, of))
        return tuple(PersonId(person) for (person,) in rows)


async def looked(connector: Connector, room: RoomId) -> Found:
    """What the network says of a room; lost is what it has us in no more, by its own certain word.

    Args:
        connector: of the room's channel.
        room: as it is bound.
    """
    try:
        found = await connector.members(room)
    except NoRoom as error:
        put_out = error.code == NOT_A_MEMBER
        return Found(lost=True, why=_PUT_OUT if put_out else _UNKNOWN)
    except ConnectorError as error:
        return _unsure(
            f"the network did not say ({error.code})", then=_WAIT if error.retry else _LOOK
        )
    except Exception as error:  # noqa: BLE001 - foreign by nature: nothing follows from it
        log.warning("rebuild.look_failed", error=type(error))
        return _unsure(f"the channel failed ({type(error).__name__})")
    if connector.account in {m.account for m in found.members}:
        return Found(lost=False, why="our account is in it")
    part = "a part of its members alone" if not found.complete else "a list of members without us"
    return _unsure(f"the network tells {part}")


def _unsure(why: str, then: str = _LOOK) -> Found:
    """A room that stands as nobody could say for certain that it is lost."""
    return Found(
        lost=False,
        why=f"it stands, because we could not be sure: {why}",
        unsure=True,
        then=then,
    )
