"""Two hundred messages each way over a line that breaks, and our process killed while they come.

What arrived is what the far side's own client of another library has. The whole of us on such a
line is tested in ``tests/scenarios``; here it is the connector alone, driven as the outbox does.
"""

import asyncio
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from connectors.port import DeliveryKey
from connectors.port.errors import ConnectorError, Outcome, Uncertain
from connectors.port.events import Event, Missed
from connectors.port.messages import Delivery
from connectors.testing.rig import Arrived
from orchestrator.demo.farside import Person

from .conftest import MatrixRig, Proxy, cut_after, cut_before, said

MANY = 200
ROUNDS = 4
BREATH_S = 0.15
AWAY_S = 0.3
PATIENCE_S = 240.0


# --- the line ---------------------------------------------------------------------------------


@dataclass
class Line:
    """Breaks a proxy's line again and again: in the midst, before and after a send, and for long.

    Attributes:
        cuts: how often it broke.
    """

    proxy: Proxy
    cuts: int = 0

    async def breaks(self) -> None:
        for how in itertools.cycle(("midst", "before", "midst", "after", "away")):
            await asyncio.sleep(BREATH_S)
            self.cuts += 1
            if how in {"before", "after"}:
                self.proxy.spoil("send", cut_before if how == "before" else cut_after)
                continue
            self.proxy.down = how == "away"
            self.proxy.cut_all()
            await asyncio.sleep(AWAY_S if self.proxy.down else 0)
            self.proxy.down = False


@asynccontextmanager
async def breaking(proxy: Proxy) -> AsyncIterator[Line]:
    """A line that breaks all the while, and is whole afterwards."""
    line = Line(proxy)
    task = asyncio.create_task(line.breaks())
    try:
        yield line
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        proxy.down = False
        proxy.straight()


# --- what goes out ------------------------------------------------------------------------------


@dataclass
class Driver:
    """Sends as the outbox does.

    Attributes:
        found: deliveries of unknown outcome that were there.
        repeated: those that were not, and went again with the next attempt.
    """

    rig: MatrixRig
    found: set[DeliveryKey] = field(default_factory=set)
    repeated: set[DeliveryKey] = field(default_factory=set)

    async def deliver(self, delivery: Delivery) -> None:
        attempt = 1
        while not await self._accepted(replace(delivery, attempt=attempt)):
            attempt += delivery.key in self.repeated

    async def _accepted(self, delivery: Delivery) -> bool:
        try:
            await self.rig.connector.send(delivery)
        except Uncertain:
            there = await self._is_there(delivery)
            (self.found if there else self.repeated).add(delivery.key)
            return there
        except ConnectorError as error:
            if error.outcome is not Outcome.NOT_SENT:
                raise
            await asyncio.sleep(0.05)
            return False
        return True

    async def _is_there(self, delivery: Delivery) -> bool:
        while True:
            try:
                return await self.rig.connector.find(delivery.room, delivery.key) is not None
            except ConnectorError:
                await asyncio.sleep(0.05)


def wrong(sent: list[DeliveryKey], arrived: tuple[Arrived, ...]) -> list[str]:
    """What is wrong with what arrived."""
    first = {each.key: each for each in reversed(arrived)}
    again = [each for each in arrived if each is not first[each.key] and not each.marked]
    order = [each.key for each in arrived if each is first[each.key]]
    return [
        *(f"lost: {key}" for key in sent if key not in first),
        *(f"doubled and unmarked: {each.key}" for each in again),
        *(["out of order"] if order != [key for key in sent if key in first] else []),
    ]


@pytest.mark.long
async def test_of_two_hundred_sent_none_is_lost_or_doubled_unmarked_and_order_is_kept(
    rig: MatrixRig,
) -> None:
    driver = Driver(rig)
    readers, texts = (rig.far.anna, rig.far.cyd), [f"number {n}" for n in range(MANY)]
    sent = [rig.lab.delivery(rig.room, text, *readers) for text in texts]
    async with asyncio.timeout(PATIENCE_S), breaking(rig.proxy) as line:
        for delivery in sent:
            await driver.deliver(delivery)
    assert line.cuts >= 10
    assert driver.found, "no send broke off after it was done"
    assert driver.repeated, "no send broke off before it was done"
    arrived = await rig.far.arrived(rig.room)
    assert wrong([delivery.key for delivery in sent], arrived) == []
    first = {each.key: each.text for each in arrived}
    assert list(first.values()) == texts


# --- what comes in ------------------------------------------------------------------------------


