"""Routes: how the home stands, and what happens in it."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from orchestrator.api.bodies import CheckName
from orchestrator.api.port import Home
from orchestrator.api.reach import OpenHome
from orchestrator.api.who import Actor
from orchestrator.client.views import Check, Status

router = APIRouter()


@router.get("/status")
async def status(home: OpenHome) -> Status:
    """The overview."""
    return await home.status()


@router.get("/checks")
async def checks(home: OpenHome) -> Sequence[Check]:
    """Checks of the open home."""
    return await home.checks()


@router.post("/allowed", status_code=204)
async def allowed(body: CheckName, home: OpenHome, actor: Actor) -> None:
    """Records that a red check was gone past."""
    await home.allowed(body.check, actor=actor)


@router.get("/events")
async def events(home: OpenHome) -> StreamingResponse:
    """What happens from now on (server-sent events)."""
    return StreamingResponse(_events(home), media_type="text/event-stream")


async def _events(home: Home) -> AsyncIterator[bytes]:
    yield b": from now on\n\n"
    async for happening in home.watch():
        yield f"data: {json.dumps(asdict(happening))}\n\n".encode()
