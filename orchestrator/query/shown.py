"""What the first operations of the API answer to whoever is not the home's own user.

Rules kept here:

1. Each begins with what the home's own user is answered, and takes away what
   ``orchestrator.query.cut`` does not show this viewer. Nothing is shown because it was not thought
   of: what is kept is built anew from what he may see.
2. What he may not see is missing, in the same words as what is not there.
"""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.client import views
from orchestrator.client.approvals import RequestView
from orchestrator.client.problems import Missing, Unready
from orchestrator.command.approving import Approvals
from orchestrator.command.conversations import Conversations
from orchestrator.command.deals import Deals
from orchestrator.command.keys import Keys
from orchestrator.command.messages import Messages
from orchestrator.command.runtime import Runtime
from orchestrator.query.cut import ANOTHER_SIDE, Cut, cut
from tiers.ids import ConversationId, DealId, MessageId, PersonId, SideId
from tiers.rights import Right, Scope, Viewer

STILL = "Nothing was done"


class Shown:
    """Implements ``orchestrator.api.port.ShownAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def deals_shown(self, viewer: Viewer) -> Sequence[views.DealView]:
        """Deals in which somebody has a seat that shows him their phase."""
        found = await Deals(self._r).deal_list()
        return [d for d in found if viewer.power(DealId(d.deal_id), Right.DEAL).scope is Scope.ALL]

    async def conversations_shown(
        self, deal: DealId, viewer: Viewer
    ) -> Sequence[views.ConversationView]:
        """Conversations that somebody is in, or all where his part shows him all."""
        seen = await cut(self._r, deal, viewer)
        found = await Conversations(self._r).conv_list(deal)
        return [_conversation(seen, c) for c in found if seen.sees(_id(c))]

    async def conversation_shown(
        self, deal: DealId, name: str, viewer: Viewer
    ) -> views.ConversationView:
        """One of those. Raises: Missing."""
        seen = await cut(self._r, deal, viewer)
        found = seen.called(name)
        if found is None:
            raise Missing("There is no such conversation", still=STILL)
        shown = await Conversations(self._r).conv_show(deal, found.conversation_id)
        return _conversation(seen, shown)

    async def keys_shown(
        self, deal: DealId, person: PersonId | None, viewer: Viewer
    ) -> Sequence[views.KeyView]:
        """Somebody's own devices, or all where his part shows him all."""
        if viewer.power(deal, Right.KEYS).scope is not Scope.ALL:
            own = viewer.person(deal)
            if own is None or person not in {None, own}:
                raise Missing("There is no such person", still=STILL)
            person = own
        found = await Keys(self._r).key_list(deal, person)
        if viewer.whole:
            return found
        seen = await cut(self._r, deal, viewer)
        return [replace(k, vouchers=tuple(filter(seen.sees_person, k.vouchers))) for k in found]

    async def message_shown(self, message: MessageId, viewer: Viewer) -> views.MessageView:
        """Where a message stands. Whose it is was decided before."""
        found = await Messages(self._r).message_show(message)
        if viewer.whole or found.conversation_id is None:
            return found
        seen = await cut(self._r, DealId(found.deal_id), viewer)
        known = seen.sees(ConversationId(found.conversation_id))
        return found if known else replace(found, conversation_id=None)

    async def held_shown(self, deal: DealId | None, viewer: Viewer) -> Sequence[views.HeldView]:
        """What waits and is somebody's own, or all of a deal where his part shows him all."""
        found = await Messages(self._r).held_list(deal)
        if viewer.whole:
            return found
        seen = await self._cuts({DealId(h.deal_id) for h in found}, viewer)
        return [_held(seen[h.deal_id], h) for h in found if _may_hold(seen.get(h.deal_id), h)]

    async def approvals_shown(
        self, deal: DealId | None, viewer: Viewer, *, every: bool
    ) -> Sequence[RequestView]:
        """Requests that concern somebody, or all of a deal where his part shows him all."""
        found = await Approvals(self._r).approval_list(deal, every=every)
        return [r for r in found if _concerns(r, viewer)]

    async def approval_shown(self, request: str, viewer: Viewer) -> RequestView:
        """One of those. Raises: Missing."""
        found = await Approvals(self._r).approval_show(request)
        if not _concerns(found, viewer):
            raise Missing("There is no such thing", still=STILL)
        return found

    async def _cuts(self, deals: set[DealId], viewer: Viewer) -> dict[str, Cut]:
        found = {}
        for deal in deals & viewer.seats.keys():
            try:
                found[str(deal)] = await cut(self._r, deal, viewer)
            except Unready:
                continue  # not in force: nothing of it is shown
        return found


def _id(view: views.ConversationView) -> ConversationId:
    return ConversationId(view.conversation_id)


def _conversation(seen: Cut, view: views.ConversationView) -> views.ConversationView:
    """A conversation, less whom he may not see there, and its name where he may not know it."""
    label = seen.label(_id(view))
    if seen.whole:
        return replace(view, label=label)
    rooms = tuple(_room(seen, room) for room in view.rooms)
    guarantees = _unnamed(view.guarantees)
    return replace(view, label=label, rooms=rooms, told=(), guarantees=guarantees, against=())


def _unnamed(found: Sequence[views.GuaranteeView]) -> tuple[views.GuaranteeView, ...]:
    """Guarantees without who says so."""
    return tuple(replace(g, by=None) for g in found)


def _room(seen: Cut, room: views.RoomView) -> views.RoomView:
    shown = None if room.members is None else seen.only(PersonId(m) for m in room.members)
    return replace(
        room,
        host=room.host if seen.knows_side(SideId(room.host)) else ANOTHER_SIDE,
        members=shown,
        strangers=(),
        guarantees=_unnamed(room.guarantees),
        alternate_of=None,
    )


def _may_hold(seen: Cut | None, held: views.HeldView) -> bool:
    if seen is None:
        return False
    own = held.author is not None and held.author == seen.person
    return seen.shows(Right.HELD, Scope.OWN if own else Scope.ALL)


def _held(seen: Cut, held: views.HeldView) -> views.HeldView:
    """As its author sees it: who looks after it only where he may see that person."""
    if seen.whole:
        return held
    talks = seen.deal.conversations.values()
    named = {c.label: seen.name(c.conversation_id) for c in talks}
    cid = held.conversation_id
    return replace(
        held,
        conversation_id=cid if cid is not None and seen.sees(ConversationId(cid)) else None,
        owner=held.owner if seen.sees_person(held.owner) else None,
        next_person=held.next_person if seen.sees_person(held.next_person) else None,
        fits=tuple(named.get(label, label) for label in held.fits),
    )


def _concerns(request: RequestView, viewer: Viewer) -> bool:
    """Whether somebody asked for it, may agree, signed, or sees all of the deal's requests."""
    deal = DealId(request.deal_id)
    if viewer.sees(deal, Right.APPROVALS, Scope.ALL):
        return True
    own = viewer.person(deal)
    if own is None or not viewer.sees(deal, Right.DEAL, Scope.COUNTS):
        return False
    return request.asked_by == viewer.actor or own in {*request.may_agree, *request.signed}
