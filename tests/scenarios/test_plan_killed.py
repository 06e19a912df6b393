"""`wallcross apply` is killed while it waits for its act to be seen: what it asked is finished."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from connectors.memory import process
from connectors.memory.farside import FarSide
from connectors.memory.faults import FaultKind
from orchestrator.clock import now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.roster.document import to_document
from orchestrator.wiring import open_runtime
from tiers.tier import Tier

from .conftest import eventually
from .house import ACTOR, Talk, by_words, make_deal, roster, without

pytestmark = pytest.mark.long
LUNCH = Talk("lunch", Tier.COORDINATION)
SETTINGS = """\
[channels.memory]
kind = "memory"
settings = {{ address = "{address}", unsafe_trust_first_seen = true }}
"""


@asynccontextmanager
async def opened(home: Path, *, live: bool = True) -> AsyncIterator[OpenHome]:
    opening = open_runtime(load(environ={}, state=home), by_words(), live=live, now=now)
    async with opening as runtime:
        yield OpenHome(runtime)


def rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "store.db", timeout=10)) as store:
        return store.execute(sql).fetchall()


async def begun(home: Path, running: asyncio.subprocess.Process) -> None:
    """Waits until an act is on disk as under way."""

    async def is_so() -> bool:
        assert running.returncode is None, "it ended before it was killed"
        return bool(rows(home, "SELECT 1 FROM act"))

    await eventually(is_so)


async def test_what_was_asked_before_a_kill_is_finished_by_itself(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with process.start() as network:
        (home / "wallcross.toml").write_text(SETTINGS.format(address=network.address))
        (home / "wallcross.toml").chmod(0o600)
        far = FarSide.at(network.address)
        async with opened(home) as living:
            deal = await make_deal(living, (LUNCH,))
            gone = to_document(without(roster(), "el"))
            await living.adopt(deal, "roster", gone, actor=ACTOR)
            shown = await living.plan(deal)
            room = shown.acts[0].room
        await far.inject(FaultKind.ANSWER_NOTHING, verb="remove", times=None)
        command = [sys.executable, "-m", "orchestrator.cli", "--home", str(home)]
        running = await asyncio.create_subprocess_exec(*command, "apply", shown.hash, "--yes")
        await begun(home, running)
        running.kill()
        await running.wait()
        assert len(rows(home, "SELECT 1 FROM act")) == 1
        await far.clear_faults()
        async with opened(home) as living:
            await living.runtime.reconciler.look()
            assert "el" not in (await far.state(room))["seats"]
            assert (await living.plan(deal)).acts == ()
        assert rows(home, "SELECT 1 FROM act") == []
        removed = rows(home, "SELECT 1 FROM audit WHERE instr(entry, 'member.removed') > 0")
        assert len(removed) == 1
        await far.close()
