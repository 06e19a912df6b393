"""A deal's conversation: what it is about at least, whose it is, and where it is held.

Rules kept here:

1. The floor is declared, never learnt. A message may be treated above its conversation's floor and
   never below it.
2. A room is a primary room, whose people have their seats there, or an alternate that stands in for
   one primary room of the same conversation; never both.
"""

from dataclasses import dataclass

from tiers.ids import CompartmentId, ConnectorName, ConversationId, DealId, RoomId, SideId
from tiers.tier import Tier


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation of a deal.

    Attributes:
        conversation_id: our id.
        deal_id: the deal.
        label: what people call it and write after ``#``; shown to members only.
        floor: its declared tier.
        compartment: its need-to-know set.
        side: the one side it is private to; None when it is joint.
    """

    conversation_id: ConversationId
    deal_id: DealId
    label: str
    floor: Tier
    compartment: CompartmentId
    side: SideId | None = None

    @property
    def joint(self) -> bool:
        """Both parties' people may sit in it."""
        return self.side is None


Place = tuple[ConnectorName, RoomId]
"""Where a room is: a channel's name, and what its network calls the room."""


@dataclass(frozen=True, slots=True)
class RoomBinding:
    """A conversation's presence on one channel.

    Attributes:
        host: the side (or neutral firm) whose server and accounts carry it.
        paused: why nothing of ours goes out; None while it runs.
        alternate_of: the primary room that it stands in for; None for a primary room.
    """

    connector: ConnectorName
    room: RoomId
    conversation_id: ConversationId
    host: SideId
    paused: str | None = None
    alternate_of: Place | None = None

    @property
    def place(self) -> Place:
        """Channel and room."""
        return self.connector, self.room
