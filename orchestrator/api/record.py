"""Routes: audit and journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from orchestrator.api.bodies import Folder, PublicKey
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.problems import Wrong
from orchestrator.client.views import AuditLine, AuditReport, JournalReport

router = APIRouter(prefix="/deals/{deal}")


@router.get("/audit")
async def audit_tail(
    deal: Deal, home: OpenHome, count: Annotated[int, Query(ge=1, le=10_000)] = 20
) -> Sequence[AuditLine]:
    """The newest entries."""
    return await home.audit_tail(deal, count)


@router.get("/audit/check")
async def audit_verify(deal: Deal, home: OpenHome) -> AuditReport:
    """Whether the chain, its heads and its anchors hold."""
    return await home.audit_verify(deal)


@router.post("/audit/export", status_code=201)
async def audit_export(deal: Deal, body: Folder, home: OpenHome, actor: Actor) -> int:
    """Writes the export; itself an entry."""
    folder = _absolute(body)
    return await home.audit_export(deal, folder, bodies=body.bodies, actor=actor)


@router.get("/journal/check")
async def journal_verify(deal: Deal, home: OpenHome) -> JournalReport:
    """Whether every accepted message is accounted for."""
    return await home.journal_verify(deal)


@router.post("/journal/keys", status_code=201)
async def journal_key_add(deal: Deal, body: PublicKey, home: OpenHome, actor: Actor) -> str:
    """Adopts a public key; answers its id."""
    return await home.journal_key_add(deal, body.text, actor=actor)


@router.post("/journal/exemptions", status_code=201)
async def journal_exempt(deal: Deal, body: PublicKey, home: OpenHome, actor: Actor) -> int:
    """Records counsel's signed decision; answers its number."""
    return await home.journal_exempt(deal, body.text, actor=actor)


@router.post("/journal/export", status_code=201)
async def journal_export(deal: Deal, body: Folder, home: OpenHome, actor: Actor) -> int:
    """Writes the sealed journal, to be opened elsewhere."""
    return await home.journal_export(deal, _absolute(body), actor=actor)


def _absolute(body: Folder) -> Path:
    if not body.folder.is_absolute():
        raise Wrong("The folder of an export is named by its absolute path")
    return body.folder
