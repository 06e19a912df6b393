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


# What each message makes, whether it is accepted, routed, settled or its delivery done.
NOT_COMMON = """instr(entry, X'226b696e64223a226d6573736167652e616363657074656422') = 0
    AND instr(entry, X'226b696e64223a226d6573736167652e726f7574656422') = 0
    AND instr(entry, X'226b696e64223a226d6573736167652e736574746c656422') = 0
    AND instr(entry, X'226b696e64223a2264656c69766572792e646f6e6522') = 0"""
_ENTRIES = f"SELECT n, entry, body FROM audit WHERE deal_id = ? AND {NOT_COMMON} ORDER BY n"  # noqa: S608 - our own text
_COUNT = "SELECT count(*) FROM audit WHERE deal_id = ?"
_AT = "SELECT 1 FROM audit WHERE deal_id = ? AND n = ?"


@dataclass(frozen=True, slots=True)
class Chain:
    """What a chain says, all of it checked.

    Attributes:
        entries: those that hold, but for what each message makes: of those there may be a
            million, and they state nothing that rows are compared with.
        flaws: what is wrong with the others.
        read: how many were read and hold.
    """

    entries: list[Told]
    flaws: tuple[Flaw, ...]
    read: int


def read_entries(tx: Tx, deal_id: str) -> Chain:
    """Reads and checks a whole chain."""
    flaws = Wholeness().look_at(tx, deal_id, anew=True)
    failed = {flaw.n for flaw in flaws}
    rows = tx.connection.execute(_ENTRIES, (deal_id,))
    entries = [_told(*row) for row in rows if row[0] not in failed]
    bad = sum(bool(tx.one(_AT, (deal_id, n))) for n in failed)
    return Chain(entries, flaws, tx.all(_COUNT, (deal_id,))[0][0] - bad)


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
    entries = read_entries(tx, HOME).entries
    return {bytes.fromhex(e.body["public"]) for e in entries if e.kind == Kind.AUDIT_KEY}
