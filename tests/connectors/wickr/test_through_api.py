"""Posts that come through our API, whose door opens after the connector and closes before it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.port.events import Forged
from connectors.port.posts import HoldsPosts, TakesPosts
from connectors.wickr.connector import WickrConnector
from orchestrator import clock
from orchestrator.api.door import Door
from orchestrator.api.server import listening_near
from orchestrator.command.webhooks import Webhooks

from .conftest import Lab, asked, missed, said, until
from .test_windows import Writer, all_told, judged

ORIGIN = "http://localhost:8642"


@dataclass
class Api:
    """The door of a home with one channel, opened and closed at will."""

    port: int
    connectors: dict[str, Any] = field(default_factory=dict)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1/webhooks/wickr"

    @property
    def _home(self) -> Any:
        runtime: Any = SimpleNamespace(connectors=self.connectors)
        return Webhooks(runtime)

    async def open(self) -> None:
        near = listening_near(Door(self._home, ORIGIN), "127.0.0.1", self.port)
        await self._open.enter_async_context(near)

    async def close(self, *, held: bool = True) -> None:
        """Ends, as ``at_desk`` does; unless ``held`` as a crash of the proxy before it would."""
        if held:
            await self._home.hold_posts()
        await self._open.aclose()

    async def bot(self, lab: Lab) -> WickrConnector:
        bot = await lab.bot(reached_at=self.base)
        self.connectors["wickr"] = bot
        return bot


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        made = Api(taken.getsockname()[1])
    yield made
    await made.close(held=False)


async def is_told(lab: Lab, api: Api) -> None:
    async def told() -> bool:
        return (await lab.hand.callback()).startswith(api.base)

    await until(told)


async def test_the_client_is_told_an_address_once_that_answers(lab: Lab, api: Api) -> None:
    bot = await api.bot(lab)
    assert isinstance(bot, TakesPosts)
    assert isinstance(bot, HoldsPosts)
    assert bot.listens_on == 0
    await lab.hand.person("ann")
    cursor = await lab.now(bot)
    early = await lab.hand.write("ann", "before the door is open")
    await lab.heard(bot, cursor, early)
    assert await asked(lab, "callback_set") == []
    await api.open()
    await is_told(lab, api)
    before = len(await asked(lab, "receive"))
    late = await lab.hand.write("ann", "through the door")
    await lab.hand.settle()
    assert bot._open.receiver.heard_at is not None
    events = await all_told(lab, bot, cursor)
    assert {early, late} <= {message.remote_id for message in said(events)}
    assert len(await asked(lab, "receive")) - before <= 2, "it is posted, not polled"
    assert missed(events) == []
    assert not [event for event in events if isinstance(event, Forged)]


async def test_an_end_in_order_loses_nothing_and_tells_of_nothing(lab: Lab, api: Api) -> None:
    bot = await api.bot(lab)
    await lab.hand.person("ann")
    await api.open()
    await is_told(lab, api)
    cursor = await lab.now(bot)
    await api.close()
    assert await lab.hand.callback() == ""
    between = await lab.hand.write("ann", "while the home still ends")
    await asyncio.sleep(1.2)  # beats that must not have it posted to again
    assert await lab.hand.callback() == ""
    await bot.close()
    after = await lab.hand.write("ann", "while nothing runs")
    again = await api.bot(lab)
    events = await all_told(lab, again, cursor)
    assert {between, after} <= {message.remote_id for message in said(events)}
    assert missed(events) == []


async def test_a_door_that_closes_without_a_word_is_a_window(lab: Lab, api: Api) -> None:
    bot = await api.bot(lab)
    room = await lab.room(bot, "ann")
    await api.open()
    await is_told(lab, api)
    cursor = await lab.now(bot)
    await asyncio.sleep(1.2)  # it was seen to be well
    writer = Writer(lab, room)
    await asyncio.sleep(0.2)
    began = clock.now()
    await api.close(held=False)
    await asyncio.sleep(0.4)
    await bot.close()  # the connector had no time to see it by itself
    ended = clock.now()
    await writer.stop()
    again = await api.bot(lab)
    told = missed(await all_told(lab, again, cursor))
    await judged(lab, told, (began, ended), "listener_unreachable")
