"""Whether the chains of a home are whole, and all of them written by this home.

Rules kept here:

1. Every entry has its number, its hash and the hash of the one before it, commits to its body, and
   has a salt that the home's pen made. One that was altered, taken out or put in by somebody else
   is a flaw, whatever it states: an entry that takes away may have been hidden as well as one that
   grants been planted.
2. What was read once must still be there: a chain that was cut short since is found by the entry
   that stood at its end.
3. Whoever cut a chain short before it was read first is found by signed heads and anchors alone
   (``orchestrator.audit.verify``).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from orchestrator.audit.chain import GENESIS, heads, is_own
from orchestrator.store.unit import Row, Tx

_ENTRIES = "SELECT n, entry, salt, body, hash FROM audit WHERE deal_id = ? AND n > ? ORDER BY n"
_AT = "SELECT hash FROM audit WHERE deal_id = ? AND n = ?"
_READS = json.JSONDecoder()
MOST = 20
"""Flaws of one chain that are named."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with an entry of a chain, as a code: gap, altered, foreign, cut."""

    deal_id: str
    n: int
    code: str


@dataclass(slots=True)
class Wholeness:
    """What was read of each chain so far, and what is wrong with it."""

    _ends: dict[str, tuple[int, str]] = field(default_factory=dict)
    flaws: dict[str, tuple[Flaw, ...]] = field(default_factory=dict)

    def look(self, tx: Tx, *, anew: bool = False) -> dict[str, tuple[Flaw, ...]]:
        """Reads what was added to each chain, or with ``anew`` all of it; returns every flaw.

        What is wrong stays so until everything is read anew.
        """
        chains = {deal_id for deal_id, _ in heads(tx)} | self._ends.keys()
        for deal_id in sorted(chains):
            self.look_at(tx, deal_id, anew=anew)
        return self.flaws

    def look_at(self, tx: Tx, deal_id: str, *, anew: bool = False) -> tuple[Flaw, ...]:
        """The same of one chain."""
        before = self.flaws.pop(deal_id, ())
        found = [*self._cut(tx, deal_id), *self._read(tx, deal_id, anew=anew)]
        kept = tuple(dict.fromkeys(found if anew else [*before, *found]))[:MOST]
        if kept:
            self.flaws[deal_id] = kept
        return kept

    def read_to(self, deal_id: str) -> int:
        """The number of the entry of a chain up to which it was read; 0 before that."""
        return self._ends.get(deal_id, (0, GENESIS))[0]

    def add(self, flaw: Flaw) -> None:
        """Adds what somebody found who read entries by an index."""
        known = self.flaws.get(flaw.deal_id, ())
        self.flaws[flaw.deal_id] = tuple(dict.fromkeys((*known, flaw)))[:MOST]

    def _cut(self, tx: Tx, deal_id: str) -> Iterator[Flaw]:
        n, digest = self._ends.get(deal_id, (0, GENESIS))
        if n:
            row = tx.one(_AT, (deal_id, n))
            if row is None or row[0].hex() != digest:
                yield Flaw(deal_id, n, "cut")

    def _read(self, tx: Tx, deal_id: str, *, anew: bool) -> Iterator[Flaw]:
        last, prev = (0, GENESIS) if anew else self._ends.get(deal_id, (0, GENESIS))
        for row in tx.connection.execute(_ENTRIES, (deal_id, last)):
            n, digest = row[0], row[4].hex()
            if n != last + 1:
                yield Flaw(deal_id, last + 1, "gap")
            elif not _matches(row, deal_id, prev):
                yield Flaw(deal_id, n, "altered")
            elif not is_own(tx.pen, row[1], row[2], row[3]):
                yield Flaw(deal_id, n, "foreign")
            last, prev = n, digest
        self._ends[deal_id] = (last, prev)


def _matches(row: Row, deal_id: str, prev: str) -> bool:
    n, entry, salt, body, digest = row
    if sha256(entry).digest() != digest:
        return False
    try:
        text = entry.decode()
        said, end = _READS.raw_decode(text)  # a start reads every entry: `loads` costs twice
        named = (said["deal"], said["n"], said["prev"], said["commitment"])
    except (ValueError, KeyError, TypeError):
        return False
    commits = sha256(salt + body).hexdigest()
    return end == len(text) and named == (deal_id, n, prev, commits)
