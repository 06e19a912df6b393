"""Posts that come through our API, whose door opens after the connector and closes before it."""

import asyncio
import socket
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.port.connector import Setup
from connectors.port.errors import Rejected
from connectors.port.events import Missed
from connectors.port.posts import Said, TakesPosts
from connectors.signal.connector import open_connector
from orchestrator import clock
from orchestrator.api.door import Door
from orchestrator.api.server import listening_near
from orchestrator.command.webhooks import Webhooks

from .conftest import Lab, said
from .test_forged import GOOD, KEYS, opened
from .test_windows import Writer, judged

AT = "https://wallcross.example/api/v1/webhooks/signal"


def door(port: int, **connectors: Any) -> Any:
    runtime: Any = SimpleNamespace(connectors=connectors)
    home: Any = Webhooks(runtime)
    return listening_near(Door(home, "http://localhost:8642"), "127.0.0.1", port)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def without_port(setup: Setup, reached_at: str) -> Setup:
    kept = {k: v for k, v in setup.settings.items() if k != "listen_port"}
    return replace(setup, settings=kept | {"reached_at": reached_at})


def test_without_a_port_it_is_said_where_our_api_is() -> None:
    kept = {k: v for k, v in GOOD.items() if k != "listen_port"}
    assert isinstance(opened(kept | {"reached_at": AT}, KEYS), TakesPosts)
    with pytest.raises(Rejected) as caught:
        opened(kept, KEYS)
    assert "reached_at" in str(caught.value)


class Unread:
    """A body that nobody may ask for."""

    def __aiter__(self) -> "Unread":
        raise AssertionError("a body was asked for")

    async def __anext__(self) -> bytes:
        raise AssertionError("a body was asked for")


async def test_with_a_listener_of_its_own_it_takes_nothing_through_the_api(lab: Lab) -> None:
    """One place to be posted to, whichever it is; and none while it is not open."""
    bot = await lab.bot()
    assert await bot.posted(lab.secret, Unread()) is Said.WRONG_PATH
    closed = open_connector(without_port(lab.setup("other"), AT))
    assert isinstance(closed, TakesPosts)
    assert await closed.posted(lab.secret, Unread()) is Said.WRONG_PATH


async def test_a_door_that_is_closed_is_a_window_and_an_open_one_loses_nothing(lab: Lab) -> None:
    port = free_port()
    at = f"http://127.0.0.1:{port}/api/v1/webhooks/signal"
    bot: Any = open_connector(without_port(lab.setup(), at))
    lab.opened.append(bot)
    began = clock.now()
    await bot.open()
    assert bot.listens_on == 0
    await lab.hand.webhook(f"{at}/{lab.secret}")
    cursor = await lab.now(bot)
    async with door(port, signal=bot):
        room = await lab.room(bot, "ann")
        writer = Writer(lab, room)
        await asyncio.sleep(1.2)
        closing = clock.now()
    await asyncio.sleep(0.6)
    async with door(port, signal=bot):
        ended = clock.now()
        await asyncio.sleep(1.2)
        await writer.stop()
        await lab.hand.write("ann", "the last one", group=room)
        events, _ = await lab.events(
            bot, cursor, lambda e: "the last one" in [m.content.text for m in said(e)]
        )
    arrived = [m for m in said(events) if m.content.text.startswith("number")]
    assert len(arrived) >= len(writer.stamps) - len(await lab.hand.losses())
    told = [event for event in events if isinstance(event, Missed)]
    early = [window for window in told if window.until < closing]
    late = [window for window in told if window not in early]
    assert {window.code for window in told} == {"listener_unreachable"}
    assert all(began <= window.since for window in early)
    await judged(lab, late, (closing, ended))
