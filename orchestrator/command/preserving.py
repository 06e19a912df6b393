"""Sealed copies whose time is over are destroyed, and never one that a legal hold keeps.

Rules kept here:

1. Nothing is destroyed while the record is not whole, while its signed heads or anchors say
   otherwise, while the clock is not trusted, or while what is to be preserved cannot be read. The
   chain is read whole before, and what was added since in the unit that destroys.
2. Who wrote a copy's message and where it was said counts only under this home's own mark; who
   could read it is everybody who was read back there, has or had a seat there, or was ever cleared
   for it. Where one of them is nobody that we know, all of them are unknown.
3. Rows and entry are one unit; a file goes behind it (``orchestrator.journal.expiry``).
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import structlog

from orchestrator.approvals.standing import read_standing
from orchestrator.audit.granted import stated
from orchestrator.audit.offline.report import Trust
from orchestrator.audit.state import stated_keys_of_heads
from orchestrator.audit.verify import verify_chain
from orchestrator.audit.whole import Wholeness
from orchestrator.command.runtime import Runtime
from orchestrator.config.mistakes import Invalid
from orchestrator.deals.agreed import load_agreed
from orchestrator.deals.book import DealView
from orchestrator.deals.legal_holds import HoldsUnreadable, read_holds, standing_holds
from orchestrator.journal.expiry import EACH, expire
from orchestrator.journal.policy import JournalPolicy, RecordRule
from orchestrator.outbox.marks import MESSAGE_COLUMNS, Origin, Placing, is_planted
from orchestrator.rooms.presence import presence
from orchestrator.roster.adoption import AdoptionRefused, in_force
from orchestrator.roster.since import adopted_rosters
from orchestrator.store.unit import Row, Tx
from tiers.conversation import Conversation
from tiers.ids import ConversationId, DealId, MessageId, PersonId
from tiers.people import Roster
from tiers.retention import Keeps, LegalHold, Record, duties

log = structlog.get_logger(__name__)

EVER: Final = 2**62
"""Later than any date of a copy."""
Readers = Mapping[ConversationId, frozenset[PersonId] | None]
"""By conversation who could ever read it; None, or no such conversation: not all are known."""
_COPIES = f"""
SELECT j.keep_until, j.message_id, j.record_class, j.at, m.accepted_at, m.conversation_id, m.tier,
    m.placed, m.mark, {MESSAGE_COLUMNS.format("m")}
FROM journal j JOIN message m ON m.message_id = j.message_id AND m.deal_id = j.deal_id
WHERE j.deal_id = ? AND j.key_id IS NOT NULL AND j.keep_until <= ?
    AND (j.keep_until, j.message_id) > (?, ?)
ORDER BY j.keep_until, j.message_id LIMIT ?"""  # noqa: S608 - our own columns
_ANY = "SELECT 1 FROM journal WHERE deal_id = ? AND key_id IS NOT NULL AND keep_until <= ? LIMIT 1"
_SEATED = (
    "SELECT s.conversation_id, s.person_id FROM seat s JOIN conversation USING (conversation_id) "
    "WHERE deal_id = ?"
)
Mark = tuple[int, str]
"""Behind which copy the next page begins: its date and its message."""
FIRST: Final[Mark] = (-1, "")


def keeps_of(policy: JournalPolicy) -> Keeps:
    """By record class for how long a policy keeps it: of two tiers of one class the longer."""
    found: dict[str, int] = {}
    for rule in policy.records.values():
        found[rule.record_class] = max(rule.keep, found.get(rule.record_class, 0))
    return found


def holds_of(tx: Tx, deal: DealId) -> tuple[LegalHold, ...]:
    """The legal holds that stand in a deal. Raises: HoldsUnreadable."""
    entries = stated(tx, deal)
    return standing_holds(read_holds(entries, read_standing(deal, entries)))


def readers_of(tx: Tx, view: DealView) -> Readers:
    """Who could ever read each conversation of a deal."""
    seen: dict[str, set[PersonId | None]] = {}
    for stay in presence(tx, view.deal_id):
        seen.setdefault(stay.conversation_id, set()).add(stay.person_id)
    for conversation, person in tx.all(_SEATED, (view.deal_id,)):
        seen.setdefault(conversation, set()).add(person)
    rosters = [roster for _, roster in adopted_rosters(tx, view.deal_id)]
    listed = [roster for roster in rosters if roster is not None]
    talks = {**view.closed, **view.conversations}
    unknown = set(view.doubted) if len(listed) == len(rosters) else set(talks)
    found: dict[ConversationId, frozenset[PersonId] | None] = {}
    for cid, talk in talks.items():
        people = {*seen.get(cid, ()), *chain.from_iterable(_cleared(r, talk) for r in listed)}
        known = frozenset(p for p in people if p is not None)
        found[cid] = None if cid in unknown or None in people else known
    return found


def _cleared(roster: Roster, talk: Conversation) -> Iterator[PersonId]:
    """Whom a roster lets read a conversation, in whatever phase and at whatever time."""
    for person in roster.people:
        if talk.side is not None and person.side != talk.side:
            continue
        held = (h.grant for h in roster.held_by(person.person_id))
        if any(g.compartment == talk.compartment and g.highest >= talk.floor for g in held):
            yield person.person_id


def copies(
    tx: Tx, view: DealView, readers: Readers, *, until: int = EVER, after: Mark = FIRST, most: int
) -> tuple[list[Record], Mark | None]:
    """Some copies of a deal, those whose date comes first before the others.

    Args:
        tx: any transaction.
        view: the deal.
        readers: as ``readers_of`` gives them.
        until: only those whose date is not later, microseconds UTC.
        after: behind which copy to begin.
        most: how many at most.

    Returns:
        them, and where the next ones begin; None: there are no more.
    """
    rows = tx.all(_COPIES, (view.deal_id, until, *after, most))
    found = [_record(tx, row, readers) for row in rows]
    return found, (rows[-1][0], rows[-1][1]) if len(rows) == most else None


def every_copy(tx: Tx, view: DealView) -> Iterator[Record]:
    """Every copy of a deal."""
    readers, after = readers_of(tx, view), FIRST
    while True:
        some, following = copies(tx, view, readers, after=after, most=1_000)
        yield from some
        if following is None:
            return
        after = following


def _record(tx: Tx, row: Row, readers: Readers) -> Record:
    keep_until, message, record_class, at, accepted, talk, tier, placed, mark, *columns = row
    origin, found = Origin(*columns), MessageId(message)
    record = Record(found, record_class, max(at, accepted), keep_until)
    if is_planted(tx.pen, origin, mark):
        return record
    if talk is None or is_planted(tx.pen, Placing(message, talk, tier), placed):
        return record
    where = ConversationId(talk)
    return replace(record, conversation=where, people=_people(origin, readers.get(where)))


def _people(origin: Origin, could: frozenset[PersonId] | None) -> frozenset[PersonId] | None:
    if could is None or origin.person_id is None:
        return None
    addressed = json.loads(origin.readers or "[]")
    return could | {PersonId(origin.person_id), *map(PersonId, addressed)}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What decides on a deal's copies, read at one instant.

    Attributes:
        hashes: of the policy and the roster that it was read of.
    """

    keeps: Keeps
    readers: Readers
    hashes: tuple[str, str]


