"""A home for `bench dashboard`: a deal of any size, its rooms on a network that runs beside it.

Rules kept here:

1. Nothing of the user's is touched: home, secrets and network go with the bench's folder.
2. What fills it is what the core left: delivered messages are copied whole, the audit is appended
   as ever, rooms were made and read back. Nobody is told anything: notices are told already.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from connectors.memory.farside import FarSide
from orchestrator.bench.fill import fill
from orchestrator.bench.home import ACTOR, Classified, OpensRuntime
from orchestrator.client.views import NewConversation, Post
from orchestrator.clock import now
from orchestrator.command.home import OpenHome
from orchestrator.command.runtime import Runtime
from orchestrator.config.load import load
from orchestrator.config.policy import default_text, read_policy
from orchestrator.ids import new_id
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from orchestrator.secrets.files import FileStore
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId, PersonId, SideId
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.tier import Tier

NAME: Final = ConnectorName("memory")
CODE: Final = "BENCH"
ORIGINALS = 8
"""Messages that really went, of which the rest are copies."""
EACH = 3
"""Audit entries of a message."""
_SETTINGS = """version = 1
[home]
host = "One"
[channels.memory]
kind = "memory"
settings = {{ address = {address} }}
[secrets]
folder = {secrets}
[web]
port = {port}
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a deal is: people on its roster, and entries of its audit."""

    people: int
    audit: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a home of the bench lies, and the network it is on."""

    folder: Path
    address: str
    port: int

    @property
    def config(self) -> Path:
        """Its settings file."""
        return self.folder / "wallcross.toml"

    @property
    def home(self) -> Path:
        """Its folder."""
        return self.folder / "home"


@asynccontextmanager
async def network() -> AsyncIterator[str]:
    """A memory network in a process of its own; gives its address."""
    line = [sys.executable, "-m", "connectors.memory.server", "--listen", "127.0.0.1:0"]
    process = await asyncio.create_subprocess_exec(
        *line, "--until-stdin-closes", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the network's process has no pipes")
    try:
        yield str(json.loads(await process.stdout.readline())["listening"])
    finally:
        process.stdin.close()
        await process.wait()


async def make(place: Place, size: Size, opens: OpensRuntime) -> DealId:
    """Makes a home with one deal of that size; returns the deal.

    Args:
        place: an empty folder, and where its network is.
        size: of the deal.
        opens: the wiring.
    """
    _write_settings(place)
    listed = _roster(size.people)
    far = FarSide.at(place.address)
    for person in listed.people:
        await far.register(person.accounts[NAME], {"phone": f"key of {person.person_id}"})
    await far.close()
    settings = load(file=place.config, state=place.home)
    kept = place.folder / "kept"  # never the keyring of whoever runs the bench
    vault = FileStore(kept)
    async with opens(settings, Classified(), live=True, now=now, vault=vault) as runtime:
        deal = await _found(OpenHome(runtime), listed)
        runtime.channels[NAME].paused = "bench"
        await runtime.store.write(partial(_told, runtime=runtime, listed=listed))
        await fill(runtime, ORIGINALS + size.audit // EACH)
    kept.rename(place.folder / "secrets" / (place.home / "home_id").read_text().strip())
    return deal


def _write_settings(place: Place) -> None:
    for name in ("home", "secrets"):
        (place.folder / name).mkdir(mode=0o700, parents=True)
    values = {
        "address": json.dumps(place.address),
        "secrets": json.dumps(str(place.folder / "secrets")),
    }
    place.config.write_text(_SETTINGS.format(port=place.port, **values))
    place.config.chmod(0o600)


async def _found(home: OpenHome, listed: Roster) -> DealId:
    policy = read_policy(default_text())
    made = await home.deal_new(CODE, made_up=True, policy=policy, actor=ACTOR)
    deal = DealId(made.deal_id)
    await home.adopt(deal, "roster", to_document(listed), actor=ACTOR)
    public = json.dumps(generate("joint", [Group("nobody", 1, 1)]).public)
    await home.journal_key_add(deal, "joint", public, actor=ACTOR)
    owner = listed.people[0].person_id
    for label, floor in (("diligence", Tier.OPERATIONS), ("logistics", Tier.COORDINATION)):
        new = NewConversation(label=label, floor=floor.value, channel=NAME, owner=owner)
        await home.conv_new(deal, new, actor=ACTOR)
    for _ in range(ORIGINALS):
        post = Post(person=owner, conversation="logistics")
        await home.send_text(deal, post, "The van leaves from gate B at nine.", actor=ACTOR)
    await home.runtime.engine.idle()
    return deal


def _told(tx: Tx, runtime: Runtime, listed: Roster) -> None:
    """Everybody has been told what he is to know of his rooms: nothing of it falls into a round."""
    rooms = [binding.room for _, binding in runtime.book.rooms()]
    at = now()
    rows = (
        (NAME, room, person.accounts[NAME], new_id("msg"), at)
        for room in rooms
        for person in listed.people
    )
    tx.many("INSERT OR IGNORE INTO room_notice VALUES (?, ?, ?, ?, ?)", rows)


def _roster(people: int) -> Roster:
    """One in ten reads operations, everybody coordination."""
    sides = (SideId("one"), SideId("other"))
    listed = tuple(_person(k, sides[k % 2]) for k in range(people))
    within = people // 10 + 2
    return Roster(
        host=sides[0],
        sides=(Side(sides[0], "One", Party.ACQUIRER), Side(sides[1], "Other", Party.TARGET)),
        people=listed,
        grants=tuple(
            Grant(p.person_id, DEAL, Tier.OPERATIONS if k < within else Tier.COORDINATION, Span(0))
            for k, p in enumerate(listed)
        ),
    )


def _person(k: int, side: SideId) -> Person:
    role = "deal owner" if k == 0 else "member"
    return Person(
        PersonId(f"person-{k}"),
        f"Person {k}",
        side,
        role,
        Profile.ORGANISATIONAL,
        {NAME: AccountId(f"person-{k}")},
    )
