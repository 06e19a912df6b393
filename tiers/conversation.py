"""A deal's conversation: what it is about at least, whose it is, and where it is held.

Rule kept here: the floor is declared, never learnt. A message may be treated above its
conversation's floor and never below it.
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


@dataclass(frozen=True, slots=True)
class RoomBinding:
    """A conversation's presence on one channel.

    Attributes:
        host: the side (or neutral firm) whose server and accounts carry it.
        paused: why nothing of ours goes out; None while it runs.
    """

    connector: ConnectorName
    room: RoomId
    conversation_id: ConversationId
    host: SideId
    paused: str | None = None
