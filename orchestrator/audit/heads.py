"""Signs the heads of all chains: one statement with one Merkle root, at least once a minute.

Rules kept here:

1. A statement names the home, its own number and instant, the hash of the statement before it,
   and the root over the head of every chain. What stands outside the host for one statement
   therefore fixes every entry of every chain up to then.
2. What is signed starts with a text that nothing else of ours signs (domain separation).
3. The private key comes from the secret store and is never written by us; each public key that
   ever signed is kept, and its first use is itself an entry of the home's chain.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestrator.audit import chain, instants, merkle
from orchestrator.audit.body import canonical_of
from orchestrator.audit.kinds import Kind
from orchestrator.audit.proofs import Leaf, sorted_leaves
from orchestrator.store.unit import Tx

DOMAIN = b"wallcross audit head v1\n"
"""Stands before the statement in what is signed."""
SEED_BYTES = 32
FIRST_PREV = "0" * 64
_KEY = "audit_key:"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A statement over all chains and the host's signature of it.

    Attributes:
        n: the statement's number in this home, from 1.
        statement: the canonical bytes that were signed.
        signature: Ed25519 over ``DOMAIN`` and the statement.
        key_id: names the key, see ``key_id``.
        public: the public key, raw.
        at: when it was signed, microseconds UTC.
        links: the statements just before it, as an anchor gets them that did not take them.
    """

    n: int
    statement: bytes
    signature: bytes
    key_id: str
    public: bytes
    at: int
    links: tuple[bytes, ...] = ()

    @property
    def digest(self) -> bytes:
        """What is handed to a timestamp authority: the hash of the statement."""
        return sha256(self.statement).digest()


@dataclass(frozen=True, slots=True)
class HeadKey:
    """The home's key for statements, exports and channel records.

    Attributes:
        home: the home's id.
        key_id: names the key.
        public: the public key, raw.
    """

    home: str
    key_id: str
    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """Returns the Ed25519 signature of ``data``, which must start with a domain's text."""
        return self._private.sign(data)


def load_key(home: str, seed: Callable[[], bytes]) -> HeadKey:
    """Returns the key whose 32-byte seed the secret store holds.

    Args:
        home: the home's id.
        seed: asks the secret store.

    Raises:
        ValueError: the secret does not have 32 bytes.
    """
    secret = seed()
    if len(secret) != SEED_BYTES:
        raise ValueError(f"the secret of the audit key has {len(secret)} bytes, not {SEED_BYTES}")
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public = private.public_key().public_bytes_raw()
    return HeadKey(home, key_id(public), public, private)


def key_id(public: bytes) -> str:
    """Returns the short name of a public key: 16 hexadecimal digits of its hash."""
    return sha256(public).hexdigest()[:16]


def sign_heads(tx: Tx, key: HeadKey, *, at: int) -> SignedHead:
    """Signs the heads of all chains as they stand in this unit, and keeps the statement.

    Args:
        tx: the unit; entries that it appends after this call are not covered.
        key: the home's key.
        at: microseconds UTC.
    """
    _keep_key(tx, key, at)
    found = list(chain.heads(tx))
    n, prev = _last(tx)
    root = merkle.root(sorted_leaves({deal: Leaf.of(deal, *head) for deal, head in found})[1])
    statement = canonical_of(
        {"at": at, "home": key.home, "n": n + 1, "prev": prev, "root": root.hex(),
         "size": len(found), "v": 1}
    )  # fmt: skip
    head = SignedHead(n + 1, statement, key.sign(DOMAIN + statement), key.key_id, key.public, at)
    tx.run(
        "INSERT INTO audit_head (n, statement, signature, key_id, at) VALUES (?, ?, ?, ?, ?)",
        (head.n, statement, head.signature, head.key_id, at),
    )
    for deal, (entry, _) in found:
        _keep_leaf(tx, head.n, deal, entry)
    instants.keep_latest(tx, at)
    return head


def signed_heads(tx: Tx, after: int = 0) -> Iterator[SignedHead]:
    """Yields the statements with a number above ``after``, in order."""
    keys = public_keys(tx)
    rows = tx.all(
        "SELECT n, statement, signature, key_id, at FROM audit_head WHERE n > ? ORDER BY n",
        (after,),
    )
    for n, statement, signature, name, at in rows:
        yield SignedHead(n, statement, signature, name, keys[name], at)


def newest_head(tx: Tx) -> SignedHead | None:
    """Returns the newest statement, None when nothing was signed yet."""
    return next(signed_heads(tx, _last(tx)[0] - 1), None)


def public_keys(tx: Tx) -> dict[str, bytes]:
    """Returns every public key that ever signed here, by its id."""
    rows = tx.all("SELECT key, value FROM home WHERE key GLOB ?", (_KEY + "*",))
    return {name.removeprefix(_KEY): bytes.fromhex(value) for name, value in rows}


def _keep_key(tx: Tx, key: HeadKey, at: int) -> None:
    row = (_KEY + key.key_id, key.public.hex())
    if tx.run("INSERT INTO home VALUES (?, ?) ON CONFLICT DO NOTHING", row):
        body = {"key_id": key.key_id, "public": key.public.hex()}
        chain.append(tx, chain.HOME, Kind.AUDIT_KEY, body, at=at, actor="system")


def _last(tx: Tx) -> tuple[int, str]:
    row = tx.one("SELECT n, statement FROM audit_head ORDER BY n DESC LIMIT 1")
    return (row[0], sha256(row[1]).hexdigest()) if row else (0, FIRST_PREV)


def _keep_leaf(tx: Tx, head: int, deal: str, n: int) -> None:
    tx.run(
        """INSERT INTO audit_leaf (deal_id, head, n) SELECT ?1, ?2, ?3 WHERE ?3 IS NOT
           (SELECT n FROM audit_leaf WHERE deal_id = ?1 ORDER BY head DESC LIMIT 1)""",
        (deal, head, n),
    )
