"""`wallcross leave` where a channel is away: 7 until everything was seen, and then 0."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from connectors.memory import process
from connectors.memory.farside import FarSide
from orchestrator.clock import now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.wiring import open_runtime

from .conftest import eventually
from .house import TALKS, by_words, make_deal

ROOT = Path(__file__).parents[2]


async def wallcross(home: Path, *line: str) -> tuple[int, str, str]:
    """Runs a command line in a process of its own."""
    env = {**os.environ, "WALLCROSS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "orchestrator.cli", *line, "--deal", "HERON"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
        cwd=home,
    )
    out, err = await child.communicate()
    return child.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def living(home: Path, address: str) -> AsyncIterator[OpenHome]:
    flags = {"channels.memory.kind": "memory", "channels.memory.settings.address": address}
    settings = load(flags=flags, environ={}, state=home)
    async with open_runtime(settings, by_words(), live=True, now=now) as runtime:
        yield OpenHome(runtime)


async def test_seven_while_a_channel_is_away_and_nought_once_all_was_seen(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
) -> None:
    home = tmp_path / "home"
    with process.start(f"unix:{tmp_path / 'far.sock'}") as network:
        async with living(home, network.address) as first:
            deal = await make_deal(first, TALKS[1:2])
            [view] = await first.conv_list(deal)
            room = view.rooms[0].room
        far = FarSide.at(network.address)
        away = [
            *("--set", "channels.memory.kind=memory"),
            *("--set", f"channels.memory.settings.address=unix:{tmp_path / 'away.sock'}"),
        ]
        code, out, err = await wallcross(home, *away, "leave", "bo", "--reason", "left", "--yes")
        assert code == 7, err
        assert "Nothing is sent to him. Not confirmed yet" in out
        assert "out of #supply: requested, NOT CONFIRMED (channel_closed" in out
        assert "bo" in (await far.state(room))["seats"]
        code, out, err = await wallcross(home, *away, "leave", "status", "--json")
        assert (code, json.loads(out)["state"]) == (7, "open"), err

        async with living(home, network.address) as again:

            async def gone() -> bool:
                return (await again.leave_list(deal))[0].state == "gone"

            await eventually(gone)
        assert "bo" not in (await far.state(room))["seats"]
        code, out, err = await wallcross(home, *away, "leave", "status", "bo")
        assert code == 0, err
        assert "Gone. Last read-back" in out
        await far.close()
