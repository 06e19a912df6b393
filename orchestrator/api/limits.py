"""How much of a request is read: decided before it is, and counted while it is.

Rules kept here:

1. What says that it is too long is refused unread; what does not say so is refused once it is.
2. Only files, documents and rows of a replay are long, and they are read as they arrive.
3. What a network's server posts is counted by its channel, which tells of what was lost by that.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.guard import ADMITTED
from orchestrator.client.problems import TooLarge, Wrong

MIB = 1 << 20
USUAL = MIB
_LENGTH = re.compile(r"[0-9]{1,18}")
LONGER: Mapping[str, int] = MappingProxyType(
    {
        "send_file": 512 * MIB,
        "document_send": 512 * MIB,
        "replay_accept": 256 * MIB,
        "adopt": 16 * MIB,
        "deal_new": 16 * MIB,
        "key_add": 2 * MIB,
        "key_replace": 2 * MIB,
    }
)
"""Bytes of a body, where more than a MiB is meant."""
COUNTED_BEHIND = frozenset({"webhook_post"})
"""Operations whose body is read by whoever counts it himself, and never whole before."""


class Limited:
    """Counts what a request's body comes to.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on what is not too long. Raises: TooLarge, Wrong."""
        if scope.get(ADMITTED) in COUNTED_BEHIND:
            await self._app(scope, receive, send)
            return
        most = LONGER.get(scope.get(ADMITTED, ""), USUAL)
        said = Headers(scope=scope).get("content-length", "0")
        if _LENGTH.fullmatch(said) is None:
            raise Wrong("The request does not say how long it is")
        if int(said) > most:
            raise _too_large(most)
        counted = _Counted(receive, most)
        try:
            await self._app(scope, counted.receive, counted.unless_over(send))
        except Exception:
            if not counted.over:
                raise
        if counted.over and not counted.answered:
            raise _too_large(most)


class _Counted:
    """A body of which no more than ``most`` bytes are handed on."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = most
        self.over = False
        self.answered = False

    async def receive(self) -> Message:
        """The next piece; what is too long ends as if its sender had gone."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.over = True
            return {"type": "http.disconnect"}
        return message

    def unless_over(self, send: Send) -> Send:
        """Sends what was answered to a body that was not too long."""

        async def sent(message: Message) -> None:
            if self.over and not self.answered:
                return  # what it says is of half a body
            self.answered = True
            await send(message)

        return sent


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"More than {most // MIB} MiB are not taken here", still="Nothing was done")
