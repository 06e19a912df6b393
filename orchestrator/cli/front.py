"""The front (`python -m dashboard`) as a child of `serve`: started, watched, ended with it.

Rules kept here:

1. It is given no secret: its environment is made here, name by name, and its folder is empty.
2. It ends with serve, however serve ends: when its standard input is closed, it stops.
3. Where it falls, it is started again, later each time; serve goes on, since messages do not wait
   for a page.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Final

from orchestrator.client.views import Check
from orchestrator.config import Settings

READY: Final = b"ready\n"
AGAIN_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0)
STEADY_S: Final = 60.0
"""Having run for so long, it is started again as if it fell for the first time."""
GRACE_S: Final = 5.0
FOLDER: Final = Path("run") / "front"
CHECKED: Final = Path("run") / "front-check"
NAME: Final = "dashboard"


@dataclass(frozen=True, slots=True)
class Begins:
    """How the front is started.

    Attributes:
        line: the command.
        folder: where; it is ours alone and empty.
    """

    line: Sequence[str]
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """All that it is told: where programs lie, and a home in which no file of settings is."""
        here = str(self.folder)
        return {"HOME": here, "LANG": "C.UTF-8", "PATH": os.defpath, "TMPDIR": here}


def begins(settings: Settings, door: Path) -> Begins:
    """How the front of a home is started.

    Args:
        settings: of the home.
        door: the desk's socket.
    """
    web = settings.config.web
    given = ("--socket", str(door), "--port", str(web.port), "--origin", web.origin)
    zone = ("--zone", settings.config.home.time_zone)
    line = (sys.executable, "-I", "-m", "dashboard", *given, *zone)
    return Begins(line, settings.state / FOLDER)


@asynccontextmanager
async def front(how: Begins, tell: Callable[[str], None]) -> AsyncIterator[asyncio.Event]:
    """Keeps the front running for the length of the block; the event says that it first answers.

    Args:
        how: how it is started.
        tell: takes a line for whoever runs this.
    """
    _emptied(how.folder)
    ready = asyncio.Event()
    keeping = asyncio.create_task(_kept(how, tell, ready))
    try:
        yield ready
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        rmtree(how.folder, ignore_errors=True)


async def _kept(how: Begins, tell: Callable[[str], None], ready: asyncio.Event) -> None:
    clock, falls = asyncio.get_running_loop().time, 0
    while True:
        began = clock()
        code = await _once(how, ready)
        falls = 0 if clock() - began > STEADY_S else falls
        wait = AGAIN_S[min(falls, len(AGAIN_S) - 1)]
        tell(f"the dashboard ended ({code}) and is started again in {wait:.0f} s")
        await asyncio.sleep(wait)
        falls += 1


async def _once(how: Begins, ready: asyncio.Event) -> int:
    """Runs it until it ends; returns its exit code."""
    process = await asyncio.create_subprocess_exec(
        *how.line, stdin=PIPE, stdout=PIPE, cwd=how.folder, env=dict(how.environment)
    )
    try:
        async for line in process.stdout or ():  # type: ignore[union-attr]  # it is a pipe
            if line == READY:
                ready.set()
        return await process.wait()
    finally:
        await _ended(process)


async def _ended(process: Process) -> None:
    """Ends it: by its input, else by force."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def hardening(settings: Settings) -> Check:
    """What the front itself says of its settings, started as serve starts it."""
    how = begins(settings, settings.state / FOLDER)
    how = Begins((*how.line, "--check"), settings.state / CHECKED)
    _emptied(how.folder)
    try:
        process = await asyncio.create_subprocess_exec(
            *how.line, stdin=DEVNULL, stdout=PIPE, cwd=how.folder, env=dict(how.environment)
        )
        said, _ = await process.communicate()
    finally:
        rmtree(how.folder, ignore_errors=True)
    return _check_of(said if process.returncode == 0 else b"")


def _check_of(said: bytes) -> Check:
    try:
        found = {str(name): is_so is True for name, is_so in json.loads(said).items()}
    except (ValueError, AttributeError):
        return Check(
            name=NAME, state="fix", text="does not start", then="wallcross serve --verbose"
        )
    good = sum(found.values())
    text = f"{good} of {len(found)} hardening settings in force"
    if good == len(found):
        return Check(name=NAME, state="ok", text=text)
    missing = ", ".join(name for name, is_so in found.items() if not is_so)
    return Check(name=NAME, state="fix", text=f"{text}; not: {missing}", then="docs/dashboard.md")


def _emptied(folder: Path) -> None:
    rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
