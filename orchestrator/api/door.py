"""The desk's door: turns the cookie or token of a request into who asks.

Rules kept here:

1. Whoever shows nothing, two things, or what is not in force, is nobody; what nobody may is decided
   behind (``orchestrator.api.access``).
2. A browser changes something only from our own page: a request that is not safe, and that no token
   makes, says that it comes from our origin, or is turned away before anything else.
3. What lets a session live on is a person's doing, not a page that refreshes by itself.
4. No secret is handed on to a route, and none is logged.
5. Who asks can be learnt once more while his request goes on: an end counts in the middle of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.api.app import PREFIX as API
from orchestrator.api.app import make_app
from orchestrator.api.errors import MEDIA_TYPE
from orchestrator.api.meaning import problem_of
from orchestrator.api.port import Home
from orchestrator.api.scim_errors import is_scim, scim_error
from orchestrator.api.server import listening, listening_near
from orchestrator.api.who import BROWSER_IN_SCOPE, VIEWER_ANEW, VIEWER_IN_SCOPE
from orchestrator.client.problems import Problem, Refused, TooOften, to_wire
from orchestrator.clock import ticks
from orchestrator.config import Settings
from orchestrator.deals.tokens import BEGINS
from orchestrator.signin.attempts import Attempts
from orchestrator.signin.secret import COOKIE, LONGEST, UNDER_WAY
from tiers.rights import Viewer

SOCKET = Path("run") / "desk.sock"
USED = "wallcross-used"
"""The header by which our own page says that a person is there."""
FAILURES_EACH_MINUTE = 60
"""Tokens that are none, before all such are told to wait; those that are some never are."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MACHINES = (f"{API}/device/", f"{API}/oidc/back-channel", f"{API}/webhooks/")
"""Paths that no browser's page calls: they carry a secret of their own and take no cookie."""


@asynccontextmanager
async def at_desk(home: Home, settings: Settings) -> AsyncIterator[None]:
    """Answers at the desk's door for the length of the block.

    Raises:
        Unready: an address is taken, or others may enter the folder of the socket.
    """
    web, door = settings.config.web, Door(home, settings.config.web.origin)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening(door, settings.state / SOCKET))
        if web.api is not None:
            host, _, port = web.api.rpartition(":")
            near = listening_near(door, host.strip("[]"), int(port))
            await stack.enter_async_context(near)
        keeping = asyncio.create_task(home.keep_sessions())
        try:
            yield
        finally:
            await home.hold_posts()
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping


class Door:
    """The API for whoever is signed in.

    Args:
        home: the open home.
        origin: as browsers see the desk.
    """

    def __init__(self, home: Home, origin: str) -> None:
        self._home = home
        self._origin = origin
        self._app: ASGIApp = make_app(home)
        self._failures = Attempts(FAILURES_EACH_MINUTE, ticks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as whoever asks."""
        if scope["type"] != "http":
            return
        try:
            viewer = await self._viewer(scope)
        except Exception as error:  # noqa: BLE001 - nothing of it may reach a server's log
            await _told(problem_of(error), scope)(scope, receive, send)
            return
        browser = cookie_of(Headers(scope=scope), UNDER_WAY)
        anew = partial(self._viewer, scope, again=True)
        known = {VIEWER_IN_SCOPE: viewer, VIEWER_ANEW: anew, BROWSER_IN_SCOPE: browser}
        await self._app({**_bare(scope), **known}, receive, send)

    async def _viewer(self, scope: Scope, *, again: bool = False) -> Viewer | None:
        """Who asks; ``again``: while his request goes on, which is no use of his session."""
        headers = Headers(scope=scope)
        cookie, token = cookie_of(headers), token_of(headers)
        safe = scope["method"] in _SAFE
        machine = scope["path"].startswith(_MACHINES)
        if not (safe or machine or (token and not headers.getlist("cookie"))):
            self._from_our_page(headers)
        if machine or (cookie and token):
            return None
        secret = cookie or token
        if secret is None:
            return None
        used = not again and (bool(token) or not safe or headers.get(USED) == "1")
        if token and token.startswith(BEGINS):
            viewer = await self._home.bot_of(token)
        else:
            viewer = await self._home.viewer_of(secret, used=used)
        if viewer is None and token and not self._failures.take():
            raise TooOften("Too many tokens were none", still="Nothing was done")
        return viewer

    def _from_our_page(self, headers: Headers) -> None:
        if headers.getlist("origin") != [self._origin]:
            raise Refused("This was not asked from the desk's own page", still="Nothing was done")


def cookie_of(headers: Headers, cookie: str = COOKIE) -> str | None:
    """The secret in a cookie; None where there is none, or more than one."""
    pairs = (p.strip().partition("=") for h in headers.getlist("cookie") for p in h.split(";"))
    found = [value for name, _, value in pairs if name == cookie]
    return found[0] if len(found) == 1 and 0 < len(found[0]) <= LONGEST else None


def token_of(headers: Headers) -> str | None:
    """The token of ``Authorization: Bearer`` (RFC 6750); None where there is none."""
    found = headers.getlist("authorization")
    scheme, _, token = found[0].partition(" ") if len(found) == 1 else ("", "", "")
    ours = scheme.lower() == "bearer" and 0 < len(token) <= LONGEST
    return token if ours else None


def _bare(scope: Scope) -> Scope:
    """A request without what signs somebody in: no route needs it."""
    held = (b"cookie", b"authorization")
    return {**scope, "headers": [(k, v) for k, v in scope["headers"] if k not in held]}


def _told(problem: Problem, scope: Scope) -> JSONResponse:
    if is_scim(scope["path"]):
        return scim_error(problem, {"cache-control": "no-store"})
    return JSONResponse(to_wire(problem), status_code=problem.status, media_type=MEDIA_TYPE)
