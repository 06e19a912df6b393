"""Ends copies whose time is over: row and entry in one unit, the files behind it.

Rules kept here:

1. What is ended is named in the chain by the unit that takes its row: a row that is gone without
   such an entry is a gap, and ``verify`` says so.
2. The rows go first. A file whose row is gone is removed behind the unit, and what a crash left of
   it at the next start (``JournalWriter.recover``).
3. Which copies may go is for whoever calls (``tiers.retention``).
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append, is_own
from orchestrator.audit.kinds import Kind
from orchestrator.audit.paging import page
from orchestrator.store.unit import Tx

ACTOR: Final = "wallcross"
EACH: Final = 100
"""Copies that one entry names."""
_TAKE = (
    "DELETE FROM journal WHERE message_id = ? AND deal_id = ? AND key_id IS NOT NULL "
    "RETURNING length(envelope)"
)
"""None: it is a file. (``envelope IS NULL`` is 0 here, whatever it is: seen with SQLite 3.40.)"""
_ENTRY = "SELECT entry, salt, body, hash FROM audit WHERE deal_id = ? AND n = ?"


def expire(tx: Tx, deal_id: str, messages: Sequence[str], *, at: int, policy: str) -> list[str]:
    """Takes the rows of copies whose time is over, and states it.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        messages: whose copies.
        at: microseconds UTC.
        policy: hash of the policy in force, by which they end.

    Returns:
        those whose copy is a file: remove it once the unit is on disk.
    """
    files: list[str] = []
    for first in range(0, len(messages), EACH):
        some = messages[first : first + EACH]
        taken = {one: row for one in some if (row := tx.one(_TAKE, (one, deal_id))) is not None}
        files += [message for message, (inline,) in taken.items() if inline is None]
        if taken:
            body: dict[str, Json] = {
                "messages": list(taken),
                "count": len(taken),
                "why": "retention",
                "policy": policy,
            }
            append(tx, deal_id, Kind.JOURNAL_EXPIRED, body, at=at, actor=ACTOR)
    return files


def expired(tx: Tx, deal_id: str) -> frozenset[str]:
    """The messages whose copies ended, by entries that this home made."""
    bodies = (_own_body(tx, deal_id, n) for n in _numbers(tx, deal_id))
    return frozenset(str(m) for body in bodies if body is not None for m in body["messages"])


def _numbers(tx: Tx, deal_id: str) -> Iterator[int]:
    before: int | None = None
    while True:
        leaf = page(tx, deal_id, before=before, limit=500, kinds=(str(Kind.JOURNAL_EXPIRED),))
        yield from (entry.n for entry in leaf.entries)
        before = leaf.after
        if before is None:
            return


def _own_body(tx: Tx, deal_id: str, n: int) -> dict[str, list[str]] | None:
    """What an entry says; None where another hand wrote or altered it."""
    row = tx.one(_ENTRY, (deal_id, n))
    if row is None:
        return None
    entry, salt, body, digest = row
    said = json.loads(entry)["commitment"]
    whole = sha256(entry).digest() == digest and sha256(salt + body).hexdigest() == said
    if not (whole and is_own(tx.pen, entry, salt, body)):
        return None
    found: dict[str, list[str]] = json.loads(body)
    return found
