"""The guard's yes for one room, kept while every fact that it rests on is the very same.

Rules kept here:

1. Only a yes is kept, for a clock that is trusted; a no is decided anew each time.
2. It ends with the first fact that is another one, at the first instant at which a fact changes by
   time alone (a clearance, a wall, freshness, evidence), when the clock goes back, and after a
   second whatever there is.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestrator.clock import SECOND
from orchestrator.deals.book import DealView
from tiers.decision import Decision
from tiers.guarantees import LAPSES
from tiers.ids import ConnectorName, RoomId
from tiers.people import Roster
from tiers.routing import Placed, RoomView, decide_leg

LONGEST: Final = SECOND


@dataclass(frozen=True, slots=True)
class _Kept:
    view: RoomView
    placed: Placed
    deal: DealView
    decision: Decision
    since: int
    until: int

    def stands(self, view: RoomView, placed: Placed, deal: DealView, at: int) -> bool:
        """Whether all is as it was; a view or deal that was made anew is another one."""
        same = self.view is view and self.deal is deal and self.placed == placed
        return same and self.since <= at < self.until


class Standing:
    """What ``tiers.routing.decide_leg`` says, asked once for many messages of one room."""

    def __init__(self) -> None:
        self._kept: dict[tuple[ConnectorName, RoomId], _Kept] = {}
        self._changes: tuple[Roster, tuple[int, ...]] | None = None

    def decide(
        self, view: RoomView, placed: Placed, deal: DealView, *, at: int, clock_trusted: bool
    ) -> Decision:
        """The decision for ``view`` at ``at`` (microseconds UTC)."""
        place = (view.binding.connector, view.binding.room)
        kept = self._kept.get(place)
        if kept is not None and clock_trusted and kept.stands(view, placed, deal, at):
            return kept.decision
        decision = decide_leg(
            view, placed, deal.roster, deal.policy, at=at, clock_trusted=clock_trusted
        )
        self._kept.pop(place, None)
        if decision and clock_trusted:
            until = min(self._instants(view, placed, deal, at))
            self._kept[place] = _Kept(view, placed, deal, decision, at, until)
        return decision

    def _instants(self, view: RoomView, placed: Placed, deal: DealView, at: int) -> Iterator[int]:
        """Every instant after ``at`` at which the decision may be another, and a last one."""
        yield at + LONGEST
        fresh_for = deal.policy.tiers[placed.as_tier].fresh_for
        for read_at in (view.facts.posture_at, view.facts.members_at):
            yield (read_at or 0) + fresh_for + 1
        for holding in view.facts.holdings:
            ends = holding.at + LAPSES.get(holding.evidence, 0) + 1
            if ends > at:
                yield ends
        changes = self._changes_of(deal.roster)
        yield from changes[bisect_right(changes, at) :][:1]

    def _changes_of(self, roster: Roster) -> tuple[int, ...]:
        """The instants at which a line of a roster begins or ends, in order."""
        if self._changes is None or self._changes[0] is not roster:
            self._changes = (roster, roster.edges())
        return self._changes[1]
