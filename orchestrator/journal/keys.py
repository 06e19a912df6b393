"""Journal keys of a deal: the public half, adopted; the private half is never here.

Rules kept here:

1. The newest adopted key of a scope is in force; its row and the entry that states it are one unit.
2. A row grants nothing: only the key that the newest entry about a scope names is in force, and
   only while its recipient is the one that its id was made of.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyrage

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
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
    """Records the public file of ``keygen`` as a deal's key for its scope, and states it.

    Args:
        tx: the transaction.
        deal_id: the deal.
        public: as ``keygen.generate`` made it.
        at: microseconds UTC.
        actor: who adopts it.

    Raises:
        JournalError: not such a file, or the key was adopted already.
    """
    key = read_public(deal_id, public)
    put_in_force(tx, key, at=at, actor=actor)
    return key


def put_in_force(tx: Tx, key: JournalKey, *, at: int, actor: str) -> None:
    """Records a key for its scope, and states it.

    Args:
        tx: the transaction.
        key: the public half.
        at: microseconds UTC.
        actor: who adopts it.

    Raises:
        JournalError: it was adopted already.
    """
    deal_id = key.deal_id
    added = tx.run(
        "INSERT OR IGNORE INTO journal_key VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (key.key_id, deal_id, key.scope, key.recipient, key.needed, key.shares, at, actor),
    )
    if not added:
        raise JournalError("this journal key was adopted for this deal and scope already")
    body: dict[str, Json] = {
        "key_id": key.key_id,
        "scope": key.scope,
        "row": commitment("journal_key", key.key_id),
    }
    append(tx, deal_id, Kind.JOURNAL_KEY_ADOPTED, body, at=at, actor=actor)


def in_force(stated: Iterable[Stated]) -> dict[str, str]:
    """Returns by scope the id of the key that a deal's entries, in their order, put in force."""
    adopted = (e.body for e in stated if e.kind == Kind.JOURNAL_KEY_ADOPTED)
    return {body["scope"]: body["key_id"] for body in adopted}


def key_of(tx: Tx, deal_id: str, scope: str, stated: Mapping[str, str]) -> JournalKey | None:
    """Returns the key in force for a scope, or None.

    Args:
        tx: any transaction.
        deal_id: the deal.
        scope: ``joint`` or a side's id.
        stated: by scope the key that the audit puts in force. Another one that was added to the
            table since, stated or not, is not taken for it: then there is none for now.
    """
    row = tx.one(
        "SELECT key_id, deal_id, scope, recipient, needed, shares FROM journal_key"
        " WHERE deal_id = ? AND scope = ? ORDER BY adopted_at DESC, key_id DESC LIMIT 1",
        (deal_id, scope),
    )
    if row is None or row[0] != stated.get(scope) or row[0] != key_id_of(deal_id, scope, row[3]):
        return None
    return JournalKey(*row)


def read_public(deal_id: str, public: Mapping[str, Any]) -> JournalKey:
    """The key of a public file of ``keygen``. Raises: JournalError."""
    try:
        if public["format"] != FORMAT:
            raise JournalError(f"this is not a public journal key file ({FORMAT})")
        scope, recipient = str(public["scope"]), str(public["recipient"])
        needed = sum(int(group["needed"]) for group in public["groups"])
        shares = sum(len(group["commitments"]) for group in public["groups"])
        pyrage.x25519.Recipient.from_str(recipient)
    except (KeyError, TypeError, ValueError, pyrage.RecipientError):
        raise JournalError("the public journal key file is damaged; make it anew") from None
    key_id = key_id_of(deal_id, scope, recipient)
    return JournalKey(key_id, deal_id, scope, recipient, needed, shares)


def key_id_of(deal_id: str, scope: str, recipient: str) -> str:
    """The id of a journal key: a hash over the deal, the scope and the recipient."""
    digest = hashlib.sha256(f"{deal_id}\n{scope}\n{recipient}".encode()).hexdigest()
    return f"jkey_{digest[:32]}"
