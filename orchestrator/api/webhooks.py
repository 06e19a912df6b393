"""Route: what a network's server posts, handed on to its connector as it arrives.

Rules kept here:

1. A secret in the path is the one proof, and the connector compares it: cookies, tokens and keys of
   the API are neither asked for nor of use. It stands in no answer, log or figure.
2. The answer is the connector's, in a status and words that hold nothing of what came. A channel
   that is none and a secret that is wrong are one answer.
3. Whoever guesses is told to wait once many have; whoever knows the secret never is. His line is
   closed each time, with what he sends unread.
"""

from typing import Annotated
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from connectors.port.posts import Said
from orchestrator.api.port import Home
from orchestrator.api.reach import OpenHome
from orchestrator.client.problems import (
    Missing,
    Problem,
    Refused,
    TooLarge,
    TooOften,
    Unready,
    Wrong,
    to_wire,
)
from orchestrator.clock import ticks
from orchestrator.signin.attempts import Attempts
from tiers.ids import ConnectorName

router = APIRouter()
GUESSES_EACH_MINUTE = 60
"""Posts without the secret, before all such are told to wait."""
_HELD = {"cache-control": "no-store"}
_STILL = "Nothing was stored"
_PROBLEMS: dict[Said, Problem] = {
    Said.MALFORMED: Wrong("This is not what the channel takes", still=_STILL),
    Said.OTHER_ACCOUNT: Refused("This is for another account", still=_STILL),
    Said.WRONG_PATH: Missing("There is no such thing", still=_STILL),
    Said.BROKEN_OFF: Wrong("The request broke off", still=_STILL),
    Said.TOO_LARGE: TooLarge("This is more than the channel takes", still=_STILL),
    Said.NOT_STORED: Unready("This could not be stored", still=_STILL),
}
_GUESSES: WeakKeyDictionary[Home, Attempts] = WeakKeyDictionary()


@router.post("/webhooks/{channel}/{secret}", status_code=200, response_class=Response)
async def webhook_post(
    channel: str,
    secret: Annotated[str, Path(json_schema_extra={"format": "password"})],
    request: Request,
    home: OpenHome,
) -> Response:
    """Hands what a channel's server posts on to the channel."""
    said = await home.post_in(ConnectorName(channel), secret, request.stream())
    if said in {Said.STORED, Said.THERE}:
        return Response(status_code=said, headers=_HELD)
    if said is Said.WRONG_PATH and not _may_guess(home):
        return _told(TooOften("Too many of these were wrong", still=_STILL), TooOften.status)
    return _told(_PROBLEMS[said], said)


def _may_guess(home: Home) -> bool:
    if home not in _GUESSES:
        _GUESSES[home] = Attempts(GUESSES_EACH_MINUTE, ticks)
    return _GUESSES[home].take()


def _told(problem: Problem, status: int) -> Response:
    return JSONResponse(
        {**to_wire(problem), "status": status},
        status_code=status,
        media_type="application/problem+json",
        headers=_HELD | {"connection": "close"},
    )
