"""How long a sealed copy is kept, and what a legal hold keeps beyond that.

Rules kept here:

1. A copy is destroyed neither before the date that was recorded with it, nor before the policy in
   force lets it go: the longer of the two counts. What the policy has no rule for never ends.
2. A legal hold keeps what it covers, for as long as it stands. What is not known of a copy (where
   it was said, by whom, who could read it) counts as covered. Holds that cannot be read cover
   everything.
3. A copy whose time is over and that a hold keeps is a conflict: the hold wins, and it is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tiers.ids import ConversationId, HoldId, MessageId, PersonId


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A duty to preserve.

    Attributes:
        conversations: what was said in one of them is kept.
        people: what one of them said, or could read, is kept. Where neither a conversation nor a
            person is named, the whole deal is.
    """

    hold_id: HoldId
    conversations: frozenset[ConversationId] = frozenset()
    people: frozenset[PersonId] = frozenset()

    def covers(self, record: "Record") -> bool:
        """Whether a copy is to be kept, for all that is known of it."""
        if not (self.conversations or self.people):
            return True
        if record.conversation is None or record.conversation in self.conversations:
            return True
        return bool(self.people) and (record.people is None or bool(self.people & record.people))


@dataclass(frozen=True, slots=True)
class Record:
    """A sealed copy of a message, as far as anybody may know it who cannot open it.

    Attributes:
        record_class: by which the policy says how long it is kept.
        since: from when that time runs, microseconds UTC.
        keep_until: the date that was recorded with it, microseconds UTC.
        conversation: where it was said; None: nobody knows.
        people: who said it and who could read it; None: not all of them are known.
    """

    message_id: MessageId
    record_class: str
    since: int
    keep_until: int
    conversation: ConversationId | None = None
    people: frozenset[PersonId] | None = None


Keeps = Mapping[str, int]
"""By record class for how long the policy in force keeps it, microseconds."""


@dataclass(frozen=True, slots=True)
class Duties:
    """What is owed to some copies at an instant.

    Attributes:
        destroy: those whose time is over and that nothing keeps.
        conflicts: those whose time is over and that legal holds keep, each with its holds; none
            named: the holds cannot be read.
    """

    destroy: tuple[MessageId, ...]
    conflicts: Mapping[MessageId, tuple[HoldId, ...]]


def ends_at(record: Record, keeps: Keeps) -> int | None:
    """When a copy's time is over, microseconds UTC; None: never.

    Args:
        record: the copy.
        keeps: the policy in force.
    """
    keep = keeps.get(record.record_class)
    return None if keep is None else max(record.keep_until, record.since + keep)


def duties(
    records: Iterable[Record], keeps: Keeps, holds: Sequence[LegalHold] | None, at: int
) -> Duties:
    """Says of some copies which are to be destroyed now.

    Args:
        records: the copies.
        keeps: the policy in force.
        holds: those that stand; None: they cannot be read.
        at: now, microseconds UTC.
    """
    destroy: list[MessageId] = []
    conflicts: dict[MessageId, tuple[HoldId, ...]] = {}
    for record in records:
        end = ends_at(record, keeps)
        if end is None or at < end:
            continue
        keeping = None if holds is None else tuple(h.hold_id for h in holds if h.covers(record))
        if keeping == ():
            destroy.append(record.message_id)
        else:
            conflicts[record.message_id] = keeping or ()
    return Duties(tuple(destroy), conflicts)
