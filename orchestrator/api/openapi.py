"""The API's own description (OpenAPI 3.1), for people who write bots and clients.

Rules kept here:

1. It says of each operation what it may answer instead of its result: a problem (RFC 9457).
2. Who may ask what is read from the table that decides it, so that the two cannot differ.
3. It is the same for everybody and holds nothing of any deal.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from orchestrator.api.access import LOCAL, OPEN, TABLE, Need
from orchestrator.api.idempotency import STREAMED
from orchestrator.api.limits import COUNTED_BEHIND
from orchestrator.client.problems import KINDS, PREFIX
from orchestrator.signin.secret import COOKIE
from tiers.ids import DealId
from tiers.rights import DeskRole, Right, Scope, Seat

_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})
_ABOUT = """Everything that the desk, its bots and its command line ask of a home.

Sign in by a passkey, a provider or a one-time link (a cookie), or show a bot's token. What somebody
may see follows from his part in each deal; what he may not see is missing, not forbidden. No answer
holds text of a message, a subject or a file's name. See docs/api.md.
"""
_TEXT = {"type": "string"}
_DEAL = DealId("")
_PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "What is wrong, what is still true, and what can be done (RFC 9457).",
    "required": ["type", "title", "status", "still", "then", "details"],
    "properties": {
        "type": {"type": "string", "enum": sorted(PREFIX + kind for kind in KINDS)},
        "title": _TEXT,
        "status": {"type": "integer"},
        "still": _TEXT,
        "then": _TEXT,
        "details": {"type": "array", "items": _TEXT},
    },
}
_ANSWERS = {
    "4XX": "It was not done: malformed, not there, or not allowed.",
    "5XX": "It failed; `still` says what holds now.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request does it once.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
}
_TAG = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An `ETag`: 304 where nothing was changed.",
    "schema": {"type": "string"},
}
_HEADERS = {
    "wallcross-person": "Who hands it in: his person id, percent-encoded.",
    "wallcross-name": "The file's name, percent-encoded.",
}


def describe(app: FastAPI) -> None:
    """Has an application describe itself so; made once, when it is first asked for."""

    def made() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _made(app)
        return app.openapi_schema

    app.openapi = made  # type: ignore[method-assign]  # the framework's own way to do it


def _made(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    parts = found["components"]
    parts["schemas"]["Problem"] = dict(_PROBLEM)
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    parts["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "token": {"type": "http", "scheme": "bearer"},
    }
    found["security"] = [{"session": []}, {"token": []}]
    for path, method, operation in _operations(found):
        _complete(operation, path, method)
    return found


def _operations(found: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, method, operation


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    name = operation["operationId"]
    operation["tags"] = [_tag(path)]
    operation["summary"] = operation.get("description", "").partition("\n")[0].rstrip(".")
    operation["x-needs"] = needs(name)
    if name in OPEN:
        operation["security"] = []
    answers = operation["responses"]
    answers.pop("422", None)
    for status, told in _ANSWERS.items():
        answers[status] = {"description": told, "content": _PROBLEM_CONTENT}
    parameters = operation.setdefault("parameters", [])
    if method == "get":
        parameters.append(_TAG)
        answers["304"] = {"description": "It is as it was."}
    elif name not in STREAMED | COUNTED_BEHIND:
        parameters.append(_KEY)
    if name in STREAMED:
        _streamed(operation)
    if name in COUNTED_BEHIND:
        operation["requestBody"] = {"required": True, "content": dict(_BYTES)}
        answers["204"] = {"description": "It was a question whether anybody is there."}


_PROBLEM_CONTENT = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}


_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def _streamed(operation: dict[str, Any]) -> None:
    """A body that is read as it arrives, described by headers."""
    operation["requestBody"] = {"required": True, "content": dict(_BYTES)}
    operation["parameters"] += [
        {"name": n, "in": "header", "required": True, "description": d, "schema": {**_TEXT}}
        for n, d in _HEADERS.items()
    ]


def _tag(path: str) -> str:
    parts = [p for p in path.split("/")[3:] if not p.startswith("{")]
    return parts[1] if len(parts) > 1 and parts[0] == "deals" else parts[0]


def needs(operation: str) -> str:
    """Who may ask an operation, in a sentence."""
    if operation in OPEN:
        return "Nobody need be signed in."
    if operation in LOCAL:
        return "The home's own user, on its machine."
    kinds = [need for name, need in TABLE.items() if name.partition(" ")[0] == operation]
    return " Or: ".join(dict.fromkeys(map(_sentence, kinds)))


def _sentence(need: Need) -> str:
    if need.right is None:
        return "Whoever is signed in; he is told what is his."
    others, own = (_roles(need, own=own) for own in (need.mine, True))
    told = f"Of the deal: {', '.join(others)}."
    if need.subject is not None and own != others:
        told += f" About himself: {', '.join(own)}."
    return told + (" With a proof of the last minutes." if need.step_up else "")


def _roles(need: Need, *, own: bool) -> list[str]:
    """Which roles an operation is open to, about others or about oneself."""
    right = cast("Right", need.right)
    scope = Scope.ALL if need.subject is not None and not own else need.scope
    seats = {role: Seat(_DEAL, None, frozenset({role})) for role in DeskRole}
    return [
        role.value
        for role, seat in seats.items()
        if seat.sees(right, scope) and seat.may(right, need.act, own=own)
    ]
