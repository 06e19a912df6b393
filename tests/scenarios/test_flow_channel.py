"""A network that is down, lies, answers nonsense or answers not at all."""

import pytest

from connectors.memory.faults import FaultKind
from connectors.memory.network import Options
from orchestrator.client.problems import Refused
from orchestrator.client.views import Post
from orchestrator.clock import DAY
from orchestrator.flow.overdue import Expiry
from tiers.ids import DeliveryId

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL

SAID = "The list of documents was read again."
FORGETS = Options(idempotent_for=0)
FORGETTING = {"idempotent_for": "0"}


async def deliveries(house: House, message: str) -> list[tuple[str, int, str | None]]:
    sql = "SELECT state, attempts, reason FROM delivery WHERE message_id = ? ORDER BY seq"
    return [(s, a, r) for s, a, r in await house.rows(sql, message)]


async def tried(house: House, message: str, times: int) -> None:
    async def enough() -> bool:
        found = await deliveries(house, message)
        return bool(found) and found[0][1] >= times

    await eventually(enough)


async def test_down_it_waits_with_back_off_and_is_delivered_once_it_is_up(house: House) -> None:
    await house.far.inject(FaultKind.UNAVAILABLE, times=3)
    messages = [await house.send(f"{SAID} {n}", to="lunch") for n in range(3)]
    for message in messages:
        assert await house.ends(message) == "delivered"
    assert await deliveries(house, messages[0]) == [("done", 4, "unavailable")]
    assert await house.seen("el", "lunch") == [f"{SAID} {n}" for n in range(3)], "in order"


async def test_a_network_that_says_when_is_asked_again_then(house: House) -> None:
    await house.far.inject(FaultKind.RATE_LIMIT, times=1, amount=200_000)
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "delivered"
    assert (await deliveries(house, message))[0][1] == 2


