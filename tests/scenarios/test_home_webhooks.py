"""An open home that Signal's server posts to through the API: what is written to us arrives.

The server is the stand-in in a process of its own, the door a real socket, the home whole.
"""

import asyncio
import base64
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from connectors.port import ConnectorName
from connectors.signal.connector import SignalConnector
from connectors.signal.standin import process
from connectors.signal.standin.control import Control
from orchestrator.api.door import at_desk
from orchestrator.command.home import OpenHome
from orchestrator.config import Settings
from orchestrator.config.load import load
from orchestrator.demo.loopback import free_port
from orchestrator.wiring import open_runtime
from tiers.ids import AccountId, RoomId
from tiers.tier import Tier

from .conftest import Hands, House, eventually
from .house import ACTOR, Talk, by_words, make_deal, roster

SIGNAL = ConnectorName("signal")
NUMBER = "+15550100"
TALKS = (Talk("lunch", Tier.COORDINATION),)
ROOT = Path(__file__).parents[2]
MANY = 20


@dataclass
class Phones:
    """Signal's server, which posts to the API of a home."""

    settings: Settings
    hand: Control
    at: str

    @asynccontextmanager
    async def home(self) -> AsyncIterator[OpenHome]:
        """The home, live, with its door open."""
        live = open_runtime(self.settings, by_words(), live=True, now=Hands())
        async with live as runtime:
            home = OpenHome(runtime)
            async with at_desk(home, self.settings):
                yield home

    async def deal(self, home: OpenHome) -> House:
        """A deal with everybody's phone on the roster."""
        listed = roster((SIGNAL,))
        people = []
        for n, person in enumerate(listed.people):
            made = await self.hand.person(
                person.person_id, number=f"+{15550200 + n}", auto_join=True
            )
            people.append(replace(person, accounts={SIGNAL: AccountId(made.uuid)}))
        whole = replace(listed, people=tuple(people))
        deal = await make_deal(home, TALKS, channel=SIGNAL, people=whole)
        return House(home, deal, None, Hands())  # type: ignore[arg-type]  # no memory network


@pytest.fixture
def server() -> Iterator[process.Running]:
    with process.start() as running:
        yield running


@pytest.fixture
async def phones(
    server: process.Running,
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Phones]:
    secret, port = secrets.token_urlsafe(32), free_port()
    monkeypatch.setenv("WX_TEST_WEBHOOK", secret)
    monkeypatch.setenv("WX_TEST_STATE", base64.b64encode(secrets.token_bytes(32)).decode())
    at = f"http://127.0.0.1:{port}/api/v1/webhooks/signal"
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "wallcross.toml").write_text(
        f"""
[web]
api = "127.0.0.1:{port}"
[channels.signal]
kind = "signal"
[channels.signal.settings]
api = "{server.url}"
number = "{NUMBER}"
reached_at = "{at}"
patience = 20.0
[channels.signal.secrets]
webhook_secret = "env:WX_TEST_WEBHOOK"
state_key = "env:WX_TEST_STATE"
"""
    )
    settings = load(environ={}, state=tmp_path / "home")
    async with Control(server.control, server.token) as hand:
        await hand.webhook(f"{at}/{secret}")
        yield Phones(settings, hand, f"{at}/{secret}")


async def taken(house: House) -> int:
    """Messages of people that the home has accepted."""
    rows = await house.rows("SELECT count(*) FROM message WHERE connector = 'signal'")
    return int(rows[0][0])


async def test_what_is_written_arrives_through_the_api(phones: Phones) -> None:
    async with phones.home() as home:
        house = await phones.deal(home)
        connector: object = home.runtime.connectors[SIGNAL]
        assert isinstance(connector, SignalConnector)
        assert connector.listens_on == 0, "nothing listens but the API"
        await phones.hand.write("el", "Read it.", group=house.room("lunch", SIGNAL))
        await phones.hand.settle()
        assert await phones.hand.losses() == ()

        async def arrived() -> bool:
            return await taken(house) == 1

        await eventually(arrived)
        assert "listener_unreachable" not in await house.findings()


async def test_a_pause_loses_nothing_that_is_written_meanwhile(phones: Phones) -> None:
    """A pause stops what we send: the server would never post again what it was refused."""
    async with phones.home() as home:
        house = await phones.deal(home)
        await home.channel_pause(SIGNAL, "looked into", actor=ACTOR)
        await phones.hand.write("el", "Read it.", group=house.room("lunch", SIGNAL))
        await phones.hand.settle()
        assert await phones.hand.losses() == ()


async def test_who_guesses_is_refused_and_is_a_finding(phones: Phones) -> None:
    async with phones.home() as home:
        house = await phones.deal(home)
        base = phones.at.rpartition("/")[0]
        async with httpx.AsyncClient(trust_env=False) as http:
            wrong = await http.post(f"{base}/{'x' * 43}", content=b"{}")
            none = await http.post(f"{base.replace('/signal', '/none')}/{'x' * 43}", content=b"{}")
        assert (wrong.status_code, wrong.content) == (404, none.content)

        async def told() -> bool:
            return "forged" in " ".join(await house.findings())

        await eventually(told)


async def spawn(state: Path) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.scenarios.posted", str(state)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=dict(os.environ),
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"open\n"
    return child


async def test_nothing_that_was_answered_is_lost_to_a_kill(phones: Phones) -> None:
    async with phones.home() as home:
        house = await phones.deal(home)
        room = RoomId(house.room("lunch", SIGNAL))
    child = await spawn(phones.settings.state)
    for n in range(MANY):
        await phones.hand.write("el", f"number {n}", group=room)
    await phones.hand.settle()
    child.kill()
    await child.wait()
    lost = len(await phones.hand.losses())
    assert lost == 0, "each was answered that it is stored"
    async with phones.home() as home:
        house.home = home

        async def all_there() -> bool:
            return await taken(house) >= MANY

        await eventually(all_there)
