"""Whether the text of a message that a finding is about still stands where it should not.

Rules kept here:

1. It is gone when its author took it back and that was heard, when a network shows that we took it
   back, when it was held and settled, or when the room's timer, read back, has run out on it.
2. A message that went on to a conversation of its tier is gone from the lower one only by these.
3. What was only asked of its author is no fact.
4. What is a finding because a message waits is over once the message is settled, wherever it
   stands: released, moved or dropped.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from orchestrator.clock import DAY
from orchestrator.deals.book import DealView
from orchestrator.risk.signals import RoomSignal, Wrote
from orchestrator.store.unit import Tx
from tiers.guarantees import Evidence, Guarantee

RULES: Final = (
    *("restricted_text", "watch_name", "watch_amount", "above_room", "not_taken_back"),
    *("off_channel", "unread_content", "unjudged", "not_carried", "screenshot"),
)
"""Rules whose findings are about a message, and end here."""
SETTLES: Final = frozenset({"not_carried", "unjudged"})
"""Rules that are over once a message waits no more."""
PASSES: Final = {"off_channel": 7 * DAY, "screenshot": 7 * DAY}
"""What is over after a time without another."""
_WAITS: Final = frozenset({"held", "accepted", "delivering"})
_OPEN = f"""
SELECT f.rule, f.subject, m.accepted_at, m.state, m.taken_back_at IS NOT NULL, m.connector, m.room,
    EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.message_id AND d.kind = 'undo'
        AND d.state = 'done')
FROM finding f JOIN message m ON m.message_id = f.subject
WHERE f.deal_id = ? AND f.closed_at IS NULL AND f.rule IN ({", ".join("?" * len(RULES))})"""  # noqa: S608 - our own names


def wrote(tx: Tx, deal: DealView, rooms: Iterable[RoomSignal], at: int) -> tuple[Wrote, ...]:
    """Every message of a deal that a finding is open about.

    Args:
        tx: reads.
        deal: in force.
        rooms: as they were read back.
        at: now, microseconds UTC.
    """
    known = {room.place: room for room in rooms}
    bound = {f"{b.connector}:{b.room}" for of in deal.rooms.values() for b in of}
    found = []
    for rule, subject, accepted, state, taken_back, channel, room, undone in tx.all(
        _OPEN, (deal.deal_id, *RULES)
    ):
        place = f"{channel}:{room}"
        gone = _gone(bool(taken_back), bool(undone), state, place if place in bound else None)
        gone = gone or _timed(known, place, accepted, at) or _passed(rule, accepted, at)
        gone = gone or _settled(rule, state)
        found.append(Wrote(rule, subject, gone, accepted))
    return tuple(found)


def _gone(taken_back: bool, undone: bool, state: str, place: str | None) -> str | None:  # noqa: FBT001 - facts of a row
    if taken_back:
        return "its author took it back"
    if undone:
        return "it was taken back and seen gone"
    if place is None and state not in _WAITS:
        return "it was settled before anybody had it, or went where it may be"
    return None


def _timed(rooms: Mapping[str, RoomSignal], place: str, accepted: int, at: int) -> str | None:
    """The room's timer, read back or shown in its traffic, has run out on it."""
    room = rooms.get(place)
    timers = [
        h.value
        for h in (room.holdings if room is not None else None) or ()
        if h.guarantee is Guarantee.TIMER
        and h.evidence is Evidence.VERIFIED
        and h.stands(at)
        and h.at >= accepted
    ]
    longest = max((value for value in timers if value is not None), default=0)
    if longest and at - accepted >= longest:
        return "the room's timer has run out on it"
    return None


def _settled(rule: str, state: str) -> str | None:
    return "it is settled" if rule in SETTLES and state not in _WAITS else None


def _passed(rule: str, accepted: int, at: int) -> str | None:
    span = PASSES.get(rule)
    return "a while passed without another" if span and at - accepted >= span else None
