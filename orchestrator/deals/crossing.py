"""Wall-crossing as the chain states it: agreed, crossed, acknowledged, cleansed; and what it bars.

Rules kept here:

1. Whose side demands a notice reads nothing before he acknowledged that very wording, by its hash,
   after he was crossed. Where the side has a control room, one of it agreed before he was crossed.
2. When the wording changes, an acknowledgement of an earlier one counts for as long as the policy
   says, from the instant at which the new wording was adopted; after that for nothing.
3. Cleansing takes agreement, crossing and acknowledgements away, also where no notice is demanded.
   A crossing begins anew.
4. What is told here takes grants away or shortens them. It never gives one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from orchestrator.audit.kinds import Kind
from tiers.ids import PersonId, SideId
from tiers.people import Delegation, Grant, Roster, Span


@dataclass(frozen=True, slots=True)
class Crossing:
    """What was stated of one person's crossing; instants in microseconds UTC.

    Attributes:
        agreed_at: when his control room agreed, and ``agreed_by`` who of it.
        crossed_at: when he was last shown a notice; None: never, or not since he was cleansed.
        shown: hash of the wording that he was shown then.
        acknowledged: when he acknowledged each wording, by its hash.
        cleansed_at: when he ceased to be an insider; None while he is one.
    """

    agreed_at: int | None = None
    agreed_by: PersonId | None = None
    crossed_at: int | None = None
    shown: str | None = None
    acknowledged: Mapping[str, int] = field(default_factory=dict)
    cleansed_at: int | None = None
    cleansed_because: str | None = None


NEVER = Crossing()


def after(before: Crossing, kind: Kind, body: Mapping[str, Any]) -> Crossing:
    """What a person's crossing comes to with one more entry about it.

    An acknowledgement of somebody who was not crossed states nothing.
    """
    if kind is Kind.PERSON_AGREED:
        return replace(before, agreed_at=body["at"], agreed_by=PersonId(body["by"]))
    if kind is Kind.PERSON_CROSSED:
        since = {"crossed_at": body["at"], "cleansed_at": None, "cleansed_because": None}
        return replace(before, shown=body["notice"], **since)
    if kind is Kind.PERSON_ACKNOWLEDGED and before.crossed_at is not None:
        said = {**before.acknowledged, body["notice"]: body["at"]}
        return replace(before, acknowledged=said)
    if kind is Kind.PERSON_CLEANSED:
        return Crossing(cleansed_at=body["at"], cleansed_because=body["reason"])
    return before


@dataclass(frozen=True, slots=True)
class Demand:
    """What a side demands before its people read.

    Attributes:
        notice: hash of the wording in force; None: it demands none.
        since: when that wording came into force; 0 where nobody knows, which grants no delay.
        control_room_since: when it got a control room, without a break since; None: it has none.
    """

    notice: str | None
    since: int = 0
    control_room_since: int | None = None


def demands_of(roster: Roster) -> dict[SideId, Demand]:
    """What each side demands, as a roster says it and no time is known of."""
    return {
        s.side_id: Demand(s.notice_hash, 0, 0 if s.control_room else None) for s in roster.sides
    }


class Stand(Enum):
    """Where a person stands with his side's notice."""

    NO_NOTICE = "no_notice"
    TO_AGREE = "to_agree"
    TO_CROSS = "to_cross"
    CROSSED = "crossed"
    ACKNOWLEDGED = "acknowledged"
    ASKED_AGAIN = "asked_again"
    CLEANSED = "cleansed"


READS = frozenset({Stand.NO_NOTICE, Stand.ACKNOWLEDGED, Stand.ASKED_AGAIN})
"""In which his grants count; in the last of them only for a while (``counts_until``)."""


def stand(crossing: Crossing, demand: Demand) -> Stand:
    """Where somebody stands; before the words of rule 2 about time are applied."""
    if crossing.cleansed_at is not None:
        return Stand.CLEANSED
    if demand.notice is None:
        return Stand.NO_NOTICE
    if not _agreed(crossing, demand):
        return Stand.TO_AGREE
    if crossing.crossed_at is None:
        return Stand.TO_CROSS
    if demand.notice in crossing.acknowledged:
        return Stand.ACKNOWLEDGED
    return Stand.ASKED_AGAIN if crossing.acknowledged else Stand.CROSSED


def _agreed(crossing: Crossing, demand: Demand) -> bool:
    """Whether the control room agreed before, where there was one when he was crossed."""
    since, crossed = demand.control_room_since, crossing.crossed_at
    if since is None or (crossed is not None and crossed < since):
        return True
    if crossing.agreed_at is None:
        return False
    return crossed is None or crossing.agreed_at <= crossed


def counts_until(crossing: Crossing, demand: Demand, grace: int) -> int | None:
    """Until when an earlier acknowledgement counts; None for whom that is not the question.

    Args:
        crossing: of a person.
        demand: of his side.
        grace: how long it counts after a change of the wording, microseconds.
    """
    if stand(crossing, demand) is not Stand.ASKED_AGAIN:
        return None
    return demand.since + grace


def cleared(
    roster: Roster,
    crossings: Mapping[PersonId, Crossing],
    demands: Mapping[SideId, Demand],
    grace: int,
) -> Roster:
    """The roster without what is not to be read yet, not any more, or only for a while.

    Args:
        roster: adopted, or already less than that.
        crossings: what was stated of people.
        demands: of every side of the roster.
        grace: as for ``counts_until``.
    """
    barred, ends = set(), {}
    for person in roster.people:
        crossing = crossings.get(person.person_id, NEVER)
        demand = demands[person.side]
        if stand(crossing, demand) not in READS:
            barred.add(person.person_id)
        elif (end := counts_until(crossing, demand, grace)) is not None:
            ends[person.person_id] = end
    left = roster.without(barred)
    if not ends:
        return left
    return replace(
        left,
        grants=tuple(_shortened(left.grants, ends)),
        delegations=tuple(_lent_until(left.delegations, ends)),
    )


def _shortened(grants: tuple[Grant, ...], ends: Mapping[PersonId, int]) -> list[Grant]:
    cut = ((g, _until(g.span, ends.get(g.person_id))) for g in grants)
    return [replace(grant, span=span) for grant, span in cut if span is not None]


def _lent_until(lent: tuple[Delegation, ...], ends: Mapping[PersonId, int]) -> list[Delegation]:
    cut = ((d, _until(d.span, ends.get(d.delegate))) for d in lent)
    return [replace(delegation, span=span) for delegation, span in cut if span is not None]


def _until(span: Span, end: int | None) -> Span | None:
    if end is None:
        return span
    return span.common(Span(span.start, end)) if span.start < end else None
