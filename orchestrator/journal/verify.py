"""The journal's balance: accepted = journaled + exempt by signed decision + expired + waiting.

Rule kept here: a row counts only for what it proves. A copy must be an age file that is there, for
a key that was adopted; an exemption must verify again, as of the instant it was used; a copy whose
time is over is named so by an entry of this home, and is there no more. Our own notices hold
nobody's content and are not journaled.
"""

from dataclasses import dataclass
from typing import Any

from orchestrator.journal.decision import exemption
from orchestrator.journal.envelope import MAGIC
from orchestrator.journal.expiry import expired
from orchestrator.journal.policy import JOINT, JournalPolicy
from orchestrator.seal.blobs import Blobs
from orchestrator.store.unit import Tx

_COLUMNS = """m.message_id, m.state, m.tier, c.conversation_id IS NOT NULL, c.side,
 j.message_id IS NOT NULL, j.key_id, k.key_id IS NOT NULL, j.exemption, j.at,
 substr(j.envelope, 1, 40), length(j.envelope), e.scope"""
_SQL = f"""SELECT {_COLUMNS} FROM message m
 LEFT JOIN conversation c USING (conversation_id)
 LEFT JOIN journal j ON j.message_id = m.message_id
 LEFT JOIN journal_key k ON k.key_id = j.key_id AND k.deal_id = m.deal_id
 LEFT JOIN journal_exemption e ON e.n = j.exemption AND e.deal_id = m.deal_id
 WHERE m.deal_id = ? AND m.connector <> 'wallcross'"""  # noqa: S608 - joined from our own constants
_STRAY = """SELECT message_id FROM journal
 WHERE deal_id = ? AND message_id NOT IN (SELECT message_id FROM message WHERE deal_id = ?)"""


@dataclass(frozen=True, slots=True)
class Balance:
    """What ``verify`` counted.

    Attributes:
        broken: (message id, what is wrong with it); each counts in none of the sums.
    """

    accepted: int
    journaled: int
    exempt: int
    waiting: int
    broken: tuple[tuple[str, str], ...]
    expired: int = 0

    @property
    def ok(self) -> bool:
        """Tells whether every accepted message is accounted for."""
        kept = self.journaled + self.exempt + self.waiting
        return not self.broken and self.accepted == kept + self.expired


def verify(tx: Tx, deal_id: str, policy: JournalPolicy, files: Blobs) -> Balance:
    """Counts and checks a deal's journal.

    Args:
        tx: a reader's transaction.
        deal_id: the deal.
        policy: the adopted one; names counsel.
        files: the journal's folder (``JournalWriter.files``).
    """
    check = _Check(tx, deal_id, policy, files)
    counts = {"journaled": 0, "exempt": 0, "waiting": 0, "expired": 0}
    broken: list[tuple[str, str]] = []
    rows = tx.all(_SQL, (deal_id,))
    for row in rows:
        found = check.of(row)
        if found in counts:
            counts[found] += 1
        else:
            broken.append((row[0], found))
    stray = [(row[0], "journaled but never accepted") for row in tx.all(_STRAY, (deal_id, deal_id))]
    return Balance(len(rows), **counts, broken=tuple(broken + stray))


class _Check:
    """Says of one row ``journaled``, ``exempt``, ``expired``, ``waiting``, or what is wrong."""

    def __init__(self, tx: Tx, deal_id: str, policy: JournalPolicy, files: Blobs) -> None:
        self._tx = tx
        self._deal_id = deal_id
        self._policy = policy
        self._files = files
        self._expired = expired(tx, deal_id)

    def of(self, row: tuple[Any, ...]) -> str:
        message, state, tier, placed, side, there, key, known, exempt, at, head, size, scope = row
        if message in self._expired:
            return "expired" if not there else "its time was over, and it is there again"
        if not there:
            return _unwritten(state, tier)
        if (key is None) == (exempt is None):
            return "neither a copy nor an exemption"
        if key is not None:
            return self._copy(message, known=bool(known), head=head, size=size)
        if placed and scope != (side or JOINT):
            return "exempt by a decision about another conversation's scope"
        return self._exempt(scope, tier, at)

    def _copy(self, message: str, *, known: bool, head: bytes | None, size: int | None) -> str:
        if not known:
            return "sealed to a key that was never adopted"
        if head is None:
            try:
                with self._files.path(message).open("rb") as file:
                    head, size = file.read(40), file.seek(0, 2)
            except FileNotFoundError:
                return "its copy is missing"
        good = head.startswith(MAGIC) and (size or 0) > len(MAGIC)
        return "journaled" if good else "its copy is not an age file"

    def _exempt(self, scope: str | None, tier: str | None, at: int) -> str:
        if scope is None or tier is None:
            return "exempt by a decision that does not exist"
        found = exemption(self._tx, self._policy, self._deal_id, scope, tier, at)
        return "exempt" if found is not None else "exempt without counsel's valid signature"


def _unwritten(state: str, tier: str | None) -> str:
    """What it is that a message has no entry: it waits, ended while it waited, or is a gap."""
    if state == "accepted":
        return "waiting"
    ended = state == "dead" and tier is None
    return "ended by time while it waited for a key" if ended else "routed without a journal entry"
