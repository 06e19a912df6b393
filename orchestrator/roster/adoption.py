"""Adopting a policy or a roster, and what is in force.

Rules kept here:

1. A document acts only once adopted: its row and the audit entry with its hash are one unit.
2. A row in a table grants nothing. What is in force is what the newest audit entry of its kind
   names; the table only keeps the document. A document that does not have that hash, an entry that
   does not match its own hash, or a newer row that no entry names is refused.
3. What waits for a second person is kept beside (``proposal``) and is in force nowhere: it is found
   again by its hash alone, which is what was signed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append, is_own
from orchestrator.audit.kinds import Kind
from orchestrator.config.policy import canonical_policy, to_policy
from orchestrator.roster.document import document_hash, from_document
from orchestrator.store.pen import Pen
from orchestrator.store.unit import Row, StoreError, Tx
from tiers.ids import DealId
from tiers.people import Roster
from tiers.policy import Policy

Adopted = Literal["policy", "roster"]
_KINDS: dict[Adopted, Kind] = {"policy": Kind.POLICY_ADOPTED, "roster": Kind.ROSTER_ADOPTED}

# The expression is that of the index audit_adopted: only adoptions are read.
_ENTRIES = """
SELECT n, entry, salt, body, hash FROM audit
WHERE deal_id = ? AND instr(entry, X'2e61646f7074656422') > 0 ORDER BY n DESC"""
_DOCUMENT = """
SELECT hash, document FROM adoption WHERE deal_id = ? AND kind = ? AND at <= ?
ORDER BY n DESC LIMIT 1"""
_FOR_EVER = 2**63 - 1


class AdoptionRefused(StoreError):
    """What the table holds is not what the audit says was adopted."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A document in force.

    Attributes:
        entry: its number in the deal's audit.
        hash: sha256 of the document, hexadecimal.
        at: when it was adopted, microseconds UTC.
    """

    deal_id: DealId
    kind: Adopted
    entry: int
    hash: str
    at: int
    actor: str
    document: str = field(repr=False)


def adopt(
    tx: Tx,
    deal_id: DealId,
    kind: Adopted,
    document: str,
    *,
    at: int,
    actor: str,
    request: str | None = None,
) -> Adoption:
    """Puts a document in force. The same document again changes nothing.

    Args:
        tx: the unit of work; row and audit entry are written in it.
        deal_id: the deal; must exist.
        kind: policy or roster.
        document: canonical.
        at: microseconds UTC.
        actor: ``local:<os user>`` or an id.
        request: of a founded deal: under which people agreed to it.

    Raises:
        PolicyInvalid, RosterInvalid: the document is none.
        AdoptionRefused: what is in force now does not match the audit, or is dated later.
        StoreError: there is no such deal.
    """
    checked = checked_document(kind, document)
    digest = document_hash(checked)
    if tx.one("SELECT 1 FROM deal WHERE deal_id = ?", (deal_id,)) is None:
        raise StoreError("there is no such deal")
    before = in_force(tx, deal_id, kind)
    if before is not None and before.hash == digest:
        return before
    if before is not None and at < before.at:
        raise AdoptionRefused(f"the {kind} in force was adopted later than now; check the clock")
    tx.run(
        "INSERT INTO adoption (deal_id, kind, hash, document, at, actor) VALUES (?, ?, ?, ?, ?, ?)",
        (deal_id, kind, digest, checked, at, actor),
    )
    body: dict[str, Json] = {"hash": digest, "before": None if before is None else before.hash}
    if request is not None:
        body["request"] = request
    entry = append(tx, deal_id, _KINDS[kind], body, at=at, actor=actor)
    return Adoption(deal_id, kind, entry, digest, at, actor, checked)


def in_force(tx: Tx, deal_id: DealId, kind: Adopted, at: int | None = None) -> Adoption | None:
    """What was in force at ``at`` (None: now), checked against the audit; None before any.

    Raises:
        AdoptionRefused: the table and the audit do not agree.
    """
    until = _FOR_EVER if at is None else at
    found = next((e for e in _entries(tx, deal_id, kind) if e[1]["at"] <= until), None)
    row = tx.one(_DOCUMENT, (deal_id, kind, until))
    if found is None and row is None:
        return None
    if found is None or row is None:
        missing = "audit" if found is None else "table"
        raise AdoptionRefused(f"the {kind} of this deal was adopted, but not by the {missing}")
    n, entry, body = found
    if row[0] != body["hash"] or document_hash(row[1]) != body["hash"]:
        raise AdoptionRefused(f"the {kind} in the table is not the one that was adopted")
    return Adoption(deal_id, kind, n, row[0], entry["at"], entry["actor"], row[1])


def history(tx: Tx, deal_id: DealId, kind: Adopted) -> list[tuple[int, str, str]]:
    """Every adoption of a kind, newest first: instant, hash, actor; from the audit alone."""
    found = _entries(tx, deal_id, kind)
    return [(entry["at"], body["hash"], entry["actor"]) for _, entry, body in found]


@dataclass(frozen=True, slots=True)
class Step:
    """One adoption of a kind, as the audit states it.

    Attributes:
        entry: its number in the deal's audit.
        before: hash of what it replaced; None: nothing was in force.
        request: under which people agreed to it; None: nobody was asked.
    """

    entry: int
    at: int
    hash: str
    before: str | None
    request: str | None


def steps(tx: Tx, deal_id: DealId, kind: Adopted) -> Iterator[Step]:
    """Every adoption of a kind, newest first, from the audit alone."""
    for n, entry, body in _entries(tx, deal_id, kind):
        yield Step(n, entry["at"], body["hash"], body["before"], body.get("request"))


def document_of(tx: Tx, deal_id: DealId, kind: Adopted, digest: str) -> str:
    """A document that was adopted once, by its hash.

    Raises:
        AdoptionRefused: the table does not have it.
    """
    found = "SELECT document FROM adoption WHERE deal_id = ? AND kind = ? AND hash = ?"
    lost = f"a {kind} that was adopted is not in the table any more"
    return _kept(tx.one(found, (deal_id, kind, digest)), digest, lost)


def _kept(row: Row | None, digest: str, lost: str) -> str:
    """A document as it was kept, if it is still the one of that hash."""
    if row is None or document_hash(row[0]) != digest:
        raise AdoptionRefused(lost)
    return str(row[0])


def propose(tx: Tx, deal_id: DealId, kind: Adopted, document: str, *, at: int, lasts: int) -> str:
    """Keeps a document that waits for a second person; returns its hash.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        kind: policy or roster.
        document: canonical.
        at: microseconds UTC.
        lasts: how long what waits is kept, microseconds.
    """
    tx.run("DELETE FROM proposal WHERE at < ?", (at - 2 * lasts,))
    digest = document_hash(document)
    tx.run(
        "INSERT INTO proposal (deal_id, kind, hash, document, at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (deal_id, kind, hash) DO UPDATE SET at = excluded.at",
        (deal_id, kind, digest, document, at),
    )
    return digest


def proposed(tx: Tx, deal_id: DealId, kind: Adopted, digest: str) -> str:
    """A document that waits, by its hash.

    Raises:
        AdoptionRefused: it is not there, or is not what the hash names.
    """
    found = "SELECT document FROM proposal WHERE deal_id = ? AND kind = ? AND hash = ?"
    lost = f"the {kind} that was asked for is not kept any more: ask again"
    return _kept(tx.one(found, (deal_id, kind, digest)), digest, lost)


def load_adopted(tx: Tx, deal_id: DealId) -> tuple[Roster, str, Policy] | None:
    """A deal's roster in force with its hash, and its policy; None while one is missing.

    Raises:
        AdoptionRefused: the table and the audit do not agree.
    """
    roster, policy = in_force(tx, deal_id, "roster"), in_force(tx, deal_id, "policy")
    deal = tx.one("SELECT made_up FROM deal WHERE deal_id = ?", (deal_id,))
    if roster is None or policy is None or deal is None:
        return None
    rules = to_policy(policy.document, made_up=is_made_up(tx, deal_id))
    return from_document(roster.document), roster.hash, rules


def is_made_up(tx: Tx, deal_id: DealId) -> bool:
    """Whether a deal was made as a made-up one, as its first audit entry says.

    Raises:
        AdoptionRefused: the table says otherwise than the audit.
    """
    row = tx.one("SELECT made_up FROM deal WHERE deal_id = ?", (deal_id,))
    first = tx.one(
        "SELECT n, entry, salt, body, hash FROM audit WHERE deal_id = ? AND n = 1", (deal_id,)
    )
    if row is None or first is None:
        raise AdoptionRefused("the deal is not in the audit")
    _, entry, body = _opened(first, tx.pen)
    if entry["kind"] != Kind.DEAL_CREATED or bool(body["made_up"]) != bool(row[0]):
        raise AdoptionRefused("the deal in the table is not the one that was made")
    return bool(body["made_up"])


def checked_document(kind: Adopted, document: str) -> str:
    """A document once it is known to be one, canonical.

    Raises:
        PolicyInvalid, RosterInvalid: it is none.
    """
    if kind == "policy":
        return canonical_policy(document)
    from_document(document)
    return document


Entry = tuple[int, dict[str, Any], dict[str, Any]]


def _entries(tx: Tx, deal_id: DealId, kind: Adopted) -> Iterator[Entry]:
    for row in tx.all(_ENTRIES, (deal_id,)):
        n, entry, body = _opened(row, tx.pen)
        if entry["kind"] == _KINDS[kind]:
            yield n, entry, body


def _opened(row: tuple[Any, ...], pen: Pen | None) -> Entry:
    """An entry with its body, checked to be what its own hashes say, and this home's own."""
    n, entry, salt, body, digest = row
    found = json.loads(entry)
    if sha256(entry).digest() != digest or sha256(salt + body).hexdigest() != found["commitment"]:
        raise AdoptionRefused(f"entry {n} of the audit does not match its own hash")
    if not is_own(pen, entry, salt, body):
        raise AdoptionRefused(f"entry {n} of the audit was not written by this home")
    return n, found, json.loads(body)
