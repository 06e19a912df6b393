"""What did not reach a reader is a finding, is told to its author, and ends by a new fact."""

import json
from typing import Any

import pytest

from connectors.memory.faults import FaultKind
from connectors.port import ConnectorName
from orchestrator.clock import DAY, HOUR, MINUTE
from orchestrator.flow.losses import Losses
from tiers.ids import DeliveryId

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL
from .test_documents import parties, send, states

SAID = "The list of documents was read again."


def losses(house: House) -> Losses:
    r = house.home.runtime
    return Losses(r.store, r.book, r.lines, r.writer, r.now)


async def look(house: House) -> None:
    """What the schedule does."""
    await losses(house).look()


async def found(house: House, rule: str) -> list[tuple[Any, ...]]:
    rows = await house.rows(
        "SELECT subject, reasons, closed_at IS NULL FROM finding WHERE rule = ? ORDER BY subject",
        rule,
    )
    return [(subject, " ".join(json.loads(why)), bool(still)) for subject, why, still in rows]


async def bounced(house: House, message: str, who: str) -> None:
    """The network says that what we sent did not reach an account."""
    sql = "SELECT room, remote_id FROM delivery WHERE message_id = ?"
    [(room, remote)] = await house.rows(sql, message)
    await _failed(house, room, remote, who)


async def _failed(house: House, room: str, remote: str, who: str) -> None:
    await house.far.receipt(who, room, remote, "failed")

    async def there() -> bool:
        sql = "SELECT 1 FROM receipt WHERE remote_id = ? AND kind = 'failed'"
        return bool(await house.rows(sql, remote))

    await eventually(there)


async def copy_of(house: House, message: str, reader: str) -> tuple[str, str, str]:
    """The delivery of a reader's copy, its room, and the network's name of it."""
    [row] = await house.rows(
        "SELECT d.delivery_id, d.room, coalesce(d.remote_id, '') FROM delivery d "
        "JOIN document_copy c ON c.message_id = d.message_id AND c.room = d.room "
        "WHERE d.message_id = ? AND c.reader = ? ORDER BY d.seq DESC LIMIT 1",
        message,
        reader,
    )
    return row[0], row[1], row[2]


async def distrusted(house: House) -> None:
    await house.far.add_device("cy", "second", "another-key")
    house.home.runtime.observer.forget(ConnectorName(CHANNEL))


async def test_the_sender_is_told_of_a_refused_copy_and_a_later_one_ends_the_finding(
    opens: Opens,
) -> None:
    house = await parties(opens)
    await distrusted(house)
    sent = await send(house)
    assert states(sent) == {"bo": "sent", "cy": "refused", "di": "sent"}
    for _ in range(2):
        await look(house)
    [told] = await house.told("ada")
    assert "the copy for cy was refused" in told.text
    assert "agreement" not in told.text
    assert "device" not in told.text
    [(subject, reasons, is_open)] = await found(house, "copy_refused")
    assert (subject, is_open) == (f"{sent.message_id}/cy", True)
    assert reasons.startswith("cy has no copy: ")
    await house.far.remove_device("cy", "second")
    house.home.runtime.observer.forget(ConnectorName(CHANNEL))
    await look(house)
    assert (await found(house, "copy_refused"))[0][2], "that he could have one is no copy"
    await send(house, readers=("di",))
    await look(house)
    assert (await found(house, "copy_refused"))[0][2], "another reader's is not his"
    assert states(await send(house, readers=("cy",))) == {"cy": "sent"}
    await look(house)
    assert not (await found(house, "copy_refused"))[0][2]
    assert len(await house.told("ada")) == 1


