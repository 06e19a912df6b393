"""Routes: formal documents for named readers. No body ever goes out here."""

from collections.abc import Sequence

from fastapi import APIRouter, Request

from orchestrator.api.held import header
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.problems import Wrong
from orchestrator.client.views import DocumentView, FileHead, Post, Sent
from tiers.ids import MessageId

router = APIRouter()


@router.post("/deals/{deal}/documents", status_code=202)
async def document_send(deal: Deal, request: Request, home: OpenHome, actor: Actor) -> Sent:
    """Accepts a document: the request's body, as it arrives.

    Headers as for a file, and ``wallcross-readers``: person ids apart by commas. With
    ``wallcross-seals`` each copy is sealed into a file for its sender, and nothing is sent.
    """
    size = request.headers.get("content-length", "")
    person, name = header(request, "person"), header(request, "name")
    if not (person and name and size.isdigit()):
        raise Wrong("A document needs a person, a name and a length")
    media_type = request.headers.get("content-type", "application/octet-stream")
    post = Post(
        person=person,
        conversation=header(request, "conversation"),
        file=FileHead(name=name, size=int(size), media_type=media_type),
        key=header(request, "key"),
        readers=tuple(r for r in (header(request, "readers") or "").split(",") if r),
        seals=header(request, "seals") is not None,
    )
    return await home.document_send(deal, post, request.stream(), actor=actor)


@router.get("/deals/{deal}/documents")
async def document_list(deal: Deal, home: OpenHome) -> Sequence[DocumentView]:
    """The deal's documents, newest first."""
    return await home.document_list(deal)


@router.get("/documents/{message}")
async def document_show(message: str, home: OpenHome) -> DocumentView:
    """One document, with what became of each copy."""
    return await home.document_show(MessageId(message))
