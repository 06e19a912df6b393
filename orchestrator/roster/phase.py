"""Which phase a deal is in: what its chain's newest word says, and planning before any.

Rules kept here:

1. There is no table: a phase stands because an entry states it, with the phase that it followed.
2. Any phase may follow any other, as deals do not always go forward. What that gives anybody is
   for whoever states it to have agreed to first.
"""

from collections.abc import Iterable

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.store.unit import Tx
from tiers.ids import DealId
from tiers.people import Phase

FIRST = Phase.PLANNING


def phase_of(entries: Iterable[Stated]) -> Phase:
    """The phase that a deal's entries, in their order, come to."""
    named = [entry.body["phase"] for entry in entries if entry.kind == Kind.DEAL_PHASE]
    return Phase(named[-1]) if named else FIRST


def state_phase(
    tx: Tx,
    deal_id: DealId,
    before: Phase,
    phase: Phase,
    *,
    at: int,
    actor: str,
    request: str | None = None,
) -> None:
    """States that a deal is in another phase from now on.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        before: the phase that it was in.
        phase: the phase that it is in now.
        at: microseconds UTC.
        actor: who says so.
        request: of a founded deal: under which people agreed to it.
    """
    row = commitment("phase", deal_id, before.value, phase.value, at)
    body: dict[str, Json] = {"phase": phase.value, "before": before.value, "at": at, "row": row}
    if request is not None:
        body["request"] = request
    append(tx, deal_id, Kind.DEAL_PHASE, body, at=at, actor=actor)
