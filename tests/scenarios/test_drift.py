"""Rooms follow the roster: what differs is found, planned, done and read back, on a live home."""

import asyncio
import json
from dataclasses import replace

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.audit.body import canonical_of
from orchestrator.client.plans import DoneLine, PlanView
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.clock import HOUR, SECOND, ticks
from orchestrator.rooms.planned import read_plan
from orchestrator.rooms.presence import Present, presence
from orchestrator.rooms.reconcile import Moved
from orchestrator.roster.document import to_document
from tiers.guarantees import Guarantee
from tiers.ids import AccountId, PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, Talk, roster, without

LUNCH = Talk("lunch", Tier.COORDINATION)
SUPPLY = Talk("supply", Tier.OPERATIONS)
SOON = 1 * SECOND


@pytest.fixture
async def lunch(opens: Opens) -> House:
    """One room, of everybody; what is asked for is looked for during a second."""
    house = await opens((LUNCH,))
    house.home.runtime.hands._patience = SOON
    return house


async def plan(house: House) -> PlanView:
    return await house.home.plan(house.deal)


async def done(house: House, shown: PlanView, *, kept: bool = False) -> list[DoneLine]:
    document = shown.document if kept else None
    acts = house.home.plan_apply(house.deal, shown.hash, document, actor=ACTOR)
    return [line async for line in acts]


def acts(shown: PlanView) -> list[tuple[str, str | None]]:
    return [(act.kind, act.account) for act in shown.acts]


async def seated(house: House, label: str = "lunch") -> set[str]:
    return set((await house.far.state(house.room(label)))["seats"])


async def stays(house: House) -> list[Present]:
    store = house.home.runtime.store
    return await store.read(lambda tx: presence(tx, house.deal))


async def adopt(house: House, *gone: str) -> None:
    """Another roster comes into force, in which these have no grant."""
    people = roster()
    for name in gone:
        people = without(people, name)
    await house.home.adopt(house.deal, "roster", to_document(people), actor=ACTOR)


async def entries(house: House, kind: str) -> list[dict[str, object]]:
    rows = await house.rows(
        "SELECT body FROM audit WHERE deal_id = ? AND instr(entry, ?) > 0 ORDER BY n",
        house.deal,
        f'"kind":"{kind}"'.encode(),
    )
    return [json.loads(body) for (body,) in rows]


async def test_of_an_unchanged_world_the_plan_is_empty_and_always_the_same(lunch: House) -> None:
    first, second = await plan(lunch), await plan(lunch)
    assert (first.acts, first.held, first.left, first.unread) == ((), (), (), 0)
    assert first.right == 5
    assert first.hash == second.hash
    assert await done(lunch, first) == []


async def test_who_is_added_from_a_phone_is_a_finding_and_goes_by_a_plan(lunch: House) -> None:
    room = lunch.room("lunch")
    await lunch.far.add_member(room, "greta", by="ada")

    async def found() -> bool:
        return "unknown_member" in await lunch.findings()

    await eventually(found)
    shown = await plan(lunch)
    assert acts(shown)[0] == ("remove", "greta")
    assert "greta" in await seated(lunch), "a plan changes nothing"
    [gone, *_] = await done(lunch, shown)
    assert (gone.act.account, gone.outcome) == ("greta", "seen")
    assert "greta" not in await seated(lunch)
    assert await lunch.findings() == set()
    [stay] = [s for s in await stays(lunch) if s.account == "greta"]
    assert stay.person_id is None
    assert stay.ceased_at is not None
    assert stay.ceased_at > stay.obtained_at
    [removed] = await entries(lunch, "member.removed")
    assert (removed["outcome"], removed["cause"]) == ("seen", f"plan:{shown.hash}")
    [applied] = await entries(lunch, "plan.applied")
    assert applied["plan"] == shown.hash


