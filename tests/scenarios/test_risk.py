"""Leak risk of a live home: what is raised, what it costs, who sees it, and what closes it."""

from dataclasses import replace

import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.client.api import Client
from orchestrator.client.problems import Missing, Problem, Refused, Wrong
from orchestrator.client.risk import FindingView, RiskView
from orchestrator.client.wire import app_transport
from orchestrator.clock import DAY
from orchestrator.command.risk_look import RiskLook
from tiers.ids import DealId, PersonId
from tiers.rights import DeskRole, Seat, Viewer

from .conftest import House, Opens, eventually
from .house import CHANNEL

pytestmark = pytest.mark.usefixtures("untold")


def viewer(house: House, *roles: DeskRole, person: str | None = None, deal: str = "") -> Viewer:
    """Somebody with a part in the house's deal, or in another one."""
    where = DealId(deal) if deal else house.deal
    seat = Seat(where, PersonId(person) if person else None, frozenset(roles))
    return Viewer(f"person:{person or 'nobody'}", seats={where: seat}, stepped_up=True)


def desk(house: House, *roles: DeskRole, person: str | None = None, deal: str = "") -> Client:
    asks = viewer(house, *roles, person=person, deal=deal)
    return Client(app_transport(make_desk(house.home, asks), here()))


async def looked(house: House) -> RiskView:
    """The risk as the security officer sees it, looked at just now."""
    await RiskLook(house.home.runtime).look()
    async with desk(house, DeskRole.SECURITY_OFFICER) as client:
        return await client.risk_show(house.deal)


async def let_in(house: House, label: str) -> None:
    """Lets somebody in whom no list knows, and waits until that was seen."""
    await house.far.add_member(house.room(label), "mallory")

    async def seen() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(seen)
    await house.quiet()


def rules(view: RiskView) -> set[str]:
    return {f.rule for f in view.findings}


def one(view: RiskView, rule: str) -> FindingView:
    return next(f for f in view.findings if f.rule == rule)


async def test_a_fresh_deal_has_nothing_that_could_get_out(house: House) -> None:
    found = await looked(house)
    assert found.findings == ()
    assert found.score is not None
    assert (found.score.total, found.score.level, found.stale) == (0, "quiet", False)
    assert len(found.history) == 30
    assert {c.total for c in found.conversations} == {0}


async def test_before_the_first_look_nobody_says_that_all_is_well(house: House) -> None:
    await house.home.runtime.store.write(lambda tx: tx.run("DELETE FROM risk_look"))
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        found = await client.risk_show(house.deal)
    assert found.stale
    assert found.says.startswith("We cannot tell right now")


async def test_an_extra_member_costs_points_until_a_reading_shows_him_gone(house: House) -> None:
    room = house.room("supply")
    await let_in(house, "supply")
    found = await looked(house)
    extra = one(found, "unknown_member")
    assert found.score is not None
    assert found.score.total == sum(p.points for p in found.score.parts) >= extra.points > 0
    assert found.score.total == found.score.members + found.score.messages
    assert {a.answer for a in extra.answers} >= {"put_right", "pause_room", "look"}
    async with desk(house, DeskRole.SECURITY_OFFICER, person="bo") as client:
        clicked = await client.finding_answer(house.deal, extra.finding_id, "look")
        assert not clicked.closed  # a click closes nothing
        await house.far.remove_member(room, "mallory")
        again = await client.finding_answer(house.deal, extra.finding_id, "look")
    assert again.closed
    assert "unknown_member" not in rules(await looked(house))


async def test_what_is_put_right_is_the_plan_that_was_shown(house: House) -> None:
    await let_in(house, "supply")
    extra = one(await looked(house), "unknown_member")
    async with desk(house, DeskRole.SECURITY_OFFICER, person="bo") as client:
        shown = await client.finding_answer(house.deal, extra.finding_id, "put_right")
        assert shown.plan is not None
        assert shown.shown
        assert not shown.closed
        wrong = {"plan": "0" * 64}
        with pytest.raises(Problem):
            await client.finding_answer(house.deal, extra.finding_id, "put_right", wrong)


