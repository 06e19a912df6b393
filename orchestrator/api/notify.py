"""Routes: who is told that something needs somebody, what was told, and browsers that hear."""

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.client.notify import AlertView, NewOnCall, OnCallView, PushKeyView

router = APIRouter(prefix="/deals/{deal}", tags=["notifications"])


class OnCallBody(Body):
    """One person of a list."""

    person: str = Field(min_length=1, max_length=200)
    ways: list[Literal["push", "line", "mail"]] = Field(min_length=1, max_length=3)
    mail: str | None = Field(default=None, max_length=255, repr=False)
    quiet: str | None = Field(default=None, max_length=11)
    zone: str = Field(default="UTC", max_length=64)


class OnCallList(Body):
    """A whole list, in its order."""

    people: list[OnCallBody] = Field(max_length=50)


class BrowserBody(Body):
    """A browser's own words (Push API)."""

    endpoint: str = Field(min_length=1, max_length=2_000, repr=False)
    key: str = Field(min_length=1, max_length=200, repr=False)
    auth: str = Field(min_length=1, max_length=100, repr=False)


class EndpointBody(Body):
    """A browser, by its address."""

    endpoint: str = Field(min_length=1, max_length=2_000, repr=False)


@router.get("/on-call")
async def on_call_show(deal: Deal, home: OpenHome, asker: Asker) -> Sequence[OnCallView]:
    """Who is told that something needs somebody, in order."""
    return await home.on_call_show(deal, asker)


@router.post("/on-call")
async def on_call_set(
    deal: Deal, body: OnCallList, home: OpenHome, actor: Actor
) -> Sequence[OnCallView]:
    """Puts a whole list in the place of the one before."""
    people = [
        NewOnCall(person=p.person, ways=tuple(p.ways), mail=p.mail, quiet=p.quiet, zone=p.zone)
        for p in body.people
    ]
    return await home.on_call_set(deal, people, actor=actor)


@router.get("/alerts")
async def alert_list(
    deal: Deal, home: OpenHome, asker: Asker, *, every: bool = False
) -> Sequence[AlertView]:
    """What needs somebody, and what was told to whom; nothing of what it is about."""
    return await home.alert_list(deal, asker, every=every)


@router.post("/alerts/{alert}/answer")
async def alert_answer(deal: Deal, alert: str, home: OpenHome, asker: Asker) -> None:
    """Says that one sees to it, so that nobody else is told."""
    await home.alert_answer(deal, alert, asker)


@router.get("/push")
async def push_key(deal: Deal, home: OpenHome) -> PushKeyView:
    """How a browser may be told: this home's key, and which push services may be reached."""
    del deal
    return await home.push_key()


@router.post("/push")
async def push_add(deal: Deal, body: BrowserBody, home: OpenHome, asker: Asker) -> None:
    """Lets one's own browser hear."""
    await home.push_add(deal, asker, body.endpoint, body.key, body.auth)


@router.post("/push/drop")
async def push_drop(deal: Deal, body: EndpointBody, home: OpenHome, asker: Asker) -> None:
    """Has one's own browser hear no more."""
    await home.push_drop(deal, asker, body.endpoint)
