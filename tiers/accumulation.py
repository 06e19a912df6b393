"""When small parts add up: a conversation or an author that has become more sensitive.

Rule kept here: nothing here raises a tier. A floor that follows the highest message so far would
make every false alarm stick; instead the mean is watched, and the owner is asked.
"""

from dataclasses import dataclass

from tiers.scoring import LogOdds
from tiers.tier import Tier

LEAST_MESSAGES = 6
MEMORY = 20
"""Messages that the running mean remembers."""
VALUATION_MEAN = 0.0
OPERATIONS_MEAN = -0.35
"""Means from which the owner is asked. Lower than a single message's thresholds: messages of a
conversation share their topic, so their mean varies less than each of them."""
AUTHOR_ASKS = 3
AUTHOR_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class RunningMean:
    """Running mean of a conversation's log-odds.

    Attributes:
        count: messages seen, without bound.
        valuation, operations: means of the two log-odds over about the last ``MEMORY`` messages.
    """

    count: int = 0
    valuation: float = 0.0
    operations: float = 0.0

    def add(self, odds: LogOdds) -> "RunningMean":
        """The mean with one more message."""
        weight = 1 / min(self.count + 1, MEMORY)
        return RunningMean(
            self.count + 1,
            self.valuation + (odds.valuation - self.valuation) * weight,
            self.operations + (odds.operations - self.operations) * weight,
        )

    def asks(self, floor: Tier) -> Tier | None:
        """The tier to which the owner should be asked to raise the conversation, if any.

        Args:
            floor: the conversation's declared tier.
        """
        if self.count < LEAST_MESSAGES:
            return None
        for tier, mean, limit in (
            (Tier.VALUATION, self.valuation, VALUATION_MEAN),
            (Tier.OPERATIONS, self.operations, OPERATIONS_MEAN),
        ):
            if tier > floor and mean >= limit:
                return tier
        return None


@dataclass(frozen=True, slots=True)
class AuthorCount:
    """How often an author's messages were above their conversation's floor.

    Attributes:
        messages: messages of the author in this conversation, fading.
        above: those of them that were asked about or held, fading.
    """

    messages: float = 0.0
    above: float = 0.0

    def add(self, *, above: bool) -> "AuthorCount":
        """The count with one more message; old ones fade over about ``MEMORY`` messages."""
        kept = 1 - 1 / MEMORY
        return AuthorCount(self.messages * kept + 1, self.above * kept + above)

    def asks(self) -> bool:
        """Whether the owner should be told that this author's parts add up."""
        return self.above >= AUTHOR_ASKS * 0.8 and self.above >= AUTHOR_SHARE * self.messages
