"""What needs somebody now: held messages, findings, requests, channels that are down, deadlines.

Rules kept here:

1. Each is read from the state that it is in, so that a restart misses none and ends none.
2. Of a thing its kind, its deal and an id of ours are known here, and nothing else.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orchestrator.approvals.requests import standing
from orchestrator.approvals.standing import Standing
from orchestrator.audit.chain import HOME
from orchestrator.clock import HOUR, MINUTE
from orchestrator.store.unit import Tx
from tiers.ids import DealId, PersonId

HELD, FINDING, REQUEST, CHANNEL, DEADLINE = "held", "finding", "request", "channel", "deadline"
KINDS = (HELD, DEADLINE, REQUEST, CHANNEL, FINDING)
"""In the order in which they are told."""
SOON: dict[str, int] = {HELD: 30 * MINUTE, REQUEST: 6 * HOUR}
"""So long before it lapses the deadline of something is told."""
CHANNEL_RULES = ("channel_closed", "account_lost")

_HELD = "SELECT message_id, deadline FROM held WHERE state = 'held' AND deal_id = ?"
_FINDINGS = """
SELECT finding_id FROM finding INDEXED BY finding_open
WHERE deal_id = ? AND closed_at IS NULL AND severity IN ('high', 'critical')
    AND rule NOT IN (?, ?)"""
_CHANNELS = """
SELECT finding_id, subject FROM finding INDEXED BY finding_open
WHERE deal_id = ? AND closed_at IS NULL AND rule IN (?, ?)"""
_USES = "SELECT 1 FROM room WHERE deal_id = ? AND connector = ? LIMIT 1"
# The expressions are those of the index `audit_granting`.
_NEWEST = """
SELECT max(n) FROM audit INDEXED BY audit_granting
WHERE instr(body, X'22726f77223a22') > 0
    AND (instr(entry, X'226b696e64223a226b65792e') > 0) = 0 AND deal_id = ?"""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that needs somebody.

    Attributes:
        kind: one of ``KINDS``.
        subject: its id.
        who: those whom it needs, where not everybody will do.
        urgent: a message is held: quiet hours do not cover it.
    """

    kind: str
    subject: str
    who: frozenset[PersonId] = frozenset()
    urgent: bool = False


def newest_stated(tx: Tx, deal: DealId) -> int:
    """Number of the newest entry by which a deal's chain states something; 0: none does."""
    row = tx.one(_NEWEST, (deal,))
    return int(row[0] or 0) if row is not None else 0


class Things:
    """Finds them. What people signed is read again only when the record of a deal grew."""

    def __init__(self, read: Callable[[Tx, DealId], Standing] = standing) -> None:
        self._read = read
        self._known: dict[DealId, tuple[int, Standing]] = {}

    def of(self, tx: Tx, deal: DealId, at: int) -> tuple[Thing, ...]:
        """What needs somebody in a deal at ``at`` (microseconds UTC)."""
        return (*_held(tx, deal, at), *self._requests(tx, deal, at), *_findings(tx, deal))

    def _requests(self, tx: Tx, deal: DealId, at: int) -> Iterator[Thing]:
        found = self._standing(tx, deal)
        for name, request in found.requests.items():
            if not request.open(at) or not found.missing(request):
                continue
            signing = {a.person for a in found.approvers()} - set(request.yes)
            who = frozenset(p for p in signing if found.may_sign(request, p))
            yield Thing(REQUEST, name, who)
            if at >= request.expires_at - SOON[REQUEST]:
                yield Thing(DEADLINE, name, who)

    def _standing(self, tx: Tx, deal: DealId) -> Standing:
        newest = newest_stated(tx, deal)
        known = self._known.get(deal)
        if known is None or known[0] != newest:
            known = self._known[deal] = (newest, self._read(tx, deal))
        return known[1]


def _held(tx: Tx, deal: DealId, at: int) -> Iterator[Thing]:
    for message, deadline in tx.all(_HELD, (deal,)):
        yield Thing(HELD, str(message), urgent=True)
        if at >= deadline - SOON[HELD]:
            yield Thing(DEADLINE, str(message), urgent=True)


def _findings(tx: Tx, deal: DealId) -> Iterator[Thing]:
    yield from (Thing(FINDING, str(f)) for (f,) in tx.all(_FINDINGS, (deal, *CHANNEL_RULES)))
    for finding, name in tx.all(_CHANNELS, (HOME, *CHANNEL_RULES)):
        if tx.one(_USES, (deal, name)) is not None:
            yield Thing(CHANNEL, str(finding))
