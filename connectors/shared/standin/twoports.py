"""A stand-in's process: the program stood in for on one port, the far side's hand on another.

Rules kept here:

1. Loopback only; the hand's port asks for a token that is made at the start and told once.
2. The first line on standard output is one JSON object: ``port``, ``control``, ``token``, ``pid``,
   and what else the stand-in has to say.
3. A reset is another network with nobody on it, on the same ports.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.shared.standin.listener import Listener

Json = dict[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]


class TwoPorts(ABC):
    """One stand-in with its two ports.

    Args:
        port: of the program stood in for; 0 lets the system choose.
        control: of the hand; likewise.
        refused: what the far side raises where it does not do something; told with its message.
    """

    sockets: ClassVar[bool] = False
    """The program serves WebSockets."""

    def __init__(self, port: int, control: int, refused: type[Exception]) -> None:
        self.token = secrets.token_urlsafe(24)
        self._refused = refused
        self._going: asyncio.Task[None] | None = None
        hand = Starlette(routes=[Route("/far/{verb}", self._answer, methods=["POST"])])
        self.program_port = Listener(self._serve, port, sockets=self.sockets)
        self.hand_port = Listener(hand, control)

    @abstractmethod
    def app(self) -> Application:
        """The program of now; a reset puts another in its place."""

    @abstractmethod
    def going(self) -> Coroutine[Any, Any, None]:
        """What the program does by itself, until it is cancelled."""

    @abstractmethod
    async def do(self, verb: str, call: Json) -> Json:
        """What somebody asks of the far side's hand."""

    @abstractmethod
    def wait(self) -> Coroutine[Any, Any, None]:
        """Until all that was received is posted or lost."""

    @abstractmethod
    def build(self, changes: Json) -> None:
        """Another network with nobody on it, set up as at the start but for some options."""

    async def start(self) -> None:
        """Opens both ports, and the program begins."""
        await self.program_port.open()
        await self.hand_port.open()
        self._go()

    async def stop(self) -> None:
        """Ends everything."""
        self.program_port.close()
        self.hand_port.close()
        await self._halt()

    async def settle(self, seconds: float) -> None:
        """Waits until all that was received is posted or lost."""
        try:
            await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            raise self._refused("not all that was received is posted or lost by now") from None

    async def reset(self, changes: Json) -> None:
        """Another network with nobody on it, on the same ports."""
        self.build(changes)  # first: what is not understood changes nothing
        self.program_port.close()
        await self._halt()
        await self.program_port.open()
        self._go()

    def _go(self) -> None:
        self._going = asyncio.get_running_loop().create_task(self.going())

    async def _halt(self) -> None:
        if self._going is not None:
            self._going.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._going

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app()(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return JSONResponse({"error": "the token is another"}, 401)
        call = await request.json()
        try:
            return JSONResponse(await self.do(request.path_params["verb"], call))
        except self._refused as refused:
            return JSONResponse({"error": str(refused)}, 409)
        except (KeyError, TypeError, ValueError) as wrong:
            return JSONResponse({"error": f"not understood: {type(wrong).__name__}"}, 400)


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """The options that every stand-in has.

    Args:
        name: of the network, as `wallcross lab` names it.
        description: for people.
    """
    made = argparse.ArgumentParser(prog=f"wallcross lab {name}", description=description)
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.add_argument("--port", type=int, default=0, help="of the program stood in for (0: any)")
    made.add_argument("--control", type=int, default=0, help="of the far side's hand (0: any)")
    made.add_argument("--record", type=Path, help="folder for requests with text; tests only")
    made.add_argument("--until-stdin-closes", action="store_true")
    return made


def serve(make: Callable[[], TwoPorts], *, until_stdin_closes: bool, **told: object) -> None:
    """Serves until it is told to end.

    Args:
        make: the stand-in.
        until_stdin_closes: it ends with whoever holds the other end.
        told: what its first line says beside where it is.
    """
    os.umask(0o077)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(make, told, until_stdin_closes=until_stdin_closes))


async def _run(
    make: Callable[[], TwoPorts], told: Mapping[str, object], *, until_stdin_closes: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _heard, stop)
    process = make()
    await process.start()
    ports = {"port": process.program_port.port, "control": process.hand_port.port}
    ready = ports | {"token": process.token, "pid": os.getpid()} | dict(told)
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await process.stop()


def _heard(stop: asyncio.Event) -> None:
    """Standard input has something: its end, or what nobody asked for."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()
