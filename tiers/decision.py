"""The answer that explains itself.

Rule kept here: the strictest reason wins, and no reasons means that nobody vouched, which is a
denial. A reason is read by a lawyer and never quotes a message.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from tiers.ids import RuleId


class Effect(IntEnum):
    """What a reason asks for; the strictest of a decision's reasons is its effect."""

    ALLOW = 0
    HOLD = 1
    DENY = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's finding.

    Attributes:
        rule: the rule, for machines.
        effect: what it asks for.
        because: the finding in words, for people.
        subject: whom or what it is about (an account, a guarantee); empty for the whole.
    """

    rule: RuleId
    effect: Effect
    because: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Reasons, and what follows from all of them together."""

    reasons: tuple[Reason, ...] = ()

    @property
    def effect(self) -> Effect:
        """The strictest effect; DENY without any reason."""
        return max((r.effect for r in self.reasons), default=Effect.DENY)

    def __bool__(self) -> bool:
        return self.effect is Effect.ALLOW

    @property
    def against(self) -> tuple[Reason, ...]:
        """The reasons that stand in the way."""
        return tuple(r for r in self.reasons if r.effect is not Effect.ALLOW)


def all_of(decisions: Iterable[Decision]) -> Decision:
    """Joins decisions that must all allow; one without reasons, or none at all, is a denial."""
    parts = tuple(decisions)
    if any(not part.reasons for part in parts):
        nobody = Reason(RuleId("vouched"), Effect.DENY, "nobody vouched for a part of this")
        return Decision((nobody, *(r for part in parts for r in part.reasons)))
    return Decision(tuple(r for part in parts for r in part.reasons))
