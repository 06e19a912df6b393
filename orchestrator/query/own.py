"""A person's own page: where he writes, who can see it, and what he has to do.

Rule kept here: it is about whoever asks, and takes no other's name. What is said of a room follows
from its facts as they were read back; what was not read is not said.
"""

from typing import TypedDict

from connectors.port.capabilities import Posture
from orchestrator.client import card as views
from orchestrator.client.problems import Missing
from orchestrator.query.card import Cards
from orchestrator.query.identity import CALL
from orchestrator.query.matrix import Cell, Column, Room, State
from orchestrator.query.sight import Sight, cell_view
from tiers.guarantees import Evidence, Guarantee
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer

_INSIDE = frozenset({State.IN, State.PAUSED, State.EXTRA})
_MOST = 200
"""Colleagues of one conversation who are named."""


class _Facts(TypedDict):
    gate: bool | None
    read: bool | None
    undo: str | None
    timer: int | None


class Own(Cards):
    """Implements ``orchestrator.api.port_memberships.OwnAccess``."""

    async def own(self, deal: DealId, viewer: Viewer) -> views.OwnView:
        """The page of whoever asks. Raises: Missing where he is nobody of the deal."""
        person = self.own_person(deal, viewer)
        card = await self.person_card(deal, person, viewer)
        sight = await self.sight(deal, viewer)
        mine = [(c, c.at(person)) for c in sight.board.columns if c.at(person).state]
        return views.OwnView(
            card=card,
            conversations=tuple(self._conversation(sight, c, cell) for c, cell in mine),
            installed=all(cell.state is not State.MISSING for _, cell in mine),
            compared=card.identity is not None and card.identity not in {*CALL, "no_device"},
        )

    def own_person(self, deal: DealId, viewer: Viewer) -> PersonId:
        """Who of a deal asks. Raises: Missing."""
        person = viewer.person(deal)
        if person is None:
            raise Missing("You are nobody of this deal's list", still="Nothing was done")
        return person

    def _conversation(self, sight: Sight, column: Column, cell: Cell) -> views.OwnConversation:
        made = column.conversation
        cid = made.conversation_id
        room = next((r for r in column.rooms if r.binding.connector == cell.channel), None)
        others, more, unseen = self._others(sight, column)
        return views.OwnConversation(
            conversation_id=cid,
            name=sight.cut.name(cid),
            floor=made.floor.value,
            channel=cell.channel,
            kind=self._kind(cell.channel),
            state=cell_view(cell).state,
            because=cell.because,
            still=room is not None and room.binding.paused is not None,
            others=others,
            more=more,
            unseen=unseen,
            host=sight.cut.side_name(room.binding.host) if room is not None else "",
            **self._facts(room),
        )

    def _kind(self, channel: str) -> str:
        found = {str(name): c.kind for name, c in self._r.channels.items()}
        return found.get(channel, "")

    def _others(self, sight: Sight, column: Column) -> tuple[tuple[views.Colleague, ...], int, int]:
        """Colleagues by firm and name, how many more of them, and how many he does not see."""
        cid, me = column.conversation.conversation_id, sight.cut.person
        if not (sight.cut.whole or cid in sight.cut.own):
            return (), 0, 0
        rest = [r for r, c in column.cells.items() if (c.state in _INSIDE or c.was) and r != me]
        people = [p for r in rest if sight.sees(r, cid) and (p := sight.person(r)) is not None]
        firms = {side: sight.cut.side_name(side) for side in {p.side for p in people}}
        people.sort(key=lambda p: (firms[p.side], p.name, p.person_id))
        told = tuple(views.Colleague(name=p.name, side_name=firms[p.side]) for p in people[:_MOST])
        return told, len(people) - len(told), len(rest) - len(people)

    def _facts(self, room: Room | None) -> _Facts:
        reading = None if room is None else self._r.observer.kept(room.binding.place)
        posture = None if reading is None else reading.posture
        if posture is None:
            return {"gate": None, "read": None, "undo": None, "timer": None}
        undo = posture.undo.value
        return {
            "gate": posture.gate, "read": posture.read, "undo": undo, "timer": _timer(posture)
        }  # fmt: skip


def _timer(posture: Posture) -> int | None:
    """A timer that was read back; what was only asked for is not said."""
    held = (h for h in posture.holdings if h.guarantee is Guarantee.TIMER)
    return next((h.value for h in held if h.evidence is not Evidence.REQUESTED), None)
