"""Journal keys of a deal: the public half, adopted; the private half is never here.

Rule kept here: the newest adopted key of a scope is in force.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyrage

from orchestrator.journal.errors import JournalError
from orchestrator.store.unit import Tx

FORMAT = "wallcross-journal-key/1"


@dataclass(frozen=True, slots=True)
class JournalKey:
    """A public key in force.

    Attributes:
        recipient: as age writes it (``age1…``).
        needed: shares that open it at least.
        shares: shares made.
    """

    key_id: str
    deal_id: str
    scope: str
    recipient: str
    needed: int
    shares: int


def adopt(tx: Tx, deal_id: str, public: Mapping[str, Any], *, at: int, actor: str) -> JournalKey:
    """Records the public file of ``keygen`` as a deal's key for its scope.

    Args:
        tx: the transaction; the audit entry belongs in the same one.
        deal_id: the deal.
        public: as ``keygen.generate`` made it.
        at: microseconds UTC.
        actor: who adopts it.

    Raises:
        JournalError: not such a file, or the key was adopted already.
    """
    key = _read(deal_id, public)
    added = tx.run(
        "INSERT OR IGNORE INTO journal_key VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (key.key_id, deal_id, key.scope, key.recipient, key.needed, key.shares, at, actor),
    )
    if not added:
        raise JournalError("this journal key was adopted for this deal and scope already")
    return key


def key_of(tx: Tx, deal_id: str, scope: str) -> JournalKey | None:
    """Returns the key in force for a scope, or None."""
    row = tx.one(
        "SELECT key_id, deal_id, scope, recipient, needed, shares FROM journal_key"
        " WHERE deal_id = ? AND scope = ? ORDER BY adopted_at DESC, key_id DESC LIMIT 1",
        (deal_id, scope),
    )
    return None if row is None else JournalKey(*row)


def _read(deal_id: str, public: Mapping[str, Any]) -> JournalKey:
    try:
        if public["format"] != FORMAT:
            raise JournalError(f"this is not a public journal key file ({FORMAT})")
        scope, recipient = str(public["scope"]), str(public["recipient"])
        needed = sum(int(group["needed"]) for group in public["groups"])
        shares = sum(len(group["commitments"]) for group in public["groups"])
        pyrage.x25519.Recipient.from_str(recipient)
    except (KeyError, TypeError, ValueError, pyrage.RecipientError):
        raise JournalError("the public journal key file is damaged; make it anew") from None
    digest = hashlib.sha256(f"{deal_id}\n{scope}\n{recipient}".encode()).hexdigest()
    return JournalKey(f"jkey_{digest[:32]}", deal_id, scope, recipient, needed, shares)
