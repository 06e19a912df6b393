"""Routes: plans, and what becomes of them act by act."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from orchestrator.api.bodies import PlanName
from orchestrator.api.reach import Deal, OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.plans import DoneLine, PlanRunView, PlanView

router = APIRouter(prefix="/deals/{deal}/plans")


@router.post("", status_code=201)
async def plan(deal: Deal, home: OpenHome) -> PlanView:
    """Reads every room and says what would be done."""
    return await home.plan(deal)


@router.post("/{name}/apply")
async def plan_apply(
    deal: Deal, name: str, body: PlanName, home: OpenHome, actor: Actor
) -> StreamingResponse:
    """Carries a plan out; JSON Lines, one for each act as it is known."""
    done = home.plan_apply(deal, name, body.document, actor=actor)
    first = await anext(done, None)  # what refuses the plan is told before anything else
    return StreamingResponse(_lines(first, done), media_type="application/jsonl")


@router.post("/{name}/start", status_code=202)
async def plan_start(deal: Deal, name: str, home: OpenHome, actor: Actor) -> PlanRunView:
    """Begins to carry a plan out; it runs to its end, whoever looks on."""
    return await home.plan_start(deal, name, actor=actor)


@router.get("/{name}/run")
async def plan_run(deal: Deal, name: str, home: OpenHome) -> PlanRunView:
    """How far a plan is that was begun; by its whole name."""
    return await home.plan_run(deal, name)


async def _lines(
    first: DoneLine | None, rest: AsyncGenerator[DoneLine, None]
) -> AsyncIterator[bytes]:
    """What is broken off from outside ends here alone: the plan goes on."""
    async with aclosing(rest):
        if first is not None:
            yield f"{json.dumps(asdict(first))}\n".encode()
        async for done in rest:
            yield f"{json.dumps(asdict(done))}\n".encode()
