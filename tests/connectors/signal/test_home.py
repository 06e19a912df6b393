"""What an open home makes of a Signal channel: its doctor, its grade, invitations, an outage."""

import pytest

from connectors.port import ConnectorName
from connectors.port.connector import AcceptsInvites, Inspects
from connectors.port.errors import Unavailable
from connectors.registry import Grade, find
from orchestrator.command.overview import _set_up
from orchestrator.command.runtime import Channel
from tiers.policy import Grade as Proven

from .conftest import Lab, said, until


def channel(connector: object) -> Channel:
    return Channel(ConnectorName("signal"), "signal", connector, Proven.LAB)  # type: ignore[arg-type]


async def test_doctor_shows_what_stands_before_the_network(lab: Lab) -> None:
    await lab.hand.reset(log_level="debug")
    bot = await lab.bot()
    assert isinstance(bot, Inspects)
    shown = {check.name: check for check in await _set_up(channel(bot))}
    assert set(shown) == {
        "signal api reach",
        "signal api log",
        "signal api version",
        "signal room admins",
        "signal webhook",
    }
    assert {check.group for check in shown.values()} == {"channel"}
    assert (shown["signal api log"].state, shown["signal api reach"].state) == ("fix", "ok")
    assert "LOG_LEVEL=info" in shown["signal api log"].then
    assert shown["signal webhook"].state == "soon"  # nothing has come yet
    await lab.hand.person("ann")
    await lab.hand.write("ann", "x")
    await lab.hand.settle()
    after = {check.name: check.state for check in await _set_up(channel(bot))}
    assert after["signal webhook"] == "ok"


async def test_what_doctor_cannot_see_is_red(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.go_down()

    async def red() -> bool:
        states = {check.name: check.state for check in await _set_up(channel(bot))}
        return states["signal api log"] == states["signal api version"] == "fix"

    await until(red)  # a connection that was open may answer once more
    await lab.hand.come_back()
    await bot.close()
    assert [check.state for check in await _set_up(channel(bot))] == ["fix"]


def test_it_ships_with_the_grade_that_it_was_run_for() -> None:
    found = find("signal")
    graded = found.graded()
    assert graded is not None
    assert graded.grade is Grade.LAB
    assert found.settings() is not None


async def test_an_invitation_is_told_and_can_be_taken(lab: Lab) -> None:
    bot = await lab.bot()
    assert isinstance(bot, AcceptsInvites)
    await lab.hand.person("ann")
    await lab.hand.person("bot", auto_join=False)
    room = await lab.hand.make_group("ann", ["bot"], admins=["ann"])
    await bot.join(room)  # type: ignore[arg-type]
    assert "bot" in (await lab.hand.group(room)).members
    await bot.leave(room)  # type: ignore[arg-type]
    assert "bot" not in (await lab.hand.group(room)).members


async def test_a_server_that_comes_back_is_used_again(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    delivery = await lab.delivery(bot, room)
    await lab.hand.go_down()
    assert (await bot.health()).code == "unreachable"
    with pytest.raises(Unavailable):
        await bot.send(delivery)
    await lab.hand.write("ann", "meanwhile", group=room)  # it waits at Signal
    await lab.hand.come_back()

    async def up() -> bool:
        return (await bot.health()).up

    await until(up)
    await bot.send(delivery)
    events, _ = await lab.events(bot, cursor, lambda e: bool(said(e)))
    assert [m.content.text for m in said(events)] == ["meanwhile"]
