"""What routes are given: the open home, and the deal that a path names."""

from typing import Annotated, cast

from fastapi import Depends, Request

from orchestrator.api.port import Home
from tiers.ids import DealId


def _home(request: Request) -> Home:
    return cast("Home", request.app.state.home)


OpenHome = Annotated[Home, Depends(_home)]


async def _deal(deal: str, home: OpenHome) -> DealId:
    return await home.find_deal(deal)


Deal = Annotated[DealId, Depends(_deal)]
"""The deal of a path, by code or id. Raises: Missing."""
