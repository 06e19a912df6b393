"""An API server that comes back in a mode in which it posts nothing: told, and lived through."""

import asyncio

import httpx
import pytest

from connectors.port import RemoteId
from connectors.port.connector import Check
from connectors.port.errors import Unavailable
from connectors.port.events import Event, Missed
from connectors.signal.connector import SignalConnector
from connectors.signal.standin.faults import FaultKind
from orchestrator import clock

from .conftest import NUMBER, Lab, fails, part, said, until
from .test_windows import MOST, Writer

_SECOND = 1_000_000


async def restarted(lab: Lab, mode: str) -> None:
    """The server goes, and comes back in a mode."""
    await lab.hand.go_down()
    await lab.hand.come_back(mode=mode)


async def receives_for_itself(lab: Lab, seconds: float) -> None:
    """What AUTO_RECEIVE_SCHEDULE has a server in mode normal do: it takes, and tells nobody."""
    path, ends = f"{lab.server.url}/v1/receive/{part(NUMBER)}", clock.now() + seconds * _SECOND
    async with httpx.AsyncClient(trust_env=False) as http:
        while clock.now() < ends:
            (await http.get(path, params={"timeout": "1"})).raise_for_status()


def named(message: RemoteId) -> int:
    """A message's timestamp, milliseconds."""
    return int(message.rpartition("/")[2])


def windows(events: list[Event]) -> list[Missed]:
    return [event for event in events if isinstance(event, Missed)]


async def mode_check(bot: SignalConnector) -> list[Check]:
    return [check for check in await bot.inspect() if check.code == "api mode"]


async def is_unfit(bot: SignalConnector) -> bool:
    health = await bot.health()
    return (health.up, health.code) == (False, "mode_unfit") and "MODE=json-rpc" in health.hint


async def is_up(bot: SignalConnector) -> bool:
    return (await bot.health()).up


async def test_a_server_that_comes_back_in_mode_normal_is_a_window(lab: Lab) -> None:
    """It answers as ever, takes what is written to us, and posts none of it."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    writer = Writer(lab, room)
    await asyncio.sleep(0.5)
    began = clock.now()
    await restarted(lab, "normal")
    await receives_for_itself(lab, 1.5)
    await until(lambda: is_unfit(bot))
    await receives_for_itself(lab, 0.0)
    await restarted(lab, "json-rpc")
    ended = clock.now()
    await until(lambda: is_up(bot))
    await writer.stop()
    last = await lab.hand.write("ann", "last", group=room)

    def all_came(events: list[Event]) -> bool:
        return bool(windows(events)) and any(named(m.remote_id) == last for m in said(events))

    events, _ = await lab.events(bot, cursor, all_came)
    told, heard = windows(events), {named(m.remote_id) for m in said(events)}
    lost = [stamp * 1000 for stamp in writer.stamps if stamp not in heard]
    assert len(lost) > 10
    assert all(any(w.since <= at <= w.until for w in told) for at in lost)
    assert "mode_unfit" in {w.code for w in told}
    assert all(w.since >= began - MOST and w.until <= ended + MOST for w in told)


async def test_in_mode_normal_nothing_is_sent_by_lists_that_nobody_renews(lab: Lab) -> None:
    """The server's groups and keys are as old as the last that it fetched."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(bot, room)
    assert await mode_check(bot) == []
    await restarted(lab, "normal")
    await until(lambda: is_unfit(bot))
    for act in (bot.send(delivery), bot.members(room), bot.posture(room)):
        error = await fails(act, Unavailable)
        assert error.code == "mode_unfit"
        assert "MODE=json-rpc" in error.hint
    assert await lab.ours("ann", room) == []
    (check,) = await mode_check(bot)
    assert not check.ok
    assert check.hint == "the API server runs in mode normal; it posts nothing in that mode"
    assert check.remedy == "set MODE=json-rpc and RECEIVE_WEBHOOK_URL there and restart it"
    await restarted(lab, "json-rpc")
    await until(lambda: is_up(bot))
    await bot.send(delivery)
    assert len(await lab.ours("ann", room)) == 1
    assert await mode_check(bot) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FaultKind.GARBAGE, ""),
        (FaultKind.NOTHING, "{}"),
        (FaultKind.NOTHING, '{"mode": 1}'),
        (FaultKind.NOTHING, "[]"),
        (FaultKind.REFUSE, ""),
        (FaultKind.CUT_LOST, ""),
        (FaultKind.UNAVAILABLE, ""),
        (FaultKind.HANG_LOST, ""),
    ],
)
async def test_a_server_that_names_no_mode_is_away(lab: Lab, kind: FaultKind, text: str) -> None:
    bot = await lab.bot()
    backend = bot._open.backend
    await bot._open.watch.stop()  # it would ask in between
    assert await backend.alive(2.0)
    await lab.hand.fault(kind, verb="about", text=text)
    assert not await backend.alive(0.5 if kind is FaultKind.HANG_LOST else 5.0)
    assert backend.deaf is None  # what it runs in is as unknown as before
    assert await backend.alive(2.0)
