"""Routes: signing in with a passkey, proving oneself again with it, and what one signs in with."""

from collections.abc import Sequence

from fastapi import APIRouter, Response
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.sign_in import Current, MaybeAsker, session_of, signed_in
from orchestrator.api.who import Actor, Asker
from orchestrator.client.sign_in import LoginView, PasskeyAsk, SessionView
from tiers.ids import PersonId

router = APIRouter()
LONGEST = 32_768
"""Characters of a browser's answer that are read at all."""


class Answer(Body):
    """What a browser answered, as JSON (``toJSON()``), to a challenge of ours."""

    challenge_id: str = Field(max_length=64)
    answer: str = Field(repr=False, max_length=LONGEST)


class LoginName(Body):
    """A login by its name."""

    login: str = Field(max_length=128)


@router.post("/session/passkey/ask")
async def passkey_ask(home: OpenHome, asker: MaybeAsker) -> PasskeyAsk:
    """What a passkey signs to sign in; of whoever is signed in, to prove that it is him."""
    return await home.passkey_ask("get", asker)


@router.post("/session/passkey")
async def passkey_sign(
    body: Answer, home: OpenHome, current: Current, response: Response
) -> SessionView:
    """Signs in with a passkey, or proves with it that it is him."""
    view, secret = await home.passkey_sign(body.challenge_id, body.answer, current)
    signed_in(response, secret)
    return view


@router.post("/session/passkey/new/ask")
async def passkey_new_ask(home: OpenHome, asker: Asker) -> PasskeyAsk:
    """What a new passkey is made with."""
    return await home.passkey_ask("create", asker)


@router.post("/session/passkey/new")
async def passkey_new(body: Answer, home: OpenHome, asker: Asker) -> int:
    """Makes a new passkey a login of whoever is signed in; answers in how many deals."""
    return await home.passkey_new(body.challenge_id, body.answer, session_of(asker))


@router.get("/deals/{deal}/people/{person}/logins")
async def login_list(deal: Deal, person: str, home: OpenHome) -> Sequence[LoginView]:
    """What a person signs in with."""
    return await home.login_list(deal, PersonId(person))


@router.post("/deals/{deal}/people/{person}/logins/end")
async def login_end(deal: Deal, person: str, body: LoginName, home: OpenHome, actor: Actor) -> int:
    """Ends a login, at once; answers how many sessions ended by it."""
    return await home.login_end(deal, PersonId(person), body.login, actor=actor)
