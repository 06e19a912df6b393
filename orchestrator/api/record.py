"""Routes: audit and journal."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from orchestrator.api.bodies import Decision, JournalKey
from orchestrator.api.reach import Chain, Deal, OpenHome, stream
from orchestrator.api.who import Actor
from orchestrator.client.views import AuditLine, AuditReport, JournalReport

router = APIRouter(prefix="/deals/{deal}")
ARCHIVE, LINES = "application/x-tar", "application/jsonl"


@router.get("/audit")
async def audit_tail(
    deal: Chain, home: OpenHome, count: Annotated[int, Query(ge=1, le=10_000)] = 20
) -> Sequence[AuditLine]:
    """The newest entries."""
    return await home.audit_tail(deal, count)


@router.get("/audit/check")
async def audit_verify(deal: Chain, home: OpenHome) -> AuditReport:
    """Whether the chain, its heads and its anchors hold."""
    return await home.audit_verify(deal)


@router.get("/audit/lines")
async def audit_lines(deal: Chain, home: OpenHome) -> StreamingResponse:
    """The chain with its heads and receipts, one JSON object a line, not sealed."""
    return await stream(home.audit_lines(deal), LINES)


@router.post("/audit/export")
async def audit_export(deal: Chain, home: OpenHome, actor: Actor) -> StreamingResponse:
    """The export, a tar archive; itself an entry."""
    return await stream(home.audit_export(deal, actor=actor), ARCHIVE)


@router.get("/journal/check")
async def journal_verify(deal: Deal, home: OpenHome) -> JournalReport:
    """Whether every accepted message is accounted for."""
    return await home.journal_verify(deal)


@router.post("/journal/keys", status_code=201)
async def journal_key_add(deal: Deal, body: JournalKey, home: OpenHome, actor: Actor) -> str:
    """Adopts a public key; answers its id."""
    return await home.journal_key_add(deal, body.scope, body.public, actor=actor)


@router.post("/journal/exemptions", status_code=201)
async def journal_exempt(deal: Deal, body: Decision, home: OpenHome, actor: Actor) -> int:
    """Records counsel's signed decision; answers its number."""
    return await home.journal_exempt(deal, body.decision, actor=actor)


@router.post("/journal/export")
async def journal_export(deal: Deal, home: OpenHome, actor: Actor) -> StreamingResponse:
    """The sealed journal, a tar archive, to be opened elsewhere."""
    return await stream(home.journal_export(deal, actor=actor), ARCHIVE)
