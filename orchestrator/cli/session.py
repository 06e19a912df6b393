"""How a command reaches the home: through `serve`'s socket, or by taking the lock itself.

Rules kept here: there is one code path. Without `serve` the same application answers in this
process, over the same client, for the same actor; while another process holds the home, nothing
goes past it.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from orchestrator.cli.globals import Globals
from orchestrator.cli.out import Out
from orchestrator.client.api import Client
from orchestrator.client.dry_run import DRY_RUN
from orchestrator.client.path import reachable
from orchestrator.client.problems import Missing, Unready
from orchestrator.client.wire import BASE, Transport, app_transport, socket_transport

if TYPE_CHECKING:
    from orchestrator.api.port import Home, OpensHome
    from orchestrator.config import Settings

T = TypeVar("T")
SOCKET = Path("run") / "wallcross.sock"
PATIENCE_S = 10.0
"""How long a command waits for another that holds the home."""


def call(
    asked: Globals,
    work: Callable[[Client], Awaitable[T]],
    *,
    live: bool = False,
    makes: bool = False,
) -> tuple[T, Out]:
    """Runs ``work`` against the home and returns its result with a writer in the home's zone.

    Args:
        asked: the global options.
        work: calls operations.
        live: the operations need open channels, also when no `serve` runs.
        makes: this makes the home where there is none; a command that reads never does.

    Raises:
        Missing: there is no home.
    """
    settings = asked.settings()
    if asked.server is not None:
        return arun(_elsewhere(asked, work)), Out(asked, settings.config.home.time_zone)
    if not (makes or settings.state.is_dir()):
        raise Missing(f"There is no home at {settings.state}", then="wallcross init")

    async def run() -> T:
        async with connected(asked, settings, live=live) as client:
            return await work(client)

    return arun(run()), Out(asked, settings.config.home.time_zone)


async def _elsewhere(asked: Globals, work: Callable[[Client], Awaitable[T]]) -> T:
    async with elsewhere(asked) as client:
        return await work(client)


@asynccontextmanager
async def elsewhere(asked: Globals) -> AsyncIterator[Client]:
    """A client of a server that this user is signed in to. Raises: SignInFirst."""
    servers = import_module("orchestrator.cli.servers")
    named = None if asked.server == "last" else asked.server
    where, secret = servers.known(servers.vault_of(asked), named)
    behind = DRY_RUN if asked.dry_run else ""
    async with servers.client_of(where, secret, asked.timeout, behind) as client:
        yield client


def arun(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def connected(asked: Globals, settings: "Settings", *, live: bool) -> AsyncIterator[Client]:
    """A client of the home."""
    make_home(settings.state)
    async with AsyncExitStack() as stack:
        near = await turn(stack, settings.state)
        if near is not None:
            transport = socket_transport(near)
        else:
            live = live and not asked.dry_run  # else what waits would go out meanwhile
            home = await stack.enter_async_context(opened(asked, settings, live=live))
            app = import_module("orchestrator.api.app").make_app(home)
            transport = app_transport(app, import_module("orchestrator.api.who").here())
        yield await stack.enter_async_context(_client(asked, transport))


async def turn(stack: AsyncExitStack, state: Path) -> str | None:
    """Waits until `serve` answers (its socket) or nobody holds the home (None: the lock is ours).

    A command that runs just now, or a `serve` that is starting, is a matter of seconds.

    Raises:
        HomeInUse: another process still holds the home and does not answer.
    """
    lock = import_module("orchestrator.store.lock")
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        near = await answering(stack, state)
        if near is not None:
            return near
        try:
            stack.enter_context(lock.home_lock(state))
        except lock.HomeInUse:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            return None


async def answering(stack: AsyncExitStack, state: Path) -> str | None:
    """The socket of a `serve` that answers, reachable as long as ``stack``; None without one."""
    path = state / SOCKET
    if not path.exists():
        return None
    with reachable(path) as near:
        alive = await _answers(near)
    return stack.enter_context(reachable(path)) if alive else None


@asynccontextmanager
async def serving(asked: Globals, settings: "Settings") -> AsyncIterator[Client]:
    """A client of a running `serve`.

    Raises:
        Unready: none runs.
    """
    async with AsyncExitStack() as stack:
        near = await answering(stack, settings.state)
        if near is None:
            raise Unready("No serve runs for this home", then="wallcross serve")
        yield await stack.enter_async_context(_client(asked, socket_transport(near)))


def _client(asked: Globals, transport: Transport) -> Client:
    return Client(transport, asked.timeout, base=BASE + DRY_RUN if asked.dry_run else BASE)


@asynccontextmanager
async def opened(asked: Globals, settings: "Settings", *, live: bool) -> AsyncIterator["Home"]:
    """The home itself, hardened; its lock is held by the caller."""
    open_home: OpensHome = import_module("orchestrator.wiring").open_home
    clock, hygiene = import_module("orchestrator.clock"), import_module("orchestrator.hygiene")
    hygiene.harden()
    # What goes wrong is told as a problem; the log of a single command is for those who ask.
    with _log(asked) as stream, import_module("orchestrator.logs").configured(stream):
        hygiene.private_tmp(settings.state)
        async with open_home(settings, live=live, now=clock.now) as home:
            yield home


@contextmanager
def _log(asked: Globals) -> Iterator[TextIO]:
    if asked.verbose:
        yield sys.stderr
        return
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        yield nowhere


def make_home(state: Path) -> None:
    """Makes the home's folder for its owner alone.

    Raises:
        Unready: it is there and others may enter it.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if state.stat().st_mode & 0o077:
        then = f"chmod 700 {state}"
        raise Unready(
            "Others may enter the folder of this home", still="Nothing was done", then=then
        )


async def _answers(near: str) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(near)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
