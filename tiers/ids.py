"""One type for each kind of identifier, opaque to all but its maker.

Rule kept here: an identifier of one kind cannot be passed where another is meant. Our own ids are
a kind's prefix and 128 random bits; what a network names (accounts, rooms, messages) is kept
exactly as the network wrote it and is never parsed outside its connector.
"""

from typing import NewType

DealId = NewType("DealId", str)
SideId = NewType("SideId", str)
PersonId = NewType("PersonId", str)
CompartmentId = NewType("CompartmentId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
DeliveryId = NewType("DeliveryId", str)
LaneId = NewType("LaneId", str)
FindingId = NewType("FindingId", str)
RuleId = NewType("RuleId", str)
HoldId = NewType("HoldId", str)
"""A legal hold."""

ConnectorName = NewType("ConnectorName", str)
"""Name of a configured channel account, for instance ``matrix``."""
AccountId = NewType("AccountId", str)
"""A person's or bot's account as its network names it, for instance a Matrix user id."""
DeviceId = NewType("DeviceId", str)
RoomId = NewType("RoomId", str)
"""A room as its network names it; unique together with its connector only."""
RemoteId = NewType("RemoteId", str)
"""An event or message as its network names it."""
DeliveryKey = NewType("DeliveryKey", str)
"""The wire id that goes with every attempt of one delivery; random, one for each delivery."""
