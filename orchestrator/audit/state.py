"""What a chain says, entry by entry, and what of a store does not agree with it.

Rules kept here:

1. A chain is read whole, each entry held against its hash, the one before it and the home's pen;
   what fails is named, and states nothing.
2. What does not agree is named one by one: changed, missing (stated, and not there), extra (there,
   and not stated), or unsigned (stated, and its signature does not verify).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.audit.chain import HOME
from orchestrator.audit.granted import Stated
from orchestrator.audit.kinds import Kind
from orchestrator.audit.whole import Flaw, Wholeness
from orchestrator.store.unit import Tx

How = Literal["changed", "missing", "extra", "unsigned"]


@dataclass(frozen=True, slots=True)
class Differs:
    """One thing of a store that is not as its chain states it.

    Attributes:
        what: the kind of thing, such as ``key`` or ``room``.
        subject: which one; ids and names that a network gave, no text.
        how: changed, missing, extra or unsigned.
        because: in words for people.
    """

    what: str
    subject: str
    how: How
    because: str


@dataclass(slots=True)
class Findings:
    """What was compared, and what differs."""

    compared: dict[str, int] = field(default_factory=dict)
    differs: list[Differs] = field(default_factory=list)

    def count(self, what: str, more: int) -> None:
        """Counts things that were compared."""
        self.compared[what] = self.compared.get(what, 0) + more

    def add(self, what: str, subject: str, how: How, because: str) -> None:
        """Names one that differs, once."""
        found = Differs(what, subject, how, because)
        if found not in self.differs:
            self.differs.append(found)

    def compare(
        self, what: str, said: Mapping[str, object], there: Mapping[str, object], because: str = ""
    ) -> None:
        """Compares by subject what is stated with what is there."""
        self.count(what, len(said.keys() | there.keys()))
        for subject in sorted(said.keys() - there.keys()):
            self.add(what, subject, "missing", because or "it is stated and not in the store")
        for subject in sorted(there.keys() - said.keys()):
            self.add(what, subject, "extra", because or "it is in the store and nobody stated it")
        for subject in sorted(said.keys() & there.keys()):
            if said[subject] != there[subject]:
                self.add(what, subject, "changed", because or "it is not as it was stated")


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of a chain that is whole, with what it states."""

    n: int
    at: int
    kind: str
    actor: str
    body: dict[str, Any]


FLAWS = {
    "gap": ("missing", "an entry of the chain is missing"),
    "altered": ("changed", "an entry of the chain is not the one that was written"),
    "foreign": ("extra", "an entry of the chain was not written by this home"),
    "cut": ("missing", "the chain ends before an entry that stood in it"),
}


def read_entries(tx: Tx, deal_id: str) -> tuple[list[Told], tuple[Flaw, ...]]:
    """Returns what a chain says, without the entries that fail, and what is wrong with those."""
    flaws = Wholeness().look(tx, anew=True).get(deal_id, ())
    failed = {flaw.n for flaw in flaws}
    rows = tx.all("SELECT n, entry, body FROM audit WHERE deal_id = ? ORDER BY n", (deal_id,))
    return [_told(*row) for row in rows if row[0] not in failed], flaws


def _told(n: int, entry: bytes, body: bytes) -> Told:
    head = json.loads(entry)
    return Told(n, head["at"], head["kind"], head["actor"], json.loads(body))


def as_stated(deal_id: str, entries: Iterable[Told]) -> list[Stated]:
    """Those entries that grant or take back, as ``orchestrator.audit.granted`` gives them."""
    return [Stated(deal_id, e.n, e.kind, e.body) for e in entries if "row" in e.body]


def tell_flaws(found: Findings, flaws: Iterable[Flaw]) -> None:
    """Names what is wrong with the chain itself."""
    for flaw in flaws:
        how, because = FLAWS[flaw.code]
        found.add("entry", f"{flaw.deal_id}:{flaw.n}", how, because)  # type: ignore[arg-type]  # of the table above


def stated_keys_of_heads(tx: Tx) -> set[bytes]:
    """Returns the public keys of which the home's own chain states that they sign heads."""
    entries, _ = read_entries(tx, HOME)
    return {bytes.fromhex(e.body["public"]) for e in entries if e.kind == Kind.AUDIT_KEY}
