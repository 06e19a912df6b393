"""Stands before every route: who asks and whether he may, before a byte of the body is read.

Rules kept here:

1. A path that is no operation is told as missing to whoever is signed in, and to nobody else.
2. What an operation is called is found here by the same table and order by which it is routed;
   a route that finds itself under another name answers nothing.
3. Who somebody says he is, in a body or a header, is who he is signed in as.
4. Whose request takes long to arrive is admitted anew before what arrives late is handed on: a
   session that ended meanwhile, or a seat that was lost, does nothing more.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, cast
from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asked

from orchestrator.api.access import OPEN, STILL, admit, belongs, is_bot, need_of
from orchestrator.api.port import Home
from orchestrator.api.reach import HOME_IN_SCOPE
from orchestrator.api.who import VIEWER_ANEW, VIEWER_IN_SCOPE, viewer
from orchestrator.client.problems import Failed, Refused, Wrong

ADMITTED = "wallcross.operation"
"""Where a request says which operation was admitted."""
AGAIN_S = 0.5
"""Seconds for which it holds that somebody was admitted, while his request arrives."""
_NONE = "", dict[str, str]()


@dataclass(frozen=True, slots=True)
class Operation:
    """A route as it is matched."""

    name: str
    path: re.Pattern[str]
    methods: frozenset[str]


def operations(app: FastAPI) -> Sequence[Operation]:
    """Every route of an application, in the order in which they are tried."""
    return tuple(
        Operation(str(r.name), r.path_regex, frozenset(r.methods or ()))
        for r in iter_route_contexts(app.routes)
    )


class Guard:
    """Admits requests to an application.

    Args:
        app: what answers.
        of: the application whose routes there are.
    """

    def __init__(self, app: ASGIApp, of: FastAPI) -> None:
        self._app = app
        self._of = of
        self._operations: Sequence[Operation] = ()

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        """Hands on what is admitted. Raises: SignInFirst, Refused, Missing."""
        if scope["type"] != "http":
            raise Failed("The API speaks HTTP", still=STILL)
        name, params = self._match(scope["method"], scope["path"])
        asked = {**scope, ADMITTED: name}
        if name in OPEN:
            await self._app(asked, receive, send)
            return
        await self._admit(Request(asked), name, params)
        arriving = _Arriving(receive, partial(self._anew, asked, name, params))
        try:
            await self._app(asked, arriving.receive, arriving.unless_refused(send))
        except Exception:
            if arriving.refused is None:
                raise
        if arriving.refused is not None and not arriving.answered:
            raise arriving.refused

    async def _anew(self, asked: Asked, name: str, params: dict[str, str]) -> None:
        """Admits whoever asks once more, as he is now."""
        if VIEWER_ANEW in asked:  # the home's own user has no session that could end
            asked[VIEWER_IN_SCOPE] = await asked[VIEWER_ANEW]()
            await self._admit(Request(asked), name, params)

    async def _admit(self, request: Request, name: str, params: dict[str, str]) -> None:
        asker = viewer(request)
        if name:  # what is no operation is told so by the router
            home = request.scope[HOME_IN_SCOPE]
            acts = await admit(name, named(request, params), asker, home)
            if VIEWER_IN_SCOPE in request.scope:
                request.scope[VIEWER_IN_SCOPE] = acts

    def _match(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        self._operations = self._operations or operations(self._of)
        for operation in self._operations:
            found = operation.path.match(path) if method in operation.methods else None
            if found is not None:
                return operation.name, found.groupdict()
        return _NONE


class _Arriving:
    """A request as it arrives: what comes late is handed on if it may still be.

    Args:
        receive: what comes.
        anew: admits whoever asks once more. Raises what he is refused with.
    """

    def __init__(self, receive: Receive, anew: Callable[[], Awaitable[None]]) -> None:
        self._receive = receive
        self._anew = anew
        self._at = monotonic()
        self.refused: Exception | None = None
        self.answered = False

    async def receive(self) -> Message:
        """The next piece; whoever is not admitted any more is as if he had gone."""
        message = await self._receive()
        late = monotonic() - self._at >= AGAIN_S
        if self.refused is None and late and message["type"] == "http.request":
            try:
                await self._anew()
            except Exception as error:  # noqa: BLE001 - whatever it is, he is not admitted
                self.refused = error
            self._at = monotonic()
        return message if self.refused is None else {"type": "http.disconnect"}

    def unless_refused(self, send: Send) -> Send:
        """Sends what was answered to whoever was admitted to the end."""

        async def sent(message: Message) -> None:
            if self.refused is not None and not self.answered:
                return  # what it says is of half a request
            self.answered = True
            await send(message)

        return sent


def named(request: Request, params: Mapping[str, str]) -> dict[str, str]:
    """What a request names: parameters of its path, and the query's ``deal``.

    Raises:
        Wrong: it names several deals.
    """
    deals = request.query_params.getlist("deal")
    if len(deals) > 1 or (deals and "deal" in params):
        raise Wrong("A request is about one deal", still=STILL)
    return {**params, **({"deal": deals[0]} if deals else {})}


async def own_words(request: Request) -> None:
    """Holds a request, its body read, against what was admitted.

    Raises:
        Refused: he speaks for somebody else.
        Failed: it is routed to another operation than the one that was admitted.
    """
    name = str(getattr(request.scope.get("route"), "name", ""))
    if request.scope.get(ADMITTED) != name:
        raise Failed("This request was not admitted", still=STILL)
    if name in OPEN:
        return
    asker = viewer(request)
    params = named(request, cast("Mapping[str, str]", request.path_params))
    need = need_of(name, params)
    if asker.whole or need is None or is_bot(asker):  # a bot's token says for whom it speaks
        return
    said = [value for field in need.speaks for value in await _said(request, field)]
    if not said:
        return
    found = await belongs(params, cast("Home", request.scope[HOME_IN_SCOPE]))
    own = None if found is None else asker.person(found[0])
    if own is None or any(value != own for value in said):
        raise Refused("You speak for yourself alone", still=STILL)


async def _said(request: Request, field: str) -> list[Any]:
    """Whom a request says to be speaking, in its headers and its body."""
    found: list[Any] = [unquote(h) for h in request.headers.getlist(f"wallcross-{field}")]
    if not _json(request):
        return found
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise Wrong("The request is not well formed", still=STILL) from None
    return [*found, body[field]] if isinstance(body, dict) and field in body else found


def _json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.endswith("json")