async def test_each_sees_what_his_part_includes(house: House) -> None:
    await let_in(house, "price")
    whole = await looked(house)
    assert whole.score is not None
    async with desk(house, DeskRole.OPERATOR) as client:
        figures = await client.risk_show(house.deal)
        assert figures.score is not None
        assert figures.score.total == whole.score.total
        assert figures.findings == ()
        assert {c.name for c in figures.conversations if c.floor == "valuation"} == {"V1"}
        assert all(p.findings == () and p.conversation is None for p in figures.score.parts)
        with pytest.raises(Refused):
            await client.finding_list(house.deal)
    async with desk(house, DeskRole.PARTICIPANT, person="el") as client:
        own = await client.risk_show(house.deal)
        assert own.score is None
        assert own.findings == ()
        with pytest.raises(Missing):
            await client.finding_show(house.deal, whole.findings[0].finding_id)
    async with desk(house, DeskRole.ADVISER, person="el") as client:
        with pytest.raises(Refused):
            await client.risk_show(house.deal)
    async with desk(house, DeskRole.OWNER, person="ada", deal="deal_" + "0" * 32) as client:
        with pytest.raises(Missing):
            await client.risk_show(house.deal)


async def test_accepted_it_costs_as_before_and_asks_nobody_for_a_time(house: House) -> None:
    await let_in(house, "supply")
    before = await looked(house)
    extra = one(before, "unknown_member")
    until = house.clock() + DAY
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        with pytest.raises(Refused):
            await client.finding_accept(house.deal, extra.finding_id, until=until, because="known")
    async with desk(house, DeskRole.SECURITY_OFFICER, person="bo") as client:
        far = house.clock() + 91 * DAY
        with pytest.raises(Wrong):
            await client.finding_accept(house.deal, extra.finding_id, until=far, because="known")
        said = await client.finding_accept(
            house.deal, extra.finding_id, until=until, because="the auditor's test account"
        )
    assert not said.finding.needs_you
    after = await looked(house)
    assert after.score is not None
    assert before.score is not None
    assert after.score.total == before.score.total
    assert one(after, "unknown_member").accepted is not None
    house.clock.ahead += 2 * DAY
    assert one(await looked(house), "unknown_member").accepted is None


async def test_a_timer_that_is_switched_off_is_found_and_closed_by_reading(house: House) -> None:
    room = house.room("price")
    await house.far.change(room, timer=None)
    await house.quiet()
    found = await looked(house)
    assert "timer_off" in rules(found)
    cid = one(found, "timer_off").conversation
    share = next(c for c in found.conversations if c.conversation == cid)
    assert share.messages > 0
    await house.far.change(room, timer=DAY)
    await house.quiet()
    assert "timer_off" not in rules(await looked(house))


async def test_a_room_that_cannot_be_read_is_never_better_than_one_that_is_well(
    opens: Opens,
) -> None:
    house = await opens()
    look = RiskLook(house.home.runtime)
    await look.look()
    house.home.runtime.connectors.pop(CHANNEL)
    house.home.runtime.observer.forget(CHANNEL)
    await look.look()
    house.clock.ahead += 5 * 60 * 1_000_000
    await look.look()
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        found = await client.risk_show(house.deal)
    assert {"posture_unreadable", "members_unreadable"} <= rules(found)
    assert found.score is not None
    assert found.score.total > 0


async def test_nobody_answers_a_finding_of_another_deal(house: House) -> None:
    await let_in(house, "supply")
    extra = one(await looked(house), "unknown_member")
    other = viewer(house, DeskRole.SECURITY_OFFICER, person="bo")
    away = replace(other, seats={})
    async with Client(app_transport(make_desk(house.home, away), here())) as client:
        with pytest.raises(Missing):
            await client.finding_answer(house.deal, extra.finding_id, "pause_room")
