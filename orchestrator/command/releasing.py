"""Carries out what people agreed to about a held message."""

from collections.abc import Mapping

from orchestrator.approvals.requests import Approved
from orchestrator.audit.body import Json
from orchestrator.command.runtime import Runtime, must_live
from tiers.ids import ConversationId, DealId


async def release_agreed(
    runtime: Runtime, _: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Sends a held message into the conversation that people agreed to. *live*."""
    must_live(runtime)
    target = ConversationId(str(body["conversation"]))
    actor = approved.actor
    await runtime.desk.move(str(body["message"]), target, actor=actor, agreed=approved)


async def document_agreed(
    runtime: Runtime, _: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Sends a VALUATION document to the readers that people agreed to. *live*."""
    must_live(runtime)
    await runtime.desk.send_document(str(body["message"]), actor=approved.actor, agreed=approved)
