"""Killed in the middle of taking somebody out, it finishes by itself at its next start.

A process of its own, ended by SIGKILL while some of twelve rooms are done and others not. What is
so is asked of the network, whose far side says who sits where and what reached him.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from connectors.memory import process
from connectors.memory.farside import FarSide
from connectors.memory.faults import FaultKind
from orchestrator.client.api import Client
from orchestrator.client.leaves import LeaveView
from orchestrator.client.path import reachable
from orchestrator.client.views import Post
from orchestrator.client.wire import socket_transport

from .crashing import Runner
from .runner import Orders

ROOMS = 12
SLOW = 400_000
"""Microseconds that the network takes for each removal."""
PATIENCE_S = 60.0


class Scene:
    """The network in one process, ours in another."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        far = stack.enter_context(process.start(f"unix:{folder / 'far.sock'}"))
        flags = {
            "channels.memory.kind": "memory",
            "channels.memory.settings.address": far.address,
            "channels.memory.settings.unsafe_trust_first_seen": "true",
        }
        self.socket = folder / "run" / "api.sock"
        talks = [(f"c{n:02}", "operations") for n in range(ROOMS)]
        orders = Orders(str(folder / "home"), str(self.socket), flags, talks)
        (folder / "logs").mkdir()
        environment = {
            "WALLCROSS_SECRETS": str(folder / "secrets"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        self.runner = stack.enter_context(Runner(orders, folder / "logs", environment))
        self.far = FarSide.at(far.address)

    @property
    def deal(self) -> str:
        return str(self.runner.said["deal"])

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        with reachable(self.socket) as near:
            async with Client(socket_transport(near)) as client:
                yield client

    async def seated(self, account: str) -> int:
        """In how many rooms the network has an account."""
        states = [await self.far.state(room) for room in self.runner.rooms.values()]
        return sum(account in state["seats"] for state in states)

    async def until_gone(self) -> LeaveView:
        ends = time.monotonic() + PATIENCE_S
        async with self.client() as client:
            while True:
                found = await client.leave_show(self.deal, "bo")
                if found.state == "gone":
                    return found
                assert time.monotonic() < ends, found.steps
                await asyncio.sleep(0.1)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Scene]:
    with ExitStack() as stack:
        found = Scene(tmp_path, stack)
        yield found
        await found.far.close()


async def _ask(scene: Scene) -> None:
    """Asks for the leave; whoever answers is killed meanwhile."""
    with suppress(httpx.HTTPError, OSError):
        async with scene.client() as client:
            await client.leave(scene.deal, "bo", "left")


async def test_killed_in_the_middle_it_finishes_by_itself(here: Scene) -> None:
    await asyncio.to_thread(here.runner.start)
    assert await here.seated("bo") == ROOMS
    await here.far.inject(FaultKind.SLOW, verb="remove", times=None, amount=SLOW)
    asking = asyncio.create_task(_ask(here))
    ends = time.monotonic() + PATIENCE_S
    while not 0 < ROOMS - await here.seated("bo") < ROOMS:
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)
    await asyncio.to_thread(here.runner.kill)
    await asking
    left = await here.seated("bo")
    assert 0 < left < ROOMS, "killed in the middle: some rooms were done, others not"
    await asyncio.to_thread(here.runner.start)
    found = await here.until_gone()
    assert await here.seated("bo") == 0
    rooms = [s for s in found.steps if s.kind == "room"]
    assert [(s.state, s.was_in) for s in rooms] == [("seen", True)] * ROOMS
    rotated = [s for s in found.steps if s.kind == "rotate"]
    assert [s.state for s in rotated] == ["seen"] * ROOMS
    await _nothing_reaches_him(here)


async def _nothing_reaches_him(here: Scene) -> None:
    before = len(await here.far.inbox("bo"))
    async with here.client() as client:
        for label, room in here.runner.rooms.items():
            await client.send_text(here.deal, Post(person="ada", conversation=label), f"#{label}")
            ends = time.monotonic() + PATIENCE_S
            while not any(m.text == f"#{label}" for m in await here.far.inbox("cy", room)):
                assert time.monotonic() < ends
                await asyncio.sleep(0.05)
            assert f"#{label}" not in await here.far.opened("bo", room, by="wallcross")
    assert len(await here.far.inbox("bo")) == before
