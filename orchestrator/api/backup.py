"""Route: a backup of the whole home, for its own user alone."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import OpenHome, stream
from orchestrator.api.who import Actor

router = APIRouter(prefix="/backup")
SEALED = "application/octet-stream"


class Recipients(Body):
    """`backup create`: public age keys."""

    recipients: list[str] = Field(min_length=1, max_length=32, repr=False)


@router.post("")
async def backup_create(body: Recipients, home: OpenHome, actor: Actor) -> StreamingResponse:
    """The backup, an age file for these public keys; itself an entry."""
    return await stream(home.backup_create(body.recipients, actor=actor), SEALED)
