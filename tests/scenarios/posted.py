"""A live home whose API a network's server posts to, in a process of its own, to be killed.

``python -m tests.scenarios.posted STATE`` says a line once its door is open, and ends with its
standard input.
"""

import asyncio
import sys
from pathlib import Path

from orchestrator.api.door import at_desk
from orchestrator.clock import now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.wiring import open_runtime

from .house import by_words


async def main(state: Path) -> None:
    """Runs it."""
    settings = load(environ={}, state=state)
    live = open_runtime(settings, by_words(), live=True, now=now)
    async with live as runtime, at_desk(OpenHome(runtime), settings):
        sys.stdout.write("open\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
