"""A conversation is joint exactly when it is no side's own."""

import pytest

from tiers.conversation import Conversation, RoomBinding
from tiers.ids import ConnectorName, ConversationId, DealId, RoomId, SideId
from tiers.people import DEAL
from tiers.tier import Tier


@pytest.mark.parametrize("side", [None, SideId("side-a"), SideId("")])
def test_joint_is_no_sides_own(side: SideId | None) -> None:
    found = Conversation(ConversationId("c"), DealId("d"), "label", Tier.OPERATIONS, DEAL, side)
    assert found.joint == (side is None)


def test_what_is_declared_cannot_be_learnt() -> None:
    found = Conversation(ConversationId("c"), DealId("d"), "label", Tier.OPERATIONS, DEAL)
    with pytest.raises(AttributeError):
        found.floor = Tier.COORDINATION  # type: ignore[misc]  # that it cannot be set is the point


def test_a_room_runs_unless_it_is_said_why_not() -> None:
    binding = RoomBinding(ConnectorName("m"), RoomId("!r"), ConversationId("c"), SideId("s"))
    assert binding.paused is None
