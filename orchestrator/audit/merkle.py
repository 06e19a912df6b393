"""One root over many leaves, and the path that shows a leaf to be under it (RFC 6962 section 2.1).

Rule kept here: leaves and inner nodes are hashed apart (0x00 and 0x01 in front), so that no node
can be passed off as a leaf.
"""

from collections.abc import Sequence
from hashlib import sha256


def leaf(data: bytes) -> bytes:
    """Returns the hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Returns the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Returns the root over ``leaves`` (their hashes, in order); of none: the hash of nothing."""
    if len(leaves) < 2:  # noqa: PLR2004 - RFC 6962 defines the cases 0 and 1
        return leaves[0] if leaves else sha256().digest()
    split = _split(len(leaves))
    return node(root(leaves[:split]), root(leaves[split:]))


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Returns the audit path of the leaf at ``index``, from the leaf up (RFC 6962 2.1.1)."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*path(leaves[:split], index), root(leaves[split:])]
    return [*path(leaves[split:], index - split), root(leaves[:split])]


def _split(count: int) -> int:
    return int(1 << (count - 1).bit_length() - 1)
