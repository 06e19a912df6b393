"""Somebody leaves: at once nothing is sent to him, then every room is read back without him.

What reached him, and what did not, is looked up where he would read it: at the far side.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.client.leaves import LeaveView
from orchestrator.client.problems import Refused, Waits, Wrong
from orchestrator.clock import HOUR, MINUTE, SECOND
from orchestrator.command import leaving
from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.book import HOME
from orchestrator.rooms.leave_late import LATE
from orchestrator.roster.document import to_document
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId, PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, PRICE, TALKS, Talk, make_talk, roster, without

BO, CY = PersonId("bo"), PersonId("cy")
ROOMS = tuple(Talk(f"room{n}", Tier.OPERATIONS) for n in range(12))


async def leave(house: House, person: str = "bo", reason: str = "left") -> LeaveView:
    return await house.home.leave(house.deal, PersonId(person), reason, actor=ACTOR)


async def shown(house: House, person: str = "bo") -> LeaveView:
    return await house.home.leave_show(house.deal, PersonId(person))


async def kinds(house: House) -> list[str]:
    sql = "SELECT entry FROM audit WHERE deal_id = ? ORDER BY n"
    entries = await house.rows(sql, house.deal)
    return [bytes(e).split(b'"kind":"')[1].split(b'"')[0].decode() for (e,) in entries]


async def seated(house: House, account: str, labels: Sequence[str]) -> list[str]:
    """The conversations in whose rooms the network itself has an account."""
    return [
        label for label in labels if account in (await house.far.state(house.room(label)))["seats"]
    ]


async def test_a_person_in_twelve_rooms_is_out_of_all_and_nothing_reaches_him(
    opens: Opens, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await opens(ROOMS)
    labels = [talk.label for talk in ROOMS]
    assert await seated(house, "bo", labels) == labels
    found = await leave(house)
    assert (found.state, found.reason, found.by) == ("gone", "left", ACTOR)
    assert await seated(house, "bo", labels) == []
    rooms = [s for s in found.steps if s.kind == "room"]
    assert [(s.state, s.was_in) for s in rooms] == [("seen", True)] * len(ROOMS)
    assert [s.state for s in found.steps if s.kind == "rotate"] == ["seen"] * len(ROOMS)
    assert found.took is not None
    with capsys.disabled():
        sys.stdout.write(f"\n12 rooms: last read-back {found.took / SECOND:.2f} s after he left\n")
    before = len(await house.far.inbox("bo"))
    for label in labels:
        message = await house.send(f"after he left, into {label}", to=label)
        assert await house.ends(message) == "delivered"
        assert (await house.seen("cy", label))[-1].endswith(f"into {label}")
        assert not any(
            "after he left" in t
            for t in await house.far.opened("bo", house.room(label), by="wallcross")
        )
    assert len(await house.far.inbox("bo")) == before
    assert "person.gone" in await kinds(house)


async def test_who_leaves_while_he_is_being_asked_in_is_put_out_again(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His absence counts only from a list that was read once the invitation was over."""
    house = await opens(())
    people = to_document(roster())
    await house.home.adopt(house.deal, "roster", to_document(without(roster(), "el")), actor=ACTOR)
    await make_talk(house.home, house.deal, Talk("lunch", Tier.COORDINATION))
    await house.home.adopt(house.deal, "roster", people, actor=ACTOR)
    network = house.home.runtime.connectors[ConnectorName(CHANNEL)]
    invite, asked, goes = network.invite, asyncio.Event(), asyncio.Event()  # type: ignore[attr-defined]

    async def slow(*what: object) -> None:
        asked.set()
        await goes.wait()
        await invite(*what)

    monkeypatch.setattr(network, "invite", slow)
    shown = await house.home.plan(house.deal)
    assert [(a.kind, a.account) for a in shown.acts] == [("invite", "el")]

    async def applied() -> None:
        async for _ in house.home.plan_apply(house.deal, shown.hash, None, actor=ACTOR):
            await asyncio.sleep(0)

    applying = asyncio.create_task(applied())
    await asked.wait()
    leaving_now = asyncio.create_task(leave(house, "el"))
    await asyncio.sleep(0.3)  # long enough for a look that does not wait
    goes.set()
    found = await leaving_now
    await applying
    assert found.state == "gone"
    assert await seated(house, "el", ["lunch"]) == []


