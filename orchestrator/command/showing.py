"""A conversation as people are shown it: its rooms as read back, and what they promise together.

Rules kept here:

1. What was not read is None or empty, never what was asked for.
2. A conversation promises what each of its rooms does, as weakly as the weakest
   (docs/product.md section 3); why nothing goes through it is said beside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.port.capabilities import Posture
from orchestrator.client import views
from orchestrator.deals.book import DealView
from orchestrator.rooms.watch import in_words
from tiers.conversation import Conversation, RoomBinding
from tiers.guarantees import Holding, common
from tiers.routing import Placed, RoomView, decide_together


@dataclass(frozen=True, slots=True)
class ReadRoom:
    """A room as read back; no posture where it could not be read."""

    view: RoomView
    posture: Posture | None


def plain(deal: DealView, conversation: Conversation) -> views.ConversationView:
    """A conversation of which nothing was read now."""
    cid = conversation.conversation_id
    rooms = (_unread(b) for b in (*deal.rooms.get(cid, ()), *deal.closing.get(cid, ())))
    return _whole(deal, conversation, tuple(rooms))


def shown(
    deal: DealView,
    conversation: Conversation,
    rooms: Sequence[ReadRoom],
    at: int,
    told: tuple[str, ...] = (),
) -> views.ConversationView:
    """A conversation with its rooms as read.

    Args:
        deal: in force.
        conversation: of it.
        rooms: all of its rooms.
        at: now, microseconds UTC.
        told: what else there is to say.
    """
    found = [room.view for room in rooms]
    primary = [v.facts.holdings for v in found if v.binding.alternate_of is None]
    placed = Placed(conversation, conversation.floor)
    against = decide_together(found, placed, deal.roster, deal.policy).against if found else ()
    together = common(primary, at) if primary else ()
    return _whole(
        deal,
        conversation,
        tuple(map(_room, rooms)),
        told=told,
        guarantees=_held(together),
        against=tuple(dict.fromkeys(r.because for r in against)),
    )


def _whole(
    deal: DealView,
    conversation: Conversation,
    rooms: tuple[views.RoomView, ...],
    *,
    told: tuple[str, ...] = (),
    guarantees: tuple[views.GuaranteeView, ...] = (),
    against: tuple[str, ...] = (),
) -> views.ConversationView:
    return views.ConversationView(
        conversation_id=conversation.conversation_id,
        deal_id=deal.deal_id,
        label=conversation.label,
        floor=conversation.floor.value,
        compartment=conversation.compartment,
        side=conversation.side,
        state=_state(deal, conversation),
        rooms=rooms,
        told=told,
        guarantees=guarantees,
        against=against,
    )


def _state(deal: DealView, conversation: Conversation) -> str:
    if conversation.conversation_id not in deal.closed:
        return "open"
    return "closing" if deal.closing.get(conversation.conversation_id) else "closed"


def _room(room: ReadRoom) -> views.RoomView:
    view, posture = room.view, room.posture
    binding = view.binding
    return views.RoomView(
        connector=binding.connector,
        room=binding.room,
        host=binding.host,
        mode=_mode(posture) if posture else None,
        undo=posture.undo.value if posture else None,
        paused=in_words(binding.paused),
        read_at=view.facts.members_at,
        complete=view.facts.complete,
        members=tuple(r.person.person_id if r.person else r.account for r in view.recipients),
        strangers=tuple(r.account for r in view.recipients if r.person is None),
        guarantees=_held(view.facts.holdings),
        alternate_of=_stands_in(binding),
    )


def _unread(binding: RoomBinding) -> views.RoomView:
    return views.RoomView(
        connector=binding.connector,
        room=binding.room,
        host=binding.host,
        mode=None,
        undo=None,
        paused=in_words(binding.paused),
        read_at=None,
        complete=False,
        members=None,
        strangers=(),
        guarantees=(),
        alternate_of=_stands_in(binding),
    )


def _stands_in(binding: RoomBinding) -> str | None:
    return " ".join(binding.alternate_of) if binding.alternate_of is not None else None


def _held(holdings: Iterable[Holding]) -> tuple[views.GuaranteeView, ...]:
    return tuple(
        views.GuaranteeView(
            guarantee=h.guarantee.value,
            value=h.value,
            evidence=h.evidence.name.lower(),
            source=h.source.value,
            by=h.by,
            at=h.at,
        )
        for h in holdings
    )


def _mode(posture: Posture) -> str:
    """The word that follows from the facts: never stored, never chosen by hand."""
    if not posture.read:
        return "blind"
    return "relay" if posture.gate else "witness"
