"""Time reaches every message that is not delivered, wherever it stands, and says so."""

from collections.abc import Callable
from typing import Any

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.clock import DAY, MINUTE
from orchestrator.flow import overdue
from orchestrator.flow.overdue import Expiry, hand_on
from tiers.ids import ConnectorName, MessageId

from .conftest import House, eventually
from .house import ACTOR, CHANNEL

SAID = "The list of documents was read again before noon."


def expiry(house: House) -> Expiry:
    runtime = house.home.runtime
    return Expiry(runtime.store, runtime.sealer, runtime.book, runtime.lines, runtime.writer)


async def in_state(house: House, message: MessageId, wanted: str) -> None:
    async def is_so() -> bool:
        return await house.state(message) == wanted

    await eventually(is_so)


async def behind_a_blocked_lane(house: House) -> MessageId:
    """The first is dead and keeps the second waiting, as valuation demands."""
    await house.far.inject(FaultKind.REFUSE, verb="send", times=1)
    first = await house.send(f"zvaluation {SAID}", to="price")
    assert await house.ends(first) == "dead"
    second = await house.send(f"zvaluation {SAID} Again.", to="price")
    await in_state(house, second, "delivering")
    return second


async def behind_a_paused_channel(house: House) -> MessageId:
    await house.home.channel_pause(ConnectorName(CHANNEL), "test", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await in_state(house, message, "delivering")
    return message


async def started(house: House) -> MessageId:
    """It was started when the machine stood still."""
    message = await behind_a_paused_channel(house)
    sql = "UPDATE delivery SET state = 'started', attempts = 1, started_at = ? WHERE message_id = ?"
    at = house.clock()
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (at, message)))
    return message


async def unrouted(house: House) -> MessageId:
    """It waits for a journal key."""
    runtime = house.home.runtime
    await runtime.store.write(lambda tx: tx.run("DELETE FROM journal_key"))
    await runtime.book.reload(runtime.store, house.deal)
    runtime.counsel.forget()
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    await in_state(house, message, "accepted")
    return message


PLACES = (
    (behind_a_blocked_lane, "dead", 8),
    (behind_a_paused_channel, "dead", 15),
    (started, "possibly", 15),
    (unrouted, "dead", 15),
)


async def ends_and_is_destroyed(house: House, place: Callable[..., Any], days: int) -> MessageId:
    message = MessageId(await place(house))
    await expiry(house).turn(house.clock() + days * DAY)
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []
    return message


@pytest.mark.tampers("journal keys are taken out of the store")
@pytest.mark.parametrize(("place", "end", "days"), PLACES, ids=[p[0].__name__ for p in PLACES])
async def test_what_waits_too_long_ends_wherever_it_stands(
    house: House, place: Callable[..., Any], end: str, days: int
) -> None:
    message = await ends_and_is_destroyed(house, place, days)
    assert await house.state(message) == end
    left = "SELECT 1 FROM delivery WHERE message_id = ? AND state IN ('queued', 'started')"
    assert await house.rows(left, message) == []
    report = await house.home.audit_tail(house.deal, 20)
    [entry] = [e for e in report if e.kind == "message.dead" and e.body["message"] == message]
    assert entry.body["reason"] == "expired"
    told = "SELECT count(*) FROM message WHERE connector = 'wallcross' AND sender = 'wallcross'"
    assert await house.rows(told) != [(0,)]
    await house.quiet()
    assert all(SAID not in text for text in await house.seen("bo", "lunch"))


async def test_not_before_its_tiers_time(house: House) -> None:
    message = await behind_a_paused_channel(house)
    await expiry(house).turn(house.clock() + 13 * DAY)
    assert await house.state(message) == "delivering"
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) != []


async def test_what_may_be_under_way_now_is_left_to_its_own_attempt(house: House) -> None:
    message = await started(house)
    later = house.clock() + 15 * DAY
    sql = "UPDATE delivery SET started_at = ? WHERE message_id = ?"
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (later - MINUTE, message)))
    assert await expiry(house).turn(later) == 0
    assert await house.state(message) == "delivering"


@pytest.mark.tampers("journal keys are taken out of the store")
async def test_the_journal_says_what_ended_before_there_was_a_key(house: House) -> None:
    message = await ends_and_is_destroyed(house, unrouted, 15)
    report = await house.home.journal_verify(house.deal)
    assert not report.ok
    assert f"{message}: ended by time while it waited for a key" in report.missing


async def test_what_ended_so_keeps_nobody_waiting(house: House) -> None:
    await ends_and_is_destroyed(house, behind_a_paused_channel, 15)
    await house.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    assert await house.ends(await house.send("Lunch is at one.", to="lunch")) == "delivered"


STATES = "('held', 'possibly', 'dead', 'delivering', 'accepted')"


def only_what_rests(patch: pytest.MonkeyPatch) -> None:
    narrow = overdue._EXPIRED.replace(STATES, "('held', 'possibly', 'dead')")
    assert narrow != overdue._EXPIRED
    patch.setattr(overdue, "_EXPIRED", narrow)


@pytest.mark.tampers("journal keys are taken out of the store")
@pytest.mark.parametrize("place", [behind_a_blocked_lane, unrouted])
async def test_a_planted_blind_spot_is_caught(
    house: House, place: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    only_what_rests(monkeypatch)
    with pytest.raises(AssertionError):
        await ends_and_is_destroyed(house, place, 15)


# --- findings of what is settled ----------------------------------------------------------------


async def held(house: House) -> MessageId:
    message = await house.send("zvaluation: we offer 27.50 per share.", to="lunch")
    assert await house.ends(message) == "held"
    return message


async def rules_of(house: House, message: MessageId) -> set[str]:
    sql = "SELECT rule FROM finding WHERE subject = ? AND closed_at IS NULL"
    return {rule for (rule,) in await house.rows(sql, message)}


async def test_findings_of_a_held_message_end_when_it_is_settled(house: House) -> None:
    message, runtime = await held(house), house.home.runtime
    await runtime.desk.ask(message, actor=ACTOR)
    later = house.clock() + 3 * DAY
    await hand_on(runtime.store, later)
    assert await rules_of(house, message) == {"held_overdue", "release_asked"}
    await hand_on(runtime.store, later)
    assert await rules_of(house, message) == {"held_overdue", "release_asked"}
    await house.home.held_drop(message, actor=ACTOR)
    await hand_on(runtime.store, later)
    assert await rules_of(house, message) == set()


async def test_a_withdrawal_is_over_when_it_was_seen_and_its_author_settled_it(
    house: House,
) -> None:
    remote = await house.far.write(
        "di", house.room("lunch"), "zvaluation: we offer 27.50 per share."
    )
    message = await house.taken(remote)
    assert await house.ends(message) == "held"
    await house.quiet()
    store, later = house.home.runtime.store, house.clock()
    await hand_on(store, later)
    assert "withdrawn" in await rules_of(house, message)
    await house.home.held_drop(message, actor=ACTOR)
    sql = "UPDATE delivery SET state = ? WHERE message_id = ? AND kind = 'undo'"
    for state, left in (("dead", {"withdrawn"}), ("done", set[str]())):
        await store.write(lambda tx, now=state: tx.run(sql, (now, message)))  # type: ignore[misc]  # bound now
        await hand_on(store, later)
        assert await rules_of(house, message) == left
