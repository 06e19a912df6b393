"""The WebSocket of ``/v1/receive``, which loses nearly all of a burst.

Rules kept here:

1. What was received is handed to whoever waits at that very instant, and to nobody else: who is
   still writing the one before gets nothing, and the message was acknowledged to Signal already.
2. A frame is the envelope and the account, one level above what the webhook is posted.
3. What a client says is not read.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket

from connectors.signal.standin.api import Standin
from connectors.signal.standin.daemon import Waiter

REFUSED = 1008


async def serve(far: Standin, socket: WebSocket, seen: Callable[[WebSocket, int], None]) -> None:
    """One connection, for as long as it lasts.

    Args:
        far: the stand-in.
        socket: whoever opened it.
        seen: notes it, with its status.
    """
    if not far.options.json_rpc or socket.path_params["number"] != far.options.number:
        seen(socket, 400)
        await socket.close(REFUSED)
        return
    await socket.accept()
    seen(socket, 101)
    mine = Waiter()
    far.daemon.waiters.append(mine)
    gone = asyncio.ensure_future(_gone(socket))
    try:
        await _hand_out(socket, mine, gone)
    finally:
        gone.cancel()
        far.daemon.waiters.remove(mine)


async def _hand_out(socket: WebSocket, mine: Waiter, gone: asyncio.Future[None]) -> None:
    while not gone.done():
        waiting = asyncio.ensure_future(mine.next())
        either: set[asyncio.Future[Any]] = {waiting, gone}
        done, _ = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if waiting not in done:
            waiting.cancel()
            return
        await socket.send_text(json.dumps(waiting.result()))


async def _gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue
