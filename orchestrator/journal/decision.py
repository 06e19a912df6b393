"""Counsel's signed decision not to journal a scope's tier, and to journal it again.

Rules kept here:

1. The row grants nothing: the signature is checked over the exact statement each time it is used,
   against the counsel keys of the policy in force.
2. Every counsel whom the policy names for the scope must have signed; none named: never exempt.
3. A counsel's newest statement counts; of two of the same instant the one that journals.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from orchestrator.journal.errors import BadDecision
from orchestrator.journal.policy import JournalPolicy
from orchestrator.store.unit import Tx

FORMAT = "wallcross-journal-decision/1"


@dataclass(frozen=True, slots=True)
class Decision:
    """What counsel decides.

    Attributes:
        journal: False exempts; True ends an exemption.
        at: from when, microseconds UTC.
        until: end of the exemption, or None for no end.
    """

    deal_id: str
    scope: str
    tier: str
    journal: bool
    at: int
    until: int | None = None

    def statement(self) -> bytes:
        """Returns the canonical bytes (RFC 8785) that are signed."""
        return rfc8785.dumps(
            {
                "format": FORMAT,
                "deal": self.deal_id,
                "scope": self.scope,
                "tier": self.tier,
                "journal": self.journal,
                "at": self.at,
                "until": self.until,
            }
        )

    def exempts(self, at: int) -> bool:
        """Tells whether nothing is journaled at the instant ``at``."""
        return not self.journal and self.at <= at and (self.until is None or at < self.until)


def sign(decision: Decision, key: Ed25519PrivateKey) -> tuple[bytes, bytes, str]:
    """Returns statement, signature and signer (public key, hex). Runs with counsel, offline."""
    statement = decision.statement()
    return statement, key.sign(statement), key.public_key().public_bytes_raw().hex()


def check(statement: bytes, signature: bytes, signer: str) -> Decision:
    """Returns the decision when ``signer`` signed exactly this statement.

    Raises:
        BadDecision: not signed by that key, or not a statement in canonical form.
    """
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer)).verify(signature, statement)
    except (InvalidSignature, ValueError):
        raise BadDecision("a no-journal decision is not signed by the key that it names") from None
    return _read(statement)


def _read(statement: bytes) -> Decision:
    try:
        found: Mapping[str, Any] = json.loads(statement)
        decision = Decision(
            str(found["deal"]),
            str(found["scope"]),
            str(found["tier"]),
            found["journal"] is not False,
            int(found["at"]),
            None if found["until"] is None else int(found["until"]),
        )
    except (KeyError, TypeError, ValueError):
        raise BadDecision("a no-journal decision is not a statement of ours") from None
    if decision.statement() != statement:
        raise BadDecision("a no-journal decision is not in canonical form")
    return decision


def record(
    tx: Tx, policy: JournalPolicy, statement: bytes, signature: bytes, signer: str, *, at: int
) -> tuple[int, Decision]:
    """Records a signed decision; returns its number and what it says.

    Raises:
        BadDecision: not signed, or not by a counsel of the scope.
    """
    decision = check(statement, signature, signer)
    if signer not in policy.counsel.get(decision.scope, ()):
        raise BadDecision("the policy does not name this signer as counsel of the scope")
    row = tx.one(
        "INSERT INTO journal_exemption (deal_id, scope, tier, statement, signature, signer, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING n",
        (decision.deal_id, decision.scope, decision.tier, statement, signature, signer, at),
    )
    return (0 if row is None else int(row[0])), decision


@dataclass(frozen=True, slots=True)
class Signed:
    """A recorded decision whose signature held when it was read; ``n`` numbers it."""

    n: int
    decision: Decision
    signer: str


def verified(
    tx: Tx, deal_id: str, scope: str | None = None, tier: str | None = None
) -> tuple[Signed, ...]:
    """Returns the deal's recorded decisions that are signed by whom they name; no others.

    Args:
        tx: any transaction.
        deal_id: the deal.
        scope: only of this scope; None for every.
        tier: only of this tier; None for every.
    """
    rows = tx.all(
        "SELECT n, statement, signature, signer FROM journal_exemption"
        " WHERE deal_id = ?1 AND scope = coalesce(?2, scope) AND tier = coalesce(?3, tier)",
        (deal_id, scope, tier),
    )
    return tuple(found for row in rows if (found := _signed(row, deal_id)) is not None)


def _signed(row: tuple[Any, ...], deal_id: str) -> Signed | None:
    n, statement, signature, signer = row
    try:
        decision = check(statement, signature, signer)
    except BadDecision:
        return None
    return Signed(n, decision, signer) if decision.deal_id == deal_id else None


def exempting(
    found: Sequence[Signed], signers: Sequence[str], scope: str, tier: str, at: int
) -> int | None:
    """Returns the number of a decision among ``found`` that exempts at ``at``, or None.

    Args:
        found: as ``verified`` gives them.
        signers: every counsel whom the policy names for the scope.
        scope: ``joint`` or a side's id.
        tier: by name.
        at: microseconds UTC.
    """
    about = [
        s
        for s in found
        if (s.decision.scope, s.decision.tier) == (scope, tier) and s.decision.at <= at
    ]
    newest = [_newest(about, signer) for signer in signers]
    if not newest or any(said is None or not said.decision.exempts(at) for said in newest):
        return None
    return newest[0].n if newest[0] is not None else None


def _newest(about: Sequence[Signed], signer: str) -> Signed | None:
    own = [s for s in about if s.signer == signer]
    return max(own, key=lambda s: (s.decision.at, s.decision.journal), default=None)


def exemption(
    tx: Tx, policy: JournalPolicy, deal_id: str, scope: str, tier: str, at: int
) -> int | None:
    """Returns the number of a decision that exempts at ``at``, or None: journal it."""
    signers = policy.counsel.get(scope, ())
    if not signers:
        return None
    return exempting(verified(tx, deal_id, scope, tier), signers, scope, tier, at)
