"""Drives a run that is ended again and again: senders, the killer, and what each of them saw.

Three parties in three processes: the runner (ours), the far side, and this one, which sends. The
senders keep their own log of what they were told; whether a run was right is for ``judge``.
"""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from connectors.memory.farside import FarSide
from connectors.memory.record import digest
from orchestrator.client.api import Client
from orchestrator.client.path import reachable
from orchestrator.client.problems import Problem
from orchestrator.client.views import Post
from orchestrator.client.wire import socket_transport

from .judge import SendersLog, Told
from .runner import Orders

ROOT = Path(__file__).parents[2]
START_S = 60.0
POLL_S = 0.02


class Runner:
    """Our process, started and ended as often as it takes.

    Args:
        orders: what it runs.
        folder: where its standard error goes, one file for each life.
        environment: added to ours.
        cwd: the folder that it stands in.
    """

    def __init__(
        self, orders: Orders, folder: Path, environment: dict[str, str], cwd: Path = ROOT
    ) -> None:
        self.orders = orders
        self.lives = 0
        self.said: dict[str, Any] = {}
        self.rooms: dict[str, str] = {}
        self._folder = folder
        self._environment = {"PYTHONPATH": str(ROOT), **environment}
        self._cwd = cwd
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until its API answers."""
        self.lives += 1
        with (self._folder / f"stderr.{self.lives}").open("wb") as errors:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "tests.scenarios.runner", json.dumps(asdict(self.orders))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._cwd,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        line = self._child.stdout.readline() if self._child.stdout else b""
        if not line:
            self.end()
            raise RuntimeError("the runner ended before it was ready")
        (self._folder / f"stdout.{self.lives}").write_bytes(line)
        self.said = json.loads(line)
        labels = [label for label, _ in self.orders.talks]
        self.rooms = dict(zip(labels, self.said["rooms"], strict=True))

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Ends it by a signal; returns what the system says of its end (``waitpid``)."""
        if self._child is None:
            raise RuntimeError("it does not run")
        os.kill(self._child.pid, number)
        status = os.waitpid(self._child.pid, 0)[1]
        self._child.returncode = -number
        self._let_go()
        return status

    def end(self) -> None:
        """Has it end by itself; at the latest after a while by its process id."""
        if self._child is None:
            return
        if self._child.stdin:
            self._child.stdin.close()
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._let_go()

    def _let_go(self) -> None:
        if self._child is not None:
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    pipe.close()
        self._child = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@contextlib.contextmanager
def looking(home: Path) -> Iterator[sqlite3.Connection]:
    """The store's file, opened so that nothing of it can change."""
    connection = sqlite3.connect(f"file:{home / 'store.db'}?mode=ro", uri=True, timeout=5)
    try:
        yield connection
    finally:
        connection.close()


def count(home: Path, state: str) -> int:
    """Deliveries in a state, as the file says now."""
    with looking(home) as connection:
        sql = "SELECT count(*) FROM delivery WHERE state = ? AND conversation_id IS NOT NULL"
        found: int = connection.execute(sql, (state,)).fetchone()[0]
    return found


def cursor(home: Path) -> str | None:
    """The channel's cursor; once there is one, what people write is not missed."""
    with looking(home) as connection:
        found = connection.execute("SELECT cursor FROM channel").fetchone()
    return found[0] if found is not None else None


def taken_in(home: Path) -> int:
    """Messages that were accepted from the network."""
    with looking(home) as connection:
        sql = "SELECT count(*) FROM message WHERE connector = 'memory'"
        found: int = connection.execute(sql).fetchone()[0]
    return found


@dataclass(slots=True)
class Senders:
    """Everybody who writes, lane by lane, each waiting to be told *accepted* before the next.

    Attributes:
        far: the far side's hand, for those who write on the network.
        socket: of our API, for those who hand in there.
        share: how much of each lane may have been accepted so far, of 1.
    """

    far: FarSide
    socket: Path
    deal: str
    rooms: dict[str, str]
    log: SendersLog = field(default_factory=SendersLog)
    share: float = 0.0

    async def _turn(self, n: int, texts: list[str]) -> None:
        await until(lambda: n < self.share * len(texts), 600, "a turn to send")

    async def by_api(self, label: str, texts: list[str]) -> None:
        """Hands texts in at our own door, each under its own key, until it is accepted."""
        for n, text in enumerate(texts):
            await self._turn(n, texts)
            post = Post(person="ada", conversation=label, key=f"{label}-{n}")
            message = await self._until_accepted(post, text)
            self.log.told.append(Told(self.rooms[label], digest(text), message))

    async def _until_accepted(self, post: Post, text: str) -> str:
        while True:
            try:
                async with self._client() as client:
                    return (await client.send_text(self.deal, post, text)).message_id
            except (httpx.HTTPError, OSError, Problem):
                await asyncio.sleep(POLL_S)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[Client]:
        with reachable(self.socket) as near:
            async with Client(socket_transport(near)) as client:
                yield client

    async def by_network(self, label: str, author: str, texts: list[str]) -> None:
        """Writes into the author's own line, naming the conversation."""
        for n, text in enumerate(texts):
            await self._turn(n, texts)
            named = f"#{label} {text}"
            await self.far.direct(author, "wallcross", named)
            self.log.told.append(Told(self.rooms[label], digest(named)))

    async def possibly(self) -> set[str]:
        """Ids of messages that people are told of as possibly delivered."""
        async with self._client() as client:
            return {each.message_id for each in await client.delivery_list(self.deal, "possibly")}


def lines(record: Path) -> list[dict[str, Any]]:
    """The far side's record so far."""
    return Followed(record).lines()


@dataclass(slots=True)
class Followed:
    """The far side's record, of which nothing is read twice: it is looked at many times a second.

    Attributes:
        path: where it is written.
    """

    path: Path
    _read: list[dict[str, Any]] = field(default_factory=list)
    _at: int = 0

    def lines(self) -> list[dict[str, Any]]:
        """All of it so far."""
        with self.path.open("rb") as record:
            record.seek(self._at)
            whole, end, _ = record.read().rpartition(b"\n")
        self._at += len(whole) + len(end)
        self._read += [json.loads(line) for line in whole.splitlines()]
        return self._read


async def until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits for a condition. Raises: TimeoutError."""
    ends = time.monotonic() + seconds
    while not done():
        if time.monotonic() > ends:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        await asyncio.sleep(POLL_S)


async def settled(home: Path, record: Path, log: SendersLog, seconds: float) -> None:
    """Waits until nothing is under way: all told is in the record, or nothing moves any more."""
    wanted, far = {each.sha256 for each in log.told}, Followed(record)

    def quiet() -> bool:
        with looking(home) as connection:
            sql = (
                "SELECT (SELECT count(*) FROM message WHERE state IN ('accepted', 'delivering'))"
                " + (SELECT count(*) FROM delivery WHERE state IN ('queued', 'started'))"
            )
            busy: int = connection.execute(sql).fetchone()[0]
        return not busy

    def arrived() -> bool:
        return wanted <= {line["sha256"] for line in far.lines() if line["kind"] == "arrived"}

    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if quiet() and (arrived() or await _still(far)):
            return
        await asyncio.sleep(0.1)


async def _still(far: Followed) -> bool:
    before = len(far.lines())
    await asyncio.sleep(1.5)
    return len(far.lines()) == before
