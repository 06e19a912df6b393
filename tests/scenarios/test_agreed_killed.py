"""Ended by SIGKILL between the last signature and its deed, an export, a token and a reading happen
once.

A process of its own takes the last signature and is ended either before the deed begins, or within
it: the entry that says it is done is written then, and its unit is not yet on disk.
"""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from connectors.memory import process
from connectors.memory.farside import FarSide
from orchestrator.client.bots import TokenWanted
from orchestrator.client.problems import Problem
from orchestrator.clock import now
from orchestrator.command import approving
from orchestrator.command.exports import EXPORT, Wanted
from orchestrator.command.home import OpenHome
from orchestrator.command.revealing import REVEAL, Reveals
from orchestrator.config.load import load
from orchestrator.deals.tokens import ISSUE
from orchestrator.wiring import open_runtime
from tiers.ids import DealId, MessageId, PersonId, SideId
from tiers.people import Party
from tiers.rights import DeskRole, Seat, Viewer
from tiers.tier import Tier

from .conftest import Hands, House
from .house import Talk, by_words, make_deal
from .test_approvals import ADA, BO, CY, TEXT, found, hold, say

SETTINGS = """\
[channels.memory]
kind = "memory"
settings = {{ address = "{address}", unsafe_trust_first_seen = false }}
"""
TALKS = (Talk("lunch", Tier.COORDINATION), Talk("price", Tier.VALUATION))
ENDS = """
import asyncio, os, signal, sys
from pathlib import Path
from orchestrator.approvals.requests import Approved
from orchestrator.command import approving
from tests.scenarios.test_agreed_killed import opened

when, home, verb, request, person, signed = sys.argv[1:]

def end(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def within(self, tx, at, whole=Approved.finish):
    whole(self, tx, at)
    end()

if when == "before":
    approving.HANDLERS[verb] = end
else:
    Approved.finish = within

async def main():
    async with opened(Path(home)) as living:
        await living.approval_answer(request, "yes", person, signed, actor="killed")

asyncio.run(main())
"""


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[OpenHome]:
    opening = open_runtime(load(environ={}, state=home), by_words(), live=True, now=now)
    async with opening as runtime:
        yield OpenHome(runtime)


def viewer(deal: DealId) -> Viewer:
    """The owner ada, at the desk."""
    role = frozenset({DeskRole.OWNER, DeskRole.COUNSEL})
    seat = Seat(deal, PersonId("ada"), role, SideId("kestrel"), Party.ACQUIRER)
    return Viewer("person:ada", seats={deal: seat})


def entries(home: Path, kind: str) -> int:
    with closing(sqlite3.connect(home / "store.db", timeout=10)) as store:
        sql = "SELECT count(*) FROM audit WHERE instr(entry, ?) > 0"
        return int(store.execute(sql, (f'"{kind}"',)).fetchone()[0])


async def _export(house: House) -> str:
    wanted = Wanted(house.deal, "insiders", "closing", None, None, None, "person:ada")
    return (await house.home.export_ask(wanted, viewer(house.deal))).export_id


async def _exported(house: House) -> bool:
    listed = await house.home.export_list(house.deal, viewer(house.deal))
    return [one.state for one in listed] == ["ready"]


async def _token(house: House) -> str:
    wanted = TokenWanted(
        label="crm-feed",
        highest="coordination",
        conversations=("lunch",),
        persons=("el",),
        days=30,
        each_minute=5,
        scope="send",
    )
    made = await house.home.token_new(house.deal, wanted, actor="person:ada")
    assert made.request is not None
    return made.request


async def _issued(house: House) -> bool:
    return len(await house.home.token_list(house.deal)) == 1


async def _reveal(house: House) -> str:
    message = await hold(house, to="lunch")
    return await Reveals(house.home.runtime).ask(house.deal, message, None, viewer(house.deal))


async def _revealed(house: House) -> bool:
    [(message,)] = await house.rows("SELECT message_id FROM held WHERE state = 'held'")
    reveals = Reveals(house.home.runtime)
    shown = await reveals.open(house.deal, MessageId(message), viewer(house.deal))
    with pytest.raises(Problem):
        await reveals.open(house.deal, MessageId(message), viewer(house.deal))
    return TEXT in shown.text


Asks = Callable[[House], Awaitable[str]]
Shows = Callable[[House], Awaitable[bool]]
DEEDS: dict[str, tuple[Asks, Shows]] = {
    EXPORT: (_export, _exported),
    ISSUE: (_token, _issued),
    REVEAL: (_reveal, _revealed),
}


@pytest.mark.parametrize("when", ["before", "within"])
@pytest.mark.parametrize("verb", list(DEEDS))
async def test_killed_between_agreement_and_deed_it_is_done_once(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    verb: str,
    when: str,
) -> None:
    home, (asks, shows) = tmp_path / "home", DEEDS[verb]
    home.mkdir(mode=0o700)
    with process.start() as network:
        (home / "wallcross.toml").write_text(SETTINGS.format(address=network.address))
        (home / "wallcross.toml").chmod(0o600)
        far = FarSide.at(network.address)
        async with opened(home) as living:
            house = House(living, await make_deal(living, TALKS), far, Hands())
            await found(house, ADA, BO, CY)
            request = await asks(house)
            assert (await say(house, request, BO)).state == "waits"
            signed = CY.armoured((await living.approval_show(request)).yes)
        before = entries(home, "approval.done")
        command = (sys.executable, "-c", ENDS, when, str(home), verb, request, "cy", signed)
        killed = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await killed.communicate()
        assert killed.returncode == -signal.SIGKILL, said.decode()
        assert entries(home, "approval.done") == before, "nothing was done"
        async with opened(home) as living:
            house = House(living, house.deal, far, Hands())
            await approving.carry_out_all(living.runtime)
            assert (await living.approval_show(request)).state == "done"
            assert await approving.carry_out_all(living.runtime) == 0
            assert await shows(house)
        assert entries(home, "approval.done") == before + 1
        await far.close()
