"""Two hundred messages both ways while the line breaks, and our process killed while they come."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.port import DeliveryKey
from connectors.port.errors import ConnectorError, Outcome
from connectors.port.messages import Delivery

from .conftest import Lab, XmppRig, said
from .people import Person

pytestmark = [pytest.mark.real, pytest.mark.long]

MANY = 200


async def delivered(rig: XmppRig, delivery: Delivery) -> int:
    """Sends as the orchestrator does, until it is there; how often it was tried."""
    for attempt in range(1, 50):
        try:
            await rig.connector.send(replace(delivery, attempt=attempt))
        except ConnectorError as error:
            if error.outcome is Outcome.UNKNOWN and await found(rig, delivery):
                return attempt
            await asyncio.sleep(0.05)
        else:
            return attempt
    raise AssertionError("it never arrived")


async def found(rig: XmppRig, delivery: Delivery) -> bool:
    for _ in range(50):
        try:
            return await rig.connector.find(delivery.room, delivery.key) is not None
        except ConnectorError:
            await asyncio.sleep(0.05)
    raise AssertionError("nobody says whether it arrived")


async def cutting(rig: XmppRig, done: asyncio.Event, *, for_good: bool) -> int:
    """Breaks the line again and again, its session too where that is meant."""
    cuts = 0
    while not done.is_set():
        while not (await rig.connector.health()).up:  # noqa: ASYNC110 (it is asked)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.4)
        rig.proxy.lose_session = for_good and cuts % 2 == 0
        rig.proxy.cut()
        cuts += 1
    return cuts


@pytest.mark.parametrize("for_good", [False, True], ids=["resumed", "sessions lost"])
async def test_of_two_hundred_sent_none_is_lost_none_doubled_unmarked_and_order_is_kept(
    rig: XmppRig, *, for_good: bool
) -> None:
    bob, done = await rig.lab.person("bob"), asyncio.Event()
    breaking = asyncio.create_task(cutting(rig, done, for_good=for_good))
    sent = [rig.lab.delivery(rig.room, f"number {n}", rig.far.alice, bob) for n in range(MANY)]
    for delivery in sent:
        await delivered(rig, delivery)
    done.set()
    assert await breaking >= 2
    arrived = await rig.far.arrived(rig.room)
    first = list(dict.fromkeys(each.key for each in arrived))
    assert first == [delivery.key for delivery in sent]
    doubled = {key for key, count in Counter(each.key for each in arrived).items() if count > 1}
    for key in doubled:
        copies = [each for each in arrived if each.key == key]
        assert all(copy.marked for copy in copies[1:])


@pytest.mark.parametrize("for_good", [False, True], ids=["resumed", "sessions lost"])
async def test_of_two_hundred_heard_none_is_lost_or_doubled_and_order_is_kept(
    rig: XmppRig, *, for_good: bool
) -> None:
    cursor, done = await rig.lab.now(rig.connector), asyncio.Event()
    breaking = asyncio.create_task(cutting(rig, done, for_good=for_good))
    writing = asyncio.create_task(wrote(rig.far.alice, rig.room, MANY))
    events, _ = await rig.lab.events(rig.connector, cursor, lambda e: len(said(e)) >= MANY, 120)
    await writing
    done.set()
    assert await breaking >= 2
    assert [each.content.text for each in said(events)] == [f"number {n}" for n in range(MANY)]


async def wrote(person: Person, room: str, many: int, start: int = 0) -> None:
    for n in range(start, start + many):
        await person.write(room, f"number {n}")
        await asyncio.sleep(0.01)


async def test_nothing_is_lost_or_doubled_when_our_process_is_killed(
    lab: Lab, tmp_path: Path
) -> None:
    """kill -9 while messages come in, three times: the archive has what was between."""
    account = lab.account("killed")
    bot, alice = await lab.bot(account), await lab.person("alice")
    room = await lab.room(bot, alice)
    first = await lab.now(bot)
    await bot.close()
    setup = lab.setup(account)
    told = {"settings": dict(setup.settings), "secrets": dict(setup.secrets)}
    config, stored = tmp_path / "child.json", tmp_path / "stored"
    config.write_text(json.dumps({**told, "state": str(setup.state)}))
    stored.write_text(json.dumps({"cursor": first, "texts": [], "missed": []}) + "\n")
    for round_ in range(4):
        child = started(config, stored)
        try:
            await wrote(alice, room, 50, 50 * round_)
            await taken_in(stored, 50 * round_ + (50 if round_ == 3 else 5))
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    lines = lines_of(stored)
    texts = [text for line in lines for text in line["texts"]]
    assert texts == [f"number {n}" for n in range(200)]
    assert not [line for line in lines if line["missed"]]


def lines_of(stored: Path) -> list[dict[str, Any]]:
    """What the killed process wrote down."""
    return [json.loads(line) for line in stored.read_text().splitlines()]


def started(config: Path, stored: Path) -> "subprocess.Popen[bytes]":
    root = Path(__file__).parents[3]
    script = Path(__file__).parent / "child.py"
    return subprocess.Popen([sys.executable, str(script), str(config), str(stored)], cwd=root)


async def taken_in(stored: Path, many: int) -> None:
    """Waits until so many messages were written down."""
    async with asyncio.timeout(30):
        while sum(len(each["texts"]) for each in lines_of(stored)) < many:  # noqa: ASYNC110 (a file)
            await asyncio.sleep(0.02)


async def test_what_was_sent_before_a_kill_is_found_after_it(lab: Lab) -> None:
    """The attempt was written down before it left: a start later it is found, and no other is."""
    account = lab.account("bot")
    bot, alice = await lab.bot(account), await lab.person("alice")
    room = await lab.room(bot, alice)
    delivery = lab.delivery(room, "before", alice)
    accepted = await bot.send(delivery)
    await bot.close()
    again = await lab.bot(account)
    got = await again.find(room, delivery.key)
    assert got is not None
    assert got.remote_id == accepted.remote_id
    assert await again.find(room, DeliveryKey("another")) is None
