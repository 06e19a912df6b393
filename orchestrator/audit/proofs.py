"""Shows that a chain's head is under a signed root, or that the chain was not there yet.

Rules kept here:

1. The leaves of a root are sorted by the hash of the chain's id, each chain once. So absence can
   be shown too, by the two neighbours; else a rewritten chain could pretend to be younger.
2. A leaf that is shown as a neighbour gives away neither the other chain's id nor its length.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from orchestrator.audit import merkle
from orchestrator.audit.body import Json, canonical_of
from orchestrator.store.unit import Tx


@dataclass(frozen=True, slots=True)
class Leaf:
    """A chain's head under a root.

    Attributes:
        n: the number of the chain's last entry.
        chain: hash of the chain's id; leaves are sorted by it.
        data: canonical bytes of the leaf: the hash of the id, and the hash of id, number and hash.
    """

    n: int
    chain: str
    data: bytes

    @classmethod
    def of(cls, deal_id: str, n: int, digest: bytes) -> "Leaf":
        """Returns the leaf of a chain whose last entry is ``n`` with that hash."""
        head = canonical_of({"deal": deal_id, "hash": digest.hex(), "n": n})
        name = chain_name(deal_id)
        return cls(n, name, canonical_of({"chain": name, "head": sha256(head).hexdigest()}))


def chain_name(deal_id: str) -> str:
    """Returns the hash by which a chain is sorted under a root."""
    return sha256(deal_id.encode()).hexdigest()


def sorted_leaves(leaves: Mapping[str, Leaf]) -> tuple[list[Leaf], list[bytes]]:
    """Returns the leaves in their order under a root, and their hashes."""
    ordered = sorted(leaves.values(), key=lambda leaf: leaf.chain)
    return ordered, [merkle.leaf(leaf.data) for leaf in ordered]


def proofs(tx: Tx, deal_id: str) -> Iterator[tuple[int, dict[str, Json]]]:
    """Yields for each signed head its number and the proof of the deal's chain under its root.

    A proof is ``{"size", "in": {"n", "index", "path"}}``, or for a chain that had no entry yet
    ``{"size", "left", "right"}``: its neighbours (``{"index", "leaf", "path"}`` or None).
    """
    moved: dict[int, list[tuple[str, int]]] = {}
    for head, deal, n in tx.all("SELECT head, deal_id, n FROM audit_leaf ORDER BY head"):
        moved.setdefault(head, []).append((deal, n))
    leaves: dict[str, Leaf] = {}
    proof: dict[str, Json] = {"left": None, "right": None, "size": 0}
    for (head,) in tx.all("SELECT n FROM audit_head ORDER BY n"):
        if head in moved:
            for deal, n in moved.pop(head):
                leaves[deal] = Leaf.of(deal, n, _hash(tx, deal, n))
            proof = _prove(leaves, deal_id)
        yield head, proof


def _prove(leaves: Mapping[str, Leaf], deal_id: str) -> dict[str, Json]:
    ordered, hashes = sorted_leaves(leaves)
    if deal_id in leaves:
        index = ordered.index(leaves[deal_id])
        path = [step.hex() for step in merkle.path(hashes, index)]
        return {"in": {"index": index, "n": leaves[deal_id].n, "path": path}, "size": len(ordered)}
    place = sum(leaf.chain < chain_name(deal_id) for leaf in ordered)
    return {
        "left": _neighbour(ordered, hashes, place - 1),
        "right": _neighbour(ordered, hashes, place),
        "size": len(ordered),
    }


def _neighbour(ordered: list[Leaf], hashes: list[bytes], index: int) -> dict[str, Json] | None:
    if not 0 <= index < len(ordered):
        return None
    path = [step.hex() for step in merkle.path(hashes, index)]
    return {"index": index, "leaf": ordered[index].data.decode(), "path": path}


def _hash(tx: Tx, deal: str, n: int) -> bytes:
    row = tx.one("SELECT hash FROM audit WHERE deal_id = ? AND n = ?", (deal, n))
    return bytes(row[0]) if row else b""
