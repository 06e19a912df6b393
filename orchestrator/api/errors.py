"""Every answer that is no result is a problem (RFC 9457), and none of them holds text.

Rule kept here: a request that is not well formed is answered by the names of its fields, never
their values; what escapes a route is answered here, so that no server writes its words anywhere.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.etag import Tagged
from orchestrator.api.guard import Guard
from orchestrator.api.idempotency import Once
from orchestrator.api.limits import Limited
from orchestrator.api.meaning import problem_of
from orchestrator.api.rehearsing import Rehearses
from orchestrator.api.scim_errors import ReadOnly, Unfit, is_scim, scim_error
from orchestrator.client.problems import Missing, Problem, Wrong, to_wire

MEDIA_TYPE = "application/problem+json"
_OURS = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MOST = 20
"""Places of a malformed request that are told."""


def install(app: FastAPI) -> None:
    """Gives ``app`` what stands between its routes and whoever asks, the innermost first."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _of_status)
    app.add_middleware(Once)
    app.add_middleware(Tagged)
    app.add_middleware(Limited)
    app.add_middleware(Rehearses)
    app.add_middleware(Guard, of=app)
    app.add_middleware(Caught)


class Caught:
    """Turns what escapes a route into a problem, so that no server writes its words anywhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application; once an answer has begun, a failure only ends it."""
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = began or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - the last place that sees it
            if not began:
                with suppress(Exception):  # whoever asked is gone: nobody is told, and no log
                    await _response(problem_of(error), scope)(scope, receive, send)


async def _problem(request: Request, error: Any) -> JSONResponse:
    return _response(error, request.scope)


async def _malformed(request: Request, error: Any) -> JSONResponse:
    places = [f"{_place(e['loc'], e['type'])}: {e['type']}" for e in error.errors()[:_MOST]]
    told = Wrong("The request is not well formed", still="Nothing was changed", details=places)
    return _response(told, request.scope)


def _place(loc: Sequence[object], kind: str) -> str:
    """Where it is wrong, in names of our own: what whoever asked called a field is not repeated."""
    known = loc[:-1] if kind == "extra_forbidden" else loc
    return ".".join(s if _OURS.fullmatch(s) else "…" for s in map(str, known))


async def _of_status(request: Request, error: Any) -> JSONResponse:
    """What the framework refuses: no such path or method, or a body that is none."""
    status = error.status_code
    if is_scim(request.scope["path"]):
        return _response(_of_scim(status), request.scope)
    if status in {404, 405}:
        told = JSONResponse(
            {**to_wire(Missing("The API has no such operation")), "status": status},
            status_code=status,
            media_type=MEDIA_TYPE,
        )
        told.headers.update({k: v for k, v in (error.headers or {}).items() if k == "Allow"})
        return told
    wrong = Wrong("The request is not well formed", still="Nothing was changed")
    return _response(wrong, request.scope)


def _of_scim(status: int) -> Problem:
    told = {404: Missing("There is no such thing"), 405: ReadOnly("This is not taken here")}
    return told.get(status) or Unfit("invalidSyntax")


def _response(problem: Problem, scope: Scope) -> JSONResponse:
    headers = {"cache-control": "no-store"}
    if problem.status in {429, 503}:
        headers["retry-after"] = "5"
    if is_scim(scope["path"]):
        return scim_error(problem, headers)
    return JSONResponse(
        to_wire(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers
    )