def _rules_of(tx: Tx, view: DealView) -> _Rules | None:
    """What is in force by the record: a deal that is open may be a moment behind it."""
    found, hashes = load_agreed(tx, view.deal_id), _hashes(tx, view.deal_id)
    if found is None or hashes is None:
        return None
    rules = {t.value: RecordRule(p.record_class, p.keep_for) for t, p in found[2].tiers.items()}
    return _Rules(keeps_of(JournalPolicy(rules)), readers_of(tx, view), hashes)


def _hashes(tx: Tx, deal: DealId) -> tuple[str, str] | None:
    """Of the policy and the roster in force."""
    policy, roster = in_force(tx, deal, "policy"), in_force(tx, deal, "roster")
    return None if policy is None or roster is None else (policy.hash, roster.hash)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one unit came to. ``after``: where the next one begins; None: it is over."""

    gone: int
    files: tuple[str, ...]
    after: Mark | None


class Preserving:
    """Ends copies whose time is over, in every deal.

    Args:
        runtime: the open home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def turn(self) -> int:
        """One turn; returns how many copies were destroyed."""
        found = 0
        for view in list(self._r.book.deals.values()):
            if self._r.clock_trusted() and not self._r.book.record.flaws:
                found += await self._of_deal(view)
        return found

    async def _of_deal(self, view: DealView) -> int:
        """Ends the copies of one deal."""
        deal, at = view.deal_id, self._r.now()
        if await self._r.store.read(lambda tx: tx.one(_ANY, (deal, at))) is None:
            return 0
        try:
            return await self._end(view, at)
        except (HoldsUnreadable, AdoptionRefused, Invalid) as error:
            log.warning("journal.nothing_expires", deal=deal, why=str(error))
            return 0

    async def _end(self, view: DealView, at: int) -> int:
        """Ends what is to be ended, once the record was read whole. Raises: HoldsUnreadable."""
        deal, record, found, after = view.deal_id, Wholeness(), 0, FIRST
        rules = await self._r.store.read(lambda tx: _rules_of(tx, view))
        if rules is None:
            return 0
        if not await self._r.store.read(lambda tx: _owes(tx, view, rules, at)):
            return 0  # what holds keep is looked at each time: the record need not be
        if not await self._r.store.read(lambda tx: self._is_whole(tx, deal, record)):
            return 0
        while True:
            done = await self._unit(view, record, rules, after, at)
            await asyncio.to_thread(self._r.journal.forget, done.files)
            found += done.gone
            if done.after is None:
                return found
            after = done.after

    def _is_whole(self, tx: Tx, deal: DealId, record: Wholeness) -> bool:
        """Whether a chain is whole, as it is and as its heads and anchors say."""
        key = self._r.head_key
        trust = Trust(host_keys={key.public, *stated_keys_of_heads(tx)})
        return not record.look_at(tx, deal) and verify_chain(tx, deal, key.home, trust=trust).ok

    async def _unit(
        self, view: DealView, record: Wholeness, rules: _Rules, after: Mark, at: int
    ) -> _Turn:
        """Ends some copies, unless other rules or readers are in force meanwhile."""
        deal = view.deal_id

        def unit(tx: Tx) -> _Turn:
            if record.look_at(tx, deal) or _hashes(tx, deal) != rules.hashes:
                return _Turn(0, (), None)
            some, following = copies(tx, view, rules.readers, until=at, after=after, most=EACH)
            owed = duties(some, rules.keeps, holds_of(tx, deal), at)
            files = expire(tx, deal, owed.destroy, at=at, policy=rules.hashes[0])
            return _Turn(len(owed.destroy), tuple(files), following)

        return await self._r.store.write(unit)


def _owes(tx: Tx, view: DealView, rules: _Rules, at: int) -> bool:
    """Whether anything is to be destroyed."""
    holds, after = holds_of(tx, view.deal_id), FIRST
    while True:
        some, following = copies(tx, view, rules.readers, until=at, after=after, most=1_000)
        if duties(some, rules.keeps, holds, at).destroy:
            return True
        if following is None:
            return False
        after = following
