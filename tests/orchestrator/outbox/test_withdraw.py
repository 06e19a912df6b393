"""What waits for somebody who left is taken back, and what may have reached him is said so."""

from functools import partial

from orchestrator.outbox import rows
from orchestrator.outbox.withdraw import LEFT, Withdrawn, withdraw
from tiers.ids import ConnectorName, PersonId, RoomId

from .conftest import DEAL, Outbox

HIS, OTHER = "his", "other"
PLACES = ((ConnectorName("memory"), RoomId(HIS)),)


async def taken_back(outbox: Outbox) -> Withdrawn:
    reader = PersonId("bo")
    return await outbox.do(lambda tx: withdraw(tx, outbox.sealer, DEAL, reader, PLACES, outbox.now))


async def of(outbox: Outbox, room: str) -> list[tuple[str, str | None]]:
    sql = "SELECT state, reason FROM delivery WHERE room = ? ORDER BY seq"
    return [(state, reason) for state, reason in await outbox.all(sql, room)]


async def test_what_goes_to_others_as_well_goes_on_to_them(outbox: Outbox) -> None:
    message = await outbox.message(HIS, OTHER)
    assert await taken_back(outbox) == Withdrawn(stopped=1)
    assert await of(outbox, HIS) == [("stopped", LEFT)]
    assert await outbox.due(HIS) == []
    item = await outbox.item(message, OTHER)
    await outbox.start(item)
    await outbox.done(item)
    assert await outbox.state(message) == "delivered"
    assert not await outbox.sealed(message)


async def test_what_was_for_him_alone_is_a_dead_letter_that_blocks_nothing(outbox: Outbox) -> None:
    message = await outbox.message(HIS)
    assert await taken_back(outbox) == Withdrawn(stopped=1)
    assert await of(outbox, HIS) == [("dead", LEFT)]
    assert await outbox.state(message) == "dead"
    [(blocks,)] = await outbox.all("SELECT blocks FROM delivery WHERE room = ?", HIS)
    assert not blocks


async def test_an_attempt_under_way_ends_as_its_network_says(outbox: Outbox) -> None:
    message = await outbox.message(HIS)
    item = await outbox.item(message, HIS)
    await outbox.start(item)
    assert await taken_back(outbox) == Withdrawn(under_way=1)
    assert await of(outbox, HIS) == [("started", None)]
    await outbox.done(item)
    assert await taken_back(outbox) == Withdrawn()
    assert await outbox.state(message) == "delivered"


async def test_what_an_earlier_attempt_may_have_brought_is_possibly_delivered(
    outbox: Outbox,
) -> None:
    message = await outbox.message(HIS)
    await outbox.start(await outbox.item(message, HIS))
    started = await outbox.item(message, HIS)
    again = partial(rows.again, item=started, code="timeout", doubtful=True)
    await outbox.do(lambda tx: again(tx, not_before=0, at=outbox.now))
    assert await taken_back(outbox) == Withdrawn(possibly=1)
    assert await of(outbox, HIS) == [("possibly", LEFT)]
    assert await outbox.state(message) == "possibly"


async def test_his_copy_of_a_document_is_taken_back_wherever_it_goes(outbox: Outbox) -> None:
    message = await outbox.message(OTHER, "third")
    copies = [
        (message, 1, "bo", "memory", OTHER, "[]"),
        (message, 2, "cy", "memory", "third", "[]"),
    ]
    await outbox.do(
        lambda tx: tx.run("INSERT INTO document VALUES (?, ?, '[]', 0)", (message, DEAL))
    )
    await outbox.do(
        lambda tx: tx.many("INSERT INTO document_copy VALUES (?, ?, ?, ?, ?, ?)", copies)
    )
    assert await taken_back(outbox) == Withdrawn(stopped=1)
    assert await of(outbox, OTHER) == [("stopped", LEFT)]
    assert await of(outbox, "third") == [("queued", None)]


async def test_another_deals_deliveries_are_left_alone(outbox: Outbox) -> None:
    await outbox.message(HIS)
    await outbox.do(lambda tx: tx.run("UPDATE delivery SET deal_id = 'deal_other'"))
    assert await taken_back(outbox) == Withdrawn()
    assert await of(outbox, HIS) == [("queued", None)]
