"""Who is added from a phone is put out again: on a real Synapse, and on Signal with its faults.

What became of it is read where people read it: on their own phones.
"""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from connectors.signal.standin.faults import FaultKind
from orchestrator.client.plans import DoneLine, PlanView
from orchestrator.client.problems import Refused
from orchestrator.demo import halcyon
from orchestrator.demo.signal_act import make_board
from orchestrator.demo.stage import Stage, user_of

from .conftest import eventually
from .theatre import goes_on, opened

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]
GRETA, IDRIS, OWNER = "greta", "idris-costa", halcyon.OWNER
BOARD_OWNER = "ximena-park"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with opened(tmp_path_factory.mktemp("stage")) as found:
        await make_board(found.stage)
        await found.stage.signal.hand.person(GRETA, number="+15550999", auto_join=True)
        yield found.stage


async def plan_of(stage: Stage) -> PlanView:
    return await stage.client.plan(stage.deal)


def removals(shown: PlanView) -> list[tuple[str, str | None]]:
    return [(a.conversation, a.account) for a in shown.acts if a.kind == "remove"]


async def done(stage: Stage, shown: PlanView) -> list[DoneLine]:
    return [d async for d in stage.client.plan_apply(stage.deal, shown.hash, None)]


def of(ended: list[DoneLine], kind: str) -> list[DoneLine]:
    return [d for d in ended if d.act.kind == kind]


async def noted(stage: Stage, label: str) -> None:
    """Until a reading has shown who was added, and the room stands still."""

    async def stands() -> bool:
        return bool((await stage.client.conv_show(stage.deal, label)).rooms[0].paused)

    await eventually(stands)


async def test_of_an_unchanged_deal_the_plan_is_empty(stage: Stage) -> None:
    shown = await plan_of(stage)
    assert (shown.acts, shown.unread) == ((), 0)
    assert (await plan_of(stage)).hash == shown.hash


async def test_who_is_added_from_a_phone_on_matrix_is_drift_and_is_put_out(stage: Stage) -> None:
    room, phone = stage.rooms["price"], stage.people[IDRIS]
    await stage.people[OWNER].invite(room, user_of(IDRIS))
    await phone.join(room)
    await noted(stage, "price")
    shown = await plan_of(stage)
    assert removals(shown) == [("price", user_of(IDRIS))]
    assert [a.kind for a in shown.acts] == ["remove", "rotate"]
    assert shown.acts[0].because == "not_cleared"
    ended = await done(stage, shown)
    assert [d.outcome for d in ended] == ["seen", "seen"]
    path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/joined_members"
    told: Any = await stage.people[OWNER].raw("GET", path)
    assert user_of(IDRIS) not in told["joined"]
    await goes_on(stage, "price")
    assert (await plan_of(stage)).acts == ()


async def test_whoever_was_only_asked_in_on_matrix_is_taken_back_too(stage: Stage) -> None:
    room, phone = stage.rooms["price"], stage.people[IDRIS]
    await stage.people[OWNER].invite(room, user_of(IDRIS))
    await noted(stage, "price")
    ended = await done(stage, await plan_of(stage))
    assert [d.outcome for d in of(ended, "remove")] == ["seen"]

    async def taken_back() -> bool:
        await phone.sync()
        return room not in phone.invitations()

    await eventually(taken_back)
    await goes_on(stage, "price")


async def test_a_weakened_room_on_matrix_is_set_again(stage: Stage) -> None:
    room, owner = stage.rooms["logistics"], stage.people[OWNER]
    await owner.weaken(room, "m.room.join_rules", {"join_rule": "public"})
    shown = await plan_of(stage)
    assert ("harden", "logistics") in [(a.kind, a.conversation) for a in shown.acts]
    ended = await done(stage, shown)
    assert [d.outcome for d in of(ended, "harden")] == ["seen"]
    await owner.sync()
    assert (await plan_of(stage)).acts == ()


