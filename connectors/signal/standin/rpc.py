"""signal-cli's own daemon over HTTP: which call goes where, and what goes wrong on the way.

Rules kept here:

1. Every answer of the daemon itself is HTTP 200, errors too. What is not JSON is -32700; a batch is
   answered as an array, an empty one is no request; a call without an id is done and answered 201
   with nothing.
2. Another content type is 415, another method 405, another path 404 in HTML.
3. Faults are looked at here, once per call, under the names that they have in ``rest.ROUTES``.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from connectors.shared.standin.seen import Seen
from connectors.signal.standin import rpc_methods
from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.network import Refused
from connectors.signal.standin.rest import PORTAL, cut, half, hang
from connectors.signal.standin.rpc_wire import (
    BAD_PARAMS,
    NO_JSON,
    NO_METHOD,
    NO_REQUEST,
    USER,
    Failure,
)
from connectors.signal.standin.seen import SeenCall
from connectors.signal.standin.stream import Stream
from connectors.signal.standin.wire import NO_ACCOUNT, TEXT, Answer, Call, Wrong, told

Json = dict[str, Any]


class Rpc:
    """The daemon's application.

    Args:
        far: the stand-in.
        record: folder for the requests, tests only.
    """

    def __init__(self, far: Standin, record: Path | None = None) -> None:
        self.seen: Seen[SeenCall] = Seen(record)
        self._far = far
        self.app = Starlette(
            routes=[
                Route("/api/v1/rpc", self._rpc, methods=["POST"]),
                Route("/api/v1/check", _check, methods=["GET"]),
                Route("/api/v1/events", Stream(far).answer, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _not_here},
        )

    async def _rpc(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/json"):
            return Response(status_code=415)
        raw = await request.body()
        try:
            parsed = json.loads(raw)
        except ValueError:
            return _told(_error(None, Failure(NO_JSON, "Unrecognized token")))
        if isinstance(parsed, list):
            return await self._batch(parsed)
        return await self._one(parsed, request)

    async def _batch(self, asked: list[Any]) -> Response:
        if not asked:
            return _told(_error(None, Failure(NO_REQUEST, "invalid request")))
        answers = [self._answer(each, self._call(each)) for each in asked]
        return _told([each for each in answers if each is not None])

    async def _one(self, parsed: Any, request: Request) -> Response:
        call, far = self._call(parsed), self._far
        if far.fault(FaultKind.CUT_LOST, call):
            await cut(request)
        down = far.fault(FaultKind.UNAVAILABLE, call)
        if down is not None:
            self._note(parsed, call, request, down.amount or 503)
            return Response(b"Service Unavailable\n", down.amount or 503, media_type=TEXT)
        if far.fault(FaultKind.HANG_LOST, call) or not far.daemon.attached:
            await hang(request)
        slow = far.fault(FaultKind.SLOW, call)
        if slow is not None:
            await asyncio.sleep(slow.amount / 1_000_000)
        answer = self._answer(parsed, call)
        self._note(parsed, call, request, 200)
        return await self._after(call, request, answer)

    async def _after(self, call: Call, request: Request, answer: Json | None) -> Response:
        """What becomes of an answer on its way back."""
        far = self._far
        if far.fault(FaultKind.CUT_AFTER, call):
            await cut(request)
        if far.fault(FaultKind.HANG, call):
            await hang(request)
        garbage = far.fault(FaultKind.GARBAGE, call)
        if garbage is not None:
            return Response(PORTAL, garbage.amount or 200, media_type="text/html")
        if answer is None:
            return Response(status_code=201)
        if far.fault(FaultKind.CUT_MIDWAY, call):
            given = told(200, answer)
            length = {"content-length": str(len(given.body or b""))}
            return StreamingResponse(half(request, given), 200, length, given.content_type)
        return _told(answer)

    def _call(self, parsed: Any) -> Call:
        """A request under the name that its faults have."""
        raw = parsed if isinstance(parsed, dict) else {}
        params = raw.get("params") if isinstance(raw.get("params"), dict) else {}
        verb = rpc_methods.verb_of(str(raw.get("method")), params or {})
        return Call(verb, {}, {}, (), json.dumps(params).encode())

    def _answer(self, parsed: Any, call: Call) -> Json | None:
        """One answer; None to a call without an id."""
        raw: Mapping[str, Any] = parsed if isinstance(parsed, dict) else {}
        named = raw.get("id")
        if not isinstance(parsed, dict):
            return _error(None, Failure(NO_REQUEST, "invalid request"))
        try:
            result = self._result(raw, call)
        except Failure as failure:
            return _error(named, failure) if "id" in raw else None
        except Refused as refused:
            return _error(named, Failure(USER, str(refused)))
        except Wrong as wrong:
            return _error(named, _as_failure(wrong.answer))
        return {"jsonrpc": "2.0", "result": result, "id": named} if "id" in raw else None

    def _result(self, raw: Mapping[str, Any], call: Call) -> object:
        if raw.get("jsonrpc") != "2.0":
            raise Failure(NO_REQUEST, "only jsonrpc version 2.0 is supported")
        if not raw.get("method"):
            raise Failure(NO_REQUEST, "method field must be set")
        method = rpc_methods.METHODS.get(str(raw["method"]))
        if method is None:
            raise Failure(NO_METHOD, "Method not implemented")
        body = call.body()
        if method.account:
            self._known(body.text("account"))
        nothing = self._far.fault(FaultKind.NOTHING, call)
        if nothing is not None:
            return json.loads(nothing.text or "{}")
        refused = self._far.fault(FaultKind.REFUSE, call)
        if refused is not None:
            raise Failure(USER, refused.text or "Failed to send message")
        return method.run(self._far, call, body)

    def _known(self, account: str) -> None:
        if not account:
            raise Failure(BAD_PARAMS, "Method requires valid account parameter")
        self._far.known(account)

    def _note(self, parsed: Any, call: Call, request: Request, status: int) -> None:
        path, method = request.url.path, str(parsed.get("method") if parsed else None)
        at, body = self._far.clock.now(), rpc_methods.shortened(parsed)
        self.seen.add(SeenCall(at, method, path, path, call.verb, {}, body, status))


def _told(answer: object) -> Response:
    given = told(200, answer, "application/json")
    return Response(given.body, given.status, media_type=given.content_type)


def _error(named: object, failure: Failure) -> Json:
    data = None if failure.response is None else {"response": failure.response}
    error = {"code": failure.code, "message": failure.said, "data": data}
    return {"jsonrpc": "2.0", "error": error, "id": named}


def _as_failure(answer: Answer) -> Failure:
    """What the REST server would have wrapped, bare."""
    said = str(json.loads(answer.body or b"{}").get("error"))
    return Failure(BAD_PARAMS if said == NO_ACCOUNT else USER, said)


async def _check(_request: Request) -> Response:
    return Response(status_code=200)


async def _not_here(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    body = b"<h1>404 Not Found</h1>No context found for request" if status == 404 else b""  # noqa: PLR2004 (HTTP)
    return Response(body, status, media_type="text/html")
