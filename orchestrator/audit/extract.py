"""Some entries of a chain with what they commit to, beside an export of it without bodies.

Rules kept here:

1. Whoever gets an extract sees nothing of the chain's other entries but that they are there.
2. A line holds the exact bytes that were hashed: it can be held against the chain, and against its
   own commitment, by anybody.
"""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from orchestrator.audit.body import canonical_of
from orchestrator.store.unit import Tx

_FROM = "SELECT entry, salt, body FROM audit WHERE deal_id = ? AND n >= ? ORDER BY n"


def extract(
    tx: Tx, deal_id: str, first: int, wanted: Callable[[dict[str, Any]], bool]
) -> list[bytes]:
    """The lines of the entries that are wanted, from the ``first`` on.

    Args:
        tx: a snapshot.
        deal_id: the chain.
        first: the number of the first entry that is looked at.
        wanted: whether an entry goes in, by its body.
    """
    return [
        canonical_of(
            {"type": "entry", "entry": entry.decode(), "salt": salt.hex(), "body": body.decode()}
        )
        + b"\n"
        for entry, salt, body in tx.all(_FROM, (deal_id, first))
        if wanted(json.loads(body))
    ]


def differences(entries: Iterable[bytes], chain: Iterable[bytes]) -> list[str]:
    """What does not hold of an extract against its chain; empty when all of it does.

    Args:
        entries: the extract's lines.
        chain: lines of the export's ``audit.jsonl``, which its own program checks.
    """
    there = {found["entry"] for line in chain if (found := json.loads(line)).get("type") == "entry"}
    wrong = []
    for n, line in enumerate(entries, 1):
        found = json.loads(line)
        said = sha256(bytes.fromhex(found["salt"]) + found["body"].encode()).hexdigest()
        if found["entry"] not in there:
            wrong.append(f"line {n} is no entry of the chain")
        elif said != json.loads(found["entry"])["commitment"]:
            wrong.append(f"line {n} is not what its entry commits to")
    return wrong
