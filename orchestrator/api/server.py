"""`serve`'s listeners: owner-only Unix sockets, and where it is configured one of this machine.

Rules kept here:

1. The socket is made for its owner alone in a folder that only its owner enters, by the holder of
   the home's lock, so that what is already there is a left-over and goes.
2. Nothing of a request is logged, whoever listens to the server's log: paths may hold names of
   conversations, and a channel's secret.
3. It ends cleanly: no new request, running ones get a few seconds, the socket goes.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.api.who import PeerProtocol, StrangersProtocol
from orchestrator.client.path import reachable
from orchestrator.client.problems import Unready

GRACE_S = 5
KEPT_S = 60
"""A line that nobody asks on is closed so late that its client, who waits five seconds, did before:
else a request could meet a line that is just being closed, and nobody knew whether it was heard."""


@contextmanager
def owner_socket(path: Path) -> Iterator[socket.socket]:
    """A listening socket at ``path`` (0600) in its folder (0700); gone when the block ends.

    Raises:
        Unready: the folder is not ours alone.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.parent.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Unready("Others may enter the folder of the socket", then=f"chmod 700 {path.parent}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(listener, path)
        listener.listen(128)
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


def _bind(listener: socket.socket, path: Path) -> None:
    path.unlink(missing_ok=True)
    before = os.umask(0o177)  # from its first instant, not by a later chmod
    try:
        with reachable(path) as near:
            listener.bind(near)
    finally:
        os.umask(before)


@asynccontextmanager
async def listening(app: ASGIApp, path: Path, *, strangers: bool = False) -> AsyncIterator[None]:
    """Answers on ``path`` for the length of the block.

    Args:
        app: what answers.
        path: of the socket.
        strangers: whoever descends from this process is nobody there.
    """
    with owner_socket(path) as listener:
        async with _serving(app, listener, StrangersProtocol if strangers else PeerProtocol):
            yield


@asynccontextmanager
async def listening_near(app: ASGIApp, host: str, port: int) -> AsyncIterator[None]:
    """Answers on an address of this machine for the length of the block.

    Raises:
        Unready: it is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            raise Unready(f"Something else listens on {host}:{port}") from None
        listener.listen(128)
        async with _serving(app, listener, H11Protocol):
            yield


@asynccontextmanager
async def _serving(
    app: ASGIApp, listener: socket.socket, http: type[H11Protocol]
) -> AsyncIterator[None]:
    logging.getLogger("uvicorn.access").disabled = True
    server = _Quiet(
        uvicorn.Config(
            app,
            http=http,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEPT_S,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await running


class _Quiet(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes no signal."""
        yield
