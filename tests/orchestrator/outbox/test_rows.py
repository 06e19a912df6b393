"""Rows of the outbox change only as the tables of their states say, each with its entry."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.outbox import rows
from orchestrator.outbox.item import DELIVERY_MOVES, DeliveryState, Done, Item, Start, from_row
from orchestrator.outbox.port import HeldAs
from orchestrator.seal.errors import Destroyed
from orchestrator.seal.sealer import SEALED
from orchestrator.store.unit import StoreError
from tiers.decision import Effect, Reason
from tiers.ids import RuleId

from .conftest import DEAL, Outbox, opening

REASON = Reason(RuleId("timer"), Effect.HOLD, "the timer is off")
HELD = HeldAs("ada", "bo", 2_000_000_000_000_000)


async def stop(outbox: Outbox, item: Item, held: HeldAs = HELD) -> None:
    await outbox.do(lambda tx: rows.stop(tx, item, (REASON,), held, outbox.now))


async def dead(outbox: Outbox, item: Item) -> None:
    await outbox.do(lambda tx: rows.dead(tx, outbox.sealer, item, "refused", outbox.now))


async def possibly(outbox: Outbox, item: Item) -> None:
    await outbox.do(lambda tx: rows.possibly(tx, outbox.sealer, item, "unknown", outbox.now))


async def again(outbox: Outbox, item: Item, *, doubtful: bool = False) -> None:
    await outbox.do(
        lambda tx: rows.again(
            tx, item, "down", doubtful=doubtful, not_before=outbox.now, at=outbox.now
        )
    )


async def test_a_lane_is_in_the_order_of_its_own_counter(outbox: Outbox) -> None:
    names = [await outbox.message("r") for _ in range(5)]
    other = await outbox.message("s")
    assert [i.message_id for i in await outbox.due("r")] == names
    assert [i.seq for i in await outbox.due("r")] == [1, 2, 3, 4, 5]
    assert [(i.message_id, i.seq) for i in await outbox.due("s")] == [(other, 1)]
    assert len({i.wire_key for i in await outbox.due("r")}) == 5, "one name on the wire each"


async def test_the_end_of_a_lanes_counter_is_never_given_again(outbox: Outbox) -> None:
    first = await outbox.message("r")
    item = await outbox.item(first, "r")
    await outbox.start(item)
    await outbox.done(replace(item, state=DeliveryState.STARTED))
    await outbox.message("r")
    assert [i.seq for i in await outbox.due("r")] == [2]


async def test_lanes_with_work_are_those_with_open_rows(outbox: Outbox) -> None:
    await outbox.message("r")
    item = await outbox.item(await outbox.message("s"), "s")
    await dead(outbox, item)
    assert await outbox.do(rows.lanes_with_work) == [("memory/r", outbox.now)]


async def test_a_dead_head_that_blocks_stops_its_lane_and_no_other(outbox: Outbox) -> None:
    name = await outbox.message()
    await outbox.do(lambda tx: outbox.queue(tx, name, "r", blocks=True))
    behind = await outbox.message("r", "s")
    await dead(outbox, (await outbox.due("r"))[0])
    assert await outbox.due("r") == []
    assert [i.message_id for i in await outbox.due("s")] == [behind]


async def test_an_attempt_is_counted_and_keeps_its_name(outbox: Outbox) -> None:
    name = await outbox.message("r")
    before = await outbox.item(name, "r")
    await outbox.start(before)
    with pytest.raises(StoreError):
        await outbox.start(before)  # somebody else started it meanwhile
    started = await outbox.item(name, "r")
    assert (started.state, started.attempts) == (DeliveryState.STARTED, 1)
    await again(outbox, started, doubtful=True)
    after = await outbox.item(name, "r")
    assert (after.wire_key, after.possibly, after.attempts) == (before.wire_key, True, 1)


# --- what a message comes to --------------------------------------------------------------------

ENDS = {
    ("done",): ("delivered", False),
    ("done", "done"): ("delivered", False),
    ("done", "doubtful"): ("possibly", False),
    ("done", "possibly"): ("possibly", True),
    ("possibly", "doubtful"): ("possibly", True),
    ("done", "dead"): ("dead", True),
    ("possibly", "dead"): ("dead", True),
    ("done", "open"): ("delivering", True),
    ("done", "stopped"): ("held", True),
    ("stopped", "open"): ("held", True),
    ("done", "dead", "stopped"): ("held", True),
}


async def end(outbox: Outbox, message: str, room: str, how: str) -> None:
    """Brings one leg to its end."""
    if how == "open":
        return
    item = await outbox.item(message, room)
    if how == "stopped":
        await stop(outbox, item)
        return
    await outbox.start(item)
    started = await outbox.item(message, room)
    if how == "doubtful":
        await again(outbox, started, doubtful=True)
        await outbox.start(await outbox.item(message, room))
        started = await outbox.item(message, room)
    ways = {"dead": dead, "possibly": possibly}
    await (ways[how](outbox, started) if how in ways else outbox.done(started))


@pytest.mark.parametrize(("legs", "expected"), ENDS.items(), ids=str)
async def test_a_message_is_what_its_worst_leg_is(
    outbox: Outbox, legs: tuple[str, ...], expected: tuple[str, bool]
) -> None:
    rooms = [f"r{n}" for n in range(len(legs))]
    message = await outbox.message(*rooms)
    for room, how in zip(rooms, legs, strict=True):
        await end(outbox, message, room, how)
    assert (await outbox.state(message), await outbox.sealed(message)) == expected


async def test_while_a_message_is_held_no_part_of_it_is_due(outbox: Outbox) -> None:
    message, behind = await outbox.message("r", "s"), await outbox.message("s")
    await stop(outbox, await outbox.item(message, "r"))
    assert [i.message_id for i in await outbox.due("s")] == [behind]


async def test_stopped_and_sent_another_way_it_is_delivered_and_destroyed(outbox: Outbox) -> None:
    message = await outbox.message("r")
    await stop(outbox, await outbox.item(message, "r"))
    await outbox.do(
        lambda tx: (
            tx.run("UPDATE message SET state = 'delivering' WHERE message_id = ?", (message,)),
            outbox.queue(tx, message, "s"),
        )
    )
    await end(outbox, message, "s", "done")
    assert (await outbox.state(message), await outbox.sealed(message)) == ("delivered", False)


async def test_a_network_may_name_a_message_as_it_likes(outbox: Outbox) -> None:
    message = await outbox.message("r")
    await outbox.start(await outbox.item(message, "r"))
    started = await outbox.item(message, "r")
    end = Done(started, "a name\nof its own", None, outbox.now)
    await outbox.do(lambda tx: rows.done(tx, outbox.sealer, (end,)))
    assert await outbox.state(message) == "delivered"
    [(body,)] = await outbox.all("SELECT body FROM audit")
    assert b"of its own" not in body


async def test_its_files_are_destroyed_with_it_and_nobody_elses(outbox: Outbox) -> None:
    message, other = await outbox.message("r"), await outbox.message("r")

    async def pieces() -> Any:
        yield b"x" * 400_000

    for owner in (f"{message}-0", f"{other}-0"):
        row = await outbox.sealer.prepare_stream(DEAL, owner, pieces())
        await outbox.do(lambda tx, row=row: outbox.sealer.insert(tx, row))  # type: ignore[misc]
    await end(outbox, message, "r", "done")
    owners = {owner for (owner,) in await outbox.all("SELECT owner FROM sealed")}
    assert owners == {other, f"{other}-0"}
    assert [p.name for p in (outbox.sealer._blobs.folder).iterdir()] == [f"{other}-0"]


async def test_its_author_is_told_once_however_many_legs_are_stopped(outbox: Outbox) -> None:
    told: list[str] = []
    held = replace(HELD, tell=lambda _: told.append("told"))
    message = await outbox.message("r", "s")
    for item in [await outbox.item(message, room) for room in ("r", "s")]:
        await stop(outbox, item, held)
    assert told == ["told"]


# --- every change is one of the table -----------------------------------------------------------

ACTS = ("start", "done", "again", "possibly", "dead", "stop")


async def act(outbox: Outbox, item: Item, how: str) -> None:
    if how == "start":
        await outbox.do(lambda tx: rows.start(tx, (Start(item, outbox.now),)))
    elif how == "done":
        await outbox.done(item)
    else:
        ways = {"again": again, "possibly": possibly, "dead": dead, "stop": stop}
        await ways[how](outbox, item)


async def _row(outbox: Outbox) -> Item:
    sql = (
        "SELECT delivery_id, kind, message_id, deal_id, conversation_id, connector, room, lane, "
        "seq, wire_key, state, attempts, not_before, started_at, possibly, as_tier, target "
        "FROM delivery"
    )
    [row] = await outbox.all(sql)
    return from_row(row)


async def _history(folder: Path, acts: list[tuple[str, bool]]) -> None:
    async with opening(folder) as outbox:
        await outbox.message("r")
        stale = await _row(outbox)
        for how, with_stale in acts:
            before = await _row(outbox)
            item = stale if with_stale else before
            if item.state not in {DeliveryState.QUEUED, DeliveryState.STARTED}:
                continue  # nobody is given it
            entries = await outbox.all("SELECT count(*) FROM audit")
            try:
                await act(outbox, item, how)
            except StoreError:
                assert await _row(outbox) == before, "nothing of it was written"
                assert await outbox.all("SELECT count(*) FROM audit") == entries
                continue
            after = await _row(outbox)
            assert after.state in {before.state, *DELIVERY_MOVES[before.state]}
            assert after.attempts >= before.attempts
            assert after.possibly >= before.possibly, "a doubt stays"
            assert (after.wire_key, after.seq) == (before.wire_key, before.seq)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.booleans()), max_size=8))
def test_no_act_leaves_the_table(folders: Iterator[Path], acts: list[tuple[str, bool]]) -> None:
    asyncio.run(_history(next(folders), acts))


async def test_what_was_wrapped_anew_since_it_was_read_is_read_again(outbox: Outbox) -> None:
    name = await outbox.message("r", text=b"said")
    columns = (f"SELECT {SEALED} FROM sealed WHERE owner = ?", name)  # noqa: S608 - our own columns
    (before,) = await outbox.all(*columns)
    await outbox.sealer.turn(outbox.store, DEAL)
    with pytest.raises(Destroyed):
        outbox.sealer.unlock_row(name, before)
    found = outbox.store.glance(lambda tx: rows._body(tx, outbox.sealer, name, before))
    assert found is not None
    assert found.read() == b"said"


async def test_a_row_whose_body_is_gone_is_due_without_it(outbox: Outbox) -> None:
    name = await outbox.message("r")
    await outbox.do(lambda tx: outbox.sealer.destroy(tx, name))
    (due,) = outbox.store.glance(lambda tx: rows.due(tx, outbox.sealer, "memory/r", 10))
    assert (due.item.message_id, due.body) == (name, None)
