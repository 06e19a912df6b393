"""How sensitive a text is: three tiers in one order, and nothing in between.

Rule kept here: a tier is compared, never counted. ``tier < 3`` is a type error, and a tier that is
added later renumbers nothing that was stored.
"""

from enum import Enum
from functools import total_ordering


@total_ordering
class Tier(Enum):
    """COORDINATION < OPERATIONS < VALUATION."""

    COORDINATION = "coordination"
    OPERATIONS = "operations"
    VALUATION = "valuation"

    def __init__(self, _: str) -> None:
        self._place = len(type(self).__members__)  # in the order written; stored nowhere

    def __lt__(self, other: object) -> bool:
        if type(other) is not Tier:
            return NotImplemented
        return self._place < other._place


class Strength(Enum):
    """How hard a reason raises a message above its room's tier (docs/adr/0006).

    HOLD rests on named, precise evidence and stops (relay) or withdraws (witness) a message;
    ASK lets it go, tells its author privately and opens a finding; NONE raises nothing.
    """

    NONE = "none"
    ASK = "ask"
    HOLD = "hold"
