"""What an open home makes of a Wickr channel: its doctor, its grade, its trial, an outage."""

import pytest

from connectors.port import ConnectorName
from connectors.port.connector import AcceptsInvites, Inspects
from connectors.port.errors import Unavailable
from connectors.registry import Grade, find
from connectors.wickr.standin.faults import FaultKind
from orchestrator.command.overview import _set_up
from orchestrator.command.runtime import Channel
from orchestrator.command.trial import Trial
from tiers.policy import Grade as Proven

from .conftest import Lab, said, texts, until


def channel(connector: object) -> Channel:
    return Channel(ConnectorName("wickr"), "wickr", connector, Proven.LAB)  # type: ignore[arg-type]


async def test_doctor_shows_what_stands_before_the_network(lab: Lab) -> None:
    bot = await lab.bot()
    assert isinstance(bot, Inspects)
    await lab.room(bot, "ann")
    shown = {check.name: check for check in await _set_up(channel(bot))}
    assert {check.group for check in shown.values()} == {"channel"}
    assert shown["wickr room admins"].state == "fix"  # nobody beside us
    assert shown["wickr bot callback"].state == "ok"
    assert shown["wickr bot messages"].state == "soon"  # nothing has come yet
    await lab.hand.write("ann", "x")
    await lab.hand.settle()
    after = {check.name: check.state for check in await _set_up(channel(bot))}
    assert after["wickr bot messages"] == "ok"


async def test_what_doctor_cannot_see_is_red(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.go_down()

    async def red() -> bool:
        states = {check.name: check.state for check in await _set_up(channel(bot))}
        return states["wickr bot reach"] == states["wickr bot statistics"] == "fix"

    await until(red)
    await lab.hand.come_back()
    await bot.close()
    assert [check.state for check in await _set_up(channel(bot))] == ["fix"]


def test_it_ships_with_the_grade_that_it_was_run_for() -> None:
    found = find("wickr")
    graded = found.graded()
    assert graded is not None
    assert graded.grade is Grade.LAB
    assert found.settings() is not None


async def test_a_room_with_ourselves_alone_shows_what_it_can_and_is_given_up(lab: Lab) -> None:
    bot = await lab.bot()
    trial = Trial("wickr", bot)
    await trial.run()
    assert [(s.name, s.ok) for s in trial.steps if not s.ok] == []
    assert trial.passed
    assert [(s.name, s.text) for s in trial.steps][-2:] == [
        (
            "taking back",
            "not offered here: what is said cannot be deleted; this line stays, with us alone",
        ),
        ("own room given up", "left"),
    ]
    (room,) = await lab.hand.rooms()
    assert (await lab.hand.room(room)).members == ()
    assert trial.grade(Proven.LAB, stated=False, timer_seen=True) is Proven.LAB


async def test_a_room_whose_settings_are_not_told_is_given_up_all_the_same(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.fault(FaultKind.GARBAGE_MEMBERS, verb="room", times=None)
    trial = Trial("wickr", bot)
    await trial.run()
    assert [(s.name, s.ok) for s in trial.steps][-2:] == [
        ("own room given up", True),
        ("failed", False),
    ]
    (room,) = await lab.hand.rooms()
    assert (await lab.hand.room(room)).members == ()
    assert trial.grade(Proven.LAB, stated=True, timer_seen=True) is Proven.NONE


async def test_a_network_that_ignores_timers_is_not_fit(lab: Lab) -> None:
    await lab.hand.ignore_timer()
    bot = await lab.bot()
    trial = Trial("wickr", bot)
    await trial.run()
    assert trial.grade(Proven.LAB, stated=True, timer_seen=False) is not Proven.FIT


async def test_who_is_put_into_a_room_by_others_is_in_and_can_go(lab: Lab) -> None:
    bot = await lab.bot()
    assert isinstance(bot, AcceptsInvites)
    await lab.hand.person("ann")
    room = await lab.hand.make_room("ann", ["bot"], masters=["ann"])
    await bot.join(room)  # type: ignore[arg-type]
    await bot.leave(room)  # type: ignore[arg-type]
    assert (await lab.hand.room(room)).members == ("ann",)


async def test_a_host_that_comes_back_is_used_again(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    delivery = await lab.delivery(bot, room)
    await lab.hand.go_down()
    assert not (await bot.health()).up
    with pytest.raises(Unavailable):
        await bot.send(delivery)
    await lab.hand.write("ann", "meanwhile", room=room)  # it waits at Wickr
    await lab.hand.come_back()

    async def up() -> bool:
        return (await bot.health()).up

    await until(up)
    await bot.send(delivery)
    events, _ = await lab.events(bot, cursor, lambda e: bool(said(e)))
    assert texts(events) == ["meanwhile"]
