"""The line is cut in the middle of two hundred messages, on each network, through the whole of us.

Judged by ``judge`` on what a person at the far side has: none is lost, order is kept in each lane,
and what is there twice says of itself that it may be a repetition. The same judge is shown a run
with one guard taken out.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from connectors.memory.record import digest
from orchestrator.client.api import Client
from orchestrator.client.path import reachable
from orchestrator.client.views import Post
from orchestrator.client.wire import socket_transport
from orchestrator.demo.synapse import NoSynapse, synapse_python

from .crashing import Runner, looking, until
from .judge import SendersLog, Told, verdict
from .networks import Mail, Matrix, Memory, Network, Signal
from .relay import Relay
from .runner import Orders

LANES = 4
AWAY_S = 2.0
PATIENCE_S = 240.0


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes.

    Attributes:
        rounds: how often the line is cut before a write, after one, and goes away.
        plant: the guard that is taken out.
    """

    messages: int
    rounds: int
    plant: str | None = None


def floors(network: Network) -> list[str]:
    """One lane on the network of ours never repeats by itself."""
    last = "valuation" if network.name == "memory" else "operations"
    return [*["operations"] * (LANES - 1), last]


@asynccontextmanager
async def running(
    network: Network, folder: Path, plant: str | None = None
) -> AsyncIterator[tuple[Runner, Client]]:
    """Our process on a network, with its rooms made and its people in them."""
    await network.open(folder)
    with ExitStack() as stack:
        orders = Orders(
            home=str(folder / "home"),
            socket=str(folder / "run" / "api.sock"),
            flags=network.flags(),
            talks=[(f"c{n:02}", floor) for n, floor in enumerate(floors(network))],
            plant=plant,
            channel=network.name,
            accounts=network.accounts(),
            keys=network.keys(),
            members=network.members,
        )
        (folder / "logs").mkdir()
        environment = {
            "WALLCROSS_SECRETS": str(folder / "secrets"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        try:
            runner = stack.enter_context(Runner(orders, folder / "logs", environment))
            await asyncio.to_thread(runner.start)
            near = stack.enter_context(reachable(Path(orders.socket)))
            async with Client(socket_transport(near)) as client:
                await network.come_in(list(runner.rooms.values()), client)
                yield runner, client
        finally:
            await asyncio.to_thread(runner.end)
            await network.close()


@dataclass
class Burst:
    """What is handed in, and the line that is cut meanwhile.

    Attributes:
        share: how much of each lane may have been handed in, of 1: there is always something left
            to be cut.
    """

    runner: Runner
    client: Client
    relay: Relay
    course: Course
    log: SendersLog = field(default_factory=SendersLog)
    share: float = 0.0

    async def play(self) -> None:
        lanes = asyncio.gather(*(self._lane(label) for label in self.runner.rooms))
        await self._spoil()
        await lanes

    async def _lane(self, label: str) -> None:
        """One lane: each is told accepted before the next."""
        count = self.course.messages // LANES
        for n in range(count):
            await until(lambda n=n: n < self.share * count, PATIENCE_S, "a turn")  # type: ignore[misc]
            text = f"{label} {n} {secrets.token_hex(8)}"
            post = Post(person="ada", conversation=label, key=f"{label}-{n}")
            sent = await self._taken(post, text)
            self.log.told.append(Told(self.runner.rooms[label], digest(text), sent))

    async def _taken(self, post: Post, text: str) -> str:
        while True:
            with contextlib.suppress(httpx.TransportError):  # under its key it is taken once
                return (
                    await self.client.send_text(self.runner.said["deal"], post, text)
                ).message_id

    async def _spoil(self) -> None:
        """Cut before a write, cut after one, away for some seconds, and back; again and again."""
        steps = [*("before", "after", "away")] * self.course.rounds
        for n, step in enumerate(steps):
            if step != "away":
                self.relay.cut("before" if step == "before" else "after")
            self.share = (n + 1) / (len(steps) + 1)
            if step == "away":
                await asyncio.sleep(0.1)
                self.relay.go_down()
                await asyncio.sleep(AWAY_S)
                self.relay.come_back()
            await until(lambda: not self.relay.armed, PATIENCE_S, "a write to cut")
        self.share = 1.0


async def settled(home: Path) -> None:
    """Until nothing is under way. Raises: TimeoutError."""
    busy_now = (
        "SELECT (SELECT count(*) FROM message WHERE state IN ('accepted', 'delivering'))"
        " + (SELECT count(*) FROM delivery WHERE state IN ('queued', 'started')"
        " AND conversation_id IS NOT NULL)"
    )
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with looking(home) as connection:
                if not connection.execute(busy_now).fetchone()[0]:
                    return
            await asyncio.sleep(0.2)


async def play(network: Network, course: Course, folder: Path) -> tuple[list[str], dict[str, int]]:
    """A run; returns what the judge finds, and the cuts that there were."""
    async with running(network, folder, course.plant) as (runner, client):
        burst = Burst(runner, client, network.relay, course)
        await burst.play()
        await settled(folder / "home")
        deal = runner.said["deal"]
        # valuation waits for a person where its room could not be read, or an outcome is unknown
        told = {d.message_id for d in await client.delivery_list(deal, "possibly")}
        told |= {held.message_id for held in await client.held_list(deal)}
        once = [
            room
            for room, f in zip(runner.rooms.values(), floors(network), strict=True)
            if f == "valuation"
        ]
        arrived = await network.arrived(runner.rooms)
        assert len(burst.log.told) == course.messages
        return verdict(burst.log, arrived, once=once, possibly=told), network.relay.cuts


NETWORKS = [pytest.param(k, id=k.__name__.lower()) for k in (Memory, Signal, Matrix, Mail)]


def made(kind: type[Network]) -> Network:
    if kind is Matrix:
        try:
            synapse_python()
        except NoSynapse as error:
            pytest.skip(str(error))
    return kind()


@pytest.mark.long
@pytest.mark.parametrize("kind", NETWORKS)
async def test_a_burst_of_200_over_a_line_that_is_cut(kind: type[Network], tmp_path: Path) -> None:
    wrong, cuts = await play(made(kind), Course(200, rounds=3), tmp_path)
    assert wrong == []
    assert min(cuts["before"], cuts["after"]) >= 3


PLANTED = [
    pytest.param(kind, plant, what, id=kind.__name__.lower())
    for kind, plant, what in (
        (Memory, "hope", "lost"),
        (Signal, "hope", "lost"),
        (Matrix, "hope", "lost"),
        (Mail, "any_order", "out of order"),
    )
]


@pytest.mark.long
@pytest.mark.parametrize(("kind", "plant", "what"), PLANTED)
async def test_a_guard_taken_out_is_noticed(
    kind: type[Network], plant: str, what: str, tmp_path: Path
) -> None:
    """An unknown outcome that is taken for a good one; by mail, whose outcome is known, order."""
    wrong, _ = await play(made(kind), Course(40, rounds=2, plant=plant), tmp_path)
    assert any(each.startswith(what) for each in wrong), wrong
