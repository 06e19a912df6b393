"""Counter-signs the heads in an anchor's folder; runs on another machine, with its own key.

Rules kept here:

1. Only heads signed by a key of the host that the witness was given are counter-signed.
2. Numbers and instants only grow. A head that goes back, or a second one with the same number,
   is refused: it stays without a counter-signature, and the witness says so.
3. What is signed names the hash of the statement and the witness's own time.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestrator.audit.anchors.folder import WITNESSED
from orchestrator.audit.body import canonical_of
from orchestrator.audit.heads import DOMAIN as HEAD_DOMAIN
from orchestrator.audit.offline.receipts import WITNESS_DOMAIN
from orchestrator.audit.offline.roots import signed
from orchestrator.audit.offline.values import Unreadable, json_object
from orchestrator.clock import Clock


@dataclass(slots=True)
class Witnessing:
    """What one turn did: the files counter-signed, and those refused."""

    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def countersign(
    folder: Path, seed: Callable[[], bytes], host_keys: Collection[bytes], clock: Clock
) -> Witnessing:
    """Counter-signs what is new in ``folder``.

    Args:
        folder: the anchor's folder.
        seed: asks the witness's own secret store for the 32-byte seed of his key.
        host_keys: the public keys (raw) of the host whose heads are taken.
        clock: the witness's clock.
    """
    private = Ed25519PrivateKey.from_private_bytes(seed())
    turn, found = Witnessing(), _found(folder, host_keys)
    numbers = Counter(head.n for head in found)
    n, at = max(((head.n, head.at) for head in found if head.marked), default=(0, 0))
    for head in sorted((head for head in found if not head.marked), key=lambda head: head.n):
        if head.n <= n or head.at < at or numbers[head.n] > 1:
            turn.refused.append(head.file.name)
            continue
        n, at = head.n, head.at
        _sign(head, private, clock())
        turn.done.append(head.file.name)
    return turn


@dataclass(frozen=True, slots=True)
class _Found:
    file: Path
    n: int
    at: int
    digest: str

    @property
    def mark(self) -> Path:
        return self.file.with_name(self.file.name + WITNESSED)

    @property
    def marked(self) -> bool:
        return self.mark.exists()


def _found(folder: Path, host_keys: Collection[bytes]) -> list[_Found]:
    files = [file for file in folder.glob("head-*.json") if not file.name.endswith(WITNESSED)]
    return [_read(file, host_keys) for file in files]


def _read(file: Path, host_keys: Collection[bytes]) -> _Found:
    """Reads a head; one that is not the host's has the number 0 and is never signed."""
    try:
        row = json_object(file.read_bytes())
        raw = row["statement"].encode()
        signature = bytes.fromhex(row["signature"])
        statement = json_object(raw)
        if any(signed(key, signature, HEAD_DOMAIN + raw) for key in host_keys):
            return _Found(file, statement["n"], statement["at"], sha256(raw).hexdigest())
    except (Unreadable, ValueError, KeyError, TypeError, AttributeError):
        return _Found(file, 0, 0, "")
    return _Found(file, 0, 0, "")


def _sign(head: _Found, private: Ed25519PrivateKey, at: int) -> None:
    statement = canonical_of({"at": at, "sha256": head.digest, "v": 1})
    row = {
        "public": private.public_key().public_bytes_raw().hex(),
        "signature": private.sign(WITNESS_DOMAIN + statement).hex(),
        "statement": statement.decode(),
        "type": "witness",
    }
    with head.mark.open("xb") as file:
        file.write(canonical_of(row) + b"\n")
