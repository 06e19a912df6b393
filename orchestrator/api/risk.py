"""Routes: leak risk, and what is done about findings."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.paging import Paged
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.paging import Page
from orchestrator.client.risk import FindingAnsweredView, FindingView, RiskView, RuleView

router = APIRouter(prefix="/deals/{deal}")
Word = Annotated[str, Field(max_length=255)]
Long = Annotated[str, Field(max_length=24_000)]
"""What an answer may take: a side's notice is ten pages."""


class Answer(Body):
    """What is done about a finding; ``arguments``: what the answer takes."""

    answer: str = Field(pattern=r"^[a-z_]{1,32}$")
    arguments: dict[Word, Long] = Field(default={}, max_length=16, repr=False)


class Accept(Body):
    """That it is known and accepted until an instant (microseconds UTC), and why."""

    until: int = Field(ge=0, le=2**53 - 1)
    because: str = Field(min_length=1, max_length=200, repr=False)


@router.get("/risk")
async def risk_show(deal: Deal, home: OpenHome, asker: Asker) -> RiskView:
    """Score, parts, 30 days, and the open findings."""
    return await home.risk_show(deal, asker)


@router.get("/risk/rules")
async def risk_rules(deal: Deal, home: OpenHome) -> Sequence[RuleView]:
    """Every rule there is, the same for each deal."""
    del deal  # whoever has no part in a deal is told of none
    return await home.risk_rules()


@router.get("/findings")
async def finding_list(
    deal: Deal,
    home: OpenHome,
    asker: Asker,
    paging: Paged,
    *,
    every: Annotated[bool, Query(description="Closed ones of the last 30 days too.")] = False,
    conversation: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[FindingView]:
    """Findings that the asker may see, newest first."""
    return paging.page(
        await home.finding_list(deal, asker, paging.window, every=every, conversation=conversation)
    )


@router.get("/findings/{found}")
async def finding_show(deal: Deal, found: str, home: OpenHome, asker: Asker) -> FindingView:
    """One finding."""
    return await home.finding_show(deal, found, asker)


@router.post("/findings/{found}/answer")
async def finding_answer(
    deal: Deal, found: str, body: Answer, home: OpenHome, asker: Asker
) -> FindingAnsweredView:
    """Does one of its answers; what closes it is what is seen afterwards."""
    return await home.finding_answer(deal, found, body.answer, body.arguments, asker)


@router.post("/findings/{found}/accept")
async def finding_accept(
    deal: Deal, found: str, body: Accept, home: OpenHome, asker: Asker
) -> FindingAnsweredView:
    """Says that it is known and accepted for a time; it costs as before."""
    return await home.finding_accept(deal, found, body.until, body.because, asker)