async def test_a_copy_that_died_is_over_once_it_went_after_all(opens: Opens) -> None:
    house = await parties(opens)
    first = await send(house)
    _, room, _ = await copy_of(house, first.message_id, "cy")
    await house.far.inject(FaultKind.REFUSE, verb="send", times=1, room=room)
    sent = await send(house)
    assert states(sent) == {"bo": "sent", "cy": "not_sent", "di": "sent"}
    await look(house)
    [told] = await house.told("ada")
    assert "the copy for cy did not go" in told.text
    [(subject, reasons, is_open)] = await found(house, "copy_not_sent")
    assert (subject, is_open) == (f"{sent.message_id}/cy", True)
    assert reasons == "the copy for cy did not go (refused) on memory"
    delivery, *_ = await copy_of(house, sent.message_id, "cy")
    await house.home.delivery_retry(DeliveryId(delivery), actor=ACTOR)

    async def over() -> bool:
        await look(house)
        return not (await found(house, "copy_not_sent"))[0][2]

    await eventually(over)


async def test_a_copy_that_came_back_is_told_and_a_finding(opens: Opens) -> None:
    house = await parties(opens)
    sent = await send(house)
    _, room, remote = await copy_of(house, sent.message_id, "di")
    await _failed(house, room, remote, "di")
    await look(house)
    [told] = await house.told("ada")
    assert "the copy for di came back" in told.text
    [(subject, reasons, is_open)] = await found(house, "returned")
    assert (subject, is_open) == (f"{sent.message_id}/di", True)
    assert reasons == "the copy for di came back on memory"
    await look(house)
    assert (await found(house, "returned"))[0][2], "it is its own copy that came back"


async def test_a_message_that_came_back_is_a_finding_of_its_room_and_told(opens: Opens) -> None:
    house = await opens()
    messages = [await house.send(f"{SAID} {n}", to="lunch") for n in range(2)]
    for message in messages:
        await house.ends(message)
        await bounced(house, message, "el")
    for _ in range(2):
        await look(house)
    told = await house.told("ada", 2)
    assert len(told) == 2, "each author of each message, once"
    assert all("came back from memory" in one.text and SAID not in one.text for one in told)
    assert not any("el" in one.text.split() for one in told)
    [(subject, reasons, is_open)] = await found(house, "returned")
    assert (subject, is_open) == (f"memory/{house.room('lunch')}", True)
    assert reasons == "what was sent to el on memory came back"


async def returned(house: House) -> None:
    message = await house.send(SAID, to="lunch")
    await house.ends(message)
    await bounced(house, message, "el")
    await look(house)
    assert [is_open for *_, is_open in await found(house, "returned")] == [True]


async def test_it_is_over_once_he_writes_to_us_and_not_once_another_does(opens: Opens) -> None:
    house = await opens()
    await returned(house)
    for who, still in (("bo", True), ("el", False)):
        await house.taken(await house.far.write(who, house.room("lunch"), f"{who} has read it."))
        await look(house)
        assert [is_open for *_, is_open in await found(house, "returned")] == [still]


async def test_it_is_over_once_something_later_has_stood_for_a_day(opens: Opens) -> None:
    house = await opens()
    await returned(house)
    await house.ends(await house.send(f"{SAID} Later.", to="lunch"))
    for ahead, still in ((DAY - HOUR, True), (DAY + MINUTE, False)):
        house.clock.ahead = ahead
        await look(house)
        assert [is_open for *_, is_open in await found(house, "returned")] == [still]


async def test_a_later_one_that_came_back_too_ends_nothing(opens: Opens) -> None:
    house = await opens()
    await returned(house)
    later = await house.send(f"{SAID} Later.", to="lunch")
    await house.ends(later)
    await bounced(house, later, "el")
    await look(house)
    house.clock.ahead = DAY + MINUTE
    await look(house)
    assert [is_open for *_, is_open in await found(house, "returned")] == [True]


@pytest.mark.parametrize("kind", ["read", "delivered"])
async def test_what_arrived_is_no_loss(opens: Opens, kind: str) -> None:
    house = await opens()
    message = await house.send(SAID, to="lunch")
    await house.ends(message)
    [(room, remote)] = await house.rows(
        "SELECT room, remote_id FROM delivery WHERE message_id = ?", message
    )
    await house.far.receipt("el", room, remote, kind)

    async def there() -> bool:
        return bool(await house.rows("SELECT 1 FROM receipt"))

    await eventually(there)
    await look(house)
    assert await found(house, "returned") == []
    assert await house.rows("SELECT 1 FROM loss") == []
