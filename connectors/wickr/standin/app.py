"""The stand-in's process: the web interface on one port, the far side's hand on another.

Rules kept here:

1. Loopback only; the hand's port asks for a token that is made at the start and told once.
2. The first line on standard output is one JSON object: ``port``, ``control``, ``token``, ``pid``,
   and what the interface asks for: ``user``, ``api_key``, ``auth_token``.
3. Text stays in memory, unless ``--record`` (tests) names a folder; files lie in ``--folder``.

    python -m connectors.wickr.standin --port 0 --folder /tmp/attachments
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
from connectors.wickr.standin import hand
from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.interface import Interface
from connectors.wickr.standin.network import Refused
from connectors.wickr.standin.options import Modify, OnFailure, Options, chosen


class Process:
    """One stand-in with its two ports.

    Args:
        options: how it is set up.
        port: of the web interface; 0 lets the system choose.
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
        self._interface = Interface(self._far, self._record)
        self._poster: asyncio.Task[None] | None = None

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """The interface of now; a reset puts another in its place."""
        await self._interface.app(scope, receive, send)

    async def start(self) -> None:
        """Opens both ports and starts the client."""
        await self.rest_port.open()
        await self.hand_port.open()
        self._post_on()

    def _post_on(self) -> None:
        self._poster = asyncio.get_running_loop().create_task(self._far.client.post_on())

    async def stop(self) -> None:
        """Ends everything."""
        self.rest_port.close()
        self.hand_port.close()
        await self._stop_posting()

    async def _stop_posting(self) -> None:
        if self._poster is not None:
            self._poster.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poster

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
            return {"requests": [asdict(each) for each in self._interface.seen.calls]}
        return await self._switch(verb, call)

    async def _settle(self, seconds: float) -> dict[str, Any]:
        try:
            await asyncio.wait_for(self._far.client.settle(), seconds)
        except TimeoutError:
            raise Refused("not all that was received is posted or lost by now") from None
        return {}

    async def _switch(self, verb: str, call: dict[str, Any]) -> dict[str, Any]:
        """What is about the host or the interface as a whole."""
        if verb == "go_down":
            self._far.client.go_down()
            self.rest_port.close()
        elif verb == "come_back":
            await self.rest_port.open()
            self._far.client.come_back()
        elif verb == "interface":
            if call["there"]:
                await self.rest_port.open()
            else:
                self.rest_port.close()
        elif verb == "forget_requests":
            self._interface.seen.calls.clear()
        elif verb == "reset":
            await self._reset(call["options"])
        else:
            raise KeyError(verb)
        return {}

    async def _reset(self, changes: dict[str, Any]) -> None:
        """Another network with nobody on it, on the same ports, set up as at the start."""
        options = replace(self._options, **chosen(changes))
        await self._stop_posting()
        self.rest_port.close()
        self._build(options)
        await self.rest_port.open()
        self._post_on()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wallcross lab wickr", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--port", type=int, default=0, help="of the web interface (0: any)")
    parser.add_argument("--control", type=int, default=0, help="of the far side's hand (0: any)")
    parser.add_argument("--folder", default="", help="attachments folder of the bot's host")
    parser.add_argument("--modify", choices=[str(each) for each in Modify], default="replace")
    parser.add_argument("--on-failure", choices=[str(each) for each in OnFailure], default="lose")
    parser.add_argument("--user", default=Options().user, help="our account")
    parser.add_argument("--record", type=Path, help="folder for requests with text; tests only")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    options = Options(
        user=arguments.user,
        api_key=secrets.token_urlsafe(16),
        auth_token=secrets.token_urlsafe(18),
        folder=arguments.folder,
        modify=Modify(arguments.modify),
        on_failure=OnFailure(arguments.on_failure),
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
    asks = {"user": options.user, "api_key": options.api_key, "auth_token": options.auth_token}
    ready_to = {"token": process.token, "pid": os.getpid()}
    sys.stdout.write(json.dumps(ready | ready_to | asks) + "\n")
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
