"""Routes: what was prevented in a deal, and the report of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor, Asker
from orchestrator.audit.body import LARGEST_INT
from orchestrator.client.audit_desk import ExportLink
from orchestrator.client.prevented import ClosingView, PreventedView
from orchestrator.command.prevented_page import POLICY

router = APIRouter(prefix="/deals/{deal}/prevented", tags=["prevented"])
Instant = Annotated[int | None, Query(ge=0, le=LARGEST_INT)]
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="prevented.html"',
}


@router.get("")
async def prevented_show(
    deal: Deal, home: OpenHome, since: Instant = None, until: Instant = None
) -> PreventedView:
    """What was held, withdrawn, stopped and paused, and by which entries that is known."""
    return await home.prevented_show(deal, since, until)


@router.post("/report", response_class=Response, responses={200: {"content": {"text/html": {}}}})
async def prevented_report(
    deal: Deal, home: OpenHome, actor: Actor, since: Instant = None, until: Instant = None
) -> Response:
    """The report as one page for printing; its making is an entry of the deal's record."""
    data = await home.prevented_report(deal, since, until, actor=actor)
    return Response(data, media_type="text/html; charset=utf-8", headers=HEADERS)


@router.post("/link", status_code=201)
async def prevented_link(deal: Deal, home: OpenHome, asker: Asker) -> ExportLink:
    """Where the report is fetched, once and within minutes, in this session."""
    return await home.prevented_link(deal, asker)


@router.get(
    "/fetch/{secret}", response_class=Response, responses={200: {"content": {"text/html": {}}}}
)
async def prevented_fetch(deal: Deal, secret: str, home: OpenHome, asker: Asker) -> Response:
    """Gives the report, once; its making is an entry of the deal's record."""
    data = await home.prevented_fetch(deal, secret, asker)
    return Response(data, media_type="text/html; charset=utf-8", headers=HEADERS)


@router.get("/closing")
async def prevented_closing(deal: Deal, home: OpenHome) -> ClosingView:
    """The report that was made when the deal closed, and whether it can be made anew the same."""
    return await home.prevented_closing(deal)