async def wrote(person: Person, room: str, start: int, many: int) -> list[str]:
    """Somebody types without a pause, past the line that breaks; the events' names."""
    return [await person.say(room, f"number {n}") for n in range(start, start + many)]


def once(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What was told, each by its name once: a batch that was not stored is told again."""
    return list(dict.fromkeys(names))


@pytest.mark.long
async def test_of_two_hundred_heard_none_is_lost_or_doubled_and_order_is_kept(
    rig: MatrixRig,
) -> None:
    cursor = await rig.lab.now(rig.connector)
    heard: list[Event] = []

    async def hear() -> None:
        async for batch in rig.connector.receive(cursor):
            heard.extend(batch.events)
            if len({e.remote_id for e in said(heard)}) >= MANY:
                return

    lasting = asyncio.timeout(PATIENCE_S)
    async with lasting, breaking(rig.proxy) as line, asyncio.TaskGroup() as both:
        both.create_task(hear())
        writing = both.create_task(wrote(rig.far.anna, rig.room, 0, MANY))
    events = writing.result()
    assert line.cuts >= 10
    told = once([(e.remote_id, e.content.text or "") for e in said(heard)])
    assert told == [(event, f"number {n}") for n, event in enumerate(events)]
    assert not [e for e in heard if isinstance(e, Missed)]


@dataclass
class Child:
    """A process of ours that listens, killed and started again.

    Attributes:
        stored: what it wrote down.
    """

    config: Path
    stored: Path

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(Path(__file__).with_name("child.py"))]
        root = Path(__file__).parents[3]
        return subprocess.Popen([*command, str(self.config), str(self.stored)], cwd=root)

    def lines(self) -> list[dict[str, Any]]:
        """Its whole lines: one that is not written to its end was not stored."""
        kept, _, _ = self.stored.read_text().rpartition("\n")
        return [json.loads(line) for line in kept.splitlines()]

    def told(self) -> list[tuple[str, str]]:
        return [(event, text) for line in self.lines() for event, text in line["said"]]

    async def killed_at(self, many: int) -> None:
        """Runs until it has written down so many messages, and is killed."""
        process = self.start()
        try:
            while len(self.told()) < many:
                assert process.poll() is None, "it ended by itself"
                await asyncio.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


@pytest.mark.long
async def test_nothing_is_lost_or_doubled_when_the_line_breaks_and_our_process_is_killed(
    rig: MatrixRig, tmp_path: Path
) -> None:
    """kill -9 in the midst of each quarter; the rest of it comes while our process is dead."""
    first, setup = await rig.lab.now(rig.connector), rig.lab.setup(rig.connector.account)
    await rig.connector.close()
    child = Child(tmp_path / "child.json", tmp_path / "stored")
    settings = {**setup.settings, "homeserver": rig.url}
    told = {"settings": settings, "secrets": dict(setup.secrets), "state": str(setup.state)}
    child.config.write_text(json.dumps(told))
    child.stored.write_text(json.dumps({"cursor": first, "said": [], "missed": 0}) + "\n")
    events: list[str] = []
    part = MANY // ROUNDS
    async with asyncio.timeout(PATIENCE_S), breaking(rig.proxy) as line:
        for n in range(ROUNDS):
            enough = MANY if n == ROUNDS - 1 else len(events) + part // 5
            async with asyncio.TaskGroup() as both:
                both.create_task(child.killed_at(enough))
                writing = both.create_task(wrote(rig.far.anna, rig.room, len(events), part))
            events += writing.result()
    assert line.cuts >= 10
    assert once(child.told()) == [(event, f"number {n}") for n, event in enumerate(events)]
    assert len(child.told()) == MANY, "each is stored once"
    assert not sum(line["missed"] for line in child.lines())


# --- the judge ----------------------------------------------------------------------------------


def came(key: str, *, marked: bool = False) -> Arrived:
    return Arrived(key, key, None, DeliveryKey(key), marked, None, ())  # type: ignore[arg-type]  # any name


@pytest.mark.parametrize(
    ("arrived", "found"),
    [
        ((came("a"), came("b")), []),
        ((came("a"), came("b"), came("a", marked=True)), []),
        ((came("a"),), ["lost: b"]),
        ((came("b"), came("a")), ["out of order"]),
        ((came("a"), came("a"), came("b")), ["doubled and unmarked: a"]),
    ],
)
def test_a_loss_a_double_and_a_change_of_order_are_noticed(
    arrived: tuple[Arrived, ...], found: list[str]
) -> None:
    assert wrong([DeliveryKey("a"), DeliveryKey("b")], arrived) == found
