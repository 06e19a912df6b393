"""What each side of a deal demands before its people read, with the times that matter.

Rule kept here: what no time could change is told without reading old rosters; a time that cannot be
known delays nothing.
"""

from collections.abc import Mapping

from orchestrator.deals.crossing import NEVER, Crossing, Demand, Stand, demands_of, stand
from orchestrator.roster.since import since
from orchestrator.store.unit import Tx
from tiers.ids import DealId, PersonId, SideId
from tiers.people import Roster


def demands(
    tx: Tx,
    deal_id: DealId,
    roster: Roster,
    crossings: Mapping[PersonId, Crossing],
    until: int | None = None,
) -> dict[SideId, Demand]:
    """What each side demands; since when, where somebody's standing depends on that.

    Args:
        tx: a unit of work.
        deal_id: the deal.
        roster: adopted, in force.
        crossings: what was stated of its people.
        until: what was adopted later counts for nothing, microseconds UTC; None: all counts.
    """
    strict = demands_of(roster)
    if not any(_timed(crossings.get(p.person_id, NEVER), strict[p.side]) for p in roster.people):
        return strict
    known = since(tx, deal_id, roster, until)
    return {
        side: Demand(demand.notice, known[side].notice, known[side].control_room)
        for side, demand in strict.items()
    }


def _timed(crossing: Crossing, demand: Demand) -> bool:
    """Whether when the side began to demand this would change where somebody stands."""
    where = stand(crossing, demand)
    crossed = crossing.crossed_at is not None
    return where is Stand.ASKED_AGAIN or (where is Stand.TO_AGREE and crossed)