async def test_a_stranger_is_not_put_out_on_the_reading_that_first_shows_him(
    lunch: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(*_: object, **__: object) -> None:
        await asyncio.sleep(0)

    runtime = lunch.home.runtime
    monkeypatch.setattr(runtime.watcher, "_draw", deaf)  # no event is heard before the plan reads
    monkeypatch.setattr(runtime.reconciler, "look_at", deaf)
    runtime.presences._read[("memory", lunch.room("lunch"))] = 2**60  # type: ignore[index]
    await lunch.far.add_member(lunch.room("lunch"), "greta", by="ada")
    shown = await plan(lunch)
    assert shown.acts == ()
    assert [(h.account, h.held) for h in shown.held] == [("greta", "first_seen")]


async def test_who_is_cleared_no_more_goes_and_who_is_cleared_is_asked_in(lunch: House) -> None:
    await lunch.far.remove_member(lunch.room("lunch"), "di")
    await adopt(lunch, "el")
    shown = await plan(lunch)
    assert [a for a in acts(shown) if a[0] != "rotate"] == [("remove", "el"), ("invite", "di")]
    ended = await done(lunch, shown)
    assert {line.outcome for line in ended} == {"seen"}
    assert await seated(lunch) == {"wallcross", "ada", "bo", "cy", "di"}
    assert (await plan(lunch)).acts == ()
    again = await done(lunch, shown)
    assert {line.why for line in again} == {"so_already"}, "a plan twice is a plan once"


async def test_while_a_channel_is_paused_nobody_is_let_in_and_who_is_to_go_goes(
    lunch: House,
) -> None:
    room = lunch.room("lunch")
    await lunch.far.remove_member(room, "bo", by="ada")
    await lunch.far.add_member(room, "greta", by="ada")

    async def found() -> bool:
        return "unknown_member" in await lunch.findings()

    await eventually(found)
    await lunch.home.channel_pause(CHANNEL, "a doubt", actor=ACTOR)
    outcomes = {
        (d.act.kind, d.act.account): (d.outcome, d.why)
        for d in await done(lunch, await plan(lunch))
    }
    assert outcomes["invite", "bo"] == ("refused", "channel_paused")
    assert outcomes["remove", "greta"][0] == "seen"
    assert {"bo", "greta"}.isdisjoint(await seated(lunch))


async def test_an_act_that_nobody_wants_any_more_is_not_said_to_be_so_already(
    lunch: House,
) -> None:
    """Nothing on the list shows it: the roster's people moved, and the plan is refused."""
    await lunch.far.remove_member(lunch.room("lunch"), "di")
    shown = await plan(lunch)
    assert acts(shown) == [("invite", "di")]
    await lunch.home.person_pause(lunch.deal, PersonId("di"), "travel", actor=ACTOR)
    with pytest.raises(Refused) as refused:
        await done(lunch, shown)
    assert any("it is wanted no more" in line for line in refused.value.details)
    assert await entries(lunch, "plan.applied") == []


async def test_presence_is_what_was_read_back(lunch: House) -> None:
    inside = {s.account for s in await stays(lunch) if s.ceased_at is None}
    assert inside == {"ada", "bo", "cy", "di", "el"}
    before = len(await stays(lunch))
    for _ in range(3):
        await plan(lunch)
    assert len(await stays(lunch)) == before
    await lunch.restart()
    lunch.home.runtime.hands._patience = SOON
    await plan(lunch)
    assert len(await stays(lunch)) == before, "a start tells nobody anew"


async def test_a_partial_list_puts_nobody_out_and_ends_no_stay(lunch: House) -> None:
    await adopt(lunch, "el")
    await lunch.far.inject(FaultKind.PARTIAL_MEMBERS, verb="members", times=None)
    shown = await plan(lunch)
    assert shown.acts == ()
    await lunch.far.clear_faults()
    shown = await plan(lunch)
    assert ("remove", "el") in acts(shown)
    await lunch.far.inject(FaultKind.PARTIAL_MEMBERS, verb="members", times=None)
    with pytest.raises(Refused) as refused:
        await done(lunch, shown)
    assert any("not whole" in line for line in refused.value.details)
    await lunch.far.clear_faults()
    assert "el" in await seated(lunch)
    assert all(s.ceased_at is None for s in await stays(lunch))


async def test_a_success_that_did_nothing_ends_as_not_confirmed(lunch: House) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    await lunch.far.inject(FaultKind.ANSWER_NOTHING, verb="remove", times=None)
    [gone, *_] = await done(lunch, shown)
    assert (gone.outcome, gone.why) == ("not_confirmed", "not_seen")
    assert "el" in await seated(lunch)
    assert all(s.ceased_at is None for s in await stays(lunch))
    await lunch.far.clear_faults()
    [gone, *_] = await done(lunch, shown)
    assert gone.outcome == "seen", "the same plan again does the rest"
    assert "el" not in await seated(lunch)


@pytest.mark.parametrize("fault", [FaultKind.UNAVAILABLE, FaultKind.CUT_AFTER, FaultKind.CUT_LOST])
async def test_a_network_that_fails_once_is_asked_again_or_read(
    lunch: House, fault: FaultKind
) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    await lunch.far.inject(fault, verb="remove")
    [gone, *_] = await done(lunch, shown)
    known = gone.outcome == "seen" and "el" not in await seated(lunch)
    honest = gone.outcome == "not_confirmed" and "el" in await seated(lunch)
    assert known or (honest and fault is FaultKind.CUT_LOST)


async def test_what_the_network_refuses_is_told_as_refused(lunch: House) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    await lunch.far.set_admin(lunch.room("lunch"), "wallcross", admin=False)
    ended = await done(lunch, shown)
    assert (ended[0].outcome, ended[0].why) == ("refused", "not_an_admin")
    assert "bot_demoted" in {line.kind for line in (await plan(lunch)).left}


async def test_past_the_cap_a_person_runs_it_again(lunch: House) -> None:
    for name in ("greta", "hans", "ines"):
        await lunch.far.add_member(lunch.room("lunch"), name, by="ada")
    await plan(lunch)
    shown = await plan(lunch)
    assert sum(a.kind == "remove" for a in shown.acts) == 2, "eight people: a quarter is two"
    assert [h.held for h in shown.held] == ["cap"]
    await done(lunch, shown)
    assert len(await seated(lunch) & {"greta", "hans", "ines"}) == 1
    await done(lunch, await plan(lunch))
    assert not await seated(lunch) & {"greta", "hans", "ines"}


async def test_a_plan_whose_world_has_moved_is_refused_and_says_what_moved(lunch: House) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    await adopt(lunch, "el", "di")
    with pytest.raises(Refused) as refused:
        await done(lunch, shown)
    told = " ".join(refused.value.details)
    assert "another roster" in told
    assert "Di" in told
    assert {"el", "di"} <= await seated(lunch)
    await adopt(lunch, "el")
    assert (await done(lunch, shown, kept=True))[0].outcome == "seen", "back to the world shown"


async def test_a_plan_that_nobody_made_is_refused(lunch: House) -> None:
    with pytest.raises(Missing):
        await done(lunch, replace(await plan(lunch), hash="f" * 64))
    shown = await plan(lunch)
    forged = replace(shown, document=shown.document.replace('"acts":[]', '"acts":[[]]'))
    with pytest.raises(Wrong):
        await done(lunch, forged, kept=True)


async def test_nobody_is_asked_in_by_a_plan_whom_the_roster_does_not_clear(lunch: House) -> None:
    """Whoever writes a plan by hand, and its hash, gets nobody in."""
    shown = await plan(lunch)
    body = json.loads(shown.document)
    body["acts"] = [["invite", "memory", lunch.room("lunch"), "mallory", "ada", "cleared"]]
    runtime = lunch.home.runtime
    forged = read_plan(canonical_of(body).decode())
    acts = runtime.reconciler.apply(lunch.deal, forged, actor=ACTOR)
    with pytest.raises(Moved):
        await anext(acts)
    deal = runtime.book.deals[lunch.deal]
    refused = await runtime.hands.do(deal, forged.acts[0], cause="plan:x", actor=ACTOR)
    assert (refused.outcome.value, refused.why) == ("refused", "not_cleared")
    assert "mallory" not in await seated(lunch)


async def test_settings_that_were_changed_are_put_back(opens: Opens) -> None:
    house = await opens((SUPPLY,))
    house.home.runtime.hands._patience = SOON
    room = house.room("supply")
    await house.far.change(room, invite_only=False, by="ada")

    async def found() -> bool:
        return "setting_drift" in await house.findings()

    await eventually(found)
    shown = await plan(house)
    assert [(a.kind, a.because) for a in shown.acts] == [("harden", "invite_only")]
    [line] = await done(house, shown)
    assert line.outcome == "seen"
    assert "setting_drift" not in await house.findings()
    assert [e["act"] for e in await entries(house, "room.hardened")] == ["harden"]


async def test_who_made_himself_admin_is_one_no_more(lunch: House) -> None:
    await lunch.far.set_admin(lunch.room("lunch"), "di", admin=True)
    shown = await plan(lunch)
    assert acts(shown) == [("demote", "di")]
    [line] = await done(lunch, shown)
    assert line.outcome == "seen"
    assert (await plan(lunch)).acts == ()


async def test_an_act_that_a_crash_cut_short_is_finished_while_it_is_still_wanted(
    lunch: House,
) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    await lunch.far.inject(FaultKind.ANSWER_NOTHING, verb="remove", times=None)
    runtime = lunch.home.runtime
    runtime.hands._patience = 1000 * SECOND
    running = asyncio.create_task(done(lunch, shown))

    async def begun() -> bool:
        return bool(await lunch.rows("SELECT 1 FROM act"))

    await eventually(begun)
    running.cancel()
    await asyncio.wait({running})
    await lunch.restart()
    await lunch.far.clear_faults()
    lunch.home.runtime.hands._patience = SOON
    await lunch.home.runtime.reconciler.look()
    assert "el" not in await seated(lunch)
    assert await lunch.rows("SELECT 1 FROM act") == []
    [removed] = await entries(lunch, "member.removed")
    assert (removed["outcome"], removed["cause"]) == ("seen", f"plan:{shown.hash}")


async def test_an_act_that_nobody_wants_any_more_is_given_up(lunch: House) -> None:
    room = lunch.room("lunch")
    await lunch.home.runtime.store.write(
        lambda tx: tx.run(
            "INSERT INTO act VALUES (?, 'remove', 'memory', ?, 'di', 'di', 'not_cleared', ?, ?, 1)",
            (lunch.deal, room, "plan:" + "0" * 64, ACTOR),
        )
    )
    await lunch.home.runtime.reconciler.look()
    assert "di" in await seated(lunch), "a row permits nothing"
    assert await lunch.rows("SELECT 1 FROM act") == []


async def test_named_people_are_the_only_ones_of_a_conversation_for_them(opens: Opens) -> None:
    house = await opens((replace(LUNCH, members=("ada", "bo", "cy")),))
    house.home.runtime.hands._patience = SOON
    await house.far.add_member(house.room("lunch"), "di", by="ada")
    await house.far.remove_member(house.room("lunch"), "cy")
    shown = await plan(house)
    wanted = [("remove", "di", "no_seat"), ("invite", "cy", "named")]
    assert [(a.kind, a.account, a.because) for a in shown.acts if a.kind != "rotate"] == wanted


async def test_by_itself_nothing_is_put_out_unless_the_policy_says_so(lunch: House) -> None:
    await adopt(lunch, "el")
    await lunch.home.runtime.reconciler.look()
    assert "el" in await seated(lunch)
    deal = lunch.home.runtime.book.deals[lunch.deal]
    policy = replace(deal.policy, membership=replace(deal.policy.membership, at_once=True))
    lunch.home.runtime.book.deals[lunch.deal] = replace(deal, policy=policy)
    await lunch.far.add_member(lunch.room("lunch"), "greta", by="ada")
    await lunch.home.runtime.reconciler.look()
    await lunch.home.runtime.reconciler.look()
    assert "el" not in await seated(lunch)
    assert "greta" in await seated(lunch), "whoever is on no list goes by a person's plan alone"


async def test_by_a_clock_that_is_not_believed_nobody_is_put_out_without_a_word(
    lunch: House,
) -> None:
    """A clearance that is over by a wrong clock is none that is over."""
    await adopt(lunch, "el")
    await lunch.home.runtime.reconciler.look()
    deal = lunch.home.runtime.book.deals[lunch.deal]
    policy = replace(deal.policy, membership=replace(deal.policy.membership, at_once=True))
    lunch.home.runtime.book.deals[lunch.deal] = replace(deal, policy=policy)
    trust = lunch.home.runtime.clock_trusted.__self__  # type: ignore[attr-defined]  # a method
    guard, now, tick = trust._guard, lunch.clock(), ticks()
    guard.heard("far", now - HOUR, before=tick, after=tick)
    assert not lunch.home.runtime.clock_trusted()
    await lunch.home.runtime.reconciler.look()
    assert "el" in await seated(lunch)
    guard.heard("far", now, before=tick, after=tick)
    await lunch.home.runtime.reconciler.look()
    assert "el" not in await seated(lunch)


async def test_an_account_that_stands_by_is_ours_and_no_stranger(opens: Opens) -> None:
    house = await opens((LUNCH,), settings={"standby": "wallcross-b"})
    house.home.runtime.hands._patience = SOON
    assert (await plan(house)).acts == ()
    assert "wallcross-b" in await seated(house)
    sent = await house.send("the table is booked", to="lunch")
    assert await house.ends(sent) == "delivered"
    await house.far.remove_member(house.room("lunch"), "wallcross-b")
    shown = await plan(house)
    assert acts(shown) == [("invite", "wallcross-b")]
    assert [d.outcome for d in await done(house, shown)] == ["seen"]
    assert acts(await plan(house)) == [("promote", AccountId("wallcross-b"))]


async def test_settings_are_named_as_the_guarantees(lunch: House) -> None:
    """What a network may be asked to set is what a tier may demand."""
    can = lunch.home.runtime.connectors["memory"].capabilities.can  # type: ignore[index]
    assert can <= set(Guarantee)


async def test_who_cannot_be_seated_is_told_of_and_nothing_is_asked_for_him(opens: Opens) -> None:
    listed = roster()
    people = tuple(replace(p, accounts={}) if p.person_id == "di" else p for p in listed.people)
    house = await opens((LUNCH,), people=replace(listed, people=people))
    shown = await plan(house)
    assert shown.acts == ()
    assert [(w.kind, w.person, w.because) for w in shown.left] == [("unseated", "di", "no_account")]


async def test_what_is_under_way_is_not_begun_again_by_the_schedule(lunch: House) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    await lunch.far.inject(FaultKind.ANSWER_NOTHING, verb="remove", times=None)
    running = asyncio.create_task(done(lunch, shown))

    async def begun() -> bool:
        return bool(await lunch.rows("SELECT 1 FROM act"))

    await eventually(begun)
    await lunch.home.runtime.reconciler.look()
    assert not running.done()
    await running
    assert len(await entries(lunch, "member.removed")) == 1


async def test_a_room_that_does_not_answer_keeps_no_other_waiting(opens: Opens) -> None:
    house = await opens((LUNCH, SUPPLY))
    house.home.runtime.hands._patience = 3 * SOON
    await adopt(house, "di")
    shown = await plan(house)
    slow = house.room("lunch")
    await house.far.inject(FaultKind.ANSWER_NOTHING, verb="remove", room=slow, times=None)
    ended = [d for d in await done(house, shown) if d.act.kind == "remove"]
    assert [(d.act.conversation, d.outcome) for d in ended] == [
        ("supply", "seen"),
        ("lunch", "not_confirmed"),
    ]


async def test_a_plan_is_kept_for_a_month(lunch: House) -> None:
    first = await plan(lunch)
    assert await lunch.rows("SELECT hash FROM plan") == [(first.hash,)]
    await lunch.home.runtime.store.write(lambda tx: tx.run("UPDATE plan SET at = 1, hash = 'old'"))
    await plan(lunch)
    assert await lunch.rows("SELECT hash FROM plan") == [(first.hash,)]


async def test_a_plan_goes_on_when_whoever_began_it_has_gone(lunch: House) -> None:
    await adopt(lunch, "el")
    await lunch.far.set_admin(lunch.room("lunch"), "di", admin=True)
    shown = await plan(lunch)
    acts = lunch.home.plan_apply(lunch.deal, shown.hash, None, actor=ACTOR)
    assert (await anext(acts)).act.kind == "remove"
    await acts.aclose()

    async def over() -> bool:
        return (await lunch.home.plan_run(lunch.deal, shown.hash)).state == "done"

    await eventually(over)
    run = await lunch.home.plan_run(lunch.deal, shown.hash)
    assert run.total == len(run.lines) == len(shown.acts)
    assert {line.outcome for line in run.lines} == {"seen"}
    assert (await plan(lunch)).acts == ()
    tail = await lunch.home.audit_tail(lunch.deal, 20)
    [applied] = [entry for entry in tail if entry.kind == "plan.applied"]
    assert applied.body["seen"] == len(shown.acts)


async def test_a_plan_that_goes_on_is_not_begun_twice_and_can_be_read(lunch: House) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    with pytest.raises(Missing):
        await lunch.home.plan_run(lunch.deal, shown.hash)
    await lunch.far.inject(FaultKind.SLOW, verb="members", amount=SECOND // 2, times=2)
    first = await lunch.home.plan_start(lunch.deal, shown.hash, actor=ACTOR)
    assert (first.state, first.lines) == ("running", ())
    lines, again = await asyncio.gather(
        done(lunch, shown), lunch.home.plan_start(lunch.deal, shown.hash, actor=ACTOR)
    )
    assert again.state == "running"
    assert [line.act.kind for line in lines][:1] == ["remove"]
    tail = await lunch.home.audit_tail(lunch.deal, 20)
    assert [entry.kind for entry in tail].count("plan.applied") == 1


async def test_a_plan_whose_world_has_moved_is_read_as_refused(lunch: House) -> None:
    await adopt(lunch, "el")
    shown = await plan(lunch)
    await adopt(lunch)
    await lunch.home.plan_start(lunch.deal, shown.hash, actor=ACTOR)

    async def over() -> bool:
        return (await lunch.home.plan_run(lunch.deal, shown.hash)).state != "running"

    await eventually(over)
    run = await lunch.home.plan_run(lunch.deal, shown.hash)
    assert (run.state, run.lines) == ("refused", ())
    assert run.wrong == "the plan is not of the world as it is now"
