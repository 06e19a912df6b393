"""Routes: people of a deal, one screen each, and their wall-crossing."""

from collections.abc import Sequence

from fastapi import APIRouter

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.people import CrossedView, EnrolmentView, InsiderView, PersonView
from tiers.ids import PersonId


class By(Body):
    """Who answers for it."""

    by: str


class Channels(By):
    """For which channels; none: where he has no account yet."""

    channels: tuple[str, ...] = ()


class Account(By):
    """Whose account it is said to be, and by whom."""

    channel: str
    account: str


class Because(By):
    """Who answers for it, and why, as a short code."""

    reason: str


router = APIRouter(prefix="/deals/{deal}/people")
insiders = APIRouter(prefix="/deals/{deal}/insiders")


@insiders.get("")
async def person_insiders(deal: Deal, home: OpenHome) -> Sequence[InsiderView]:
    """Who had access, from when until when, as rooms were read back."""
    return await home.person_insiders(deal)


@router.get("")
async def person_list(deal: Deal, home: OpenHome) -> Sequence[PersonView]:
    """Everybody, in the roster's order."""
    return await home.person_list(deal)


@router.get("/{person}")
async def person_show(deal: Deal, person: str, home: OpenHome) -> PersonView:
    """One person."""
    return await home.person_show(deal, PersonId(person))


@router.post("/{person}/cross")
async def person_cross(
    deal: Deal, person: str, body: Because, home: OpenHome, actor: Actor
) -> CrossedView:
    """Shows him his side's notice."""
    who, by = PersonId(person), PersonId(body.by)
    return await home.person_cross(deal, who, by, body.reason, actor=actor)


@router.post("/{person}/agree")
async def person_agree(
    deal: Deal, person: str, body: By, home: OpenHome, actor: Actor
) -> PersonView:
    """His control room agrees."""
    return await home.person_agree(deal, PersonId(person), PersonId(body.by), actor=actor)


@router.post("/{person}/acknowledge")
async def person_ack(deal: Deal, person: str, body: By, home: OpenHome, actor: Actor) -> PersonView:
    """He acknowledged the notice on paper."""
    return await home.person_ack(deal, PersonId(person), PersonId(body.by), actor=actor)


@router.post("/{person}/cleanse")
async def person_cleanse(
    deal: Deal, person: str, body: Because, home: OpenHome, actor: Actor
) -> PersonView:
    """He ceases to be an insider."""
    who, by = PersonId(person), PersonId(body.by)
    return await home.person_cleanse(deal, who, by, body.reason, actor=actor)


@router.post("/{person}/enrol")
async def person_enrol(
    deal: Deal, person: str, body: Channels, home: OpenHome, actor: Actor
) -> EnrolmentView:
    """Hands out a one-time code for each channel."""
    who, by = PersonId(person), PersonId(body.by)
    return await home.person_enrol(deal, who, body.channels, by, actor=actor)


@router.post("/{person}/attest")
async def person_attest(
    deal: Deal, person: str, body: Account, home: OpenHome, actor: Actor
) -> PersonView:
    """Counsel's word that an account is his."""
    who, by = PersonId(person), PersonId(body.by)
    return await home.person_attest(deal, who, body.channel, body.account, by, actor=actor)
