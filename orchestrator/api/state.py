"""Routes: how the home stands, and what happens in it.

Rules kept here of the stream (server-sent events, WHATWG HTML 9.2):

1. Each event has an id, sealed for whoever listens: he goes on from it (``Last-Event-ID``), and
   nobody reads from it how much happens elsewhere.
2. Where nothing happens, a comment is sent now and then, so that both ends know that the other is
   there. A stream ends after a while, and whoever listens is admitted anew.
3. Nothing more is told to a session that is over, nor to one whose seats are others than when it
   was admitted: it comes again, and is admitted by those that it has.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from time import monotonic
from typing import Annotated, cast

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from orchestrator.api.bodies import CheckName
from orchestrator.api.paging import LONGEST, seal, unseal
from orchestrator.api.port import Home
from orchestrator.api.reach import OpenHome
from orchestrator.api.who import VIEWER_ANEW, Actor, Asker
from orchestrator.client.problems import SignInFirst
from orchestrator.client.views import Check, Status
from tiers.rights import Viewer

router = APIRouter(tags=["home"])
Anew = Callable[[], Awaitable[Viewer | None]]
HEARTBEAT_S, LONGEST_S = 15.0, 60.0
RETRY_MS = 2_000


@router.get("/status")
async def status(home: OpenHome) -> Status:
    """The overview."""
    return await home.status()


@router.get("/checks")
async def checks(home: OpenHome) -> Sequence[Check]:
    """Checks of the open home."""
    return await home.checks()


@router.post("/allowed", status_code=204)
async def allowed(body: CheckName, home: OpenHome, actor: Actor) -> None:
    """Records that a red check was gone past."""
    await home.allowed(body.check, actor=actor)


@router.get("/events", response_class=StreamingResponse)
async def events(
    request: Request,
    home: OpenHome,
    asker: Asker,
    last_event_id: Annotated[str | None, Header(max_length=LONGEST)] = None,
) -> StreamingResponse:
    """What happens from now on, or behind the event that was heard last (server-sent events)."""
    bound = f"events {asker.actor}".encode()
    after = None if last_event_id is None else int(unseal(last_event_id, bound)[0])
    anew = cast("Anew | None", request.scope.get(VIEWER_ANEW))
    return StreamingResponse(
        _events(home, (asker, anew), after, bound),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(
    home: Home, listens: tuple[Viewer, Anew | None], after: int | None, bound: bytes
) -> AsyncIterator[bytes]:
    asker, anew = listens
    began = said = monotonic()
    yield f"retry: {RETRY_MS}\n: from now on\n\n".encode()
    async for told in home.happenings(asker, after):
        if await _is_over(home, asker) or await _is_other(asker, anew):
            return
        at = monotonic()
        if told.happening is not None:
            data = json.dumps(asdict(told.happening))
            yield f"id: {seal((told.n,), bound)}\ndata: {data}\n\n".encode()
            said = at
        elif at - said >= HEARTBEAT_S:
            yield f"id: {seal((told.n,), bound)}\n: still here\n\n".encode()
            said = at
        if at - began >= LONGEST_S and not asker.whole:
            return


async def _is_other(asker: Viewer, anew: Anew | None) -> bool:
    """Whether whoever listens may not hear what he might when he was admitted."""
    if anew is None:
        return False
    now = await anew()
    return now is None or now.seats != asker.seats


async def _is_over(home: Home, asker: Viewer) -> bool:
    """Whether the session of whoever listens ended."""
    if asker.session is None:
        return False
    try:
        await home.session_show(asker.session)
    except SignInFirst:
        return True
    return False
