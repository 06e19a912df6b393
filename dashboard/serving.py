"""Answers as the front until it is told to stop; ``dashboard.__main__`` has confined it before.

Rules kept here:

1. It listens on this machine alone; who else may reach it is a reverse proxy's matter.
2. It ends with whoever started it: when its standard input is closed, it stops.
3. Nothing of a request is logged.
4. It does not start where a setting that keeps it safe is not in force (``--check`` says which).
"""

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
from dataclasses import asdict
from urllib.parse import urlsplit

import uvicorn

from dashboard import link, settings, theme
from dashboard.app import front
from dashboard.confine import Confined
from dashboard.proxy import AT_ALL
from orchestrator.client.path import reachable
from orchestrator.client.wire import socket_transport

HERE = "127.0.0.1"
MOST_AT_ONCE = 2000
LARGEST_SAID = 4 << 20
GRACE_S = 3


class Telling(uvicorn.Server):
    """A server that says on its output when it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        await super().startup(sockets)
        if self.started:
            sys.stdout.write("ready\n")
            sys.stdout.flush()


def serve(given: argparse.Namespace, confined: Confined) -> None:
    """Runs the front until it is told to stop; or says what is in force, where that was asked.

    Args:
        given: the arguments of ``python -m dashboard``.
        confined: what this process was held to before.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="front: %(message)s")
    settings.put(urlsplit(given.origin).hostname or "localhost", given.port, theme.THEME)
    found = settings.in_force(given.origin)
    if given.check:
        held = {f"confined {name}": is_so for name, is_so in asdict(confined).items()}
        sys.stdout.write(json.dumps(found | held) + "\n")
        return
    missing = [name for name, is_so in found.items() if not is_so]
    if missing:
        sys.exit("not in force: " + ", ".join(missing))
    with reachable(given.socket) as door:
        _run(given, door)


def _run(given: argparse.Namespace, door: str) -> None:
    link.put(link.Link(link.background_loop(), socket_transport(door), given.origin, given.zone))
    config = uvicorn.Config(
        front(socket_transport(door, AT_ALL), given.origin, socket_transport(door)),
        host=HERE,
        port=given.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
        ws_max_size=LARGEST_SAID,
        timeout_graceful_shutdown=GRACE_S,
    )
    asyncio.run(_served(Telling(config), alone=given.alone))


async def _served(server: uvicorn.Server, *, alone: bool) -> None:
    loop = asyncio.get_running_loop()
    if not alone:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, server)
    await server.serve()


def _stop_at_end(server: uvicorn.Server) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        server.should_exit = True
