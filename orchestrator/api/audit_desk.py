"""Routes: the audit trail at the desk, and exports that are given once, to a session."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.paging import Paged
from orchestrator.api.reach import Chain, Deal, OpenHome, stream
from orchestrator.api.who import Asker
from orchestrator.client.audit_desk import (
    AuditQuery,
    AuditRow,
    ChainView,
    ExportKind,
    ExportLink,
    ExportReason,
    ExportView,
)
from orchestrator.client.paging import Page
from orchestrator.client.views import AuditLine
from orchestrator.command.exports import Wanted

router = APIRouter(prefix="/deals/{deal}")
_MEDIA = {
    "tar": "application/x-tar",
    "csv": "text/csv",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class NewExport(Body):
    """What is wanted, and why."""

    what: ExportKind
    why: ExportReason
    matter: str | None = Field(default=None, max_length=60)
    person: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    kind: str | None = Field(default=None, pattern=r"^[a-z]{1,24}\.[a-z_]{1,24}$")


@router.get("/audit/rows")
async def audit_rows(
    deal: Deal,
    home: OpenHome,
    asker: Asker,
    paging: Paged,
    person: Annotated[str | None, Query(max_length=64)] = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[AuditRow]:
    """Rows of the audit trail in words, newest first, as far as the viewer may see them."""
    found = await home.audit_rows(deal, paging.window, asker, person=person, kind=kind)
    return paging.page(found)


_Name = Annotated[str | None, Query(max_length=128)]
_Instant = Annotated[int | None, Query(ge=0, le=1 << 53, description="microseconds UTC")]


@router.get("/audit/search")
async def audit_search(
    deal: Chain,
    home: OpenHome,
    asker: Asker,
    paging: Paged,
    kind: Annotated[list[str] | None, Query(max_length=64)] = None,
    actor: _Name = None,
    person: _Name = None,
    conversation: _Name = None,
    since: _Instant = None,
    until: _Instant = None,
) -> Page[AuditLine]:
    """Entries by kind, actor, person, conversation and time, newest first; pages may be empty."""
    asked = AuditQuery(
        kinds=tuple(kind or ()),
        actor=actor,
        person=person,
        conversation=conversation,
        since=since,
        until=until,
    )
    return paging.page(await home.audit_search(deal, asked, paging.window, asker))


@router.get("/audit/chain")
async def audit_chain(deal: Deal, home: OpenHome) -> ChainView:
    """Whether the record is whole, from what was checked last."""
    return await home.audit_chain(deal)


@router.get("/exports")
async def export_list(deal: Deal, home: OpenHome, asker: Asker) -> Sequence[ExportView]:
    """Exports that were asked for, newest first."""
    return await home.export_list(deal, asker)


@router.post("/exports", status_code=202)
async def export_ask(deal: Deal, body: NewExport, home: OpenHome, asker: Asker) -> ExportView:
    """Asks for an export; where names go out, a founded deal's waits for two people."""
    chosen = (body.matter, body.person, body.kind)
    wanted = Wanted(deal, body.what, body.why, *chosen, asker.actor)
    return await home.export_ask(wanted, asker)


@router.post("/exports/{export}/link", status_code=201)
async def export_link(deal: Deal, export: str, home: OpenHome, asker: Asker) -> ExportLink:
    """Where one's own export is fetched, once and within minutes."""
    return await home.export_link(deal, export, asker)


@router.get("/exports/fetch/{secret}")
async def export_fetch(deal: Deal, secret: str, home: OpenHome, asker: Asker) -> StreamingResponse:
    """Gives an export, once."""
    name, pieces = await home.export_fetch(deal, secret, asker)
    answer = await stream(pieces, _MEDIA[name.rpartition(".")[2]])
    answer.headers["content-disposition"] = f'attachment; filename="{name}"'
    answer.headers["cache-control"] = "no-store"
    return answer
