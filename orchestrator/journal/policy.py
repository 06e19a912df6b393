"""What the adopted policy says about the journal, as values.

Rules kept here: a tier without a rule cannot be journaled, so its messages are held; a scope for
which the policy names no counsel can never be exempted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.journal.errors import JournalError

JOINT = "joint"
"""Scope of conversations of all sides; the scope of a private one is its side's id."""


@dataclass(frozen=True, slots=True)
class RecordRule:
    """How long a tier's records are kept. ``keep`` in microseconds."""

    record_class: str
    keep: int


@dataclass(frozen=True, slots=True)
class JournalPolicy:
    """One deal's policy.

    Attributes:
        records: rule of each tier, by the tier's name.
        counsel: scope to the Ed25519 public keys (hex), *each* of which must sign for the scope
            to be exempt: one for a side, one of every side for ``joint``.
        keys: scope to the id of the journal key that the audit puts in force.
    """

    records: Mapping[str, RecordRule]
    counsel: Mapping[str, Sequence[str]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def record(self, tier: str) -> RecordRule:
        """Returns the rule of ``tier``.

        Raises:
            JournalError: the policy has none.
        """
        rule = self.records.get(tier)
        if rule is None:
            raise JournalError(f"the policy has no record class for the tier {tier}; add one")
        return rule


def scopes_of(*, conversation: bool, side: str | None, sender_side: str | None) -> tuple[str, ...]:
    """Returns whose journal a message belongs to, in order of choice.

    Args:
        conversation: one was found for the message.
        side: the side that conversation is private to; None: joint.
        sender_side: the sender's side, when no conversation was found; None: unknown sender.
    """
    if conversation:
        return (side or JOINT,)
    return (sender_side, JOINT) if sender_side else (JOINT,)
