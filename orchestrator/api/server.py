"""`serve`'s listener: one owner-only Unix socket, nothing else.

Rules kept here:

1. The socket is made for its owner alone in a folder that only its owner enters, by the holder of
   the home's lock, so that what is already there is a left-over and goes.
2. Nothing of a request is logged: paths may hold names of conversations.
3. It ends cleanly: no new request, running ones get a few seconds, the socket goes.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from orchestrator.api.who import PeerProtocol
from orchestrator.client.path import reachable
from orchestrator.client.problems import Unready

GRACE_S = 5


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
async def listening(app: ASGIApp, path: Path) -> AsyncIterator[None]:
    """Answers on ``path`` for the length of the block."""
    with owner_socket(path) as listener:
        server = _Quiet(
            uvicorn.Config(
                app,
                http=PeerProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
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
