"""What routes are given: the open home, and the deal that a path names."""

from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse

from orchestrator.api.port import Home
from orchestrator.deals.book import HOME
from tiers.ids import DealId

HOME_IN_SCOPE = "wallcross.home"
"""Where a request says which home answers it."""


def _home(request: Request) -> Home:
    return cast("Home", request.scope[HOME_IN_SCOPE])


OpenHome = Annotated[Home, Depends(_home)]


async def _deal(deal: str, home: OpenHome) -> DealId:
    return await home.find_deal(deal)


Deal = Annotated[DealId, Depends(_deal)]
"""The deal of a path, by code or id. Raises: Missing."""


async def _chain(deal: str, home: OpenHome) -> DealId:
    return HOME if deal == HOME else await home.find_deal(deal)


Chain = Annotated[DealId, Depends(_chain)]
"""The audit chain of a path: a deal's, or ``home`` for what belongs to the installation."""


async def stream(pieces: AsyncIterator[bytes], media_type: str) -> StreamingResponse:
    """An answer in pieces; what fails before the first piece is still a problem."""
    first = await anext(pieces, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(whole(), media_type=media_type)
