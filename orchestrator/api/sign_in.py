"""Routes: who is signed in, one-time links, and the end of sessions.

Rules kept here: a session's secret leaves in a cookie that only our own host gets back, that no
script reads and no other site sends along with a change; no answer holds it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.port import Home
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import VIEWER_IN_SCOPE, Actor, Asker, actor_of
from orchestrator.client.problems import Missing, Refused
from orchestrator.client.sign_in import LinkView, MeView, NewLink, SessionView
from orchestrator.signin.secret import COOKIE, LONGEST
from tiers.ids import PersonId
from tiers.rights import Viewer

router = APIRouter()
NO_STORE = "no-store"
BEAT_S = 10.0
"""How often the stream of ended sessions shows that it is on."""
_OF_OTHERS = ("origin", "forwarded", "x-forwarded-for", "sec-fetch-site", "referer")
"""Headers that only a request has that somebody else made and our front handed on."""


def _maybe(request: Request) -> Viewer | None:
    """Who asks at the desk's door; None: nobody yet."""
    return cast("Viewer | None", request.scope.get(VIEWER_IN_SCOPE))


def _current(request: Request) -> str | None:
    """The session in which a request is made, if any."""
    found = _maybe(request)
    return None if found is None else found.session


MaybeAsker = Annotated[Viewer | None, Depends(_maybe)]
Current = Annotated[str | None, Depends(_current)]


class OpenLink(Body):
    """A one-time link's secret; ``sure`` opens it, else it is only looked at."""

    secret: str = Field(repr=False, max_length=LONGEST)
    sure: bool = False


def signed_in(response: Response, secret: str) -> None:
    """Hands a session's secret to the browser."""
    response.set_cookie(COOKIE, secret, path="/", secure=True, httponly=True, samesite="lax")
    response.headers["cache-control"] = NO_STORE


def signed_out(response: Response) -> None:
    """Has the browser forget it, and what it kept of our pages."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    response.headers["clear-site-data"] = '"cache", "storage"'
    response.headers["cache-control"] = NO_STORE


@router.get("/me")
async def me(home: OpenHome, asker: Asker) -> MeView:
    """Whoever asks, and his deals."""
    return await home.me(asker)


@router.get("/session")
async def session_show(home: OpenHome, asker: Asker) -> SessionView:
    """The session of whoever asks."""
    return await home.session_show(session_of(asker))


@router.post("/session/alive")
async def session_alive(home: OpenHome, asker: Asker) -> SessionView:
    """Says that its owner is there; the door counted it as use."""
    return await home.session_show(session_of(asker))


@router.post("/session/end", status_code=204)
async def session_end(home: OpenHome, asker: Asker, response: Response) -> None:
    """Ends the session of whoever asks."""
    await home.session_end(session_of(asker))
    signed_out(response)


@router.post("/session/link")
async def session_link(
    body: OpenLink, home: OpenHome, current: Current, response: Response
) -> LinkView:
    """What a one-time link is for; ``sure`` opens it and signs in."""
    if not body.sure:
        return await home.link_look(body.secret)
    view, secret = await home.link_open(body.secret, current)
    signed_in(response, secret)
    return view


@router.post("/deals/{deal}/people/{person}/sign-in")
async def desk_link(deal: Deal, person: str, home: OpenHome, actor: Actor) -> NewLink:
    """Makes a person's one-time link."""
    return await home.link_new(deal, PersonId(person), actor=actor)


@router.post("/sign-in")
async def desk_home_link(home: OpenHome, actor: Actor) -> NewLink:
    """Makes a one-time link for the home's own user."""
    return await home.home_link(actor=actor)


@router.post("/deals/{deal}/people/{person}/sign-out")
async def desk_end(deal: Deal, person: str, home: OpenHome, actor: Actor) -> int:
    """Signs a person out everywhere; answers how many sessions ended."""
    return await home.sign_out(deal, PersonId(person), actor=actor)


@router.post("/sign-out")
async def desk_end_all(home: OpenHome, actor: Actor) -> int:
    """Signs everybody out; answers how many sessions ended."""
    return await home.sign_out_all(actor=actor)


@router.get("/gate/ended", include_in_schema=False)
async def gate_ended(request: Request, home: OpenHome) -> StreamingResponse:
    """Ids of sessions as they end (server-sent), for our own front alone, which hands it to nobody.

    Raises:
        SignInFirst: the other end is no process of this home's user.
        Refused: somebody else made the request, and the front handed it on.
    """
    client = request.client
    actor_of(None if client is None else (client.host, client.port))
    if _current(request) is not None or any(name in request.headers for name in _OF_OTHERS):
        raise Refused("This is for the desk's own front", still="Nothing was told")
    headers = {"cache-control": NO_STORE}
    return StreamingResponse(_ended(home), media_type="text/event-stream", headers=headers)


async def _ended(home: Home) -> AsyncIterator[bytes]:
    """The stream; it ends where one end might have been missed."""
    stream = home.sessions_ended()
    upcoming = asyncio.ensure_future(anext(stream))
    try:
        yield b": on\n\n"
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=BEAT_S)
            if not done:
                yield b": on\n\n"
                continue
            told = json.dumps({"session": upcoming.result()})
            upcoming = asyncio.ensure_future(anext(stream))
            yield f"data: {told}\n\n".encode()
    finally:
        upcoming.cancel()
        await asyncio.wait({upcoming})
        await stream.aclose()


def session_of(asker: Viewer) -> str:
    """The session of whoever asks. Raises: Missing: he holds the home itself."""
    if asker.session is None:
        raise Missing("There is no session: you hold the home itself")
    return asker.session
