"""The daemon's stream of events (``GET /api/v1/events``).

Rules kept here:

1. Its head goes out with its first byte, and that is an event or, after ``keepalive`` seconds, a
   line with a colon: so the real one was seen to do.
2. Who reads slowly holds up what is received; who is gone is found out by writing to him.
3. An account that the daemon has not is 400. Without one in the query all accounts are meant.
"""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.signal.standin.api import Standin
from connectors.signal.standin.daemon import Listening
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.wire import Call

VERB = "events"
_HEAD: dict[str, Any] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream")],
}


class Stream:
    """Serves the stream of one stand-in.

    Args:
        far: the stand-in.
    """

    def __init__(self, far: Standin) -> None:
        self._far = far

    async def answer(self, request: Request) -> Response:
        """One connection, for as long as it lasts."""
        far, call = self._far, Call(VERB, {}, {})
        down = far.fault(FaultKind.UNAVAILABLE, call)
        if down is not None:
            return Response(status_code=down.amount or 503)
        account, bot = request.query_params.get("account"), far.network.bot
        if account and (account != bot.number or not bot.registered):
            return Response(status_code=400)
        if far.fault(FaultKind.NOTHING, call):
            return Response(b"", 200, media_type="text/event-stream")
        return _Open(far)


class _Open(Response):
    """The stream itself."""

    def __init__(self, far: Standin) -> None:
        super().__init__()
        self._far = far

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tells what is received until somebody hangs up."""
        del scope
        mine = Listening()
        self._far.daemon.subscribe(mine)
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await self._tell(mine, gone, send)
        finally:
            gone.cancel()
            self._far.daemon.unsubscribe(mine)

    async def _tell(self, mine: Listening, gone: asyncio.Future[None], send: Send) -> None:
        keepalive = self._far.options.keepalive
        begun = False
        while not gone.done():
            waiting = asyncio.ensure_future(mine.next())
            either: set[asyncio.Future[Any]] = {waiting, gone}
            done, _ = await asyncio.wait(
                either, timeout=keepalive, return_when=asyncio.FIRST_COMPLETED
            )
            if gone in done:
                waiting.cancel()
                return
            if not begun:
                await send(_HEAD)
                begun = True
            if waiting in done:
                params, written = waiting.result()
                await send(_piece(_event(params)))
                if not written.done():
                    written.set_result(True)
            else:
                waiting.cancel()
                await send(_piece(b":\n"))


def _piece(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _event(params: object) -> bytes:
    return b"event:receive\ndata:" + json.dumps(params).encode() + b"\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
