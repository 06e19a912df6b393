"""Routes: copies of documents, called back, taken away sealed, and known again."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import Deal, OpenHome, stream
from orchestrator.api.who import Actor, Asker
from orchestrator.client.copies import KnownDocument
from orchestrator.client.views import DocumentView
from tiers.ids import MessageId, PersonId

router = APIRouter()
MOST = 1_000
"""Readers of a document that are named at once."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Recall(Body):
    """Whose copies are called back, and why, as a code."""

    readers: list[str] = Field(default_factory=list, max_length=MOST)
    reason: str = Field(max_length=40)


class Asked(Body):
    """Hashes of a file that somebody holds."""

    whole: Digest = Field(repr=False)
    sealed: Digest | None = Field(default=None, repr=False)


@router.post("/documents/{message}/recall")
async def document_recall(message: str, body: Recall, home: OpenHome, actor: Actor) -> DocumentView:
    """Calls copies back; without readers, all of them."""
    readers = [PersonId(reader) for reader in body.readers]
    return await home.document_recall(MessageId(message), readers, body.reason, actor=actor)


@router.post("/documents/{message}/copies/{number}")
async def copy_take(message: str, number: int, home: OpenHome, actor: Actor) -> StreamingResponse:
    """A sealed copy, for its sender."""
    pieces = home.copy_take(MessageId(message), number, actor=actor)
    answer = await stream(pieces, "message/rfc822")
    answer.headers["content-disposition"] = f'attachment; filename="copy-{number}.eml"'
    answer.headers["cache-control"] = "no-store"
    return answer


@router.post("/deals/{deal}/documents/known")
async def document_known(
    deal: Deal, body: Asked, home: OpenHome, asker: Asker
) -> Sequence[KnownDocument]:
    """Which of a deal's documents, or whose copy of it, a file is, by its hashes alone."""
    return await home.document_known(deal, body.whole, body.sealed, asker)
