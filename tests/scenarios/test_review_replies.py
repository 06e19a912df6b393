"""A bare reply is as sensitive as what it answers, also when both come at once."""

from orchestrator.flow.incoming import Incoming
from tiers.ids import AccountId, ConnectorName, RemoteId

from .conftest import Opens
from .house import CHANNEL, PRICE


async def test_a_reply_that_is_routed_with_what_it_answers(opens: Opens) -> None:
    house = await opens()
    door, room = ConnectorName(CHANNEL), house.room("lunch")
    said = Incoming(door, RemoteId("r1"), AccountId("ada"), f"The {PRICE} is agreed.", 1, room)
    reply = Incoming(
        door, RemoteId("r2"), AccountId("bo"), "Yes.", 2, room, reply_to=RemoteId("r1")
    )
    receipts = await house.home.runtime.accepter.accept([said, reply])
    ends = [await house.ends(str(r.message_id)) for r in receipts]
    tiers = await house.rows("SELECT tier FROM message WHERE remote_id IN ('r1', 'r2')")
    assert tiers == [("valuation",), ("valuation",)]
    assert ends == ["delivered", "delivered"]  # soft evidence asks, and its room has it already
