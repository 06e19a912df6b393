"""What ends by itself: troubles that are not seen again, and strangers of whom nothing is kept.

Rules kept here:

1. A trouble that is told each time it happens is over once it did not happen for a day; of a
   misaddressed mail, for a week.
2. A finding about a stranger, or a mail that is not believed, is over once nothing of him is kept.
3. An author whom nobody owned is over once somebody of the roster owns his account, or once a
   whole list of the room's members that was read later lacks it.
4. Messages that waited for a journal are no trouble once those that waited when it was last seen
   went on.
5. A sealed name that could not be opened is over once it can, or once it is no more.
6. A device of our own account that nobody knew is over once a list that was asked for later lacks
   it; what one finding stands for many is over once no device is listed but one.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from orchestrator.clock import DAY
from orchestrator.deals.book import HOME, DealView
from orchestrator.deals.findings import close_findings
from orchestrator.risk.rules import Key
from orchestrator.risk.signals import OwnListed, RoomSignal
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName

SEAL_LOST: Final = "seal_lost"
OWN_DEVICE: Final = "own_device"
PASSING: Final = (
    *("echo", "forged", "strangers_many", "enrolment_refused", "enrolment_guessed"),
    *("unknown_sender", "misaddressed"),
)
SLOWLY: Final = "misaddressed"
"""What is over after a week only: people answer mails the next day."""
_PASSED = f"""
SELECT rule, subject FROM finding WHERE deal_id = ? AND closed_at IS NULL
    AND last_seen <= CASE rule WHEN ? THEN ? ELSE ? END
    AND (rule IN ({", ".join("?" * len(PASSING))})
        OR rule = 'above_room' AND EXISTS (
            SELECT 1 FROM conversation c WHERE c.conversation_id = finding.subject))"""  # noqa: S608 - our own names
_NOT_KEPT = """
WITH of AS (SELECT kept, connector || ':' || claimed_sender AS who FROM quarantine
    UNION ALL SELECT kept, connector || ':' || verdict FROM quarantine)
SELECT f.rule, f.subject FROM finding f
WHERE f.deal_id = ? AND f.closed_at IS NULL AND f.rule IN ('mail_quarantined', 'first_contact')
    AND EXISTS (SELECT 1 FROM of WHERE of.who = f.subject)
    AND NOT EXISTS (SELECT 1 FROM of WHERE of.who = f.subject AND of.kept = 1)"""
_OWN_OPEN = """
SELECT subject, last_seen FROM finding WHERE deal_id = ? AND closed_at IS NULL AND rule = ?"""
_AUTHORS = """
SELECT f.rule, f.subject, m.connector, m.room, m.sender, f.last_seen FROM finding f
JOIN message m ON m.message_id = f.subject
WHERE f.deal_id = ? AND f.closed_at IS NULL AND f.rule = 'unknown_author'"""

_JOURNALED = """
SELECT f.rule, f.subject FROM finding f
WHERE f.deal_id = ?1 AND f.closed_at IS NULL AND f.rule = 'journal' AND NOT EXISTS (
    SELECT 1 FROM message m INDEXED BY message_waiting
    WHERE m.deal_id = ?1 AND m.state = 'accepted' AND m.accepted_at <= f.last_seen)"""


def settle(tx: Tx, deal: DealView, rooms: Iterable[RoomSignal], at: int) -> int:
    """Closes what ended by itself in a deal; returns how many.

    Args:
        tx: writes.
        deal: in force.
        rooms: of the deal, as they were read.
        at: now, microseconds UTC.
    """
    journaled = [(rule, subject) for rule, subject in tx.all(_JOURNALED, (deal.deal_id,))]
    over = [*_passed(tx, deal.deal_id, at), *_owned_or_gone(tx, deal, rooms), *journaled]
    return _close(tx, deal.deal_id, over, at)


def settle_lost(tx: Tx, deal_id: str, lost: Collection[str], at: int) -> int:
    """Closes what says that a sealed name or list is lost, once it was written anew.

    Args:
        tx: writes.
        deal_id: the deal.
        lost: owners of what still cannot be opened.
        at: now, microseconds UTC.
    """
    sql = "SELECT subject FROM finding WHERE deal_id = ? AND rule = ? AND closed_at IS NULL"
    there = [subject for (subject,) in tx.all(sql, (deal_id, SEAL_LOST))]
    return _close(tx, deal_id, [(SEAL_LOST, s) for s in there if s not in lost], at)


def settle_home(tx: Tx, at: int) -> int:
    """As ``settle``, of what belongs to no deal."""
    not_kept = [(rule, subject) for rule, subject in tx.all(_NOT_KEPT, (HOME,))]
    return _close(tx, HOME, [*_passed(tx, HOME, at), *not_kept], at)


def own_open(tx: Tx) -> frozenset[str]:
    """Subjects of open findings about devices of our own accounts."""
    return frozenset(subject for subject, _ in tx.all(_OWN_OPEN, (HOME, OWN_DEVICE)))


def settle_own(tx: Tx, listed: Iterable[OwnListed], at: int) -> int:
    """Closes what says that our own account has a device that nobody knew, where it has it no more.

    Args:
        tx: writes.
        listed: what networks list now; a channel that told nothing is not among them.
        at: now, microseconds UTC.
    """
    told = {one.channel: one for one in listed}
    over = []
    for subject, last_seen in tx.all(_OWN_OPEN, (HOME, OWN_DEVICE)):
        channel, _, device = subject.partition(":")
        found = told.get(channel)
        if found is None or last_seen >= found.at:
            continue
        if device not in found.devices if device else len(found.devices) == 1:
            over.append((OWN_DEVICE, subject))
    return _close(tx, HOME, over, at)


def _passed(tx: Tx, deal_id: str, at: int) -> list[Key]:
    before = (deal_id, SLOWLY, at - 7 * DAY, at - DAY, *PASSING)
    return [(rule, subject) for rule, subject in tx.all(_PASSED, before)]


def _owned_or_gone(tx: Tx, deal: DealView, rooms: Iterable[RoomSignal]) -> Iterator[Key]:
    read = {room.place: room for room in rooms}
    for rule, subject, channel, room, account, seen in tx.all(_AUTHORS, (deal.deal_id,)):
        owned = deal.author(ConnectorName(channel), AccountId(account)) is not None
        if owned or _lacks(read.get(f"{channel}:{room}"), account, seen):
            yield rule, subject


def _lacks(room: RoomSignal | None, account: str, since: int) -> bool:
    """Whether a whole list of members, read later, is without somebody."""
    if room is None or room.members is None or not room.whole:
        return False
    later = room.members_at is not None and room.members_at > since
    return later and account not in {member.account for member in room.members}


def _close(tx: Tx, deal_id: str, over: list[Key], at: int) -> int:
    for rule, subject in over:
        close_findings(tx, deal_id, rule, subject, at)
    return len(over)
