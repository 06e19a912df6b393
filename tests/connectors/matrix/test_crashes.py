"""Late keys and a process that ends at the worst moment, on a real Synapse."""

import asyncio
import json
import signal
import sys
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors.port.errors import (
    Uncertain,
)

from .conftest import Lab, Proxy, cut_after, sealed_to

pytestmark = pytest.mark.long


# keys that come late, and crashes


async def test_a_message_whose_key_comes_late_is_told_twice(lab: Lab, proxy: Proxy) -> None:
    anna = await lab.person("anna")
    bot = await lab.bot(homeserver=await proxy.start())
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    kept: list[Any] = []

    async def withholding(call: Any, forward: Any) -> httpx.Response:
        answer = await forward(call)
        document = answer.json()
        kept.extend(document.get("to_device", {}).pop("events", []))
        return httpx.Response(200, json=document)

    async def handing_over(call: Any, forward: Any) -> httpx.Response:
        answer = await forward(call)
        document = answer.json()
        document.setdefault("to_device", {}).setdefault("events", []).extend(kept)
        return httpx.Response(200, json=document)

    written = await anna.say(room, "late but there")
    proxy.spoil("sync", withholding)
    (first,), after = await lab.messages(bot, cursor, 1)
    assert (first.remote_id, first.unreadable) == (written, "no_key")
    await anna.say(room, "next")
    proxy.spoil("sync", handing_over)
    found, _ = await lab.messages(bot, after, 2)
    assert [(m.remote_id == written, m.content.text) for m in found] == [
        (True, "late but there"),
        (False, "next"),
    ]


KILLED = """
import asyncio, json, os, signal, sys
from pathlib import Path
from connectors.matrix.connector import open_connector
from connectors.matrix.machine import Machine
from connectors.port.connector import Setup
from orchestrator import clock

told = json.load(sys.stdin)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if told["when"] == "keys stored":
    take = Machine.take
    def taken(self, events):
        events = list(events)
        came = take(self, events)
        return die() if came else came
    Machine.take = taken

async def main():
    setup = Setup("matrix", told["settings"], told["secrets"], Path(told["state"]), clock.now)
    bot = open_connector(setup)
    await bot.open()
    async for batch in bot.receive(told["cursor"]):
        if any(hasattr(e, "content") for e in batch.events):
            die()

asyncio.run(main())
"""


@pytest.mark.parametrize("when", ["keys stored", "batch offered"])
async def test_a_kill_between_the_sync_and_the_store_loses_nothing(lab: Lab, when: str) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    await bot.close()
    written = [await anna.say(room, text) for text in ("first", "second")]
    setup = lab.setup(bot.account)
    told = {
        "when": when,
        "cursor": cursor,
        "settings": dict(setup.settings),
        "secrets": dict(setup.secrets),
        "state": str(setup.state),
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, stdin=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        await child.communicate(json.dumps(told).encode())
    assert child.returncode == -signal.SIGKILL
    again = await lab.bot(bot.account)
    found, _ = await lab.messages(again, cursor, 2)
    assert [(m.remote_id, m.content.text) for m in found] == [
        (written[0], "first"),
        (written[1], "second"),
    ]


async def test_after_a_crash_it_is_still_known_who_can_read(lab: Lab, proxy: Proxy) -> None:
    anna = await lab.person("anna")
    url = await proxy.start()
    bot = await lab.bot(homeserver=url)
    room = await lab.room(bot, anna)
    delivery = lab.delivery(room, "cut", anna)
    proxy.spoil("send", cut_after)
    with pytest.raises(Uncertain):
        await bot.send(delivery)
    await bot.close()
    again = await lab.bot(bot.account, homeserver=url)
    found = await again.find(room, delivery.key)
    assert found is not None
    assert sealed_to(found.sealed_to)[anna.user] == {anna.device[0]}
    repeated = await again.send(replace(delivery, attempt=2))
    assert (repeated.remote_id, repeated.sealed_to) == (found.remote_id, found.sealed_to)
    await anna.sync()
    assert anna.texts(room) == ["cut"]