async def test_a_stranger_on_signal_is_put_out(stage: Stage) -> None:
    hand, room = stage.signal.hand, stage.rooms["board"]
    await hand.add_member(room, GRETA, by=BOARD_OWNER)
    await noted(stage, "board")
    shown = await plan_of(stage)
    assert [label for label, _ in removals(shown)] == ["board"]
    ended = await done(stage, shown)
    assert [d.outcome for d in of(ended, "remove")] == ["seen"]
    assert GRETA not in (await hand.group(room)).members
    await goes_on(stage, "board")


async def test_a_partial_list_on_signal_moves_nobody(stage: Stage) -> None:
    """One listing in so many leaves out a member and an admin: it is never taken for the room."""
    hand, room = stage.signal.hand, stage.rooms["board"]
    await hand.add_member(room, GRETA, by=BOARD_OWNER)
    await noted(stage, "board")
    members = (await hand.group(room)).members
    before = await plan_of(stage)
    for _ in range(12):
        await hand.fault(FaultKind.PARTIAL_MEMBERS, verb="*", times=1)
        shown = await plan_of(stage)
        assert {a.kind for a in shown.acts} <= {"remove"}, "whoever was left out is not missing"
        assert {*removals(shown)} <= {*removals(before)}
    await hand.clear_faults()
    assert (await hand.group(room)).members == members
    ended = await done(stage, await plan_of(stage))
    assert [(d.act.account, d.outcome) for d in ended] == [(removals(before)[0][1], "seen")]
    await goes_on(stage, "board")


async def test_a_plan_is_refused_while_lists_on_signal_leave_people_out(stage: Stage) -> None:
    """Every listing leaves out a member and an admin: no plan that was shown runs on it."""
    hand, room = stage.signal.hand, stage.rooms["board"]
    await hand.add_member(room, GRETA, by=BOARD_OWNER)
    await noted(stage, "board")
    shown, members = await plan_of(stage), (await hand.group(room)).members
    await hand.fault(FaultKind.PARTIAL_MEMBERS, verb="*", times=None)
    try:
        with pytest.raises(Refused):
            await done(stage, shown)
        assert (await hand.group(room)).members == members
    finally:
        await hand.clear_faults()
    await plan_of(stage)  # she was gone by the listings, and is new to us again
    assert {d.outcome for d in await done(stage, await plan_of(stage))} == {"seen"}
    assert GRETA not in (await hand.group(room)).members
    await goes_on(stage, "board")


async def test_a_success_that_did_nothing_on_signal_ends_as_not_confirmed(stage: Stage) -> None:
    hand, room = stage.signal.hand, stage.rooms["board"]
    await hand.add_member(room, GRETA, by=BOARD_OWNER)
    await noted(stage, "board")
    shown = await plan_of(stage)
    await hand.fault(FaultKind.NOTHING, verb="changes", times=None)
    try:
        [gone, *_] = await done(stage, shown)
        assert (gone.outcome, gone.why) == ("not_confirmed", "not_seen")
        assert GRETA in (await hand.group(room)).members
    finally:
        await hand.clear_faults()
    [gone, *_] = await done(stage, shown)
    assert gone.outcome == "seen"
    assert GRETA not in (await hand.group(room)).members
    await goes_on(stage, "board")


async def test_the_cap_leaves_the_rest_for_a_person(stage: Stage) -> None:
    hand, room = stage.signal.hand, stage.rooms["board"]
    odd = [f"odd-{n}" for n in range(3)]
    for n, name in enumerate(odd):
        await hand.person(name, number=f"+1555066{n}", auto_join=True)
        await hand.add_member(room, name, by=BOARD_OWNER)
    await noted(stage, "board")
    shown = await plan_of(stage)
    people = len((await hand.group(room)).members) - 1
    assert len(removals(shown)) == max(1, people // 4)
    assert {h.held for h in shown.held} == {"cap"}
    while (await plan_of(stage)).acts:
        assert all(d.outcome == "seen" for d in await done(stage, await plan_of(stage)))
    assert not {*odd} & {*(await hand.group(room)).members}
    await goes_on(stage, "board")
