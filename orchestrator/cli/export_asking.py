"""How an export is asked for on the command line: one's own that waits is found again.

Rule kept here: where names go out, a founded deal's waits for two others, and the same command
fetches it afterwards. What was given is not given again.
"""

from orchestrator.client.api import Client
from orchestrator.client.audit_desk import ExportKind, ExportReason, ExportView
from orchestrator.client.problems import Waits

STILL = "Nothing was exported"


async def ready(
    client: Client, deal: str, what: ExportKind, why: ExportReason, matter: str | None
) -> ExportView:
    """One's own export of this kind that may be fetched. Raises: Waits: two agree first."""
    found = await _asked(client, deal, what, why, matter)
    if found.state != "ready":
        raise Waits(
            "This export waits for two people",
            still=STILL,
            then=f"wallcross approve show {found.export_id}; then the same command again",
        )
    return found


async def _asked(
    client: Client, deal: str, what: ExportKind, why: ExportReason, matter: str | None
) -> ExportView:
    """One's own export of this kind that waits or is ready; else a new one is asked for."""
    of = (what, why, matter)
    listed = await client.export_list(deal)
    own = [e for e in listed if e.mine and (e.what, e.why, e.matter, e.filter) == (*of, "")]
    for state in ("ready", "waits", "agreed"):
        found = next((e for e in own if e.state == state), None)
        if found is not None:
            return found
    return await client.export_ask(deal, what, why, matter=matter)
