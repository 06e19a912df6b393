"""Routes: signing in at a provider, and being signed out by it.

Rules kept here: whatever goes wrong on the way back is told by a page of ours; nothing that the
provider or a link said stands in it. A logout token is read as it comes, up to a few kilobytes.
"""

from typing import Annotated, cast
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from orchestrator.api.bodies import Body
from orchestrator.api.reach import OpenHome
from orchestrator.api.sign_in import NO_STORE, MaybeAsker, signed_in, signed_out
from orchestrator.api.who import BROWSER_IN_SCOPE, Asker
from orchestrator.client.problems import Problem, Refused
from orchestrator.client.sign_in import Away, WaysView
from orchestrator.clock import SECOND
from orchestrator.signin.oidc import LASTS, Answered
from orchestrator.signin.secret import UNDER_WAY

router = APIRouter()
LONGEST = 4096
"""Characters of a code or state that are read at all."""
LARGEST = 32_768
"""Bytes of a logout request that are read at all."""
FAILED = "/in?failed"
_Text = Annotated[str, Query(max_length=LONGEST)]


class Begin(Body):
    """``again``: whoever is signed in proves himself once more."""

    again: bool = False


def _kept(request: Request) -> str | None:
    """What the browser kept while it was at the provider."""
    return cast("str | None", request.scope.get(BROWSER_IN_SCOPE))


Kept = Annotated[str | None, Depends(_kept)]


@router.get("/session/ways")
async def sign_in_ways(home: OpenHome) -> WaysView:
    """How one may sign in here."""
    return home.ways()


@router.post("/session/oidc/begin")
async def oidc_begin(body: Begin, home: OpenHome, asker: MaybeAsker, response: Response) -> Away:
    """Where the browser goes to sign in, or to prove again that it is him."""
    url, kept = await home.oidc_begin(asker, again=body.again)
    lasts = LASTS // SECOND
    response.set_cookie(
        UNDER_WAY, kept, max_age=lasts, path="/", secure=True, httponly=True, samesite="lax"
    )
    response.headers["cache-control"] = NO_STORE
    return Away(url=url)


@router.get("/session/oidc/back", status_code=303, response_class=RedirectResponse)
async def oidc_back(
    home: OpenHome,
    asker: MaybeAsker,
    kept: Kept,
    code: _Text = "",
    state: _Text = "",
    iss: Annotated[str | None, Query(max_length=LONGEST)] = None,
) -> Response:
    """Signs in whom the provider sent back, and sends him on to the desk."""
    try:
        secret = await home.oidc_back(Answered(code, state, iss, kept), asker)
    except Problem:
        response = RedirectResponse(FAILED, status_code=303)
    else:
        response = RedirectResponse("/", status_code=303)
        signed_in(response, secret)
    response.delete_cookie(UNDER_WAY, path="/", secure=True, httponly=True, samesite="lax")
    response.headers["referrer-policy"] = "no-referrer"
    return response


@router.post("/session/oidc/end")
async def oidc_end(home: OpenHome, asker: Asker, response: Response) -> Away:
    """Ends the session of whoever asks; answers where it is ended at the provider."""
    url = await home.oidc_end(asker)
    signed_out(response)
    return Away(url=url)


@router.post("/oidc/back-channel", status_code=200)
async def oidc_back_channel(request: Request, home: OpenHome, response: Response) -> None:
    """Ends what the provider says is over (OpenID Connect Back-Channel Logout 1.0)."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise Refused("This is no logout token", still="Nobody was signed out")
    told = parse_qs(body.decode("ascii", "replace")).get("logout_token", [])
    if len(told) != 1:
        raise Refused("This is no logout token", still="Nobody was signed out")
    await home.oidc_ended_outside(told[0])
    response.headers["cache-control"] = NO_STORE
