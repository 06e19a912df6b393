"""Routes: adviser documents at the desk, and the adviser's key page, which has no account."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.documents_desk import DocumentsView, KeyAsked, KeyLink, KeyTaken
from tiers.ids import PersonId

router = APIRouter()
LARGEST = 262_144
"""Characters of a certificate in armour that are read at all."""


class LinkFor(Body):
    """Whose certificate is wanted."""

    person: str = Field(max_length=64)


class Secret(Body):
    """What stood behind the ``#`` of a link."""

    secret: str = Field(repr=False, min_length=1, max_length=100)


class HandedIn(Secret):
    """A certificate."""

    armour: str = Field(repr=False, max_length=LARGEST)


@router.get("/deals/{deal}/documents/desk")
async def desk_documents(
    deal: Deal, home: OpenHome, asker: Asker, key: Annotated[str, Query(max_length=100)] = ""
) -> DocumentsView:
    """Documents and keys, as far as the viewer may see them; of keys, those by an owner's name."""
    return await home.desk_documents(deal, asker, key=key)


@router.post("/deals/{deal}/key-links", status_code=201)
async def key_link(deal: Deal, body: LinkFor, home: OpenHome, asker: Asker) -> KeyLink:
    """Makes a one-time link by which somebody hands in his certificate."""
    return await home.key_link(deal, PersonId(body.person), asker)


@router.post("/key-upload/look")
async def key_upload_look(body: Secret, home: OpenHome) -> KeyAsked:
    """What a link asks for, to whoever holds it."""
    return await home.key_upload_look(body.secret)


@router.post("/key-upload", status_code=201)
async def key_upload(body: HandedIn, home: OpenHome) -> KeyTaken:
    """Takes a certificate in as a proposal; the link is used up by it."""
    return await home.key_upload(body.secret, body.armour)
