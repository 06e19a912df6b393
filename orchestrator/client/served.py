"""`wallcross serve` as a process of its own, which the demo can kill.

Rules kept here:

1. It is started as an operator starts it: the program, a settings file, a home. Nothing of the
   demo runs inside it, and it is asked through its socket like by anybody.
2. It never touches this user's keyring, settings or home.
"""

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from orchestrator.client.api import Client
from orchestrator.client.path import reachable
from orchestrator.client.problems import Problem
from orchestrator.client.wire import socket_transport

_SOCKET = Path("run") / "wallcross.sock"
_START_SECONDS = 180.0
_LINES = 5
_STOP_SECONDS = 20.0
_NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


class NotServing(RuntimeError):
    """It did not start, or ended.

    Args:
        log: where it says why; its last lines go along.
    """

    def __init__(self, log: Path) -> None:
        super().__init__("wallcross serve did not start")
        self.said = tuple(log.read_text().splitlines()[-_LINES:]) if log.exists() else ()


@dataclass
class Served:
    """One home's `serve`.

    Args:
        config: its settings file.
        home: its folder.
        log: its stderr; it holds no text of messages.
        patience: seconds that its start may take.
    """

    config: Path
    home: Path
    log: Path
    patience: float = _START_SECONDS
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)
    _client: Client | None = field(default=None, repr=False)

    @property
    def client(self) -> Client:
        """Its API. Raises: NotServing."""
        if self._client is None:
            raise NotServing(self.log)
        return self._client

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Starts it and waits until it answers. Raises: NotServing."""
        self._spawn()
        loop = asyncio.get_running_loop()
        end = loop.time() + self.patience
        while self.running and loop.time() < end:
            if await self._connected():
                return
            await asyncio.sleep(0.05)
        await self.stop()
        raise NotServing(self.log)

    def _spawn(self) -> None:
        where = ["--config", str(self.config), "--home", str(self.home)]
        command = [sys.executable, "-m", "orchestrator.cli", *where, "serve"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own program and files)
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment()
            )

    async def _connected(self) -> bool:
        if not (self.home / _SOCKET).exists():
            return False
        async with AsyncExitStack() as tried:
            near = tried.enter_context(reachable(self.home / _SOCKET))
            client = await tried.enter_async_context(Client(socket_transport(near)))
            try:
                await client.deal_list()
            except (Problem, httpx.HTTPError):
                return False
            self._client, self._stack = client, tried.pop_all()
        return True

    async def kill(self) -> None:
        """Ends it as a power cut would: SIGKILL, nothing is said first."""
        if self._process is not None:
            self._process.kill()
        await self._gone()

    async def stop(self) -> None:
        """Ends it as an operator would, by force when it takes too long."""
        if self._process is not None:
            self._process.terminate()
        await self._gone()

    async def _gone(self) -> None:
        process, self._process = self._process, None
        await self._stack.aclose()
        self._client = None
        if process is None:
            return
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def _environment() -> dict[str, str]:
    """This process's, without what would lead to the user's own home, settings or keyring."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WALLCROSS")}
    return kept | _NO_KEYRING
