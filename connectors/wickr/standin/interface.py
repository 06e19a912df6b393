"""The web interface: which call goes where, who may, and what goes wrong on the way.

Rules kept here:

1. A body is read before credentials are looked at, and these before the path: what is no JSON is
   400, a wrong token 401, a wrong key of a V2 call 401 and of a V1 path 404, as everything unknown.
2. Faults are looked at here, once per call; what is left of the call is as without them.
3. Nothing of a call is logged; what tests want to see of calls is kept in ``Seen``, in memory.
"""

import asyncio
import base64
import binascii
import hmac
import inspect
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from connectors.shared.standin.seen import Seen
from connectors.wickr.standin import messages, rooms
from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.faults import FaultKind
from connectors.wickr.standin.network import Refused
from connectors.wickr.standin.seen import SeenCall
from connectors.wickr.standin.wire import MOST_JSON, Answer, Call, Silent, Wrong, parts, said

Handler = Callable[[Standin, Call], Answer | Awaitable[Answer]]
PORTAL = b"<html><body>welcome to the portal</body></html>"
NO_JSON = "Invalid JSON format in request body"
NO_HEADER = (
    "Access denied: invalid Authorization Header format. "
    'Correct format: "Authorization: Basic base64_auth_token"'
)
NO_TOKEN = "Access denied: invalid basic-auth token."  # noqa: S105 - a sentence
NO_KEY = "Access denied: invalid api-key."
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Routed:
    """One call that the interface knows.

    Attributes:
        method: HTTP method.
        path: behind the addressing, as a pattern.
        verb: its name for faults.
        handler: what it does.
        failed: what is said when the client refuses.
    """

    method: str
    path: re.Pattern[str]
    verb: str
    handler: Handler
    failed: str


def _routed(method: str, path: str, verb: str, handler: Handler, failed: str) -> Routed:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Routed(method, re.compile(pattern), verb, handler, f"Failed to {failed}")


_ROOM, _GROUP = "/Rooms/{vgroupid}", "/GroupConvo/{vgroupid}"
_CALLBACK = "/MsgRecvCallback"
ROUTES = (
    _routed("POST", "/Messages", "send", messages.send, "send message"),
    _routed("GET", "/Messages", "receive", messages.take, "retrieve messages"),
    _routed(
        "DELETE", "/Messages/{vgroupid}/{message}", "recall", messages.delete, "recall message"
    ),
    _routed("POST", "/File", "file", messages.send_file, "send attachment"),
    _routed("GET", "/Statistics", "statistics", messages.statistics, "retrieve statistics"),
    _routed("DELETE", "/Statistics", "clear", messages.clear_statistics, "clear statistics"),
    _routed("GET", "/Directory", "directory", messages.directory, "retrieve directory"),
    _routed("POST", _CALLBACK, "callback_set", messages.set_callback, "set message callback"),
    _routed("GET", _CALLBACK, "callback", messages.get_callback, "retrieve message callback"),
    _routed(
        "DELETE", _CALLBACK, "callback_delete", messages.delete_callback, "delete message callback"
    ),
    _routed("GET", "/Rooms", "rooms", rooms.listing, "retrieve rooms"),
    _routed("POST", "/Rooms", "room_create", rooms.create, "create room"),
    _routed("GET", _ROOM, "room", rooms.one, "retrieve room"),
    _routed("POST", _ROOM, "room_modify", rooms.modify, "modify room"),
    _routed("DELETE", _ROOM, "room_delete", rooms.delete, "delete room"),
    _routed("GET", "/GroupConvo", "groups", rooms.groups, "retrieve group conversations"),
    _routed("POST", "/GroupConvo", "group_create", rooms.create_group, "create group conversation"),
    _routed("GET", _GROUP, "group", rooms.one_group, "retrieve group conversation"),
    _routed("DELETE", _GROUP, "group_leave", rooms.leave_group, "leave group conversation"),
)
NEEDS = {"send": (messages.NEED_MESSAGE, 200), "file": (messages.NEED_USERS, 400)}
"""What a send says that had nothing to send, and with which status."""


