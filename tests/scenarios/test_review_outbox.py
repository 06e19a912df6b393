"""Held is held in every room; what is taken back waits behind nothing; no end state is undone."""

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.client.problems import Refused
from tiers.ids import ConnectorName, DeliveryId, MessageId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, PRICE, Talk
from .test_flow_legs import BOTH, SAID, mirrored, texts

ABOVE = f"{PRICE}: we raise our offer to 27.50 per share."


async def stopped_half(opens: Opens) -> tuple[House, MessageId]:
    """A message that the first of its two rooms held while the second stood still."""
    house = await mirrored(opens)
    for name in BOTH:
        await house.home.channel_pause(ConnectorName(name), "test", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    await house.far.change(house.room("lunch"), invite_only=False)
    await house.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    assert await house.ends(message) == "held"
    return house, message


async def test_held_in_one_room_it_goes_to_no_other(opens: Opens) -> None:
    house, _ = await stopped_half(opens)
    await house.home.channel_resume(ConnectorName(BOTH[1]), actor=ACTOR)
    await house.quiet()
    assert [await texts(house, c) for c in BOTH] == [[], []]


async def test_nothing_of_what_was_dropped_is_left_to_be_sent(opens: Opens) -> None:
    house, message = await stopped_half(opens)
    await house.home.held_drop(message, actor=ACTOR)
    assert await house.rows("SELECT 1 FROM delivery WHERE state = 'queued'") == []


async def test_released_it_goes_once_to_each_and_settles(opens: Opens) -> None:
    house, message = await stopped_half(opens)
    await house.far.change(house.room("lunch"), invite_only=True)
    await house.quiet()
    house.home.runtime.observer.forget(ConnectorName(CHANNEL))
    await house.home.channel_resume(ConnectorName(BOTH[1]), actor=ACTOR)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert [await texts(house, c) for c in BOTH] == [[SAID], [SAID]]


async def test_a_withdrawal_waits_behind_nothing_that_is_sent(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION), Talk("price", Tier.VALUATION)))
    await house.far.inject(FaultKind.UNAVAILABLE, verb="send", times=None)
    await house.send("Noon.", to="lunch")
    await house.quiet()
    remote = await house.far.write("ada", house.room("lunch"), ABOVE)

    async def gone() -> bool:
        return await house.seen("bo", "lunch") == []

    await house.taken(remote)
    await eventually(gone)
    assert await house.rows("SELECT state FROM delivery WHERE kind = 'send'")


async def test_a_retry_undoes_no_end_state(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    await house.far.inject(FaultKind.REFUSE, verb="send", times=1)
    message = await house.send("Noon.", to="lunch")
    assert await house.ends(message) == "dead"
    [(delivery,)] = await house.rows("SELECT delivery_id FROM delivery")
    store = house.home.runtime.store
    await store.write(lambda tx: tx.run("UPDATE message SET state = 'dropped'"))
    with pytest.raises(Refused):
        await house.home.delivery_retry(DeliveryId(delivery), actor=ACTOR)
    assert await house.state(message) == "dropped"
    assert await house.rows("SELECT state FROM delivery") == [("dead",)]


async def test_a_withdrawal_that_failed_is_tried_again_and_its_message_stays_held(
    opens: Opens,
) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION), Talk("price", Tier.VALUATION)))
    remote = await house.far.write("ada", house.room("lunch"), ABOVE)
    message = await house.taken(remote)
    assert await house.ends(message) == "held"
    await house.quiet()
    store = house.home.runtime.store
    sql = "UPDATE delivery SET state = 'dead', attempts = 8 WHERE kind = 'undo'"
    await store.write(lambda tx: tx.run(sql))
    [(undo,)] = await house.rows("SELECT delivery_id FROM delivery WHERE kind = 'undo'")
    await house.home.delivery_retry(DeliveryId(undo), actor=ACTOR)

    async def done() -> bool:
        return await house.rows("SELECT state FROM delivery WHERE kind = 'undo'") == [("done",)]

    await eventually(done)
    assert await house.state(message) == "held"