async def test_rejected_it_is_a_dead_letter_and_a_retry_sends_it(house: House) -> None:
    await house.far.inject(FaultKind.REFUSE, times=1)
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "dead"
    assert await house.arrived() == []
    [dead] = await house.home.delivery_list(house.deal, "dead")
    assert (dead.message_id, dead.reason, dead.attempts) == (message, "refused", 1)
    await house.home.delivery_retry(DeliveryId(dead.delivery_id), actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [SAID]
    with pytest.raises(Refused):
        await house.home.delivery_retry(DeliveryId(dead.delivery_id), actor=ACTOR)


async def test_a_dead_head_blocks_valuation_and_is_skipped_in_coordination(house: House) -> None:
    await house.far.inject(FaultKind.REFUSE, times=1, room=house.room("price"))
    await house.far.inject(FaultKind.REFUSE, times=1, room=house.room("lunch"))
    first, behind = [await house.send(f"{SAID} {n}", to="price") for n in range(2)]
    assert await house.ends(first) == "dead"
    _, free = [await house.send(f"{SAID} {n}", to="lunch") for n in range(2)]
    assert await house.ends(free) == "delivered"
    await house.quiet()
    assert await house.state(behind) == "delivering"
    [dead] = [d for d in await house.home.delivery_list(None, "dead") if d.message_id == first]
    await house.home.delivery_retry(DeliveryId(dead.delivery_id), actor=ACTOR)
    assert await house.ends(behind) == "delivered"
    assert await house.seen("cy", "price") == [f"{SAID} {n}" for n in range(2)], "in order"


async def test_a_head_that_dies_in_the_middle_of_a_batch_blocks_what_was_read_with_it(
    house: House,
) -> None:
    await house.home.channel_pause(CHANNEL, "maintenance", actor=ACTOR)
    first, *behind = [await house.send(f"{SAID} {n}", to="price") for n in range(3)]
    await house.quiet()
    await house.far.inject(FaultKind.REFUSE, times=1, room=house.room("price"))
    await house.home.channel_resume(CHANNEL, actor=ACTOR)
    assert await house.ends(first) == "dead"
    await house.quiet()
    assert [await house.state(message) for message in behind] == ["delivering"] * 2
    assert await house.arrived() == []


async def test_an_answer_that_is_lost_is_asked_for_and_nothing_goes_twice(house: House) -> None:
    await house.far.inject(FaultKind.CUT_AFTER, times=1)
    message = await house.send(SAID, to="price")
    assert await house.ends(message) == "delivered"
    assert len(await house.arrived()) == 1
    assert (await deliveries(house, message))[0][:2] == ("done", 1)


async def test_a_call_that_is_lost_is_made_again(house: House) -> None:
    await house.far.inject(FaultKind.CUT_LOST, times=1)
    message = await house.send(SAID, to="price")
    assert await house.ends(message) == "delivered"
    [arrived] = await house.arrived()
    assert not arrived["marked"], "the network said for certain that it had nothing"


async def test_nonsense_for_an_answer_is_no_success(house: House) -> None:
    await house.far.inject(FaultKind.ANSWER_NOTHING, times=1)
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "delivered"
    assert len(await house.arrived()) == 1


async def unknown(opens: Opens) -> House:
    """A network that recognises nothing, and can be asked for nothing."""
    house = await opens(options=FORGETS, settings=FORGETTING)
    await house.far.inject(FaultKind.GARBAGE, verb="find", times=None)
    return house


async def test_of_unknown_outcome_valuation_is_never_repeated_by_itself(opens: Opens) -> None:
    house = await unknown(opens)
    await house.far.inject(FaultKind.CUT_AFTER, times=1)
    message = await house.send(SAID, to="price")
    assert await house.ends(message) == "possibly"
    assert len(await house.arrived()) == 1
    [doubt] = await house.home.delivery_list(house.deal, "possibly")
    assert doubt.message_id == message
    await house.home.delivery_retry(DeliveryId(doubt.delivery_id), actor=ACTOR)
    assert await house.ends(message) == "possibly", "it may have arrived twice, and did"
    first, second = await house.arrived()
    assert (first["marked"], second["marked"]) == (False, True)
    assert first["key"] == second["key"]


async def test_of_unknown_outcome_others_are_repeated_and_marked(opens: Opens) -> None:
    house = await unknown(opens)
    await house.far.inject(FaultKind.CUT_AFTER, times=1)
    message = await house.send(SAID, to="supply")
    assert await house.ends(message) == "possibly"
    first, second = await house.arrived()
    assert (first["marked"], second["marked"]) == (False, True)
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == [], "it arrived"


def expiry(house: House) -> Expiry:
    runtime = house.home.runtime
    return Expiry(runtime.store, runtime.sealer, runtime.book, runtime.lines, runtime.writer)


async def test_expired_it_stays_possibly_and_its_body_is_destroyed(opens: Opens) -> None:
    house = await unknown(opens)
    await house.far.inject(FaultKind.CUT_AFTER, times=1)
    message = await house.send(f"zvaluation {SAID}", to="price")
    assert await house.ends(message) == "possibly"
    assert await expiry(house).turn(house.clock() + 8 * DAY) == 1
    assert await house.state(message) == "possibly"
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []


async def test_what_waits_too_long_is_dead_and_destroyed(house: House) -> None:
    await house.home.channel_pause("memory", "test", actor=ACTOR)  # type: ignore[arg-type]  # a channel's name
    message = await house.send(SAID, to="lunch")

    async def waits() -> bool:
        return await house.state(message) == "delivering"

    await eventually(waits)
    house.clock.ahead = 15 * DAY
    await house.home.channel_resume("memory", actor=ACTOR)  # type: ignore[arg-type]  # a channel's name
    assert await house.ends(message) == "dead"
    assert await house.arrived() == []


async def test_a_held_body_past_its_time_is_destroyed_and_the_letter_dead(house: House) -> None:
    message = await house.send("zvaluation: we offer 27.50 per share.", to="lunch")
    assert await house.ends(message) == "held"
    assert await expiry(house).turn(house.clock() + 8 * DAY) == 1
    assert await house.state(message) == "dead"
    assert await house.home.held_list(None) == []
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []


async def test_events_that_come_twice_or_out_of_order_are_accepted_once(house: House) -> None:
    await house.far.inject(FaultKind.DUPLICATE_EVENT, times=2)
    await house.far.inject(FaultKind.OUT_OF_ORDER, times=1)
    remotes = [await house.far.direct("el", "wallcross", f"#lunch {SAID} {n}") for n in range(4)]
    for _, remote in remotes:
        assert await house.ends(await house.taken(remote)) == "delivered"
    assert len(await house.arrived()) == 4
    audit = await house.rows("SELECT count(*) FROM message WHERE connector = 'memory'")
    assert audit == [(4,)]


async def test_the_same_key_at_our_door_is_the_same_message(house: House) -> None:
    post = Post(person="ada", conversation="lunch", key="order 7")
    one = await house.home.send_text(house.deal, post, SAID, actor=ACTOR)
    two = await house.home.send_text(house.deal, post, SAID, actor=ACTOR)
    assert one.message_id == two.message_id
    await house.ends(one.message_id)
    assert len(await house.arrived()) == 1
