"""What sides write, counted for all of their people together; only where somebody turned it on.

Rules kept here:

1. Nothing is counted for a person, and nothing at all of a side of which fewer than five wrote.
2. The counts live for the length of a look: none of them is stored.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from orchestrator.clock import DAY, HOUR
from orchestrator.deals.book import DealView
from orchestrator.risk.signals import SideVolume
from orchestrator.store.unit import Tx
from tiers.ids import PersonId, SideId

WEEK, WEEKS = 7 * DAY, 4
_NIGHT_ENDS, _NIGHT_BEGINS = 6, 22
_COUNTS = """
SELECT person_id, accepted_at >= ?3,
    (accepted_at / ?4) % 24 >= ?5 OR (accepted_at / ?4) % 24 < ?6, count(*)
FROM message WHERE deal_id = ?1 AND accepted_at >= ?2 AND person_id IS NOT NULL GROUP BY 1, 2, 3"""


@dataclass(slots=True)
class _Side:
    people: set[str] = field(default_factory=set)
    counts: dict[tuple[bool, bool], int] = field(default_factory=lambda: defaultdict(int))
    """By whether it was lately, and at night."""

    def share(self, *, lately: bool) -> int:
        """Of what was written then, how many hundredths were written at night."""
        night, day = self.counts[lately, True], self.counts[lately, False]
        return 100 * night // (night + day) if night + day else 0


def volumes(tx: Tx, deal: DealView, at: int) -> tuple[SideVolume, ...]:
    """What each side wrote in the last week, and in the four before; hours are those of UTC.

    Args:
        tx: reads.
        deal: in force.
        at: now, microseconds UTC.
    """
    since = (deal.deal_id, at - (WEEKS + 1) * WEEK, at - WEEK, HOUR, _NIGHT_BEGINS, _NIGHT_ENDS)
    sides: defaultdict[SideId, _Side] = defaultdict(_Side)
    for person_id, lately, night, count in tx.all(_COUNTS, since):
        person = (deal.adopted or deal.roster).person(PersonId(person_id))
        if person is None:
            continue
        sides[person.side].people.add(person_id)
        sides[person.side].counts[bool(lately), bool(night)] += count
    return tuple(_volume(side, found) for side, found in sorted(sides.items()))


def _volume(side: SideId, found: _Side) -> SideVolume:
    before = found.counts[False, True] + found.counts[False, False]
    return SideVolume(
        side=side,
        people=len(found.people),
        week=found.counts[True, True] + found.counts[True, False],
        before=before // WEEKS,
        night=found.share(lately=True),
        night_before=found.share(lately=False),
    )