class Interface:
    """The program's application.

    Args:
        far: the stand-in.
        record: folder for the requests, tests only.
    """

    def __init__(self, far: Standin, record: Path | None = None) -> None:
        self.seen: Seen[SeenCall] = Seen(record)
        self._far = far
        self._v1 = f"/WickrIO/V1/Apps/{far.options.api_key}"
        self._v2 = "/WickrIO/V2/Apps"

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """One request (ASGI)."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        addressing, tail = self._tail(request)
        routed, params = _route(request.method, tail)
        verb = routed.verb if routed is not None else ""
        call, broken = await _call(request, verb, params)
        given = self._instead(call) or broken or self._denied(request, addressing, routed)
        if given is None and routed is not None:
            await self._before(call, request)
            given = await self._done(routed, call, request)
        given = given or said(f"Endpoint {request.url.path} not found", 404)
        self._note(request, (addressing, tail), call, given)
        return await self._after(call, request, given)

    def _tail(self, request: Request) -> tuple[str, str]:
        """Which addressing it is, and the path behind it."""
        path = request.url.path
        for name, prefix in (("v1", self._v1), ("v2", self._v2)):
            if path == prefix or path.startswith(f"{prefix}/"):
                return name, path.removeprefix(prefix)
        return "", path

    def _denied(self, request: Request, addressing: str, routed: Routed | None) -> Answer | None:
        """Whoever may not, and what is not there."""
        header = request.headers.get("authorization")
        if not header:
            return said(NO_HEADER, 401)
        if not self._is_token(header.split(" ")[1] if " " in header else header):
            return said(NO_TOKEN, 401)
        if addressing == "v2" and request.headers.get("x-api-key") != self._far.options.api_key:
            return said(NO_KEY, 401)
        if routed is None or not addressing:
            return said(f"Endpoint {request.url.path} not found", 404)
        return None

    def _is_token(self, encoded: str) -> bool:
        padded = encoded.replace("-", "+").replace("_", "/").rstrip("=")
        try:
            token = base64.b64decode(padded + "=" * (-len(padded) % 4))
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(token, self._far.options.auth_token.encode())

    def _instead(self, call: Call) -> Answer | None:
        """An answer of a proxy before the program; nothing is done then."""
        down = self._far.fault(FaultKind.UNAVAILABLE, call)
        if down is None:
            return None
        return Answer(down.amount or 503, b"Service Unavailable\n", f"retry={down.text}")

    async def _before(self, call: Call, request: Request) -> None:
        """What goes wrong before anything is done."""
        far = self._far
        if far.fault(FaultKind.CUT_LOST, call):
            await _cut(request)
        if far.fault(FaultKind.HANG_LOST, call):
            await _hang(request)
        slow = far.fault(FaultKind.SLOW, call)
        if slow is not None:
            await asyncio.sleep(slow.amount / _MICRO)

    async def _done(self, routed: Routed, call: Call, request: Request) -> Answer:
        far = self._far
        nothing = far.fault(FaultKind.NOTHING, call)
        if nothing is not None:
            words, status = NEEDS.get(call.verb, ("", 200))
            return said(nothing.text, 200) if nothing.text else said(words, status)
        try:
            if far.fault(FaultKind.REFUSE, call) is not None:
                return said(routed.failed, 400)
            far.client.check_active()
            result = routed.handler(far, call)
            return await result if inspect.isawaitable(result) else result
        except Wrong as wrong:
            return wrong.answer
        except Refused:
            far.client.errors += call.verb in {"send", "file"}
            return said(routed.failed, 400)
        except Silent:
            pass
        await _hang(request)
        raise ClientDisconnect

    async def _after(self, call: Call, request: Request, given: Answer) -> Response:
        """What becomes of an answer on its way back, and of what was in it."""
        far, lose = self._far, self._far.client.lose
        if far.fault(FaultKind.CUT_AFTER, call):
            lose(given.taken, "the answer was cut")
            await _cut(request)
        if far.fault(FaultKind.HANG, call):
            lose(given.taken, "the answer never came")
            await _hang(request)
        late = far.fault(FaultKind.LATE, call)
        if late is not None:
            await asyncio.sleep(late.amount / _MICRO)
        garbage = far.fault(FaultKind.GARBAGE, call)
        if garbage is not None:
            lose(given.taken, "the answer was garbage")
            given = Answer(garbage.amount or 200, PORTAL, "text/html")
        if far.fault(FaultKind.CUT_MIDWAY, call):
            lose(given.taken, "the answer was cut")
            length = {"content-length": str(len(given.body) or 1)}
            return StreamingResponse(_half(request, given), given.status, length)
        if given.taken and await request.is_disconnected():
            lose(given.taken, "nobody waited for the answer")
            raise ClientDisconnect
        for item in given.taken:
            far.client.arrived(item, "polled")
        return _response(given)

    def _note(self, request: Request, place: tuple[str, str], call: Call, given: Answer) -> None:
        file = None if call.file is None else (call.file[0], len(call.file[1]))
        addressing, tail = place
        self.seen.add(
            SeenCall(
                self._far.clock.now(),
                request.method,
                tail,
                addressing,
                call.verb,
                dict(call.query),
                dict(call.form or call.body),
                file,
                given.status,
            )
        )


def _route(method: str, tail: str) -> tuple[Routed | None, dict[str, str]]:
    for routed in ROUTES:
        found = routed.path.fullmatch(tail)
        if found is not None and routed.method == method:
            return routed, {name: unquote(value) for name, value in found.groupdict().items()}
    return None, {}


async def _call(
    request: Request, verb: str, params: Mapping[str, str]
) -> tuple[Call, Answer | None]:
    """The call as it was read; with an answer where its body makes no sense."""
    query, raw = dict(request.query_params), await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        form, file = parts(raw, kind)
        return Call(verb, params, query, form=form, file=file), None
    if not kind.startswith("application/json") or not raw or len(raw) > MOST_JSON:
        return Call(verb, params, query), None
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict | list):
        return Call(verb, params, query), said(NO_JSON, 400)
    return Call(verb, params, query, body if isinstance(body, dict) else {}), None


def _response(given: Answer) -> Response:
    headers = {}
    kind = given.content_type
    if kind.startswith("retry="):
        wait, kind = kind.removeprefix("retry="), "text/plain"
        headers = {"retry-after": wait} if wait else {}
    if given.status == 401:  # noqa: PLR2004 - the program says so in this header, of all
        headers = {"authorization": "Basic base64_auth_token"}
    return Response(given.body, given.status, headers, kind)


async def _cut(request: Request) -> None:
    """Resets the connection; the caller sees no answer."""
    request.state.cut()
    await asyncio.sleep(0)
    raise ClientDisconnect


async def _half(request: Request, given: Answer) -> AsyncIterator[bytes]:
    """The first half of an answer; then the connection is reset."""
    yield given.body[: len(given.body) // 2]
    await asyncio.sleep(0.01)  # so that the half is on its way before the reset
    await _cut(request)


async def _hang(request: Request) -> None:
    """Never answers; ends when the caller goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    raise ClientDisconnect
