"""What was not changed is not sent again; and nobody between keeps what we answer.

Rules kept here:

1. Each answer that is a view has a weak ``ETag``: a hash of what is answered, to this viewer, now
   (RFC 9110, 8.8.3). ``If-None-Match`` that names it is answered with 304 and no body. It is made
   after the answer: what somebody may see was decided anew.
2. No answer is stored by a browser or by anything on the way (``no-store``).
"""

from hashlib import sha256
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NO_STORE = "no-store"


class Tagged:
    """Tags what is answered to GET.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or says that it is as it was."""
        known = Headers(scope=scope).get("if-none-match", "") if scope["method"] == "GET" else None
        await self._app(scope, receive, _Tagging(send, known).send)


class _Tagging:
    """Holds the head of an answer until its body is there."""

    def __init__(self, send: Send, known: str | None) -> None:
        self._send = send
        self._known = known
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("cache-control", _NO_STORE)
            if self._known is not None and _is_view(message, headers):
                self._head = message
                return
        head, self._head = self._head, None
        if head is not None:
            if not message.get("more_body", False) and self._same(head, message):
                await self._send({**head, "status": 304})
                await self._send({"type": "http.response.body", "body": b""})
                return
            await self._send(head)
        await self._send(message)

    def _same(self, head: Message, body: Message) -> bool:
        """Tags an answer, and says whether whoever asks has it."""
        tag = f'W/"{sha256(body.get("body", b"")).hexdigest()[:32]}"'
        headers = MutableHeaders(scope=head)
        headers["etag"] = tag
        named = {word.strip().removeprefix("W/") for word in (self._known or "").split(",")}
        if tag.removeprefix("W/") not in named:
            return False
        for name in ("content-length", "content-type"):
            if name in headers:
                del headers[name]
        return True


def _is_view(message: Message, headers: MutableHeaders) -> bool:
    return message["status"] == HTTPStatus.OK and headers.get("content-type") == "application/json"