async def test_who_leaves_while_a_room_is_being_made_for_him_is_put_out_of_it(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is none of the deal's when he leaves: it is looked through once it is."""
    house = await opens(())
    network = house.home.runtime.connectors[ConnectorName(CHANNEL)]
    create, asked, goes = network.create, asyncio.Event(), asyncio.Event()  # type: ignore[attr-defined]

    async def slow(spec: object) -> object:
        asked.set()
        await goes.wait()
        return await create(spec)

    monkeypatch.setattr(network, "create", slow)
    making = asyncio.create_task(
        make_talk(house.home, house.deal, Talk("lunch", Tier.COORDINATION))
    )
    await asked.wait()
    assert (await leave(house, "el")).state == "gone"
    goes.set()
    await making
    assert await seated(house, "el", ["lunch"]) == ["lunch"]
    assert (await shown(house, "el")).state == "open", "he is in again"
    await house.home.runtime.leaving.turn()
    assert await seated(house, "el", ["lunch"]) == []
    assert (await shown(house, "el")).state == "gone"
    steps = [s for s in (await shown(house, "el")).steps if s.kind == "room"]
    assert [(s.state, s.was_in) for s in steps] == [("seen", True)]


async def test_from_the_first_unit_nothing_goes_out_while_he_is_still_in(house: House) -> None:
    """The network removes nobody for now: what waits and what comes is stopped by the guard."""
    await house.home.channel_pause(ConnectorName(CHANNEL), "a test", actor=ACTOR)
    waiting = await house.send("it waits when he leaves", to="supply")
    await house.far.inject(FaultKind.LIE, verb="remove", times=None)
    runtime = house.home.runtime
    view = runtime.book.deals[house.deal]
    person = view.roster.person(BO)
    assert person is not None
    await runtime.leaving.begin(view, person, "left", actor=ACTOR)
    await house.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    assert await house.ends(waiting) == "held"
    assert await house.ends(await house.send("and more", to="supply")) == "held"
    assert await house.seen("bo", "supply") == []
    assert await seated(house, "bo", ["supply"]) == ["supply"]


async def test_a_removal_that_did_nothing_is_not_confirmed_and_stays_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PATIENCE", 2 * SECOND)
    monkeypatch.setattr(house.home.runtime.hands, "_patience", SECOND)
    room = house.room("supply")
    await house.far.inject(FaultKind.LIE, verb="remove", times=None, room=room)
    found = await leave(house)
    assert found.state == "open"
    missing = [s for s in found.steps if s.state == "not_confirmed"]
    assert {(s.kind, s.room) for s in missing} == {("room", room)}
    assert "person.gone" not in await kinds(house)
    await house.far.clear_faults()

    async def gone() -> bool:
        await house.home.runtime.leaving.turn()
        return (await shown(house)).state == "gone"

    await eventually(gone)
    assert await seated(house, "bo", ["supply"]) == []


async def test_a_room_that_stood_still_because_of_him_goes_on_once_he_is_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PATIENCE", SECOND)
    monkeypatch.setattr(house.home.runtime.hands, "_patience", SECOND // 10)
    await house.far.inject(FaultKind.LIE, verb="remove", times=None, room=house.room("supply"))
    await leave(house)
    await house.home.runtime.watcher.look_at_all()
    held = await house.send("nobody has this while he is in", to="supply")
    assert await house.ends(held) == "held"
    await house.far.clear_faults()

    async def goes_on() -> bool:
        await house.home.runtime.leaving.turn()
        [room] = (await house.home.conv_show(house.deal, "supply")).rooms
        return room.paused is None

    await eventually(goes_on)
    assert await house.ends(await house.send("now it goes", to="supply")) == "delivered"


async def test_what_takes_too_long_rises_by_the_clock_and_is_over_when_seen(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PATIENCE", SECOND)
    monkeypatch.setattr(house.home.runtime.hands, "_patience", SECOND // 10)
    await house.far.inject(FaultKind.LIE, verb="remove", times=None, room=house.room("supply"))
    await leave(house, "bo")
    sql = "SELECT severity, owner FROM finding WHERE rule = ? AND closed_at IS NULL"
    seen = []
    for ahead in (MINUTE, 6 * MINUTE, 16 * MINUTE):
        house.clock.ahead = ahead
        await house.far.skew(ahead)  # the network's clock goes on as well
        await house.home.runtime.leaving.turn()
        seen.append(await house.rows(sql, LATE))
    assert seen == [[], [("medium", "ada")], [("high", "el")]]
    assert any("not seen gone everywhere" in m.text for m in await house.told("ada"))
    assert any("15 minutes" in m.text for m in await house.told("el"))
    await house.far.clear_faults()

    async def over() -> bool:
        house.clock.ahead += MINUTE
        await house.home.runtime.leaving.turn()
        return await house.rows(sql, LATE) == []

    await eventually(over)
    assert (await shown(house)).state == "gone"


async def test_a_list_that_is_not_whole_proves_no_absence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PATIENCE", SECOND)
    monkeypatch.setattr(house.home.runtime.hands, "_patience", SECOND // 10)
    await house.far.inject(
        FaultKind.PARTIAL_MEMBERS, verb="members", times=None, room=house.room("lunch")
    )
    found = await leave(house)
    assert found.state == "open"
    assert [s.what for s in found.steps if s.state == "not_confirmed"] == ["lunch"]
    assert await seated(house, "bo", ["lunch"]) == []  # he is out; nobody could read that back


async def test_rooms_that_the_roster_no_longer_explains_are_looked_through(opens: Opens) -> None:
    """Somebody let him in from a phone; and an account that was his before is still in a room."""
    talks = (*TALKS, Talk("apart", Tier.OPERATIONS, members=("ada", "cy")))
    people = roster()
    before = tuple(
        replace(p, accounts={CHANNEL: AccountId("bo.before")}) if p.person_id == "bo" else p
        for p in people.people
    )
    house = await opens((), people=replace(people, people=before))
    await make_talk(house.home, house.deal, TALKS[1])
    await house.home.adopt(house.deal, "roster", to_document(people), actor=ACTOR)
    for talk in (talks[2], talks[3]):
        await make_talk(house.home, house.deal, talk)
    await house.far.add_member(house.room("apart"), "bo", by="ada")
    assert await seated(house, "bo.before", ["supply"]) == ["supply"]
    found = await leave(house)
    assert found.state == "gone"
    labels = ["supply", "lunch", "apart"]
    assert await seated(house, "bo", labels) == await seated(house, "bo.before", labels) == []


async def test_who_is_on_no_roster_any_more_is_taken_out_as_well(house: House) -> None:
    people = roster(names=("ada", "bo", "cy", "el"))
    await house.home.adopt(house.deal, "roster", to_document(people), actor=ACTOR)
    assert await seated(house, "di", ["supply", "lunch"]) == ["supply", "lunch"]
    found = await leave(house, "di")
    assert (found.state, found.name) == ("gone", "Di")
    assert await seated(house, "di", ["supply", "lunch"]) == []


async def test_whoever_is_paused_looks_after_nobody_and_is_told_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may read his line: he is not the next person of what takes too long."""
    monkeypatch.setattr(leaving, "PATIENCE", SECOND)
    monkeypatch.setattr(house.home.runtime.hands, "_patience", SECOND // 10)
    await house.home.person_pause(house.deal, PersonId("ada"), "doubt", actor=ACTOR)
    await house.far.inject(FaultKind.LIE, verb="remove", times=None)
    await leave(house, "cy")
    house.clock.ahead += 6 * MINUTE
    await house.home.runtime.leaving.turn()
    [(owner,)] = await house.rows("SELECT owner FROM finding WHERE rule = ?", LATE)
    assert owner == "bo"


async def test_nothing_that_is_held_is_handed_to_an_owner_who_left(house: House) -> None:
    await leave(house, "bo")
    message = await house.send(f"#nowhere {PRICE}", person="ada")
    assert await house.ends(message) == "held"
    [(owner, following)] = await house.rows(
        "SELECT owner, next_person FROM held WHERE message_id = ?", message
    )
    assert (owner, following) == ("ada", None)


async def test_who_is_on_the_roster_no_more_is_told_nothing_of_the_deal(house: House) -> None:
    """He need not have left: that another roster does not list him is enough."""
    book = house.home.runtime.book
    policy = read_policy(default_text())
    other = await house.home.deal_new("OTTER", made_up=True, policy=policy, actor=ACTOR)
    there = DealId(other.deal_id)
    people = to_document(roster(names=("ada", "bo", "cy", "el")))
    await house.home.adopt(there, "roster", to_document(roster()), actor=ACTOR)
    di = (ConnectorName(CHANNEL), AccountId("di"))
    assert book.reachable(*di, house.deal)
    await house.home.adopt(house.deal, "roster", people, actor=ACTOR)
    assert not book.reachable(*di, house.deal)
    assert book.reachable(*di, there)
    assert book.reachable(*di, HOME)


async def test_two_at_once_cannot_take_out_both_owners(house: House) -> None:
    done = await asyncio.gather(leave(house, "ada"), leave(house, "bo"), return_exceptions=True)
    refused = [d for d in done if isinstance(d, Refused)]
    assert len(refused) == 1
    assert len(house.home.runtime.book.deals[house.deal].persons.left) == 1


async def test_one_who_cannot_be_put_out_keeps_nobody_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "PATIENCE", SECOND)
    monkeypatch.setattr(house.home.runtime.hands, "_patience", 3 * SECOND)
    await house.far.inject(FaultKind.LIE, verb="remove", times=1, room=house.room("price"))
    first = asyncio.create_task(leave(house, "cy"))

    async def out() -> bool:
        return CY in house.home.runtime.book.deals[house.deal].persons.left

    await eventually(out)
    assert (await leave(house, "di")).state == "gone"
    assert not first.done()
    assert (await first).name == "Cy"


@pytest.mark.tampers("a leave is planted")
async def test_a_row_without_its_entry_takes_nobody_out(house: House) -> None:
    row = ("leave_x", house.deal, "bo", "left", ACTOR, 1, "open", None, "{}")
    act = ("leave_x", "room", CHANNEL, house.room("supply"), "bo", 1, None, 0, 0, None)

    def plant(tx: Tx) -> None:
        tx.run("INSERT INTO leaving VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        tx.run("INSERT INTO leaving_act VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", act)

    await house.home.runtime.store.write(plant)
    await house.home.runtime.leaving.turn()
    assert await seated(house, "bo", ["supply"]) == ["supply"]
    assert (await shown(house)).state == "open"


async def test_keys_are_shut_at_once_and_withdrawn_when_nothing_can_be_undone(house: House) -> None:
    found = await leave(house, "cy")
    steps = {s.kind: s.state for s in found.steps if s.kind in {"key", "revoke"}}
    assert steps == {"key": "seen", "revoke": "later"}
    house.clock.ahead += 31 * MINUTE
    await house.home.runtime.leaving.turn()
    assert {k.state for k in await house.home.key_list(house.deal, CY)} == {"revoked"}
    with pytest.raises(Refused, match="too late"):
        await house.home.leave_undo(house.deal, CY, actor=ACTOR)


async def test_keys_in_other_hands_are_withdrawn_at_once_and_nothing_is_undone(
    house: House,
) -> None:
    found = await leave(house, "cy", "phished")
    assert found.undo_until is None
    assert {k.state for k in await house.home.key_list(house.deal, CY)} == {"revoked"}
    with pytest.raises(Refused, match="too late"):
        await house.home.leave_undo(house.deal, CY, actor=ACTOR)


async def test_a_leave_is_undone_in_time_and_brings_his_clearance_back(house: House) -> None:
    await leave(house, "cy")
    found = await house.home.leave_undo(house.deal, CY, actor=ACTOR)
    assert found.state == "undone"
    view = house.home.runtime.book.deals[house.deal]
    assert view.roster.grants_of(CY, house.clock())
    assert "person.returned" in await kinds(house)
    assert {k.state for k in await house.home.key_list(house.deal, CY)} == {"verified"}
    with pytest.raises(Refused):
        await house.home.leave_undo(house.deal, CY, actor=ACTOR)


async def test_whose_devices_changed_is_not_brought_back(house: House) -> None:
    await leave(house, "cy")
    [key] = await house.home.key_list(house.deal, CY)
    await house.home.key_mark(house.deal, CY, key.device, "compromise", actor=ACTOR)
    with pytest.raises(Refused, match="not what they were"):
        await house.home.leave_undo(house.deal, CY, actor=ACTOR)


async def test_three_an_hour_and_never_the_last_owner(house: House) -> None:
    for name in ("cy", "di"):
        await leave(house, name)
    await leave(house, "bo")
    with pytest.raises(Refused, match="last deal owner"):
        await leave(house, "ada")
    with pytest.raises(Waits, match="an hour"):
        await leave(house, "el")
    with pytest.raises(Refused, match="already"):
        await leave(house, "di")
    house.clock.ahead += HOUR + MINUTE
    assert (await leave(house, "el")).state == "gone"


async def test_a_reason_is_a_code_and_no_text(house: House) -> None:
    with pytest.raises(Wrong):
        await leave(house, "cy", "he was rude to everybody, wasn't he")
    assert house.home.runtime.book.deals[house.deal].persons.left == set()


async def test_what_he_may_still_hold_is_counted_from_the_records(house: House) -> None:
    for n in range(3):
        assert await house.ends(await house.send(f"supply {n}", to="supply")) == "delivered"
    assert await house.ends(await house.send("zvaluation", to="price")) == "delivered"
    await house.taken(await house.far.write("cy", house.room("lunch"), "at noon"))
    await house.quiet()
    found = await leave(house)
    counted = {(h.tier, h.delivered, h.written) for h in found.holds}
    assert counted == {("operations", 3, 0), ("valuation", 1, 0), ("coordination", 0, 1)}
    timed = next(h for h in found.holds if h.tier == "valuation")
    assert timed.how == "timer"
    assert timed.until is not None
    assert timed.until > timed.last_at


async def test_nothing_of_the_deal_is_told_in_his_line(house: House) -> None:
    runtime = house.home.runtime
    deal = runtime.book.deals[house.deal]
    name, account = ConnectorName(CHANNEL), AccountId("bo")
    assert await runtime.lines.ensure(name, account, house.deal) is not None
    await leave(house)
    assert await runtime.lines.ensure(name, account, house.deal) is None
    before = len(await house.far.inbox("bo"))
    await runtime.watcher.tell_paused(deal, next(iter(deal.rooms.values()))[0], "a test")
    await house.quiet()
    assert len(await house.far.inbox("bo")) == before


async def test_a_lost_device_pauses_where_verified_ones_are_demanded(house: House) -> None:
    [key] = await house.home.key_list(house.deal, BO)
    lost = await house.home.person_lost(house.deal, BO, key.device, actor=ACTOR)
    assert (lost.state, lost.paused) == ("revoked", ("price",))
    assert await seated(house, "bo", ["price", "supply"]) == ["price", "supply"]
    assert any("#price is paused" in m.text for m in await house.told("cy"))
