"""A port that can be closed, opened again, and whose connections can be reset.

Rule kept here: loopback only, and nothing that passes is logged.
"""

import asyncio
import socket
import sys
import traceback
from typing import Any, cast

from starlette.requests import ClientDisconnect
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HOST = "127.0.0.1"


class _Line(H11Protocol):
    """One connection; the application finds ``cut`` in its request's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        # The loop does this only where the listening socket names its protocol.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state["cut"] = transport.abort


class Listener:
    """Serves an application on a port of this machine.

    Args:
        app: the ASGI application.
        port: 0 lets the system choose.
        sockets: WebSockets are served too; else an upgrade is a plain request.
    """

    def __init__(self, app: Any, port: int, *, sockets: bool = False) -> None:
        self.port = port
        self._app = app
        self._config = Config(
            self._told,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio" if sockets else "none",
        )
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listens; the port stays the same from now on."""
        if self._server is not None:
            return
        held = socket.create_server((HOST, self.port))
        self.port = int(held.getsockname()[1])
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._line, sock=held)

    def _line(self) -> asyncio.Protocol:
        return _Line(self._config, self._state, {})

    async def _told(self, scope: Any, receive: Any, send: Any) -> None:
        """The application; of what nobody expected only type and place are told."""
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - told without its words, which may be text
            place = traceback.extract_tb(error.__traceback__)[-1]
            sys.stderr.write(f"{type(error).__name__} at {place.name}:{place.lineno}\n")

    def close(self) -> None:
        """Refuses every connection and resets those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in list(self._state.connections):
            cast("_Line", line).transport.abort()
