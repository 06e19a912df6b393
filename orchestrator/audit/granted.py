"""What permits, as the chains state it: entries that commit to the row that they made.

Rules kept here:

1. An entry that grants, or takes back, carries in its body ``row``: a hash over the permitting
   columns of the row that was written with it. A row is believed only while it is the row of the
   newest entry about its subject.
2. An entry that does not match its own hash, that the one behind it does not follow, or whose
   salt the home's pen did not make, states nothing: whoever can write the whole database can
   append well-formed entries, and grants nothing by it. (What somebody does who has the home's
   secrets too is for the anchors to find.)
3. Entries are found through an index of their own: reading them costs by their number alone.
"""

import json
from hashlib import sha256
from typing import Any, NamedTuple

from orchestrator.audit.body import Json, canonical_of
from orchestrator.audit.chain import is_own
from orchestrator.store.pen import Pen
from orchestrator.store.unit import Row, Tx

# The expressions are those of the index: `"row":"` in the body, `"kind":"key.` in the entry.
_STATED = """
SELECT a.deal_id, a.n, a.entry, a.salt, a.body, a.hash, b.entry
FROM audit AS a INDEXED BY audit_granting
LEFT JOIN audit AS b ON b.deal_id = a.deal_id AND b.n = a.n + 1
WHERE instr(a.body, X'22726f77223a22') > 0
    AND (instr(a.entry, X'226b696e64223a226b65792e') > 0) = ?
"""
# Of the index `audit_member`: `"kind":"member.` in the entry.
_OF_MEMBERS = """
SELECT a.deal_id, a.n, a.entry, a.salt, a.body, a.hash, b.entry
FROM audit AS a INDEXED BY audit_member
LEFT JOIN audit AS b ON b.deal_id = a.deal_id AND b.n = a.n + 1
WHERE instr(a.entry, X'226b696e64223a226d656d6265722e') > 0 AND a.deal_id = ? ORDER BY a.n
"""


class Stated(NamedTuple):
    """An entry that grants or takes back.

    Attributes:
        n: its number in its chain.
        kind: as ``orchestrator.audit.kinds`` names it.
        body: what it states; ``row`` commits to the row.
        at: when it was written, microseconds UTC; 0 where nobody says.
    """

    deal_id: str
    n: int
    kind: str
    body: dict[str, Any]
    at: int = 0


def commitment(table: str, *columns: Json) -> str:
    """Returns the hash over a row's permitting columns, in hexadecimal."""
    return sha256(canonical_of([table, *columns])).hexdigest()


def stated(tx: Tx, deal_id: str) -> list[Stated]:
    """Returns what a deal's chain grants beside keys of people, in the chain's order."""
    rows = tx.all(_STATED + "AND a.deal_id = ? ORDER BY a.n", (0, deal_id))
    return [found for row in rows if (found := _checked(row, tx.pen)) is not None]


def stated_keys(tx: Tx) -> list[Stated]:
    """Returns what every chain states about keys of people, in the order of each chain."""
    rows = tx.all(_STATED + "ORDER BY a.deal_id, a.n", (1,))
    return [found for row in rows if (found := _checked(row, tx.pen)) is not None]


def stated_everywhere(tx: Tx) -> list[Stated]:
    """Returns what every chain grants beside keys of people, in the order of each chain."""
    rows = tx.all(_STATED + "ORDER BY a.deal_id, a.n", (0,))
    return [found for row in rows if (found := _checked(row, tx.pen)) is not None]


def stated_members(tx: Tx, deal_id: str) -> list[Stated]:
    """Returns what a deal's chain states about who is in its rooms, in the chain's order."""
    rows = tx.all(_OF_MEMBERS, (deal_id,))
    return [found for row in rows if (found := _checked(row, tx.pen)) is not None]


def _checked(row: Row, pen: Pen | None) -> Stated | None:
    deal_id, n, entry, salt, body, digest, following = row
    if sha256(entry).digest() != digest or (following and digest.hex().encode() not in following):
        return None
    head = json.loads(entry)
    if (
        sha256(salt + body).hexdigest() != head["commitment"]
        or (head["deal"], head["n"])
        != (
            deal_id,
            n,
        )
        or not is_own(pen, entry, salt, body)
    ):
        return None
    return Stated(deal_id, n, head["kind"], json.loads(body), head["at"])
