"""The stand-in's process: the program stood in for on one port, the far side's hand on another.

Rules kept here:

1. Loopback only; the hand's port asks for a token that is made at the start and told once.
2. The first line on standard output is one JSON object: ``port``, ``control``, ``token``, ``pid``.
3. Text stays in memory, unless ``--record`` (tests) names a folder.

    python -m connectors.signal.standin --port 0 --webhook http://127.0.0.1:9000/signal/secret
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.shared.standin.listener import Listener
from connectors.signal.standin import hand
from connectors.signal.standin.api import Standin
from connectors.signal.standin.network import Refused
from connectors.signal.standin.options import VERSIONS, Backend, Mode, Options, ReceiveMode
from connectors.signal.standin.rest import Rest
from connectors.signal.standin.rpc import Rpc


class Process:
    """One stand-in with its two ports.

    Args:
        options: how it is set up.
        port: of the REST server; 0 lets the system choose.
        control: of the hand; likewise.
        record: folder for the requests, tests only.
    """

    def __init__(
        self, options: Options, port: int = 0, control: int = 0, record: Path | None = None
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self._options, self._record = options, record
        self._build(options)
        self.rest_port = Listener(self._serve, port)
        self.hand_port = Listener(self._hand(), control)

    def _build(self, options: Options) -> None:
        self._far = Standin.made(options)
        program = Rpc if options.streams else Rest
        self._program: Rest | Rpc = program(self._far, self._record)
        self._reader: asyncio.Task[None] | None = None

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """The application of now; a reset puts another in its place."""
        await self._program.app(scope, receive, send)

    async def start(self) -> None:
        """Opens both ports and starts the reader."""
        await self.rest_port.open()
        await self.hand_port.open()
        self._read()

    def _read(self) -> None:
        self._reader = asyncio.get_running_loop().create_task(self._far.daemon.read())

    async def stop(self) -> None:
        """Ends everything."""
        self.rest_port.close()
        self.hand_port.close()
        await self._stop_reading()

    async def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    # the hand

    def _hand(self) -> Starlette:
        return Starlette(routes=[Route("/far/{verb}", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return JSONResponse({"error": "the token is another"}, 401)
        call = await request.json()
        try:
            return JSONResponse(await self._do(request.path_params["verb"], call))
        except Refused as refused:
            return JSONResponse({"error": str(refused)}, 409)
        except (KeyError, TypeError, ValueError) as wrong:
            return JSONResponse({"error": f"not understood: {type(wrong).__name__}"}, 400)

    async def _do(self, verb: str, call: dict[str, Any]) -> dict[str, Any]:
        call = hand.DEFAULTS | call
        if verb in hand.VERBS:
            return hand.VERBS[verb](self._far, call)
        if verb == "settle":
            return await self._settle(call["seconds"])
        if verb == "requests":
            return {"requests": [asdict(each) for each in self._program.seen.calls]}
        return await self._switch(verb, call)

    async def _settle(self, seconds: float) -> dict[str, Any]:
        try:
            await asyncio.wait_for(self._far.daemon.settle(), seconds)
        except TimeoutError:
            raise Refused("not all that was received is posted or lost by now") from None
        return {}

    async def _switch(self, verb: str, call: dict[str, Any]) -> dict[str, Any]:
        """What is about the server as a whole."""
        if verb == "go_down":
            self._far.daemon.go_down()
            self.rest_port.close()
        elif verb == "come_back":
            await self.rest_port.open()
            self._far.daemon.come_back()
        elif verb == "forget_requests":
            self._program.seen.calls.clear()
        elif verb == "reset":
            await self._reset(call["options"])
        else:
            raise KeyError(verb)
        return {}

    async def _reset(self, changes: dict[str, Any]) -> None:
        """Another network with nobody on it, on the same ports, set up as at the start."""
        await self._stop_reading()
        self.rest_port.close()
        kinds = {"mode": Mode, "backend": Backend, "receive_mode": ReceiveMode}
        changes |= {name: kind(changes[name]) for name, kind in kinds.items() if name in changes}
        self._build(replace(self._options, **changes))
        await self.rest_port.open()
        self._read()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wallcross lab signal", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--port", type=int, default=0, help="of the program stood in for (0: any)")
    parser.add_argument("--control", type=int, default=0, help="of the far side's hand (0: any)")
    parser.add_argument("--webhook", default="", help="RECEIVE_WEBHOOK_URL")
    parser.add_argument("--mode", choices=[str(each) for each in Mode], default=str(Mode.JSON_RPC))
    backends = [str(each) for each in Backend]
    parser.add_argument("--backend", choices=backends, default=str(Backend.REST))
    modes = [str(each) for each in ReceiveMode]
    parser.add_argument("--receive-mode", choices=modes, default=str(ReceiveMode.ON_START))
    parser.add_argument("--version", choices=VERSIONS, default=VERSIONS[-1])
    parser.add_argument("--number", default=Options().number, help="of our account")
    parser.add_argument("--record", type=Path, help="folder for requests with text; tests only")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    options = Options(
        mode=Mode(arguments.mode),
        version=arguments.version,
        number=arguments.number,
        webhook=arguments.webhook,
        backend=Backend(arguments.backend),
        receive_mode=ReceiveMode(arguments.receive_mode),
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _heard, stop)
    process = Process(options, arguments.port, arguments.control, arguments.record)
    await process.start()
    ready = {"port": process.rest_port.port, "control": process.hand_port.port}
    sys.stdout.write(json.dumps(ready | {"token": process.token, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await process.stop()


def _heard(stop: asyncio.Event) -> None:
    """Standard input has something: its end, or what nobody asked for."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def main(argv: Sequence[str]) -> None:
    """Serves until it is told to end.

    Args:
        argv: the options; ``--help`` lists them.
    """
    os.umask(0o077)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(_parser().parse_args(argv)))
