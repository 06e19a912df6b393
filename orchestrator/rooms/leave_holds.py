"""What somebody may still hold after he left: nothing that reached him can be taken back.

Rules kept here:

1. It is counted from the records of deliveries and of what was written in his rooms while he sat
   there: numbers, tiers and times, nothing of any message.
2. A timer is believed only as the room was read back to have it. Where no timer was read, what he
   has is his for ever, and that is what is said.
3. What may have reached him counts as having reached him.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from orchestrator.rooms.presence import presence
from orchestrator.store.unit import Tx
from tiers.conversation import Place
from tiers.ids import ConnectorName, DealId, PersonId, RoomId
from tiers.tier import Tier


class How(Enum):
    """How what he has ends."""

    TIMER = "timer"
    """His own devices delete it when its time is over, unless he kept it otherwise."""
    COPIES = "copies"
    """Copies of his own, for ever: a mail or a file."""
    HISTORY = "history"
    """What his devices hold of the room's history, for ever."""


@dataclass(frozen=True, slots=True)
class Holds:
    """What reached somebody on one channel, of one tier.

    Attributes:
        delivered: messages that we brought, and their network took.
        possibly: of which that is not known.
        written: messages that people wrote in his rooms themselves.
        last_at: when the last of them was there, microseconds UTC.
        until: when the last of it is deleted by its room's timer; None: for ever.
    """

    connector: ConnectorName
    tier: Tier
    delivered: int
    possibly: int
    written: int
    last_at: int
    how: How
    until: int | None


_BROUGHT = """
SELECT d.connector, d.room, d.as_tier, sum(d.state = 'done' AND NOT d.possibly),
    sum(d.state <> 'done' OR d.possibly), max(coalesce(d.settled_at, d.started_at))
FROM json_each(?1) AS p
JOIN delivery d ON d.lane = json_extract(p.value, '$[0]') || '/' || json_extract(p.value, '$[1]')
WHERE d.kind = 'send' AND d.state IN ('done', 'possibly', 'started')
    AND coalesce(d.settled_at, d.started_at) >= json_extract(p.value, '$[2]')
    AND d.deal_id = ?2
GROUP BY d.connector, d.room, d.as_tier"""
_WRITTEN = """
SELECT m.connector, m.room, coalesce(m.tier, 'valuation'), count(*), max(m.accepted_at)
FROM json_each(?1) AS p JOIN message m ON m.connector = json_extract(p.value, '$[0]')
    AND m.room = json_extract(p.value, '$[1]')
WHERE m.accepted_at BETWEEN json_extract(p.value, '$[2]') AND ?4
    AND m.deal_id = ?2 AND m.person_id IS NOT ?3
GROUP BY m.connector, m.room, m.tier"""


def since(
    tx: Tx, deal_id: DealId, places: Iterable[Place], accounts: Container[str]
) -> list[Sequence[str | int]]:
    """Each room with the instant of the first reading that showed him there.

    A room in which no reading did counts from its first instant.
    """
    first: dict[Place, int] = {}
    for stay in presence(tx, deal_id):
        if stay.account in accounts:
            first.setdefault((stay.connector, stay.room), stay.obtained_at)
    made = "SELECT created_at FROM room WHERE connector = ? AND room = ?"
    found: list[Sequence[str | int]] = []
    for place in places:
        row = tx.one(made, place)
        found.append([*place, first.get(place, row[0] if row is not None else 0)])
    return found


@dataclass(slots=True)
class _Sum:
    delivered: int = 0
    possibly: int = 0
    written: int = 0
    last_at: int = 0
    until: int | None = 0

    def take(self, last: int, timer: int | None) -> None:
        self.last_at = max(self.last_at, last)
        if timer is None or self.until is None:
            self.until = None
        else:
            self.until = max(self.until, last + timer)


def holds(
    tx: Tx,
    deal_id: DealId,
    person: PersonId,
    places: Iterable[Place],
    accounts: Container[str],
    timers: Mapping[Place, int],
    of_one: Iterable[ConnectorName],
    left_at: int,
) -> list[Holds]:
    """What reached somebody in the rooms that he was in.

    Args:
        tx: a snapshot.
        deal_id: the deal.
        person: who left.
        places: the rooms that he was in.
        accounts: his, as entries name them.
        timers: the timer of each room as it was read back, microseconds; absent for none.
        of_one: channels whose rooms hold one person: what is sent there are copies of his own.
        left_at: microseconds UTC; what people wrote later never reached him by a seat.
    """
    dated = json.dumps(since(tx, deal_id, places, accounts))
    sums: dict[tuple[ConnectorName, Tier], _Sum] = {}

    def of(connector: str, room: str, tier: str, last: int) -> _Sum:
        found = sums.setdefault((ConnectorName(connector), Tier(tier)), _Sum())
        found.take(last, timers.get((ConnectorName(connector), RoomId(room))))
        return found

    for connector, room, tier, delivered, possibly, last in tx.all(_BROUGHT, (dated, deal_id)):
        found = of(connector, room, tier, last)
        found.delivered += delivered
        found.possibly += possibly
    for connector, room, tier, count, last in tx.all(_WRITTEN, (dated, deal_id, person, left_at)):
        of(connector, room, tier, last).written += count
    mailed = frozenset(of_one)
    return [
        Holds(
            name, tier, s.delivered, s.possibly, s.written, s.last_at,
            _how(s, mailed=name in mailed), None if name in mailed else s.until,
        )
        for (name, tier), s in sorted(sums.items(), key=lambda x: (x[0][0], x[0][1].value))
    ]  # fmt: skip


def _how(found: _Sum, *, mailed: bool) -> How:
    if mailed:
        return How.COPIES
    return How.HISTORY if found.until is None else How.TIMER
