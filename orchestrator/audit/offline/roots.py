"""Hashes, roots and signatures, as the one who checks sees them (RFC 9162 section 2.1)."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from orchestrator.audit.offline.values import json_object


def _canonical(value: Mapping[str, str | int]) -> bytes:
    # only for leaves, which are made of what was checked: ids, digests and numbers
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def chain_name(deal: str) -> str:
    """Returns the hash by which a chain is sorted under a root."""
    return sha256(deal.encode()).hexdigest()


def leaf_of(deal: str, n: int, digest: str) -> bytes:
    """Returns the leaf of a chain whose entry ``n`` has this hash."""
    head = sha256(_canonical({"deal": deal, "hash": digest, "n": n})).hexdigest()
    return _canonical({"chain": chain_name(deal), "head": head})


def root_of(leaf: bytes, index: int, size: int, path: list[str]) -> str | None:
    """Returns the root that a path leads to (RFC 9162 section 2.1.3.2), None for no path."""
    if type(index) is not int or not 0 <= index < size:
        return None
    digest, at, last = sha256(b"\x00" + leaf).digest(), index, size - 1
    for step in map(bytes.fromhex, path):
        if last == 0:
            return None
        if at % 2 or at == last:
            digest = sha256(b"\x01" + step + digest).digest()
            while at and not at % 2:
                at, last = at >> 1, last >> 1
        else:
            digest = sha256(b"\x01" + digest + step).digest()
        at, last = at >> 1, last >> 1
    return digest.hex() if last == 0 else None


def absent(deal: str, proof: Mapping[str, Any], root: str, size: int) -> bool:
    """Whether the two neighbours show that no leaf of this chain is under the root."""
    left, right = proof["left"], proof["right"]
    if size == 0:
        return left is None and right is None and root == sha256().hexdigest()
    if left is None and right is None:
        return False
    low = -1 if left is None else _neighbour(left, root, size)
    high = size if right is None else _neighbour(right, root, size)
    if low is None or high is None or high != low + 1:
        return False
    below = left is None or json_object(left["leaf"].encode())["chain"] < chain_name(deal)
    return below and (
        right is None or json_object(right["leaf"].encode())["chain"] > chain_name(deal)
    )


def _neighbour(side: Mapping[str, Any], root: str, size: int) -> int | None:
    found = root_of(side["leaf"].encode(), side["index"], size, side["path"])
    return side["index"] if found == root else None


def signed(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether an Ed25519 signature of ``data`` is valid."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
