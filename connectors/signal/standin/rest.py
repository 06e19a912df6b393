"""The REST server: which call goes where, and what goes wrong on the way.

Rules kept here:

1. A call that asks signal-cli is answered when the reader comes to its answer, see ``daemon``.
2. Faults are looked at here, once per call; what is left of the call is as without them.
3. Nothing of a call is logged; what tests want to see of calls is kept in ``Seen``, in memory.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from connectors.shared.standin.seen import Seen
from connectors.signal.standin import accounting, grouping, receiving, sending, socket
from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import Fault, FaultKind
from connectors.signal.standin.network import Refused
from connectors.signal.standin.seen import SeenCall, readable
from connectors.signal.standin.wire import TEXT, Answer, Call, Wrong, error, told

Handler = Callable[[Standin, Call], Answer | Awaitable[Answer]]
RECEIVE = "/v1/receive/{number}"
PORTAL = b"<html><body>welcome to the portal</body></html>"


@dataclass(frozen=True, slots=True)
class Routed:
    """One call that the server knows.

    Attributes:
        method: HTTP method.
        path: as in the description.
        verb: its name for faults.
        handler: what it does.
        status: of success.
        asks: it asks signal-cli, so its answer stands behind what is being received.
    """

    method: str
    path: str
    verb: str
    handler: Handler
    status: int = 204
    asks: bool = True


FAIL_WITH_500 = {"identities", "accounts", "attachments"}
_GROUP = "/v1/groups/{number}/{groupid}"
ROUTES = (
    Routed("GET", "/v1/about", "about", accounting.about, 200, asks=False),
    Routed("GET", "/v1/health", "health", accounting.health, asks=False),
    Routed("GET", "/v1/accounts", "accounts", accounting.accounts, 200),
    Routed("POST", "/v1/accounts/{number}/pin", "pin_set", accounting.pin, 201),
    Routed("DELETE", "/v1/accounts/{number}/pin", "pin_remove", accounting.pin),
    Routed("POST", "/v1/accounts/{number}/rate-limit-challenge", "challenge", sending.challenge),
    Routed("PUT", "/v1/accounts/{number}/settings", "settings", accounting.account_settings, 201),
    Routed("POST", "/v1/accounts/{number}/username", "username_set", accounting.username, 201),
    Routed("DELETE", "/v1/accounts/{number}/username", "username_remove", accounting.username),
    Routed("GET", "/v1/attachments", "attachments", receiving.attachments, 200, asks=False),
    Routed(
        "GET", "/v1/attachments/{attachment}", "attachment", receiving.attachment, 200, asks=False
    ),
    Routed(
        "DELETE",
        "/v1/attachments/{attachment}",
        "attachment_delete",
        receiving.delete_attachment,
        asks=False,
    ),
    Routed("GET", "/v1/configuration", "config", accounting.get_configuration, 200, asks=False),
    Routed("POST", "/v1/configuration", "config_set", accounting.set_configuration, asks=False),
    Routed("GET", "/v1/configuration/{number}/settings", "trust_mode", accounting.get_trust, 200),
    Routed("POST", "/v1/configuration/{number}/settings", "trust_mode_set", accounting.set_trust),
    Routed("GET", "/v1/contacts/{number}", "contacts", accounting.contacts, 200),
    Routed("PUT", "/v1/contacts/{number}", "contact_update", accounting.update_contact),
    Routed("POST", "/v1/contacts/{number}/sync", "contacts_sync", accounting.sync_contacts),
    Routed("GET", "/v1/contacts/{number}/{uuid}", "contact", accounting.contact, 200),
    Routed("GET", "/v1/devices/{number}", "devices", accounting.devices, 200),
    Routed("POST", "/v1/devices/{number}", "device_link", accounting.link_device),
    Routed("DELETE", "/v1/devices/{number}/local-data", "forget", accounting.forget),
    Routed("DELETE", "/v1/devices/{number}/{deviceId}", "device_unlink", accounting.unlink_device),
    Routed("GET", "/v1/groups/{number}", "groups", grouping.listing, 200),
    Routed("POST", "/v1/groups/{number}", "group_create", grouping.create, 201),
    Routed("GET", _GROUP, "group", grouping.one, 200),
    Routed("PUT", _GROUP, "group_update", grouping.update),
    Routed("DELETE", _GROUP, "group_delete", grouping.leave, 200),
    Routed("POST", f"{_GROUP}/admins", "admins_add", grouping.admins),
    Routed("DELETE", f"{_GROUP}/admins", "admins_remove", grouping.admins),
    Routed("GET", f"{_GROUP}/avatar", "group_avatar", grouping.avatar, 200),
    Routed("POST", f"{_GROUP}/block", "group_block", grouping.block),
    Routed("POST", f"{_GROUP}/join", "group_join", grouping.join),
    Routed("POST", f"{_GROUP}/members", "members_add", grouping.members),
    Routed("DELETE", f"{_GROUP}/members", "members_remove", grouping.members),
    Routed("POST", f"{_GROUP}/pin-message", "pin", grouping.pin, 201),
    Routed("DELETE", f"{_GROUP}/pin-message", "unpin", grouping.pin, 201),
    Routed("POST", f"{_GROUP}/quit", "group_quit", grouping.leave),
    Routed("GET", "/v1/identities/{number}", "identities", accounting.identities, 200),
    Routed("PUT", "/v1/identities/{number}/trust/{who}", "trust", accounting.trust),
    Routed("PUT", "/v1/profiles/{number}", "profile", accounting.profile),
    Routed("GET", "/v1/qrcodelink/raw", "qrcode", accounting.qr_code, 200),
    Routed("POST", "/v1/reactions/{number}", "reaction_add", sending.react),
    Routed("DELETE", "/v1/reactions/{number}", "reaction_remove", sending.react),
    Routed("POST", "/v1/receipts/{number}", "receipt", sending.receipt),
    Routed("GET", RECEIVE, "receive", receiving.receive, 200),
    Routed("POST", "/v1/register/{number}", "register", accounting.register, 201),
    Routed("POST", "/v1/register/{number}/verify/{token}", "verify", accounting.verify, 201),
    Routed("DELETE", "/v1/remote-delete/{number}", "remote_delete", sending.remote_delete, 201),
    Routed("GET", "/v1/search/{number}", "search", accounting.search, 200),
    Routed("PUT", "/v1/typing-indicator/{number}", "typing_start", sending.typing),
    Routed("DELETE", "/v1/typing-indicator/{number}", "typing_stop", sending.typing),
    Routed("POST", "/v1/unregister/{number}", "unregister", accounting.unregister),
    Routed("POST", "/v2/send", "send", sending.send, 201),
)


class Rest:
    """The server's application.

    Args:
        far: the stand-in.
        record: folder for the requests, tests only.
    """

    def __init__(self, far: Standin, record: Path | None = None) -> None:
        self.seen: Seen[SeenCall] = Seen(record)
        self._far = far
        routes: list[BaseRoute] = [
            Route(each.path, self._endpoint(each), methods=[each.method]) for each in ROUTES
        ]
        routes.append(WebSocketRoute(RECEIVE, self._socket))
        self.app = Starlette(routes=routes, exception_handlers={HTTPException: _unknown})

    def _endpoint(self, routed: Routed) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            call = Call(
                routed.verb,
                request.path_params,
                dict(request.query_params),
                tuple(request.query_params.getlist("numbers")),
                await request.body(),
            )
            given = _instead(self._far, routed, call)
            if given is None:
                await self._before(routed, call, request)
                given = await _done(self._far, routed, call)
            self._note(routed, call, request, given)
            return await self._after(call, request, given)

        return answer

    async def _before(self, routed: Routed, call: Call, request: Request) -> None:
        """What goes wrong before anything is done."""
        far = self._far
        if far.fault(FaultKind.CUT_LOST, call):
            await cut(request)
        if far.fault(FaultKind.HANG_LOST, call) or (routed.asks and not far.daemon.answers):
            await hang(request)
        slow = far.fault(FaultKind.SLOW, call)
        if slow is not None:
            await asyncio.sleep(slow.amount / 1_000_000)

    async def _after(self, call: Call, request: Request, given: Answer) -> Response:
        """What becomes of an answer on its way back."""
        far = self._far
        if far.fault(FaultKind.CUT_AFTER, call):
            await cut(request)
        if far.fault(FaultKind.HANG, call):
            await hang(request)
        garbage = far.fault(FaultKind.GARBAGE, call)
        if garbage is not None:
            given = Answer(garbage.amount or given.status, PORTAL, "text/html")
        kind = None if given.body is None else given.content_type
        if far.fault(FaultKind.CUT_MIDWAY, call):
            length = {"content-length": str(len(given.body or b"") or 1)}
            return StreamingResponse(half(request, given), given.status, length, kind)
        return Response(given.body, given.status, media_type=kind)

    async def _socket(self, opened: WebSocket) -> None:
        await socket.serve(self._far, opened, self._note_socket)

    def _note_socket(self, opened: WebSocket, status: int) -> None:
        at, query = self._far.clock.now(), dict(opened.query_params)
        path = opened.url.path
        self.seen.add(SeenCall(at, "GET", path, RECEIVE, "receive", query, None, status))

    def _note(self, routed: Routed, call: Call, request: Request, given: Answer) -> None:
        self.seen.add(
            SeenCall(
                self._far.clock.now(),
                request.method,
                request.url.path,
                routed.path,
                call.verb,
                dict(call.query),
                readable(call.raw),
                given.status,
            )
        )


async def _done(far: Standin, routed: Routed, call: Call) -> Answer:
    """The call is done in one step; its answer comes when the reader comes to it."""
    try:
        result = routed.handler(far, call)
        given = await result if inspect.isawaitable(result) else result
    except Wrong as wrong:
        given = wrong.answer
    except Refused as refused:
        given = error(400, str(refused))
    if routed.asks:
        await far.daemon.turn()
    return given


def _instead(far: Standin, routed: Routed, call: Call) -> Answer | None:
    """An answer in the place of the call's own; nothing is done then."""
    down = far.fault(FaultKind.UNAVAILABLE, call)
    if down is not None:
        return Answer(down.amount or 503, b"Service Unavailable\n", TEXT)
    nothing = far.fault(FaultKind.NOTHING, call)
    if nothing is not None and nothing.text:
        return told(routed.status, json.loads(nothing.text))
    if nothing is not None:
        empty: object = [] if far.options.answers_array else {}
        return told(routed.status, empty) if routed.verb == "send" else Answer(routed.status)
    if routed.verb == "group_update":
        return None  # what signal-cli refuses there is answered 204 in json-rpc mode: see grouping
    refused = far.fault(FaultKind.REFUSE, call)
    if refused is None:
        return None
    return error(500 if routed.verb in FAIL_WITH_500 else 400, _words(refused))


def _words(fault: Fault) -> str:
    return fault.text or "Failed to send message"


async def cut(request: Request) -> None:
    """Resets the connection; the caller sees no answer."""
    request.state.cut()
    await asyncio.sleep(0)
    raise ClientDisconnect


async def half(request: Request, given: Answer) -> AsyncIterator[bytes]:
    """The first half of an answer; then the connection is reset."""
    body = given.body or b""
    yield body[: len(body) // 2]
    await asyncio.sleep(0.01)  # so that the half is on its way before the reset
    await cut(request)


async def hang(request: Request) -> None:
    """Never answers; ends when the caller goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    raise ClientDisconnect


async def _unknown(_request: Request, _error: Exception) -> Response:
    """An unknown path, or a known one with another method."""
    return Response(b"404 page not found", 404, media_type="text/plain")
