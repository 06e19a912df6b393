"""A real home with real processes: `wallcross serve` with its front, and a memory network.

Rule kept here: what is looked at is what people have: pages in a browser, and their own clients on
the network's far side. Nothing of the product runs in the test's process.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from connectors.memory.farside import FarSide
from orchestrator.client.api import Client
from orchestrator.client.served import Served
from orchestrator.client.views import NewConversation
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from tests.scenarios.house import CHANNEL, HIGHEST, TALKS, Talk, roster
from tiers.people import Roster
from tiers.tier import Tier

ROOT = Path(__file__).parents[2]
START_S = 120.0
_SETTINGS = """version = 1
[home]
host = "Kestrel Industries"
[channels.memory]
kind = "memory"
settings = {{ address = {address} }}
[approvals]
origin = "http://localhost:{port}"
rp_id = "localhost"
[secrets]
folder = {secrets}
[web]
port = {port}
{more}
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Town:
    """A home that serves, and the network beside it.

    Attributes:
        origin: where its pages are.
        deal: id of the deal.
        rooms: the conversations' rooms, by label.
        far: the network's far side.
    """

    folder: Path
    origin: str
    served: Served
    far: FarSide
    deal: str = ""
    rooms: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        """The API, as the home's own user."""
        return self.served.client

    def wx(self, *words: str) -> str:
        """`wallcross …` as the operator types it; returns what it printed."""
        where = ["--config", str(self.served.config), "--home", str(self.served.home)]
        line = [sys.executable, "-m", "orchestrator.cli", *where, *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def talk(self, talk: Talk) -> None:
        """Makes a conversation with its room, which the first of its people owns."""
        new = NewConversation(
            label=talk.label,
            floor=talk.floor.value,
            channel=CHANNEL,
            owner=talk.members[0] if talk.members else "ada",
            gate=talk.gate,
            members=talk.members,
        )
        made = await self.client.conv_new(self.deal, new)
        self.rooms[talk.label] = made.rooms[0].room
        if talk.floor is Tier.VALUATION:
            await self.compared()

    async def compared(self, people: Iterable[str] | None = None) -> None:
        """Has two others compare the devices of everybody who sees valuation."""
        insiders = people or [n for n, tier in HIGHEST.items() if tier is Tier.VALUATION]
        names = sorted(insiders)
        for name in names:
            one, other = [n for n in names if n != name][:2]
            await self.client.key_verify(self.deal, name, one, other)


@asynccontextmanager
async def network(folder: Path) -> AsyncIterator[str]:
    """The memory network in a process of its own; gives its address."""
    line = [sys.executable, "-m", "connectors.memory.server", "--listen", "127.0.0.1:0"]
    line += ["--record", str(folder / "far.jsonl"), "--until-stdin-closes"]
    process = await asyncio.create_subprocess_exec(
        *line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = json.loads(await process.stdout.readline())
        yield str(said["listening"])
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def town(
    folder: Path,
    *,
    talks: Iterable[Talk] = TALKS,
    people: Roster | None = None,
    more: str = "",
    accounts: Mapping[str, str] | None = None,
    port: int | None = None,
) -> AsyncIterator[Town]:
    """A home that serves, with one made-up deal and its rooms.

    Args:
        folder: short enough for a socket's path.
        talks: its conversations.
        people: its roster; None: the small one of the scenarios.
        more: lines that are added to its settings.
        accounts: accounts on the network, each with a device key; None: the roster's.
        port: where its pages are; None: any that is free.
    """
    listed = people or roster((CHANNEL,))
    async with network(folder) as address:
        far = FarSide.at(address)
        for name in accounts or [p.accounts[CHANNEL] for p in listed.people]:
            await far.register(str(name), {"phone": f"key of {name}"})
        port = port or free_port()
        served = _settings(folder, address, more, port)
        try:
            await served.start()
            await _answers(f"http://localhost:{port}")
            made = Town(folder, f"http://localhost:{port}", served, far)
            await _deal(made, listed, talks)
            yield made
        finally:
            await served.stop()
            await far.close()


async def _answers(origin: str) -> None:
    """Waits for the front, which comes after the API. Raises: TimeoutError."""
    async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as asked:
        while True:
            with suppress(httpx.HTTPError):
                await asked.get(f"{origin}/in")
                return
            await asyncio.sleep(0.1)


def _settings(folder: Path, address: str, more: str, port: int) -> Served:
    for name in ("home", "secrets"):
        (folder / name).mkdir(mode=0o700)
    config = folder / "wallcross.toml"
    values = {"address": json.dumps(address), "secrets": json.dumps(str(folder / "secrets"))}
    config.write_text(_SETTINGS.format(port=port, more=more, **values))
    config.chmod(0o600)
    return Served(config, folder / "home", folder / "serve.log")


async def _deal(made: Town, listed: Roster, talks: Iterable[Talk]) -> None:
    made.deal = await new_deal(made.client, "HERON", listed)
    for talk in talks:
        await made.talk(talk)


async def new_deal(client: Client, code: str, listed: Roster) -> str:
    """Makes a deal with its roster, without a conversation; returns its id."""
    deal = (await client.deal_new(code, made_up=True, policy=None)).deal_id
    await client.adopt(deal, "roster", to_document(listed))
    for scope in ("joint", *(s.side_id for s in listed.sides)):
        public = json.dumps(generate(scope, [Group("nobody", 1, 1)]).public)
        await client.journal_key_add(deal, scope, public)
    return deal
