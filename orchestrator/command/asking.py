"""What is asked for of a conversation's rooms, in the terms of the rules.

Rule kept here: a name that means nothing is refused here, before anything is made; where nobody
names a channel, the adopted policy does.
"""

from orchestrator.client import views
from orchestrator.client.problems import Missing, Wrong
from orchestrator.deals.book import DealView
from orchestrator.rooms.provision import Further, Request
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.ids import CompartmentId, ConnectorName, PersonId, SideId
from tiers.tier import Tier


def conversation(new: views.NewConversation, deal: DealView) -> Request:
    """A new conversation. Raises: Wrong."""
    floor = _tier(new.floor)
    named = dict.fromkeys((new.channel, *new.also) if new.channel is not None else ())
    channels = tuple(map(ConnectorName, named)) or deal.policy.tiers[floor].channels
    if not channels:
        raise Wrong(
            "no channel is named",
            still="Nothing was made.",
            then=f"name one, or adopt a policy with channels for {floor.value}",
        )
    return Request(
        new.label.removeprefix("#"),
        floor,
        channels,
        tuple(PersonId(owner) for owner in dict.fromkeys((new.owner, *new.owners))),
        CompartmentId(new.compartment),
        SideId(new.side) if new.side else None,
        _people(new.members),
        new.gate,
    )


def room(new: views.NewRoom, deal: DealView, conversation: Conversation) -> Further:
    """One more room of a conversation. Raises: Missing, Wrong."""
    owners = tuple(PersonId(owner) for owner in dict.fromkeys(new.owners))
    primary = _primary(new.alternate_of, deal, conversation)
    return Further(ConnectorName(new.channel), owners, _people(new.members), new.gate, primary)


def room_of(deal: DealView, name: str) -> RoomBinding | None:
    """The room that its network calls so."""
    rooms = (binding for found in deal.rooms.values() for binding in found)
    return next((binding for binding in rooms if binding.room == name), None)


def _primary(name: str | None, deal: DealView, conversation: Conversation) -> Place | None:
    if name is None:
        return None
    found = room_of(deal, name)
    if found is None or found.conversation_id != conversation.conversation_id:
        raise Missing(f"the conversation has no room {name}", then="wallcross conv show")
    if found.alternate_of is not None:
        raise Wrong("a room stands in for a primary room, not for another alternate")
    return found.place


def _people(names: tuple[str, ...] | None) -> frozenset[PersonId] | None:
    return frozenset(map(PersonId, names)) if names is not None else None


def _tier(name: str) -> Tier:
    try:
        return Tier(name)
    except ValueError:
        raise Wrong(f"{name} is no tier", then="valuation, operations or coordination") from None
