"""Every answer that is no result is a problem (RFC 9457), and none of them holds text.

Rules kept here:

1. What the domain refuses becomes its problem with its exit code; what nobody expected becomes
   *failed inside* with the place in our code, never with the words of the exception.
2. A request that is not well formed is answered by the names of its fields, never their values.
"""

import traceback
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.port.errors import ConnectorError
from orchestrator.client.problems import (
    Failed,
    Missing,
    Problem,
    Refused,
    Unready,
    Wrong,
    to_wire,
)
from orchestrator.config.mistakes import Invalid
from orchestrator.journal.errors import JournalError
from orchestrator.roster.adoption import AdoptionRefused
from orchestrator.secrets.secret import SecretError
from orchestrator.store.unit import StoreError

MEDIA_TYPE = "application/problem+json"


def install(app: FastAPI) -> None:
    """Gives ``app`` its answers to whatever goes wrong."""
    app.add_exception_handler(Exception, _answer)
    for kind in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer)
    app.add_middleware(Caught)


def problem_of(error: BaseException) -> Problem:
    """What an exception means to whoever asked."""
    if isinstance(error, Problem):
        return error
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning(error)
    return failed_inside(error)


def failed_inside(error: BaseException) -> Failed:
    """A failure that nobody expected: its type and its place in our code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/orchestrator/" in f.filename or "/tiers/" in f.filename]
    place = [f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in ours[-1:]]
    return Failed(
        f"This failed inside ({type(error).__name__})",
        still="What was accepted before is on disk",
        then="wallcross doctor",
        details=place,
    )


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
                await _response(problem_of(error))(scope, receive, send)


async def _answer(_: Request, error: Exception) -> JSONResponse:
    return _response(problem_of(error))


def _response(problem: Problem) -> JSONResponse:
    return JSONResponse(to_wire(problem), status_code=problem.status, media_type=MEDIA_TYPE)


def _mistakes(error: Any) -> Problem:
    told = [str(mistake) for mistake in error.mistakes]
    return Wrong(f"{error.what} has mistakes", still="Nothing was changed", details=told)


def _malformed(error: Any) -> Problem:
    places = [".".join(map(str, e["loc"])) + f": {e['type']}" for e in error.errors()]
    return Wrong("The request is not well formed", still="Nothing was changed", details=places)


def _of_status(error: Any) -> Problem:
    if error.status_code in {404, 405}:
        return Missing("The API has no such operation")
    return Wrong(f"The request was refused ({error.status_code})")


def _network(error: Any) -> Problem:
    return Failed(
        f"The network answered {error.code}", still="Nothing else changed", then=error.hint
    )


def _refused(error: Any) -> Problem:
    return Refused(_sentence(error), still="Nothing acts that the audit does not name")


def _sentence(error: Any) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


# The first kind that fits is meant. Their words are ours: made of names and reasons.
_MEANINGS: tuple[tuple[type[BaseException], Callable[[Any], Problem]], ...] = (
    (Invalid, _mistakes),
    (AdoptionRefused, _refused),
    (StoreError, lambda e: Failed(_sentence(e), still="Nothing of it was written")),
    (SecretError, lambda e: Unready(_sentence(e), still="Nothing was changed")),
    (JournalError, lambda e: Refused(_sentence(e), still="Nothing was changed")),
    (ConnectorError, _network),
    (RequestValidationError, _malformed),
    (HTTPException, _of_status),
)
